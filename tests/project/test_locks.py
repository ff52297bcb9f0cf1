"""Every lock names exact versions with their hashes, and no place to fetch them from."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
NPM_LOCKS = sorted(ROOT.glob("tests/*/package-lock.json"))
PIN = re.compile(
    r"^(?P<name>[a-z0-9._-]+)(?:\[[a-z0-9,]+\])?==(?P<version>\S+)(?P<rest>(?:.*\\\n)+.*)$",
    re.MULTILINE,
)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def _pins(lock: str) -> set[tuple[str, str]]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    return {(pin["name"], pin["version"]) for pin in PIN.finditer(text)}


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# By lock, from the smallest to the largest: what each asks for beyond the one before it.
ASKED = {"runtime": _names(PROJECT["dependencies"])} | {
    extra: _names(PROJECT["optional-dependencies"][extra]) for extra in ("demo", "dev", "bench")
}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_package_by_hash_and_by_nothing_else(lock: Path) -> None:
    rest = PIN.sub(_without_hashes, lock.read_text("utf-8"))
    assert rest.split() == []


def _without_hashes(pin: re.Match[str]) -> str:
    hashes = HASH.findall(pin["rest"])
    assert hashes, pin["name"]
    marker, _, _ = pin["rest"].partition("\\")
    assert re.fullmatch(r"( ; [\w. '<>=!-]+)? ", marker), pin["name"]
    return HASH.sub("", pin["rest"]).replace(marker, "", 1).replace("\\", "")


def test_no_lock_names_a_place_to_fetch_from() -> None:
    assert [lock.name for lock in (*LOCKS, *NPM_LOCKS) if "://" in lock.read_text("utf-8")] == []


def _without_integrity(lock: str) -> list[str]:
    packages: dict[str, dict[str, Any]] = json.loads(lock)["packages"]
    return [name for name, pin in packages.items() if name and "integrity" not in pin]


def test_an_npm_lock_has_a_hash_for_every_package() -> None:
    planted = (
        '{"packages": {"": {}, "node_modules/a": {"integrity": "sha512-"}, "node_modules/b": {}}}'
    )
    assert _without_integrity(planted) == ["node_modules/b"]
    for lock in NPM_LOCKS:
        assert _without_integrity(lock.read_text("utf-8")) == [], lock


def test_the_smaller_locks_agree_with_the_largest() -> None:
    for lock in LOCKS:
        assert set() < _pins(lock.stem) <= _pins("bench"), lock.name


def test_the_locks_hold_what_pyproject_asks_for() -> None:
    wanted: set[str] = set()
    for lock, names in ASKED.items():
        wanted |= names
        assert wanted <= {name for name, _ in _pins(lock)}, lock


@pytest.mark.parametrize("dependency", sorted(set().union(*ASKED.values())))
def test_every_dependency_has_its_reason_on_record(dependency: str) -> None:
    decision = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text("utf-8")
    assert re.search(rf"(?<![\w-]){dependency}(?![\w-])", decision)
