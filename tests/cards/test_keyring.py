"""The key ring: what its file holds, who may read it, and how a change reaches a process."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.cards import keyring
from app.cards.keyring import FILE_NAME, KeyFault, KeyRing, Keys
from app.cards.token import KeyState

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A folder with a fresh key ring of the demo."""
    keyring.init(tmp_path / "keys", environment="demo", now=NOW)
    return tmp_path / "keys"


@pytest.fixture
def keys(directory: Path) -> Keys:
    """The keys of that ring."""
    return KeyRing(directory).keys


def test_a_fresh_ring_has_an_active_key_of_each_kind_and_a_test_key(directory: Path) -> None:
    rows = [(row["kind"], row["id"], row["state"]) for row in keyring.listing(directory)]
    assert rows == [
        ("token", "1", "active"),
        ("token", "2", "test"),
        ("pepper", "1", "active"),
        ("encryption", "1", "active"),
        ("pass", "1", "active"),
        ("audit", "1", "active"),
    ]


def test_only_the_owner_can_read_the_ring(directory: Path) -> None:
    assert stat.S_IMODE((directory / FILE_NAME).stat().st_mode) == 0o600
    keyring.rotate(directory, "token", now=NOW)
    assert stat.S_IMODE((directory / FILE_NAME).stat().st_mode) == 0o600


def test_a_ring_that_exists_is_left_as_it_is(directory: Path) -> None:
    before = (directory / FILE_NAME).read_bytes()
    with pytest.raises(KeyFault, match="left as it is"):
        keyring.init(directory, environment="demo", now=NOW)
    assert (directory / FILE_NAME).read_bytes() == before


def test_a_missing_ring_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyFault, match="keys init"):
        _ = KeyRing(tmp_path).keys


def test_a_rotated_key_still_verifies_what_it_signed(directory: Path) -> None:
    ring = KeyRing(directory)
    old = ring.keys.signing_for(test=False)
    assert keyring.rotate(directory, "token", now=NOW) == 3
    assert ring.keys.signing_for(test=False).id == 3
    assert ring.keys.token[old.id].state is KeyState.VERIFY_ONLY


def test_a_running_process_sees_a_revoked_key_at_its_next_look(directory: Path) -> None:
    ring = KeyRing(directory)
    assert ring.keys.token[1].state is KeyState.ACTIVE
    keyring.revoke(directory, "token", 1, now=NOW)
    assert ring.keys.token[1].state is KeyState.REVOKED


@pytest.mark.parametrize(("number", "state"), [(1, KeyState.ACTIVE), (2, KeyState.TEST)])
def test_a_revoked_key_in_use_has_its_successor_in_the_same_write(
    number: int, state: KeyState, directory: Path
) -> None:
    keyring.revoke(directory, "token", number, now=NOW)
    in_use = [key.id for key in KeyRing(directory).keys.token.values() if key.state is state]
    assert in_use == [3]


def test_revoking_a_key_that_never_was_says_so(directory: Path) -> None:
    with pytest.raises(KeyFault, match="no token key 9"):
        keyring.revoke(directory, "token", 9, now=NOW)


def test_the_published_set_leaves_out_revoked_keys_and_every_secret(directory: Path) -> None:
    keyring.revoke(directory, "token", 1, now=NOW)
    published = KeyRing(directory).keys.jwks()
    assert [key["kid"] for key in published["keys"]] == ["2", "3"]
    assert [key.pop("test", False) for key in published["keys"]] == [True, False]
    assert {name for key in published["keys"] for name in key} == {
        "kty",
        "crv",
        "kid",
        "alg",
        "use",
        "x",
        "y",
    }


def test_what_is_sealed_opens_in_its_own_place_only(keys: Keys) -> None:
    sealed = keys.seal(b"Annelies", place="teacher|name|1")
    assert b"Annelies" not in sealed
    assert keys.unseal(sealed, place="teacher|name|1") == b"Annelies"
    with pytest.raises(KeyFault, match=r"teacher\|name\|2 cannot be opened"):
        keys.unseal(sealed, place="teacher|name|2")


def test_a_changed_sealed_text_is_refused(keys: Keys) -> None:
    sealed = bytearray(keys.seal(b"Annelies", place="here"))
    sealed[-1] ^= 1
    with pytest.raises(KeyFault):
        keys.unseal(bytes(sealed), place="here")


def test_after_a_rotation_older_sealed_texts_still_open(directory: Path) -> None:
    ring = KeyRing(directory)
    sealed = ring.keys.seal(b"Annelies", place="here")
    keyring.rotate(directory, "encryption", now=NOW)
    assert ring.keys.seal(b"Annelies", place="here")[0] == 2
    assert ring.keys.unseal(sealed, place="here") == b"Annelies"


def test_nothing_secret_shows_when_keys_are_printed(directory: Path, keys: Keys) -> None:
    document = json.loads((directory / FILE_NAME).read_text())
    shown = repr(keys) + repr(keyring.listing(directory))
    for kind in keyring.KINDS:
        for entry in document[kind]:
            assert entry["secret"] not in shown
    assert "value" not in shown
