"""The installer says in one sentence what a machine lacks, and leaves a ready .venv alone."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("cat", "cmp", "dirname", "sh")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the installer reads, in a folder whose name has a space, and no Python."""
    checkout = tmp_path / "a checkout"
    shutil.copytree(ROOT / "requirements", checkout / "requirements")
    shutil.copy(ROOT / "pyproject.toml", checkout)
    (checkout / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (checkout / "bin" / tool).symlink_to(found)
    return checkout


def _python(checkout: Path, name: str, *, new_enough: bool, complete: bool) -> None:
    """A Python that only answers the installer's two questions."""
    answers = f"""#!/bin/sh
case "$2" in
    *version_info*) exit {int(not new_enough)} ;;
    *ensurepip*) exit {int(not complete)} ;;
esac
echo "$0 $*" >&2
exit 9
"""
    script = checkout / "bin" / name
    script.write_text(answers, "utf-8")
    script.chmod(0o755)


def _install(checkout: Path, lock: str = "demo") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "requirements" / "install", lock],
        env={"PATH": str(checkout / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_machine_without_python_is_told_what_to_install(checkout: Path) -> None:
    told = _install(checkout)
    assert told.returncode == 1
    assert told.stderr == (
        "Python 3.11 or newer is needed and was not found: install it"
        " (Debian: apt-get install python3 python3-venv), then run make again.\n"
    )


def test_an_old_python_does_not_count(checkout: Path) -> None:
    _python(checkout, "python3", new_enough=False, complete=True)
    assert "was not found" in _install(checkout).stderr


def test_a_python_without_ensurepip_is_told_what_to_install(checkout: Path) -> None:
    _python(checkout, "python3", new_enough=True, complete=False)
    told = _install(checkout)
    assert told.returncode == 1
    assert told.stderr == (
        "python3 cannot make virtual environments: install what it lacks"
        " (Debian: apt-get install python3-venv), then run make again.\n"
    )


def test_another_python_serves_where_the_first_does_not(checkout: Path) -> None:
    _python(checkout, "python3", new_enough=True, complete=False)
    _python(checkout, "python3.12", new_enough=True, complete=True)
    assert "/python3.12 -m venv --clear .venv\n" in _install(checkout).stderr


@pytest.mark.parametrize(("present", "wanted"), [("demo", "demo"), ("dev", "demo")])
def test_a_venv_that_matches_a_lock_serves_all_smaller_ones(
    checkout: Path, present: str, wanted: str
) -> None:
    _pretend(checkout, present)
    assert (_install(checkout, wanted).returncode, _install(checkout, wanted).stderr) == (0, "")


def test_a_venv_that_matches_a_smaller_lock_is_not_enough(checkout: Path) -> None:
    _pretend(checkout, "demo")
    assert _install(checkout, "dev").returncode == 1


@pytest.mark.parametrize("changed", ["requirements/dev.txt", "pyproject.toml"])
def test_a_venv_is_renewed_after_a_change(checkout: Path, changed: str) -> None:
    _pretend(checkout, "dev")
    with (checkout / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert _install(checkout, "dev").returncode == 1


def test_a_venv_that_was_moved_is_made_anew(checkout: Path) -> None:
    _pretend(checkout, "dev")
    moved = checkout.rename(checkout.with_name("moved"))
    assert _install(moved, "dev").returncode == 1


def _pretend(checkout: Path, lock: str) -> None:
    """Leave the mark that a finished installation of `lock` leaves."""
    (checkout / ".venv").mkdir()
    parts = [
        f"{checkout}\n",
        (checkout / "pyproject.toml").read_text("utf-8"),
        (checkout / "requirements" / f"{lock}.txt").read_text("utf-8"),
    ]
    (checkout / ".venv" / lock).write_text("".join(parts), "utf-8")


def test_an_unknown_lock_is_refused(checkout: Path) -> None:
    told = _install(checkout, "everything")
    assert (told.returncode, told.stderr) == (1, "usage: requirements/install demo|dev|bench\n")
