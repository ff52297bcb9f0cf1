"""A deployment is judged whole: whoever mends it hears of everything at once."""

from datetime import datetime
from pathlib import Path

import pytest

from app.cards import keyring
from app.deployment import Deployment
from app.settings import Settings, StartRefused

FILES = (
    "LERARENKAART_APPLE_CERTIFICATE_FILE",
    "LERARENKAART_GOOGLE_SERVICE_ACCOUNT_FILE",
    "LERARENKAART_OIDC_CLIENT_KEY_FILE",
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no .env of the machine reaches a test."""
    monkeypatch.chdir(tmp_path)


def _faults(now: datetime, **settings: object) -> list[str]:
    with pytest.raises(StartRefused) as refused:
        Deployment.load(Settings(**settings), now=now)
    return refused.value.faults


def test_the_key_ring_and_every_file_that_is_missing_are_named_at_once(
    now: datetime, tmp_path: Path
) -> None:
    faults = _faults(now, environment="demo", key_directory=tmp_path)
    assert faults[0].startswith(f"there is no key ring at {tmp_path}")
    assert faults[1:] == [f"{name} is not set" for name in FILES]


def test_a_fault_that_settings_and_files_both_show_is_named_once(
    now: datetime, tmp_path: Path
) -> None:
    faults = _faults(now, environment="production", key_directory=tmp_path)
    assert [faults.count(f"{name} is not set") for name in FILES] == [1, 1, 1]


def test_a_client_key_that_cannot_be_read_keeps_the_service_from_starting(
    now: datetime, tmp_path: Path
) -> None:
    missing = tmp_path / "login-key.pem"
    faults = _faults(now, environment="demo", oidc_client_key_file=missing)
    assert f"{missing} cannot be read: No such file or directory" in faults


def test_the_keys_of_a_demonstration_are_refused_in_production(
    now: datetime, tmp_path: Path
) -> None:
    keyring.init(tmp_path, environment="demo", now=now)
    faults = _faults(now, environment="production", key_directory=tmp_path)
    assert "the key ring was made for demo, not production" in faults
