"""What a broken, shared or contested key file does to those who lean on it."""

import json
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.cards import keyring
from app.cards.keyring import FILE_NAME, KeyFault, KeyRing

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A folder with a fresh key ring."""
    keyring.init(tmp_path / "keys", environment="demo", now=NOW)
    return tmp_path / "keys"


def _without(directory: Path, *path: str | int) -> str:
    document = json.loads((directory / FILE_NAME).read_text("utf-8"))
    place = document
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return json.dumps(document)


@pytest.mark.parametrize(
    "path",
    [("environment",), ("token",), ("pepper", 0), ("token", 1), ("token", 0, "secret"), ()],
    ids=str,
)
def test_nobody_goes_on_with_the_keys_of_before_when_the_file_is_broken(
    path: tuple[str | int, ...], directory: Path
) -> None:
    ring, file = KeyRing(directory), directory / FILE_NAME
    whole = file.read_text("utf-8")
    assert ring.keys.environment == "demo"
    file.write_text(_without(directory, *path) if path else whole[: len(whole) // 2])
    for _ in range(2):
        with pytest.raises(KeyFault) as fault:
            _ = ring.keys
        assert fault.value.__cause__ is None
        assert len(str(fault.value)) < 80
    file.write_text(whole)
    assert ring.keys.environment == "demo"


def test_a_broken_file_is_left_as_it_is_by_the_command_line(directory: Path) -> None:
    (directory / FILE_NAME).write_text("{")
    with pytest.raises(KeyFault):
        keyring.rotate(directory, "token", now=NOW)
    assert (directory / FILE_NAME).read_text() == "{"


def _rotate(directory: Path, times: int) -> None:
    for _ in range(times):
        keyring.rotate(directory, "pass", now=NOW)


def test_a_key_revoked_amid_rotations_stays_revoked(directory: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=_rotate, args=(directory, 40)) for _ in range(2)]
    for other in others:
        other.start()
    ring, looks = KeyRing(directory), 0
    for number in range(1, 41):
        keyring.revoke(directory, "pepper", number, now=NOW)
        looks += len(ring.keys.secrets["pepper"])
    for other in others:
        other.join()
        assert other.exitcode == 0
    rows = [(row["kind"], row["state"]) for row in keyring.listing(directory)]
    assert rows.count(("pepper", "revoked")) == 40
    assert sum(kind == "pass" for kind, _ in rows) == 81
    assert looks
