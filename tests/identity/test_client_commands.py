"""`lerarenkaart client …`, from the terminal to a token that opens and then does not."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner, Result

from app.cli import cli
from app.db import Database
from app.errors import Conflict, NotFound
from app.identity.access_tokens import credentials_of
from app.identity.clients import UnfitKey, fit_key


@pytest.fixture(autouse=True)
def deployment(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands meet the database of this test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LERARENKAART_DATABASE_URL", database_url)


def run(*words: str) -> Result:
    """One command."""
    return CliRunner().invoke(cli, ["client", *words])


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """A public key as a file holds it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_client_is_added_gets_proofs_and_is_refused(database: Database, tmp_path: Path) -> None:
    added = run("add", "epd-sync", "--scope", "epd:write", "--scope", "epd:read")
    assert (added.exit_code, "lerarenkaart client key epd-sync" in added.output) == (0, True)
    assert run("key", "epd-sync").output.startswith("lk_secret_")
    (tmp_path / "key.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    name = run("key", "epd-sync", "--public-key", "key.pem").output.strip()
    with database.reading() as session:
        assert name in {one.name for one in credentials_of(session, "epd-sync")}
    run("revoke", "epd-sync", "--credential", name)
    with database.reading() as session:
        assert [bool(c.secret_hash) for c in credentials_of(session, "epd-sync")] == [True]
    listed = run("list").output
    assert "epd:read epd:write" in listed
    assert "revoked" in listed
    run("revoke", "epd-sync")
    with database.reading() as session:
        assert credentials_of(session, "epd-sync") == []


def test_a_client_asks_for_a_partner(database: Database) -> None:
    assert isinstance(
        run("add", "shop", "--scope", "verifications:write", "--partner", "x").exception, NotFound
    )
    assert database.engine


def test_what_cannot_be_is_said_in_a_sentence(database: Database, tmp_path: Path) -> None:
    assert database.engine
    assert run("add", "EPD sync", "--scope", "epd:read").exit_code == 1
    assert run("add", "epd-sync", "--scope", "all").exit_code == 2
    run("add", "epd-sync", "--scope", "epd:read")
    assert isinstance(run("add", "epd-sync", "--scope", "epd:read").exception, Conflict)
    assert isinstance(run("key", "nobody").exception, NotFound)
    (tmp_path / "key.pem").write_bytes(b"-----BEGIN")
    assert run("key", "epd-sync", "--public-key", "key.pem").exit_code == 1
    assert run("key", "epd-sync", "--public-key", "none.pem").exit_code == 1
    run("revoke", "epd-sync")
    assert isinstance(run("key", "epd-sync").exception, Conflict)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505 - the point of the test
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["short", "other-curve"],
)
def test_a_key_that_is_not_fit_is_not_registered(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
) -> None:
    with pytest.raises(UnfitKey):
        fit_key(pem(key))
