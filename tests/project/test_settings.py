"""Settings: what production refuses, all at once, and where secrets may come from."""

from pathlib import Path

import pytest

from app.settings import Settings

PRODUCTION = {
    "environment": "production",
    "public_url": "https://kaart.example",
    "oidc_client_id": "card",
    "oidc_client_key_file": "key.pem",
    "epd_base_url": "https://epd.example",
    "epd_token_url": "https://epd.example/token",
    "epd_client_id": "card",
    "epd_client_secret": "0123456789abcdef0123456789abcdef",
    "apple_pass_type_identifier": "pass.example",
    "apple_team_identifier": "TEAM123456",
    "apple_certificate_file": "pass.pem",
    "apple_wwdr_file": "wwdr.pem",
    "google_issuer_id": "3388",
    "google_service_account_file": "account.json",
}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no .env of the machine reaches a test."""
    monkeypatch.chdir(tmp_path)


def test_a_complete_production_configuration_has_no_faults() -> None:
    assert Settings(**PRODUCTION).faults() == []


def test_an_empty_production_configuration_names_every_fault_at_once() -> None:
    faults = Settings(environment="production").faults()
    assert len(faults) == 14
    assert "LERARENKAART_PUBLIC_URL must be an https URL" in faults
    assert "LERARENKAART_GOOGLE_ISSUER_ID is not set" in faults


@pytest.mark.parametrize(
    "secret", ["", "short", "demo-demo-demo-demo-demo-demo-demo", "change-me-" * 5]
)
def test_a_default_or_short_secret_is_refused(secret: str) -> None:
    faults = Settings(**PRODUCTION | {"epd_client_secret": secret}).faults()
    assert [fault.split()[0] for fault in faults] == ["LERARENKAART_EPD_CLIENT_SECRET"]


def test_a_secret_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("LERARENKAART_EPD_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    assert Settings(environment="demo").epd_client_secret.get_secret_value() == "from a file"


def test_a_secret_does_not_show_when_settings_are_printed() -> None:
    assert PRODUCTION["epd_client_secret"] not in repr(Settings(**PRODUCTION))


def test_codes_begin_with_the_public_address_in_capitals() -> None:
    assert Settings(public_url="https://kaart.example/").code_base == "HTTPS://KAART.EXAMPLE"


def test_a_long_host_in_codes_is_worth_a_warning() -> None:
    settings = Settings(public_url="https://lerarenkaart.onderwijs.example")
    assert "30 characters" in settings.warnings()[0]
    assert Settings(public_url="https://kaart.example").warnings() == []
