"""Two web processes and two workers on one database, of which one each is killed."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.cards import lifecycle
from app.cards.insz import Insz
from app.cards.model import Card, Teacher, WalletPass
from app.cards.token import Carrier
from app.db import uuid7
from app.passes.delivery import BATCH
from app.passes.lease import lags
from app.passes.model import DeviceRegistration, PassDelivery
from app.settings import PREFIX
from bench.torture.scenario import Journal, Run
from bench.torture.site import Holder, Service, Site, site
from bench.torture.snapshot import HONEST
from bench.torture.teachers import log_in, teachers
from demo import apns
from demo.deployment import PASS_TYPE_IDENTIFIER
from demo.population import Person
from demo.serving import process
from demo.world import wall_clock

# A batch for each worker, and some for whoever is first to have done its own.
CARDS = 2 * BATCH + 50
PATIENCE_S = 60.0
A, B = 0, 1


@dataclass(frozen=True, slots=True)
class Processes:
    """What runs: the webs A and B, two workers, and the Apple that the workers push to."""

    place: Site
    people: list[Person]
    webs: list[Service]
    workers: list[Service]
    apple: apns.World


@pytest.fixture
def processes(database_url: str, tmp_path: Path) -> Iterator[Processes]:
    """All of them at work, and nothing due."""
    people = teachers(2)
    apple = apns.World(PASS_TYPE_IDENTIFIER)
    with ExitStack() as open_:
        journal = open_.enter_context(closing(Journal(tmp_path / "journal.jsonl")))
        run = Run(tmp_path, database_url, journal, tmp_path / "web.log")
        place = open_.enter_context(
            site(run, cards=CARDS, carriers=[Carrier.APPLE], till_count=1, on_file=people)
        )
        place.database.transact(lambda session: _hand_out(session, place))
        files = place.deployment.credentials
        tls = apns.tls_context(files.apns.certificate, files.apple.root)
        url = open_.enter_context(apns.listening(apple, tls=tls))
        environment = place.deployment.environment | {f"{PREFIX}APNS_BASE_URL": url}
        logs = [tmp_path / "worker-1.log", tmp_path / "worker-2.log"]
        workers = [
            open_.enter_context(process(HONEST, environment=environment, log=log)) for log in logs
        ]
        webs = open_.enter_context(place.serving_twice())
        _until(lambda: all("worker-started" in log.read_text("utf-8") for log in logs))
        yield Processes(place, people, webs, workers, apple)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_webs_and_two_workers_share_the_work_and_one_of_each_is_enough(
    processes: Processes,
) -> None:
    place, apple = processes.place, processes.apple
    first, second = processes.people
    till = place.till(0, process=B)

    card = _issue(place, first, web=A)
    assert till.present(place.code(card)).document["valid"]
    _press(place, first, "/card/report-lost", web=A)
    assert till.present(place.code(card)).document["reason"] == "not_valid"

    _busy_with(processes, lifecycle.suspend).set()
    _until(lambda: not _at_work(place))
    assert set(_told(apple).values()) == {1}
    assert len(_told(apple)) == CARDS
    assert len({push.connection for push in apple.pushes}) >= len(processes.workers)

    answering = _busy_with(processes, lifecycle.resume)
    for victim in (processes.webs[A], processes.workers[0]):
        victim.kill()
        victim.wait()
    answering.set()

    assert till.present(place.code(_issue(place, second, web=B))).document["valid"]
    _until(lambda: _is_left_by_one(place))
    left = _at_work(place)
    assert len(left) == BATCH
    # Not waited for: the three minutes after which anybody may take over.
    place.database.transact(
        lambda session: session.execute(update(PassDelivery).values(leased_until=wall_clock()))
    )
    _until(lambda: not _at_work(place))
    told = _told(apple)
    assert min(told.values()) == 2
    # What Apple heard from the dead it may hear again; of no other pass it hears twice.
    assert {token for token, times in told.items() if times > 2} <= {each.hex for each in left}
    assert [one.poll() for one in (processes.webs[B], processes.workers[1])] == [None, None]


def _hand_out(session: Session, place: Site) -> None:
    """A device for every pass, which has what there is."""
    now = wall_clock()
    session.execute(update(WalletPass).values(pushed_revision=WalletPass.revision))
    session.add_all(
        DeviceRegistration(
            id=uuid7(),
            device_library_identifier=uuid7().hex,
            pass_id=holder.wallet_pass.id,
            push_token=holder.wallet_pass.id.hex,
            registered_at=now,
            last_seen_at=now,
        )
        for holder in place.holders
    )


def _issue(place: Site, person: Person, *, web: int) -> Holder:
    """The card and the Apple pass that the person asks for there."""
    _press(place, person, "/card", "/card/apple", web=web)
    pseudonym = Insz(person.insz).pseudonym(place.ring.keys.active("pepper").value)
    with place.database.reading() as session:
        apple = select(WalletPass).where(WalletPass.carrier == Carrier.APPLE)
        mine = apple.join(Card).join(Teacher).where(Teacher.insz_pseudonym == pseudonym)
        wallet_pass = session.scalars(mine).one()
        return Holder(wallet_pass.card, wallet_pass)


def _press(place: Site, person: Person, *paths: str, web: int) -> None:
    browser, line = log_in(place, person), place.till(0, process=web)
    for path in paths:
        assert browser.press(line, path).status == HTTPStatus.SEE_OTHER


def _busy_with(processes: Processes, verb: Callable[..., None]) -> threading.Event:
    """Change all cards until both workers are at it; Apple waits until the event is set."""
    answering = threading.Event()
    processes.apple.bring = lambda _: answering.wait(PATIENCE_S)
    _change_all(processes.place, verb)
    _until(lambda: len(set(_at_work(processes.place).values()) - {None}) == len(processes.workers))
    return answering


def _change_all(place: Site, verb: Callable[..., None]) -> None:
    """All cards of the holders at one moment."""
    ids = [holder.card.id for holder in place.holders]

    def work(session: Session) -> None:
        for card in session.scalars(select(Card).where(Card.id.in_(ids))):
            verb(session, card, why="asked", now=wall_clock())

    place.database.transact(work)


def _at_work(place: Site) -> dict[uuid.UUID, uuid.UUID | None]:
    """Every pass that lags, and the lease of who is at it."""
    rows = select(WalletPass.id, PassDelivery.leased_by).outerjoin(PassDelivery).where(lags())
    with place.database.reading() as session:
        return dict(session.execute(rows.where(WalletPass.carrier == Carrier.APPLE)).all())


def _is_left_by_one(place: Site) -> bool:
    leases = set(_at_work(place).values())
    return len(leases) == 1 and None not in leases


def _told(apple: apns.World) -> Counter[str]:
    return Counter(push.token for push in apple.pushes if push.taken)


def _until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
