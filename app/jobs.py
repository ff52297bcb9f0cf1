"""What becomes due by itself, and how often to look for it.

Knows every job and its rhythm; hides them from one another, so that a silent Google delays no
push to Apple.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from app import audit, audit_check, figures, metrics
from app.db import Database
from app.deployment import Deployment
from app.epd.due import review_due
from app.epd.pull import registering
from app.epd.pull.sync import Pull
from app.epd.push.runs import Runs, forget_old
from app.epd.rosters.applying import apply_next
from app.epd.rosters.reminding import remind
from app.epd.rosters.verbs import delete_drafts
from app.errors import Conflict, Unavailable
from app.notices import outbox
from app.notices.sending import Sending
from app.office import key_revocations
from app.passes import rotation
from app.passes.delivery import AppleDevices, Delivery, GoogleObjects
from app.passes.google.client import LEFT_FREE
from app.passes.google.holdings import forget_nonces
from app.recovery.journal import Journal
from app.retention.terms import Term, terms
from app.statistics import counting, entitled
from app.web.notice_texts import Writer
from app.web.texts import Texts

Clock = Callable[[], datetime]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work: `run` does a batch and returns its size, 0 when nothing is due.

    `period_s` is how long to wait before looking again.
    """

    name: str
    run: Callable[[], int]
    period_s: float


def all_jobs(deployment: Deployment, open_: ExitStack, clock: Clock) -> list[Job]:
    """Every job of a worker; what they hold open closes with `open_`."""
    database = open_.enter_context(closing(deployment.database()))
    return [
        *_epd_jobs(deployment, database, open_, clock),
        *_roster_jobs(deployment, database, clock),
        *_wallet_jobs(deployment, database, open_, clock),
        *_notice_jobs(deployment, database, clock),
        *_own_jobs(deployment, database, clock),
    ]


def _epd_jobs(
    deployment: Deployment, database: Database, open_: ExitStack, clock: Clock
) -> list[Job]:
    """What the personnel file says, and what time makes of it."""
    policy = deployment.policy
    client = open_.enter_context(closing(deployment.epd()))
    puller = Pull(database, deployment.ring, client, policy=policy, clock=clock)
    open_.callback(puller.finish)

    def pull() -> int:
        try:
            step = puller.step()
        except Conflict:
            return 0  # another worker is at it
        except Unavailable as silence:
            log.warning("epd-silent", cause=str(silence.__cause__))
            return 0
        return _counted("pulled", step.persons) if step.more else 0

    def review() -> int:
        now = clock()
        reviewed = database.transact(lambda session: review_due(session, policy=policy, now=now))
        return _counted("reviewed", reviewed)

    def register() -> int:
        try:
            registered = registering.register(database, deployment.ring, client, now=clock())
        except Unavailable as silence:
            log.warning("epd-silent", cause=str(silence.__cause__))
            return 0
        return _counted("epd-registrations", registered)

    return [
        Job("pull", pull, period_s=60.0),
        Job("review", review, period_s=60.0),
        Job("epd-registrations", register, period_s=300.0),
    ]


def _roster_jobs(deployment: Deployment, database: Database, clock: Clock) -> list[Job]:
    """Lists of institutions."""

    def apply() -> int:
        keys, policy, now = deployment.ring.keys, deployment.policy, clock()
        applied = database.transact(
            lambda session: apply_next(session, keys=keys, policy=policy, now=now)
        )
        return _counted("roster-persons", applied)

    def remind_all() -> int:
        now = clock()
        institution: str | None = ""
        while institution is not None:
            institution = database.transact(partial(remind, after=institution, now=now))
        return 0

    def delete() -> int:
        now = clock()
        deleted = database.transact(lambda session: delete_drafts(session, now=now))
        return _counted("roster-drafts-expired", deleted)

    return [
        Job("apply-rosters", apply, period_s=5.0),
        Job("remind-institutions", remind_all, period_s=6 * 3600.0),
        Job("expire-roster-drafts", delete, period_s=60.0),
    ]


def _wallet_jobs(
    deployment: Deployment, database: Database, open_: ExitStack, clock: Clock
) -> list[Job]:
    """Passes and the wallets they are in."""
    apns = open_.enter_context(closing(deployment.apns()))
    wallet = open_.enter_context(
        closing(deployment.google_wallet(database, left_free=LEFT_FREE, clock=clock))
    )
    ring = deployment.ring
    apple = AppleDevices(database, apns)
    google = GoogleObjects(
        database, ring, deployment.google_passes(wallet), code_base=deployment.settings.code_base
    )

    def rotate() -> int:
        keys, now = ring.keys, clock()
        with database.reading() as session:
            due = rotation.due(session, keys=keys, now=now)
        if not due:
            return 0
        rotated = database.transact(
            lambda writing: rotation.rotate_due(writing, due, keys=keys, now=now)
        )
        return _counted("rotated", rotated)

    return [
        Job("rotate", rotate, period_s=30.0),
        Job("google-class", lambda: google.bring_class(now=clock()), period_s=60.0),
        Job("deliver-apple", Delivery(database, apple, clock=clock).run, period_s=1.0),
        Job("deliver-google", Delivery(database, google, clock=clock).run, period_s=1.0),
    ]


def _notice_jobs(deployment: Deployment, database: Database, clock: Clock) -> list[Job]:
    """What holders hear of by mail, where there is a mail server."""

    def collect() -> int:
        now = clock()
        return database.transact(lambda session: outbox.collect(session, now=now))

    jobs = [Job("collect-notices", collect, period_s=5.0)]
    if relay := deployment.relay():
        sending = Sending(
            database,
            deployment.ring,
            relay,
            public_url=deployment.settings.public_url,
            write=Writer(Texts.load()),
            clock=clock,
        )
        jobs.append(Job("send-notices", sending.run, period_s=5.0))
    return jobs


def _own_jobs(deployment: Deployment, database: Database, clock: Clock) -> list[Job]:
    """What is only about our own rows."""

    def count() -> int:
        return counting.count(database, now=clock())

    def count_entitled() -> int:
        return entitled.count_entitled(database, now=clock())

    def gather() -> int:
        for name, ends_at in deployment.certificates.expiries().items():
            metrics.certificate(name, ends_at=ends_at)
        with database.reading() as session:
            figures.gather(session, now=clock())
        return 0

    def revoke_keys() -> int:
        revoked = key_revocations.carry_out(database, deployment.ring, now=clock())
        return _counted("keys-revoked", revoked)

    return [
        *_pushed(deployment, database, clock),
        *_kept_apart(deployment, database, clock),
        Job("revoke-keys", revoke_keys, period_s=5.0),
        Job("count", count, period_s=60.0),
        Job("count-entitled", count_entitled, period_s=300.0),
        Job("gather-figures", gather, period_s=30.0),
        *_endings(database, deployment, clock),
    ]


def _kept_apart(deployment: Deployment, database: Database, clock: Clock) -> list[Job]:
    """What must outlive whoever can change or put back the database."""
    settings = deployment.settings
    journal = Journal(settings.journal_file)

    def seal() -> int:
        with database.reading() as session:
            if not audit.waiting(session):
                return 0
        key = deployment.ring.keys.active("audit")
        head = database.transact(lambda session: audit.seal(session, key=key))
        if head is None:
            return 0
        # The log and the machine's own disk hold the head where who can change tables cannot.
        log.info("audit-sealed", head=str(head))
        audit_check.keep(settings.key_directory, head)
        return 1

    return [
        Job("seal-audit", seal, period_s=1.0),
        Job(
            "keep-journal",
            lambda: journal.keep(database, deployment.ring.keys, now=clock()),
            period_s=1.0,
        ),
    ]


def _pushed(deployment: Deployment, database: Database, clock: Clock) -> list[Job]:
    """What the personnel file pushed to us."""
    percent = deployment.settings.mass_change_brake_percent
    runs = Runs(
        database, deployment.ring, policy=deployment.policy, brake_percent=percent, clock=clock
    )

    def forget() -> int:
        now = clock()
        gone = database.transact(lambda session: forget_old(session, now=now))
        return _counted("epd-runs-forgotten", gone)

    return [
        Job("epd-runs", runs.run, period_s=1.0),
        Job("epd-forget", forget, period_s=3600.0),
    ]


def _endings(database: Database, deployment: Deployment, clock: Clock) -> list[Job]:
    """What ends what is kept, a job for every term."""

    def ending(term: Term) -> Callable[[], int]:
        def end() -> int:
            now = clock()
            return _counted(term.name, database.transact(lambda session: term.end(session, now)))

        return end

    def forget_callbacks() -> int:
        now = clock()
        forgotten = database.transact(lambda session: forget_nonces(session, now=now))
        return _counted("callbacks-expired", forgotten)

    table = terms(scan_link_days=deployment.settings.scan_link_days)
    return [
        *(Job(term.name, ending(term), period_s=term.every_s) for term in table),
        Job("forget-callbacks", forget_callbacks, period_s=60.0),
    ]


def _counted(event: str, count: int) -> int:
    if count:
        log.info(event, count=count)
    return count
