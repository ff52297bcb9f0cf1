"""Apple's web service over real HTTP, as devices meet it: exact statuses, tags and dates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cards import keyring, lifecycle
from app.cards.model import WalletPass
from app.db import Database
from app.passes.apple.passes import MEDIA_TYPE
from app.passes.apple.registrations import MAX_DEVICES
from app.passes.model import DeviceRegistration
from demo.browser import Browser
from demo.phone import (
    ConfusedIPhone,
    ForgetfulIPhone,
    HeldPass,
    ImpatientIPhone,
    IPhone,
    SilentIPhone,
    StaleIPhone,
    StubbornIPhone,
    Watch,
)
from demo.world import wall_clock
from tests.api.stage import Service


@dataclass(frozen=True, slots=True)
class Store:
    """A teacher with an Apple pass, the devices around it, and the rows behind it."""

    service: Service
    teacher: Browser
    raw: bytes
    database: Database
    _open: ExitStack = field(default_factory=ExitStack)

    def device(self, kind: type[IPhone] = IPhone, **options: Any) -> IPhone:
        """A device without passes."""
        return self._open.enter_context(kind(**options))

    def holding(self, kind: type[IPhone] = IPhone) -> tuple[IPhone, HeldPass]:
        """A device that has taken the pass and registered."""
        device = self.device(kind)
        return device, device.install(self.raw)

    def change(self, verb: Callable[..., object] = lifecycle.suspend) -> None:
        """Change the card, at the time of the clock."""

        def work(session: Session) -> None:
            verb(session, self._pass(session).card, why="asked", now=self.service.clock())

        self.database.transact(work)

    @property
    def wallet_pass(self) -> WalletPass:
        """The row of the pass."""
        with self.database.reading() as session:
            return self._pass(session)

    @property
    def registrations(self) -> Sequence[DeviceRegistration]:
        """Who is registered, in the order of their coming."""
        with self.database.reading() as session:
            wanted = select(DeviceRegistration).order_by(DeviceRegistration.id)
            return session.scalars(wanted).all()

    def close(self) -> None:
        """Switch every device off."""
        self._open.close()

    def _pass(self, session: Session) -> WalletPass:
        return session.scalars(select(WalletPass).where(WalletPass.carrier == 2)).one()


@pytest.fixture
def store(service: Service) -> Iterator[Store]:
    teacher = service.with_card()
    teacher.open("/card")
    raw = teacher.press("/card/apple").content
    with closing(Database(service.deployment.database_url)) as database:
        store = Store(service, teacher, raw, database)
        yield store
        store.close()


def _addresses(held: HeldPass, device: IPhone) -> dict[str, tuple[str, str]]:
    """The four requests that need the token of the pass."""
    registrations = f"{held.service}/devices/{device.device_library_identifier}/registrations"
    registration = f"{registrations}/{held.pass_type}/{held.serial}"
    address = f"{held.service}/passes/{held.pass_type}/{held.serial}"
    return {
        "register": ("POST", registration),
        "unregister": ("DELETE", registration),
        "fetch": ("GET", address),
        "look": ("HEAD", address),
    }


def _list(device: IPhone, held: HeldPass, **asked: str) -> httpx.Response:
    url = f"{held.service}/devices/{device.device_library_identifier}/registrations"
    return httpx.get(f"{url}/{held.pass_type}", params=asked)


# Who may ask.


@pytest.mark.parametrize("what", ["register", "unregister", "fetch", "look"])
def test_only_the_token_of_the_pass_opens_it(what: str, store: Store) -> None:
    device, held = store.holding()
    token = held.authorization["authorization"].removeprefix("ApplePass ")
    method, url = _addresses(held, device)[what]
    body = {"pushToken": device.push_token} if what == "register" else None

    def ask(authorization: str, url: str = url) -> int:
        headers = {"authorization": authorization.encode()} if authorization else {}
        return httpx.request(method, url, headers=headers, json=body).status_code

    wrong = ["", f"ApplePass {token[:-1]}x", "ApplePass", f"Bearer {token}", "ApplePass é"]
    assert [ask(authorization) for authorization in wrong] == [401] * len(wrong)
    assert ask(f"ApplePass {token}", url.replace(held.serial, "0" * 32)) == 401
    assert ask(f"ApplePass {token}", url.replace(held.pass_type, "pass.example.other")) == 401
    assert len(store.registrations) == 1
    assert ask(f"ApplePass {token}") == 200


def test_the_serial_of_a_google_pass_opens_nothing(store: Store) -> None:
    device, held = store.holding()
    store.teacher.open("/card")
    store.teacher.press("/card/google")
    with store.database.reading() as session:
        google = session.scalars(select(WalletPass.serial).where(WalletPass.carrier == 3)).one()
    _, url = _addresses(held, device)["fetch"]
    answer = httpx.get(url.replace(held.serial, google), headers=held.authorization)
    assert answer.status_code == 401


def test_a_revoked_secret_opens_no_pass(store: Store) -> None:
    device, held = store.holding()
    keyring.revoke(
        store.service.deployment.directory / "keys", "pass", 1, now=store.service.clock()
    )
    assert device.fetch(held).status_code == 401


# Registering.


def test_a_device_is_new_once_and_its_push_token_is_renewed(store: Store) -> None:
    device, held = store.holding()
    assert device.answers[-1].status_code == 201
    store.service.clock.advance(hours=1)
    device.push_token = "ab" * 32
    assert device.register(held).status_code == 200
    (row,) = store.registrations
    assert row.push_token == "ab" * 32
    assert row.registered_at == row.last_seen_at == store.service.clock()


def test_an_iphone_and_its_watch_register_in_the_same_moment(store: Store) -> None:
    for _ in range(3):
        watch = store.device(Watch)
        assert isinstance(watch, Watch)
        assert watch.mirror(store.raw, store.device()) == [201, 201]
    assert len(store.registrations) == 6


def test_one_device_that_registers_many_times_at_once_is_there_once(store: Store) -> None:
    device, held = store.holding(ImpatientIPhone)
    assert sorted(answer.status_code for answer in device.answers) == [200, 201]
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: IPhone.register(device, held), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(store.registrations) == 1


def test_the_device_that_was_silent_longest_makes_room_for_the_twenty_first(store: Store) -> None:
    devices = []
    for _ in range(MAX_DEVICES):
        devices.append(store.holding())
        store.service.clock.advance(minutes=2)
    assert _list(*devices[0]).status_code == 200
    store.holding()
    rows = {row.device_library_identifier for row in store.registrations}
    assert len(rows) == MAX_DEVICES
    assert devices[0][0].device_library_identifier in rows
    assert devices[1][0].device_library_identifier not in rows
    assert _list(*devices[1]).status_code == 204
    # It still holds the pass: asking to hear of it again is all it takes.
    assert devices[1][0].register(devices[1][1]).status_code == 201


def test_what_is_no_push_token_is_refused(store: Store) -> None:
    device, held = store.holding()
    method, url = _addresses(held, device)["register"]
    refused = {
        b"": 400,
        b"pushToken": 400,
        b"{}": 400,
        b'{"pushToken": 5}': 400,
        b'{"pushToken": "../../other"}': 400,
        b'{"pushToken": "ab"}': 400,
        b'{"pushToken": "' + b"a" * 5_000 + b'"}': 413,
    }
    for body, status in refused.items():
        answer = httpx.request(method, url, headers=held.authorization, content=body)
        assert answer.status_code == status, body
    assert [row.push_token for row in store.registrations] == [device.push_token]


def test_who_leaves_hears_nothing_more_and_may_leave_twice(store: Store) -> None:
    device, held = store.holding()
    for _ in range(2):
        answer = device.remove(held)
        assert answer is not None
        assert answer.status_code == 200
    assert _list(device, held).status_code == 204
    assert store.registrations == []


# Asking what is new.


def test_a_device_hears_of_what_changed_since_its_tag_and_needs_no_token(store: Store) -> None:
    device, held = store.holding()
    first = _list(device, held)
    assert first.status_code == 200
    assert first.json()["serialNumbers"] == [held.serial]
    tag = first.json()["lastUpdated"]
    assert isinstance(tag, str)
    assert _list(device, held, passesUpdatedSince=tag).status_code == 204
    assert _list(device, held, previousLastUpdated=tag).status_code == 204
    store.change()
    second = _list(device, held, passesUpdatedSince=tag)
    assert second.json()["serialNumbers"] == [held.serial]
    assert second.json()["lastUpdated"] != tag


def test_a_tag_that_is_not_ours_lists_everything(store: Store) -> None:
    device, held = store.holding()
    others = ["", "yesterday", "1764000000", "a-", f"{'0' * 32}-1", "x" * 7_000, "é-1", "a-1..b-2"]
    for tag in others:
        answer = _list(device, held, passesUpdatedSince=tag)
        assert answer.json()["serialNumbers"] == [held.serial], tag


def test_a_tag_from_before_a_restore_lists_what_it_knows_differently(store: Store) -> None:
    device, held = store.holding()
    later = f"{held.serial}-{store.wallet_pass.revision + 7}"
    assert _list(device, held, passesUpdatedSince=later).json()["serialNumbers"] == [held.serial]


def test_an_unknown_device_and_another_type_of_pass_hear_that_nothing_is_new(store: Store) -> None:
    device, held = store.holding()
    assert _list(store.device(), held).status_code == 204
    answer = httpx.get(str(_list(device, held).url).replace(held.pass_type, "pass.example.other"))
    assert (answer.status_code, answer.content) == (204, b"")


def test_asking_writes_down_once_a_minute_that_a_device_was_seen(store: Store) -> None:
    device, held = store.holding()
    clock = store.service.clock
    begun = clock()
    clock.advance(seconds=59)
    _list(device, held)
    assert store.registrations[0].last_seen_at == begun
    clock.advance(seconds=1)
    _list(device, held)
    assert store.registrations[0].last_seen_at == clock()


# Fetching.


def test_a_pass_is_fetched_once_and_then_only_when_it_changed(store: Store) -> None:
    root = store.service.deployment.credentials.apple.root.read_bytes()
    device = store.device(root_pem=root, now=wall_clock())
    held = device.install(store.raw)
    assert device.pushed() == [held.serial]
    answer = device.answers[-1]
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert held.installed.signature_verified
    revised_at = store.wallet_pass.revised_at
    assert answer.headers["last-modified"] == format_datetime(
        revised_at.astimezone(UTC).replace(microsecond=0), usegmt=True
    )
    unchanged = device.fetch(held)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert device.pushed() == []
    assert device.answers[-1].status_code == 204
    store.change()
    assert device.pushed() == [held.serial]
    assert held.installed.content["voided"] is True


def test_two_changes_within_one_second_have_two_dates(store: Store) -> None:
    device, held = store.holding()
    dates = []
    for verb in (lifecycle.suspend, lifecycle.resume, lifecycle.suspend):
        store.change(verb)
        assert device.fetch(held).status_code == 200
        dates.append(parsedate_to_datetime(device.answers[-1].headers["last-modified"]))
    assert dates == sorted(set(dates))


def test_a_date_is_compared_in_whole_seconds(store: Store) -> None:
    device, held = store.holding()
    for seconds, status in {-1: 200, 0: 304, 1: 304}.items():
        at = store.wallet_pass.revised_at.replace(microsecond=0) + timedelta(seconds=seconds)
        since = {"if-modified-since": format_datetime(at.astimezone(UTC), usegmt=True)}
        for what in ("fetch", "look"):
            method, url = _addresses(held, device)[what]
            answer = httpx.request(method, url, headers=held.authorization | since)
            assert answer.status_code == status, (what, seconds)


def test_a_date_that_cannot_be_read_is_no_condition(store: Store) -> None:
    device, held = store.holding()
    _, url = _addresses(held, device)["fetch"]
    for date in ("", "yesterday", "2026-11-24 10:00:00", "0"):
        headers = held.authorization | {"if-modified-since": date}
        assert httpx.get(url, headers=headers).status_code == 200, date


def test_a_look_gets_the_headers_of_the_pass_and_nothing_of_it(store: Store) -> None:
    device, held = store.holding()
    fetched, looked = device.fetch(held), device.look(held)
    assert (looked.status_code, looked.content) == (200, b"")
    for name in ("last-modified", "content-type", "cache-control"):
        assert looked.headers[name] == fetched.headers[name]


@pytest.mark.parametrize("verb", [lifecycle.suspend, lifecycle.revoke, lifecycle.end])
def test_a_pass_that_no_longer_counts_is_served_void(
    verb: Callable[..., object], store: Store
) -> None:
    device, held = store.holding()
    device.pushed()
    store.service.clock.advance(minutes=1)
    store.change(verb)
    assert device.pushed() == [held.serial]
    assert held.installed.content["voided"] is True
    assert held.installed.code is None


def test_a_download_counts_for_the_one_device_that_just_asked(store: Store) -> None:
    device, held = store.holding()
    assert device.fetch(held).status_code == 200
    assert store.wallet_pass.confirmed_generation == 1
    assert store.wallet_pass.confirmed_at == store.service.clock()


def test_a_look_and_an_unchanged_pass_count_for_nobody(store: Store) -> None:
    device, held = store.holding()
    device.look(held)
    held.last_modified = format_datetime(store.wallet_pass.revised_at.astimezone(UTC), usegmt=True)
    assert device.fetch(held).status_code == 304
    assert store.wallet_pass.confirmed_generation is None


# Devices that misbehave.


def test_a_device_with_the_token_of_another_pass_gets_nothing_and_changes_nothing(
    store: Store,
) -> None:
    _, held = store.holding()
    confused = store.device(ConfusedIPhone)
    taken = confused.install(store.raw)
    answers = [confused.fetch(taken), confused.look(taken), confused.remove(taken)]
    statuses = [answer.status_code for answer in (confused.answers[0], *answers) if answer]
    assert statuses == [401] * len(statuses)
    assert len(store.registrations) == 1
    assert held.serial == taken.serial


@pytest.mark.parametrize("kind", [ForgetfulIPhone, StaleIPhone, SilentIPhone, StubbornIPhone])
def test_no_device_is_left_behind_by_its_own_bad_habits(kind: type[IPhone], store: Store) -> None:
    device, held = store.holding(kind)
    for verb in (lifecycle.suspend, lifecycle.resume, lifecycle.revoke):
        store.change(verb)
        device.pushed()
    IPhone.fetch(device, held)
    assert held.installed.content["voided"] is True
    assert all(answer.status_code < 400 for answer in device.answers)


def test_a_wiped_phone_stays_registered_and_its_owner_may_come_back(store: Store) -> None:
    device, held = store.holding(SilentIPhone)
    assert device.remove(held) is None
    assert len(store.registrations) == 1
    assert device.pushed() == []
    again, _ = store.holding()
    assert again.answers[-1].status_code == 201


# What devices complain of.


def test_what_devices_say_is_written_down_clean_and_short(
    store: Store, logs: Sequence[Mapping[str, Any]]
) -> None:
    device, held = store.holding()
    token = held.authorization["authorization"]
    said = ["line\nbreak\x1b[31m", f"sent {token}", "a b " * 500, *map(str, range(100))]
    assert device.complain(held, *said).status_code == 200
    written = [line["said"] for line in logs if line["event"] == "apple-device"]
    assert len(written) == 20
    assert written[0] == "line break [31m"
    assert written[1] == "sent ApplePass [blanked]"
    assert len(written[2]) == 500


def test_anybody_may_complain_in_the_form_that_apple_describes(service: Service) -> None:
    bodies = {b"": 400, b"[]": 400, b'{"logs": [5]}': 400, b'{"logs": []}': 200, b"x" * 5_000: 413}
    answers = {body: service.http.post("/apple/v1/log", content=body) for body in bodies}
    assert {body: answer.status_code for body, answer in answers.items()} == bodies


def test_who_complains_all_the_time_is_told_to_wait(service: Service) -> None:
    answers = [service.http.post("/apple/v1/log", json={"logs": []}) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert "retry-after" in answers[-1].headers


# When we are at fault.


def test_a_fault_of_ours_is_for_later_and_never_a_wrong_token(store: Store) -> None:
    device, held = store.holding()
    store.service.fail_with(RuntimeError("nobody foresaw this"))
    asked = [
        device.register(held),
        device.fetch(held),
        device.look(held),
        device.remove(held),
        _list(device, held),
    ]
    assert [answer.status_code for answer in asked if answer is not None] == [503] * 5
    assert all("retry-after" in answer.headers for answer in asked if answer is not None)


def test_a_key_ring_that_is_gone_is_no_wrong_token(store: Store) -> None:
    device, held = store.holding()
    ring = store.service.deployment.directory / "keys" / "keyring.json"
    ring.rename(ring.with_suffix(".away"))
    assert device.fetch(held).status_code == 503
    ring.with_suffix(".away").rename(ring)
    assert device.fetch(held).status_code == 200


def test_other_methods_are_not_known(store: Store) -> None:
    device, held = store.holding()
    _, url = _addresses(held, device)["fetch"]
    for method in ("PUT", "PATCH", "OPTIONS"):
        assert httpx.request(method, url, headers=held.authorization).status_code == 405
