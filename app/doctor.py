"""Examines a deployment from end to end: what is wrong, and how each thing is mended.

Asks every part that the service leans on the way the service itself does, one after the other,
and goes on after a fault. Nothing is changed: no row, no pass and no key. Hides how each part is
reached; whoever runs it reads findings.
"""

import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

import httpx
from sqlalchemy import func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from app import migrate
from app.cards.keyring import FILE_NAME
from app.db import Database
from app.deployment import Deployment
from app.epd.model import PersonnelRecord
from app.errors import Failure, NotFound, Unavailable
from app.identity.discovery import ProviderFault
from app.passes import lease
from app.passes.apple.apns import Fate
from app.passes.google.answer import GoogleRefused, NoAccess
from app.passes.google.object import resource_id
from app.settings import PREFIX, Settings, StartRefused

# Days before its end from which a certificate is spoken of, and from which it is a fault.
RENEW_DAYS, LATE_DAYS = 60, 14
# Codes count for thirty seconds: a clock may be off by much less.
SKEW_S, FAR_OFF_S = 2.0, 15.0
# The Date of an answer has whole seconds, and the answer took its time.
TOLERANCE_S = 1.5
FREE_BYTES = 1_000_000_000
OLD_NEWS = timedelta(hours=36)
LAGGING_S = 3600
TIMEOUT_S = 5.0
MADE_UP_TOKEN = 32


class Severity(StrEnum):
    """How bad it is: good, to be looked after in time, or in the way of the service now."""

    GOOD = "good"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one part; `mend` is empty where there is nothing to mend."""

    part: str
    severity: Severity
    what: str
    mend: str = ""


Findings = Iterator[Finding]


def examine(settings: Settings, *, clock: Callable[[], datetime]) -> Findings:
    """Every finding, as soon as it is made. What needs a sound configuration waits for one."""
    now = clock()
    yield from _keys(settings.key_directory)
    yield from _database(settings, now=now)
    try:
        deployment = Deployment.load(settings, now=now)
    except StartRefused as refused:
        mend = f"Set or renew it ({PREFIX}… in the environment; docs/production.md, steps 2 to 4)."
        yield from (Finding("settings", Severity.FAULT, fault, mend) for fault in refused.faults)
        return
    for warning in deployment.warnings():
        yield Finding("settings", Severity.WARNING, warning, "It works; read docs/production.md.")
    yield Finding("settings", Severity.GOOD, "complete, and fit to start with")
    yield from _certificates(deployment, now=now)
    asked: list[Callable[[], Findings]] = [
        lambda: _clock(settings.oidc_issuer, clock),
        lambda: _login(deployment, now=now),
        lambda: _epd(deployment, now=now),
        lambda: _apple(deployment, now=now),
        lambda: _google(deployment, now=now),
        lambda: _mail(deployment),
    ]
    for ask in asked:
        yield from ask()


def _keys(directory: Path) -> Findings:
    ring = directory / FILE_NAME
    try:
        mode = stat.S_IMODE(ring.stat().st_mode)
    except OSError as fault:
        mend = "Run `lerarenkaart keys init` once, or mount the key ring where the setting says."
        yield Finding("keys", Severity.FAULT, f"{ring} cannot be read: {fault.strerror}", mend)
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        mend = f"chmod 600 {ring}: whoever reads it can make codes."
        yield Finding("keys", Severity.FAULT, f"{ring} is open to others ({mode:o})", mend)
    else:
        yield Finding("keys", Severity.GOOD, "the key ring is there and closed to others")


def _database(settings: Settings, *, now: datetime) -> Findings:
    try:
        with closing(Database(settings.database_url)) as database:
            current, head = migrate.current(database), migrate.head()
            if current != head:
                mend = "Run `lerarenkaart db upgrade`."
                what = f"the tables are at {current or 'nothing'}, this release needs {head}"
                yield Finding("database", Severity.FAULT, what, mend)
                return
            yield Finding("database", Severity.GOOD, f"answers; its tables are at {head}")
            yield from _work(database, now=now)
    except (SQLAlchemyError, Failure) as fault:
        mend = f"Look at the server and at {PREFIX}DATABASE_URL; nothing works without it."
        what = f"does not answer ({type(fault).__name__})"
        yield Finding("database", Severity.FAULT, what, mend)
        return
    yield from _room(settings.database_url)


def _work(database: Database, *, now: datetime) -> Findings:
    """What the rows say of the work: news that does not come, passes that nobody brings."""
    with database.reading() as session:
        heard_at = session.scalar(select(func.max(PersonnelRecord.received_at)))
        deliveries = lease.figures(session, now=now)
    if heard_at is None or now - heard_at > OLD_NEWS:
        last = "ever" if heard_at is None else f"since {heard_at:%Y-%m-%d %H:%M} UTC"
        mend = "Ask who runs its sync job, or pull: `lerarenkaart epd sync`. Cards stand meanwhile."
        yield Finding("news of the personnel file", Severity.WARNING, f"none {last}", mend)
    if deliveries.oldest_s > LAGGING_S:
        what = f"{deliveries.lagging} passes lag, the oldest since {deliveries.oldest_s} s"
        mend = "See that a worker runs (`lerarenkaart worker`) and what its log says."
        yield Finding("deliveries", Severity.WARNING, what, mend)
    if deliveries.parked:
        mend = "`lerarenkaart pass parked` says why; release them once that is mended."
        what = f"{deliveries.parked} passes could not be brought and wait for somebody"
        yield Finding("deliveries", Severity.WARNING, what, mend)


def _room(database_url: str) -> Findings:
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    free = shutil.disk_usage(Path(url.database).resolve().parent).free
    if free < FREE_BYTES:
        mend = "Make room: when the disk is full no verdict can be recorded."
        yield Finding("disk", Severity.FAULT, f"{free // 1_000_000} MB left", mend)
    else:
        yield Finding("disk", Severity.GOOD, f"{free // 1_000_000_000} GB left")


def _certificates(deployment: Deployment, *, now: datetime) -> Findings:
    for name, end in deployment.certificates.expiries().items():
        days = (end - now).days
        mend = "" if days > RENEW_DAYS else "Order its successor now (docs/production.md, step 2)."
        severity = Severity.WARNING if days > LATE_DAYS else Severity.FAULT
        yield Finding(
            "certificates",
            Severity.GOOD if not mend else severity,
            f"the {name} ends on {end:%Y-%m-%d}, in {days} days",
            mend,
        )


def _clock(url: str, clock: Callable[[], datetime]) -> Findings:
    """Our clock against that of the log-in, by the Date of its answer (RFC 9110, 6.6.1)."""
    try:
        answer = httpx.get(url, timeout=TIMEOUT_S, trust_env=False)
        there = parsedate_to_datetime(answer.headers["date"])
    except (httpx.HTTPError, KeyError, ValueError):
        mend = "Reach the log-in first; its answers carry the time."
        yield Finding("clock", Severity.WARNING, "nobody to compare with", mend)
        return
    off_s = abs((clock() - there).total_seconds()) - TOLERANCE_S
    if off_s <= SKEW_S:
        yield Finding("clock", Severity.GOOD, "agrees with that of the log-in")
        return
    severity = Severity.FAULT if off_s > FAR_OFF_S else Severity.WARNING
    mend = "Let NTP keep it: live codes count for thirty seconds."
    yield Finding("clock", severity, f"is off by about {off_s:.0f} s", mend)


def _login(deployment: Deployment, *, now: datetime) -> Findings:
    try:
        with closing(deployment.oidc()) as oidc:
            oidc.examine(now=now)
    except ProviderFault as fault:
        mend = f"Compare {PREFIX}OIDC_ISSUER with the registration, and try its address from here."
        yield Finding("log-in", Severity.FAULT, fault.detail, mend)
    else:
        yield Finding("log-in", Severity.GOOD, "publishes its endpoints and keys")


def _epd(deployment: Deployment, *, now: datetime) -> Findings:
    try:
        with closing(deployment.epd()) as client:
            client.examine(now=now)
    except Unavailable as fault:
        mend = f"Look at {PREFIX}EPD_TOKEN_URL, EPD_CLIENT_ID and EPD_CLIENT_SECRET; cards stand."
        yield Finding("personnel file", Severity.FAULT, f"no token: {fault.__cause__}", mend)
    else:
        yield Finding("personnel file", Severity.GOOD, "gives us a token")


def _apple(deployment: Deployment, *, now: datetime) -> Findings:
    """A push to a device that does not exist: only whoever is let in hears that it does not."""
    with closing(deployment.apns()) as apns:
        (answer,) = apns.push([secrets.token_hex(MADE_UP_TOKEN)], now=now)
    if answer.fate is Fate.MISCONFIGURED:
        mend = "The certificate must be of this pass type and not revoked."
        yield Finding("Apple's push service", Severity.FAULT, answer.reason, mend)
    elif answer.fate is Fate.LATER:
        mend = "Let port 443 out; until then phones are told later."
        yield Finding("Apple's push service", Severity.WARNING, answer.reason, mend)
    else:
        yield Finding("Apple's push service", Severity.GOOD, "lets us in")


def _mail(deployment: Deployment) -> Findings:
    relay = deployment.relay()
    if relay is None:
        mend = f"Set {PREFIX}SMTP_HOST and SMTP_SENDER; until then holders are offered no notices."
        yield Finding("mail server", Severity.WARNING, "none is set", mend)
        return
    try:
        with relay.connected():
            yield Finding("mail server", Severity.GOOD, "lets us in, over verified TLS")
    except Unavailable as fault:
        mend = f"Look at {PREFIX}SMTP_HOST, SMTP_PORT, SMTP_SECURITY, SMTP_USER and SMTP_PASSWORD."
        what = f"does not take our mail ({type(fault.__cause__).__name__})"
        yield Finding("mail server", Severity.FAULT, what, mend)


def _google(deployment: Deployment, *, now: datetime) -> Findings:
    """Asking for an object that was never made: only whoever has access hears that."""
    made_up = resource_id(deployment.settings.google_issuer_id, f"doctor-{secrets.token_hex(8)}")
    with (
        closing(deployment.database()) as database,
        closing(deployment.google_wallet(database, clock=lambda: now)) as wallet,
    ):
        try:
            wallet.get_object(made_up, now=now)
        except NotFound:
            yield Finding("Google Wallet", Severity.GOOD, "lets us in")
        except SQLAlchemyError:
            # Google's pace is kept in the database, whose own finding stands above.
            yield Finding(
                "Google Wallet", Severity.WARNING, "not asked", "Mend the database first."
            )
        except (NoAccess, GoogleRefused) as fault:
            mend = "Add the service account as a user of the issuer in Google's console."
            yield Finding("Google Wallet", Severity.FAULT, str(fault), mend)
        except Failure as fault:
            mend = "Try again; if it stays, look at the service account and let port 443 out."
            yield Finding("Google Wallet", Severity.WARNING, str(fault), mend)
