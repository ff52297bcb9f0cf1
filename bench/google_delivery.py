"""20,000 passes change while Google fails half of all calls: what arrives, how often, how fast.

Eight workers share the passes and one pace through the database. The pace is raised, so that
this takes minutes instead of hours, and Google's limit with it; everything else is real. Time to
wait for another try is not slept through: when nothing is due, the clock of everybody is moved.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import migrate
from app.cards import keyring, lifecycle, teachers
from app.cards.card_year import CardYear, card_year
from app.cards.keyring import KeyRing
from app.cards.model import WalletPass
from app.cards.token import Carrier
from app.db import Database
from app.passes.codes import SHOWN, content_of, totp_key_of
from app.passes.delivery import Delivery, GoogleObjects
from app.passes.google.account import ServiceAccount
from app.passes.google.client import BURST, LEFT_FREE, GoogleWallet
from app.passes.google.object import generic_class, generic_object
from app.passes.google.passes import CLASS_SUFFIX, GooglePasses, class_id
from app.passes.pace import Rate, SharedPace
from bench.measure import Measurement, measured
from demo import google_account, google_wallet
from demo.google_faults import Troubles
from demo.google_world import World
from demo.serving import free_port, listening

UPDATES, QUICK_UPDATES = 20_000, 500
WORKERS = 8
RATE = Rate(per_s=400, burst=BURST)
# In the same proportion as Google's 20 to our 14.
LIMIT_PER_S = 571
KINDS = [
    "401",
    "quota-403",
    "404",
    "409",
    "429",
    "500",
    "503",
    "latency",
    "disconnect",
    "lost-reply",
    "half-reply",
    "silence",
]
_SITE = "https://kaart.example"
_BASE = "HTTPS://KAART.EXAMPLE"
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where the passes are, and Google."""

    url: str
    database: Database
    ring: KeyRing
    clock: "Clock"
    account: Path


class Clock:
    """The real time, but for what was skipped."""

    def __init__(self) -> None:
        self._skipped = timedelta(0)

    def __call__(self) -> datetime:
        """The moment for everybody."""
        return _wall() + self._skipped

    def skip(self, time_: timedelta) -> None:
        """Move on."""
        self._skipped += time_


def google_delivery_20000_updates(rounds: int, seconds: float) -> Measurement:
    """Measure the share of updates that took effect exactly once, below Google's limit."""
    count = UPDATES if seconds >= 1 and rounds > 5 else QUICK_UPDATES  # noqa: PLR2004 - `--quick`
    begun = time.monotonic()
    seen = deliver(count, workers=WORKERS)
    took_s = time.monotonic() - begun
    note = f"{count} updates, half of all calls failing: {seen.calls} calls in {took_s:.0f} s, "
    note += f"at most {seen.peak_per_s} of {LIMIT_PER_S} in any second"
    ratio = seen.once / count if seen.peak_per_s <= LIMIT_PER_S else 0.0
    return measured("google_delivery_20000_updates", 1.0, [ratio], note)


@dataclass(frozen=True, slots=True)
class Seen:
    """What Google saw: updates with one effect and with more, all calls, the busiest second."""

    once: int
    more: int
    calls: int
    peak_per_s: int


def deliver(count: int, *, workers: int) -> Seen:
    """Bring that many updates to a Google that fails half of all calls in every way it knows."""
    with TemporaryDirectory() as folder, ExitStack() as open_:
        place, app = _place(Path(folder), open_)
        world: World = app.app.state.world  # type: ignore[attr-defined]  # an ASGI app has no more
        _seed(place, world, count)
        control = {"failing": 0.5, "kinds": KINDS, "requests_per_s": LIMIT_PER_S}
        httpx.post(f"{place.url}/_control", json=control).raise_for_status()
        runs = [_worker(place, open_) for _ in range(workers)]
        with ThreadPoolExecutor(workers) as threads:
            while _lagging(place.database):
                if not sum(threads.map(lambda run: run(), runs)):
                    # Whoever waits for another try has waited long enough.
                    place.clock.skip(timedelta(minutes=15))
        # The class may change as well, when Google denies having it.
        changes = [world.changes[name] for name in world.objects]
        once, more = changes.count(1), sum(one > 1 for one in changes)
        return Seen(once, more, len(app.requests), app.peak_per_s)


def _wall() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the pace is kept by the real time


def _place(folder: Path, open_: ExitStack) -> tuple[Place, Troubles]:
    clock, port = Clock(), free_port()
    url = f"http://localhost:{port}"
    account = google_account.create(folder, f"{url}/token")
    keyring.init(folder / "keys", environment="demo", now=clock())
    database_url = f"sqlite:///{folder / 'passes.sqlite3'}"
    migrate.upgrade(database_url)
    database = open_.enter_context(closing(Database(database_url)))
    app = google_wallet.create_app([account], clock=clock)
    assert isinstance(app, Troubles)  # noqa: S101 - as it is made there
    open_.enter_context(listening(app, port))
    return Place(url, database, KeyRing(folder / "keys"), clock, account), app


def _seed(place: Place, world: World, count: int) -> None:
    """Issue that many passes, each at Google in the state before its last change."""
    year = card_year(2026)
    for start in range(0, count, _CHUNK):
        names = range(start, min(start + _CHUNK, count))
        place.database.transact(partial(_issue, place=place, year=year, names=names))
    issuer = google_account.ISSUER_ID
    design = generic_class(issuer, CLASS_SUFFIX, public_url=_SITE, callback_url=None)
    world.classes[design["id"]] = design
    with place.database.reading() as session:
        for one in session.scalars(select(WalletPass).options(SHOWN)):
            shown = generic_object(
                content_of(one, keys=place.ring.keys, base=_BASE),
                issuer_id=issuer,
                class_id=class_id(issuer),
                totp_key=totp_key_of(one, keys=place.ring.keys),
            )
            world.objects[shown["id"]] = shown | {"hexBackgroundColor": "#000000"}


def _issue(session: Session, *, place: Place, year: CardYear, names: range) -> None:
    now, keys = place.clock(), place.ring.keys
    for name in names:
        teacher = teachers.know(session, name.to_bytes(32, "big"), pepper_id=1, now=now)
        card = lifecycle.issue(session, teacher, year=year, initials=0, why="employed", now=now)
        lifecycle.add_pass(session, card, Carrier.GOOGLE, keys=keys, now=now)
    session.execute(update(WalletPass).values(revision=2, pushed_revision=1))


def _worker(place: Place, open_: ExitStack) -> Callable[[], int]:
    wallet = open_.enter_context(
        closing(
            GoogleWallet(
                ServiceAccount.load(place.account),
                base_url=place.url,
                save_url=place.url,
                pace=SharedPace(place.database, "google", RATE, left_free=LEFT_FREE, clock=_wall),
                read_timeout_s=0.5,
            )
        )
    )
    passes = GooglePasses(wallet, issuer_id=google_account.ISSUER_ID, public_url=_SITE)
    objects = GoogleObjects(place.database, place.ring, passes, code_base=_BASE)
    return Delivery(place.database, objects, clock=place.clock).run


def _lagging(database: Database) -> int:
    lags = select(func.count()).where(WalletPass.pushed_revision < WalletPass.revision)
    with database.reading() as session:
        return session.scalar(lags) or 0
