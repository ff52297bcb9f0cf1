"""The doctor in a whole simulated world: well, and with one thing wrong at a time."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.cards.keyring import FILE_NAME
from app.doctor import Finding, Severity, examine
from app.settings import Settings
from demo import apns, mail
from demo.deployment import PASS_TYPE_IDENTIFIER, Addresses, Deployment, prepare
from demo.population import cast
from demo.serving import free_port, listening
from demo.world import simulators, wall_clock

NAMES = ("identity_provider", "epd", "google")


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment on SQLite among everybody it leans on; its own processes do not run."""
    ports = {name: free_port() for name in NAMES}
    pushes, mail_port = free_port(), free_port()
    addresses = Addresses(
        service="http://localhost:1",
        **{name: f"http://localhost:{port}" for name, port in ports.items()},
        apns=f"https://localhost:{pushes}",
        mail_port=mail_port,
    )
    made = prepare(tmp_path_factory.mktemp("world") / "patient", addresses, now=wall_clock())
    people = cast(wall_clock().date())
    with ExitStack() as open_:
        for name, app in simulators(
            made.credentials, addresses, people, services=[addresses.service], clock=wall_clock
        ).items():
            open_.enter_context(listening(app, ports[name]))
        tls = apns.tls_context(made.credentials.apns.certificate, made.credentials.apple.root)
        server_tls = mail.server_tls(made.credentials.apns.certificate)
        open_.enter_context(mail.listening(mail.Mailbox(), tls=server_tls, port=mail_port))
        open_.enter_context(apns.listening(apns.World(PASS_TYPE_IDENTIFIER), tls=tls, port=pushes))
        yield made


def _examined(
    made: Deployment, *, clock: Callable[[], datetime] = wall_clock, **changed: object
) -> list[Finding]:
    settings = {name.lower(): value for name, value in made.settings.items()}
    return list(examine(Settings(**(settings | changed)), clock=clock))  # type: ignore[arg-type]


def _ill(findings: list[Finding]) -> dict[str, Severity]:
    return {one.part: one.severity for one in findings if one.severity is not Severity.GOOD}


def test_a_new_deployment_in_good_order_only_lacks_news(patient: Deployment) -> None:
    findings = _examined(patient)
    assert _ill(findings) == {"news of the personnel file": Severity.WARNING}
    assert {one.part for one in findings} == {
        *("keys", "database", "news of the personnel file", "disk", "settings", "certificates"),
        *(
            "clock",
            "log-in",
            "personnel file",
            "Apple's push service",
            "Google Wallet",
            "mail server",
        ),
    }


@pytest.mark.parametrize(
    ("name", "value", "part", "severity"),
    [
        ("oidc_issuer", "http://localhost:1/op", "log-in", Severity.FAULT),
        ("oidc_issuer", "http://localhost:1/op", "clock", Severity.WARNING),
        ("epd_client_secret", "another secret", "personnel file", Severity.FAULT),
        ("apns_base_url", "https://localhost:1", "Apple's push service", Severity.WARNING),
        ("google_wallet_base_url", "http://localhost:1", "Google Wallet", Severity.WARNING),
        ("smtp_host", "", "mail server", Severity.WARNING),
        ("smtp_port", 1, "mail server", Severity.FAULT),
        ("google_issuer_id", "3388000000000000001", "Google Wallet", Severity.FAULT),
        ("google_service_account_file", None, "settings", Severity.FAULT),
        ("database_url", "sqlite:////nowhere/at/all.sqlite3", "database", Severity.FAULT),
        ("database_url", "postgresql://nobody@127.0.0.1:1/none", "database", Severity.FAULT),
        ("key_directory", Path("/nowhere"), "keys", Severity.FAULT),
    ],
)
def test_each_part_that_is_out_of_order_is_found_and_comes_with_its_mend(
    patient: Deployment, name: str, value: object, part: str, severity: Severity
) -> None:
    findings = _examined(patient, **{name: value})
    assert _ill(findings)[part] is severity
    assert all(one.mend for one in findings if one.severity is not Severity.GOOD)


def test_a_key_ring_that_others_can_read_is_a_fault(patient: Deployment) -> None:
    ring = Path(str(patient.settings["KEY_DIRECTORY"])) / FILE_NAME
    ring.chmod(0o644)
    try:
        assert _ill(_examined(patient))["keys"] is Severity.FAULT
    finally:
        ring.chmod(0o600)


def test_tables_that_were_never_made_are_named_with_the_command(
    patient: Deployment, tmp_path: Path
) -> None:
    findings = _examined(patient, database_url=f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    (found,) = [one for one in findings if one.part == "database"]
    assert (found.severity, found.mend) == (Severity.FAULT, "Run `lerarenkaart db upgrade`.")


@pytest.mark.parametrize(
    ("off", "severity"),
    [(timedelta(seconds=8), Severity.WARNING), (timedelta(seconds=40), Severity.FAULT)],
)
def test_a_clock_that_is_off_is_found(
    patient: Deployment, off: timedelta, severity: Severity
) -> None:
    findings = _examined(patient, clock=lambda: wall_clock() + off)
    assert _ill(findings)["clock"] is severity


def test_a_certificate_is_spoken_of_sixty_days_before_its_end(patient: Deployment) -> None:
    def ends(days: int) -> set[Severity]:
        found = _examined(patient, clock=lambda: wall_clock() + timedelta(days=days))
        return {one.severity for one in found if one.part == "certificates"}

    assert Severity.WARNING not in ends(0)
    assert Severity.WARNING in ends(320)
    assert Severity.FAULT in ends(355)
