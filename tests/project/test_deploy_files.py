"""The files of a deployment name only what the service, its command and systemd know."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.exceptions import TyperException
from typer.main import get_command

from app.cli import cli
from app.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMMAND = "lerarenkaart"


def faults_of_settings(text: str) -> set[str]:
    """Names with our prefix in a text that no setting has."""
    names = set(re.findall(rf"\b{PREFIX}([A-Z0-9_]+)", text))
    known = {name.upper() for name in Settings.model_fields}
    return {name for name in names if name not in known and name.removesuffix("_FILE") not in known}


def is_command(arguments: list[str]) -> bool:
    """Whether the command line takes these arguments; `%i` of a unit stands for a number."""
    command: Any = get_command(cli)
    words = [re.sub(r"%\w", "1", word) for word in arguments]
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            return False
        command = command.commands[words.pop(0)]
    try:
        command.make_context(COMMAND, words)
    except TyperException:
        return False
    return True


def test_a_wrong_name_would_be_found() -> None:
    assert faults_of_settings("LERARENKAART_METRICS_PRT=1 LERARENKAART_PUBLIC_URL=x") == {
        "METRICS_PRT"
    }
    assert is_command(["serve", "--port", "8000"])
    assert not is_command(["serve", "--prt", "8000"])
    assert not is_command(["serve", "--port", "many"])
    assert not is_command(["serves"])
    assert not is_command(["db"])


@pytest.mark.parametrize(
    "path",
    [*UNITS, DEPLOY / "compose.yml", DEPLOY / "alerts.yml", ROOT / "Dockerfile"],
    ids=lambda path: path.name,
)
def test_every_setting_that_a_file_names_exists(path: Path) -> None:
    assert faults_of_settings(path.read_text("utf-8")) == set()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_exists(unit: Path) -> None:
    (line,) = re.findall(r"^ExecStart=(.+)$", unit.read_text("utf-8"), re.MULTILINE)
    program, *arguments = shlex.split(line)
    assert Path(program).name == COMMAND
    assert is_command(arguments)


def test_the_image_starts_a_command_that_exists() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    words = {
        verb: yaml.safe_load(value)
        for verb, value in re.findall(r"^(ENTRYPOINT|CMD) (\[.+\])$", text, re.MULTILINE)
    }
    assert words["ENTRYPOINT"] == [COMMAND]
    assert is_command(words["CMD"])
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert all((ROOT / name).exists() for names in copied for name in names.split())


def test_the_services_of_the_compose_file_fit_together() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))
    services = compose["services"]
    ours = {name: one for name, one in services.items() if one["image"] == COMMAND}
    assert set(ours) == {"migrated", "web", "worker"}
    assert all(is_command(one["command"]) for one in ours.values())
    for one in services.values():
        assert set(one.get("depends_on", ())) <= set(services)
        assert set(one.get("networks", ())) <= set(compose["networks"])
        assert set(one.get("secrets", ())) <= set(compose["secrets"])
        named = {volume.split(":")[0] for volume in one.get("volumes", ())}
        assert {name for name in named if not name.startswith(".")} <= set(compose["volumes"])
    upstream = re.findall(r"server (\w+):\d+ resolve", (DEPLOY / "nginx.conf").read_text("utf-8"))
    assert upstream == ["web"]


def test_every_alert_rule_has_what_a_rule_has() -> None:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yml").read_text("utf-8"))["groups"]
    rules = group["rules"]
    names = [rule["alert"] for rule in rules]
    assert len(names) == len(set(names)) > 10
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))
        assert rule["annotations"]["summary"]
        assert all(rule["expr"].count(a) == rule["expr"].count(b) for a, b in ("()", "[]", "{}"))


def _verified(unit: str, folder: Path, name: str) -> str:
    # The program is not there and units of other packages are not judged.
    path = folder / name
    path.write_text(unit.replace("/opt/lerarenkaart/bin/lerarenkaart", "/bin/true"), "utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", str(path)]
    judged = subprocess.run(verify, capture_output=True, text=True, check=False)
    stem, _, _ = name.partition("@")
    return "\n".join(line for line in judged.stderr.splitlines() if stem in line)


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="NO SYSTEMD: the keys of its units were not checked"
)
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_knows_every_key_of_a_unit(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text("utf-8")
    assert _verified(text, tmp_path, unit.name) == ""
    wrong = text.replace("NoNewPrivileges", "NoNewPrivilege")
    assert "Unknown key" in _verified(wrong, tmp_path, unit.name)
