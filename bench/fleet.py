"""Apple devices by the thousand, an APNs that fails half of the time, workers that are killed.

Everything is real but Apple: the service answers over HTTP, workers are processes that end by
SIGKILL, every device registers, is pushed to, asks, downloads and checks hashes as iOS does.
The clock of the workers runs faster, so that leases and pauses of minutes fit in a run.
"""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import worker
from app.cards import lifecycle, teachers
from app.cards.card_year import belgian_day, card_year
from app.cards.model import Card, WalletPass
from app.cards.token import Carrier
from app.db import Database, uuid7
from app.deployment import Deployment
from app.jobs import Job
from app.log import configure
from app.passes import lease
from app.passes.apple.apns import Apns
from app.passes.apple.passes import authentication_token
from app.passes.codes import SHOWN, content_of
from app.passes.delivery import AppleDevices, Delivery
from app.settings import Settings
from bench.measure import Measurement, measured
from bench.postgresql import server
from demo import apns
from demo.apns import Fault, Push
from demo.deployment import Addresses, prepare
from demo.deployment import Deployment as Site
from demo.phone import HeldPass, IPhone, Watch
from demo.serving import free_port, running
from demo.world import wall_clock

# So much faster goes the clock of the workers: a lease of three minutes ends after six seconds.
SPEED = 30.0
ANSWER_S, PUSHES_PER_S = 0.4, 400.0
# A worker lives for so many pushes at most, not seconds: a busy machine only takes longer.
# Most workers live through a batch, or nothing would ever be noted.
WORKERS, PUSHES_A_LIFE = 2, 600
# Half of all pushes meet an answer that means later; some, trouble on the way; few blame us.
ANSWERS = (
    Fault(429, "TooManyRequests"),
    Fault(500, "InternalServerError"),
    Fault(503, "ServiceUnavailable"),
    # Apple missed this device before it registered.
    Fault(410, "Unregistered", 1_000),
)
TROUBLES = tuple(Fault(trouble=kind) for kind in ("goaway", "disconnect", "lost-reply", "silence"))
BLAME = Fault(403, "BadCertificate")
TERMINAL = (400, 410)
GONE_SHARE = 0.1
# An answer may be lost when its connection or its worker ends right after it was given, and a
# push may still arrive from a worker that is dead.
CUT_S, KILLED_S, IN_FLIGHT_S = 1.0, 10.0, 1.0
PATIENCE_S = 900.0
# Rounds of `make bench ARGS=--quick`.
QUICK = 5


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the devices; `retried` counts final answers that were asked for again."""

    devices: int
    gone: int
    lost: int
    retried: int
    kills: int
    pushes: int
    refused_share: float

    @property
    def note(self) -> str:
        """One line for the report."""
        return (
            f"{self.devices} devices, {self.gone} of them gone: {self.lost} lost, {self.retried} "
            f"final answers retried; {self.kills} kills, {self.pushes} pushes, "
            f"{self.refused_share:.0%} failed"
        )


@dataclass(slots=True)
class Fleet:
    """The devices, the workers and what happened to them."""

    database: Database
    devices: dict[str, IPhone]
    gone: set[str]
    kills: list[float] = field(default_factory=list)

    def current(self) -> int:
        """How many devices show the newest revision of their pass, void or not."""
        with self.database.reading() as session:
            rows = session.execute(select(WalletPass.serial, WalletPass.revised_at))
            newest = {
                serial: format_datetime(at.astimezone(UTC), usegmt=True) for serial, at in rows
            }
        held = [
            (token, one) for token, device in self.devices.items() for one in device.passes.values()
        ]
        return sum(
            one.last_modified == newest[one.serial] for token, one in held if token not in self.gone
        )

    def retried(self, pushes: Sequence[Push]) -> int:
        """Final answers that were asked for again although they had arrived and been noted."""
        cuts = defaultdict(list)
        by_token = defaultdict(list)
        for push in pushes:
            if push.fault and push.fault.trouble not in {None, "silence"}:
                cuts[push.connection].append(push.at_s)
            by_token[push.token].append(push)
        return sum(
            push.fault is not None
            and push.fault.status in TERMINAL
            and push.token in self.gone
            and not any(abs(cut - push.at_s) < CUT_S for cut in cuts[push.connection])
            and not any(-IN_FLIGHT_S <= kill - push.at_s < KILLED_S for kill in self.kills)
            for its in by_token.values()
            for push in its[:-1]
        )


def apple_delivery_5000_devices(rounds: int, _seconds: float) -> Measurement:
    """Devices in order in the end: current, or gone and left alone; nothing less than all."""
    pairs = 2_500 if rounds > QUICK else 250
    with ExitStack() as open_:
        folder = Path(open_.enter_context(TemporaryDirectory(prefix="fleet-")))
        result = run(folder, open_.enter_context(server()), pairs=pairs, seed=rounds)
    share = 1 - (result.lost + result.retried) / result.devices
    return measured("apple_delivery_5000_devices", 1.0, [share], result.note)


def run(folder: Path, database_url: str | None, *, pairs: int, seed: int, deaf: int = 0) -> Result:
    """So many iPhones, each with a Watch, through three changes of every card.

    `deaf` devices never hear their pushes, so that they must be found to be lost.
    """
    dice = random.Random(seed)  # noqa: S311 - the same faults in every run
    nowhere, service, pushing = "http://localhost:1", free_port(), free_port()
    addresses = Addresses(
        service=f"http://localhost:{service}",
        identity_provider=nowhere,
        epd=nowhere,
        google=nowhere,
        apns=f"https://localhost:{pushing}",
    )
    site = prepare(folder / "site", addresses, database_url=database_url, now=wall_clock())
    deployment = Deployment.load(_settings(site), now=wall_clock())
    with closing(deployment.database()) as database:
        with ExitStack() as open_:
            log = folder / "service.log"
            open_.enter_context(
                running("app.asgi:app", service, environment=site.environment, log=log)
            )
            http = open_.enter_context(httpx.Client(timeout=60.0))
            phones = open_.enter_context(ThreadPoolExecutor(8))
            devices = dict(_installed(deployment, database, pairs, phones, http))
            gone = set(dice.sample(sorted(devices), int(len(devices) * GONE_SHARE)))
            fleet = Fleet(database, devices, gone)
            world = apns.World(deployment.certificates.pass_type_identifier)
            world.decide = partial(_decide, dice, gone)
            hearing = {token: one for token, one in devices.items() if token not in gone}
            for token in dice.sample(sorted(hearing), deaf):
                del hearing[token]
            world.bring = lambda token: token in hearing and phones.submit(_pushed, hearing[token])
            tls = apns.tls_context(site.credentials.apns.certificate, site.credentials.apple.root)
            open_.enter_context(apns.listening(world, tls=tls, port=pushing))
            with _Workers(site, fleet, world, dice):
                for verb in (lifecycle.suspend, lifecycle.resume, lifecycle.suspend):
                    _change_all(database, verb)
                _wait_until_in_line(database)
        failed = sum(push.fault is not None for push in world.pushes)
        return Result(
            devices=len(devices),
            gone=len(gone),
            lost=len(devices) - len(gone) - fleet.current(),
            retried=fleet.retried(world.pushes),
            kills=len(fleet.kills),
            pushes=len(world.pushes),
            refused_share=failed / len(world.pushes),
        )


def _decide(dice: random.Random, gone: set[str], token: str, nth: int) -> Fault | None:
    if token in gone:
        now_ms = int((wall_clock() + timedelta(days=1)).timestamp() * 1000)
        return (Fault(410, "Unregistered", now_ms), Fault(400, "BadDeviceToken"))[nth % 2]
    if dice.random() < 1 / 600:
        return dice.choice(TROUBLES)
    if dice.random() < 1 / 2_000:
        return BLAME
    return dice.choice((None, dice.choice(ANSWERS)))


def _settings(site: Site) -> Settings:
    return Settings(**{name.lower(): value for name, value in site.settings.items()})


# The devices.


def _installed(
    deployment: Deployment,
    database: Database,
    pairs: int,
    phones: ThreadPoolExecutor,
    http: httpx.Client,
) -> Iterator[tuple[str, IPhone]]:
    issued = database.transact(lambda session: _issue(session, deployment, pairs))
    apple, keys = deployment.apple_passes(), deployment.ring.keys
    now, base = wall_clock(), deployment.settings.code_base

    def hand_out(one: WalletPass) -> list[IPhone]:
        secret = keys.secrets["pass"][one.pass_secret_id].value
        token = authentication_token(secret, apple.pass_type_identifier, one.serial)
        raw = apple.make(content_of(one, keys=keys, base=base), authentication_token=token, now=now)
        phone, watch = IPhone(http=http), Watch(http=http)
        watch.mirror(raw, phone)
        for device in (phone, watch):
            _lighten(device)
        return [phone, watch]

    for pair in phones.map(hand_out, issued):
        for device in pair:
            yield device.push_token, device


def _issue(session: Session, deployment: Deployment, count: int) -> Sequence[WalletPass]:
    now = wall_clock()
    keys, year = deployment.ring.keys, card_year(belgian_day(now).year)
    for _ in range(count):
        teacher = teachers.know(session, uuid7().bytes * 2, pepper_id=1, now=now)
        card = lifecycle.issue(session, teacher, year=year, initials=0, why="employed", now=now)
        lifecycle.add_pass(session, card, Carrier.APPLE, keys=keys, now=now)
    session.flush()
    session.expire_all()
    return session.scalars(select(WalletPass).options(SHOWN)).all()


def _pushed(device: IPhone) -> None:
    """As iOS does after a push; like it, again when something on the way went wrong."""
    for _ in range(5):
        try:
            device.pushed()
        except httpx.TransportError:
            continue
        break
    _lighten(device)


def _lighten(device: IPhone) -> None:
    """Forget what thousands of devices would fill the memory with."""
    device.answers.clear()
    held: HeldPass
    for held in device.passes.values():
        held.installed.images.clear()
        held.installed.strings.clear()


def _change_all(database: Database, verb: Callable[..., object]) -> None:
    with database.reading() as session:
        cards = session.scalars(select(Card.id)).all()

    def work(session: Session, some: Sequence[object]) -> None:
        for card in session.scalars(select(Card).where(Card.id.in_(some))):
            verb(session, card, why="asked", now=wall_clock())

    for begin in range(0, len(cards), 100):
        some = cards[begin : begin + 100]
        database.transact(partial(work, some=some))


# The workers.


class _Workers:
    """Workers that end by SIGKILL at random pushes, each followed by another at once."""

    def __init__(self, site: Site, fleet: Fleet, world: apns.World, dice: random.Random) -> None:
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["bench.fleet"])
        self._begun = time.monotonic()
        self._start = partial(
            self._context.Process, target=_work, args=(site, wall_clock(), self._begun), daemon=True
        )
        self._fleet, self._world = fleet, world
        self._lives = random.Random(dice.random())  # noqa: S311 - as above
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        living = [self._start() for _ in range(WORKERS)]
        for process in living:
            process.start()
        while self._somebody_dies():
            victim = living.pop(0)
            victim.kill()
            self._fleet.kills.append(time.monotonic())
            victim.join()
            living.append(self._start())
            living[-1].start()
        for process in living:
            process.kill()
            process.join()

    def _somebody_dies(self) -> bool:
        """Wait for the push at which it happens; False when everything is over before."""
        longest = min(PUSHES_A_LIFE, len(self._fleet.devices) * 3 // 2)
        fatal = len(self._world.pushes) + self._lives.randint(1, longest)
        while len(self._world.pushes) < fatal:
            if self._stop.wait(0.005):
                return False
        return True


def _work(site: Site, began: datetime, begun_s: float) -> None:
    """A worker's delivery to Apple, by the faster clock; ends by being killed only."""
    configure((site.directory / "workers.log").open("a", buffering=1))
    settings = _settings(site)
    deployment = Deployment.load(settings, now=began)
    client = Apns(
        settings.apns_base_url,
        deployment.certificates,
        root_file=settings.apns_root_file,
        pushes_per_s=PUSHES_PER_S,
        answer_s=ANSWER_S,
    )

    def clock() -> datetime:
        return began + timedelta(seconds=(time.monotonic() - begun_s) * SPEED)

    database = deployment.database()
    delivery = Delivery(database, AppleDevices(database, client), clock=clock)
    worker.repeat(Job("deliver-apple", delivery.run, period_s=0.1), threading.Event())


def _wait_until_in_line(database: Database) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with database.reading() as session:
            figures = lease.figures(session, now=wall_clock())
        if figures.lagging == figures.parked:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{figures.lagging} passes still lag after {PATIENCE_S:.0f} s")
        time.sleep(0.2)
