"""Canaries: numbers, names and secrets that go in and must come out nowhere.

The service runs as it does in production, in a process of its own that writes its own log. Its
people are logged in, carry cards, are lied about and run into every error; then the log, every
answer and every column of the database are searched for them.
"""

import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import MetaData, make_url, select, text

from app.cards.keyring import KeyRing
from app.db import Database
from demo import google_phone
from demo.browser import Browser
from demo.shop import Till
from demo.world import World, world
from tests.api.traces import forms_of_number, forms_of_text, found

TEACHERS = ("permanent", "diacritics", "replaced", "partial-leave")
WITHOUT_CARD = ("unknown", "on-leave")
# Shorter names stand in ordinary words too.
SHORTEST_NAME = 5
ROUTE = "/api/v1/verifications"


@dataclass(slots=True)
class Notes:
    """Every answer of the service; apart from the rest those that show teachers their own card."""

    service: str
    own: list[httpx.Response] = field(default_factory=list)
    others: list[httpx.Response] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def note(self, answer: httpx.Response, *, own: bool = False) -> httpx.Response:
        """Keep an answer and those that led to it, and the cookies in them as secrets."""
        for one in (*answer.history, answer):
            if str(one.url).startswith(self.service):
                (self.own if own and one.is_success else self.others).append(one)
            crumbs = (line.split(";")[0] for line in one.headers.get_list("set-cookie"))
            values = (crumb.partition("=")[2].strip('"') for crumb in crumbs)
            self.secrets |= {value for value in values if value}
        return answer


@pytest.fixture
def here(database_url: str, tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "world", database_url=database_url) as here:
        yield here


def test_no_number_name_or_secret_is_left_anywhere(here: World) -> None:
    notes = Notes(here.addresses.service)
    browsers = [_teacher(here, notes, key) for key in TEACHERS]
    browsers += [_logged_in(here, notes, key) for key in WITHOUT_CARD]
    _nonsense(here, notes)
    _lies(here, notes)
    _until_phones_know(here)
    stored = dict(_stored(here.deployment.database_url))
    _breakage(here, notes, browsers[0])
    for browser in browsers:
        browser.close()

    folder = here.deployment.directory
    log = b"".join((folder / f"{name}.log").read_bytes() for name in ("service", "worker"))
    # All of it happened, and the log tells of it.
    statuses = {answer.status_code for answer in notes.others}
    assert statuses >= {200, 303, 401, 403, 404, 422, 503}
    assert all(word in log for word in (b"login-refused", b"epd-failed", b"delivered"))
    # SQLite calls a table that is gone what it calls a file that is away: 503, not 500.
    assert 500 in statuses or here.deployment.database_url.startswith("sqlite")
    numbers, names, secrets = _canaries(here, notes)
    contents = {"log": log} | stored | dict(_said(notes.others))
    assert _hits(numbers | names | secrets, contents) == {}
    # A teacher's own page and pass show the own name; the number is shown to nobody at all.
    own = dict(_said(notes.own))
    assert _hits(numbers, own) == {}
    assert len(_hits(names, own)) >= 4 * len(TEACHERS)


def _mailbox(key: str) -> str:
    return f"{key}.canary@mailbox.example"


def _until_phones_know(here: World) -> None:
    deadline = time.monotonic() + 20
    while httpx.get(f"{here.addresses.service}/readyz").json()["checks"]["deliveries"]["lagging"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _hits(forms: set[bytes], contents: dict[str, bytes]) -> dict[str, list[bytes]]:
    hits = {place: found(forms, content) for place, content in contents.items()}
    return {place: forms for place, forms in hits.items() if forms}


def _canaries(here: World, notes: Notes) -> tuple[set[bytes], set[bytes], set[bytes]]:
    """Every form of every number, name and secret that went in."""
    people = [here.person(key) for key in (*TEACHERS, *WITHOUT_CARD)]
    numbers = {person.insz for person in people} | {p.replaced_by for p in people} - {None}
    addresses = {_mailbox(key) for key in TEACHERS}
    names = addresses | {
        name for person in people for name in (person.given_name, person.family_name)
    }
    deployment = here.deployment
    keys = [key for shop in deployment.shops.values() for key in (shop.live_key, shop.test_key)]
    secrets = notes.secrets | {key.split("_")[3] for key in keys}
    secrets.add(deployment.credentials.epd_secret)
    ring = KeyRing(deployment.directory / "keys").keys
    raw = {secret.value for kind in ring.secrets.values() for secret in kind.values()}
    return (
        {form for number in numbers if number for form in forms_of_number(number)},
        {form for name in names if len(name) >= SHORTEST_NAME for form in forms_of_text(name)},
        {form for secret in secrets for form in forms_of_text(secret)} | raw,
    )


def _said(answers: Iterable[httpx.Response]) -> Iterator[tuple[str, bytes]]:
    """Headers, without the cookies that are the browser's own, and body of every answer."""
    for number, answer in enumerate(answers):
        lines = [f"{n}: {v}" for n, v in answer.headers.multi_items() if n != "set-cookie"]
        body = answer.content
        if body.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                body = b"\n".join(archive.read(name) for name in archive.namelist())
        request = answer.request
        place = f"{number} {request.method} {request.url.path[:40]} {answer.status_code}"
        yield place, "\n".join(lines).encode() + b"\n\n" + body


def _stored(database_url: str) -> Iterator[tuple[str, bytes]]:
    """Every column of every table, and the whole file of a SQLite database."""
    metadata = MetaData()
    with closing(Database(database_url)) as database, database.reading() as session:
        metadata.reflect(session.connection())
        for table in metadata.tables.values():
            for column in table.columns:
                values = session.scalars(select(column)).all()
                raw = (one if isinstance(one, bytes) else str(one).encode() for one in values)
                yield f"{table.name}.{column.name}", b"\n".join(raw)
        assert {"teacher", "scan", "web_session", "epd_person"} <= metadata.tables.keys()
    if database_url.startswith("sqlite"):
        path = Path(str(make_url(database_url).database))
        for file in path.parent.glob(f"{path.name}*"):
            yield file.name, file.read_bytes()


# What happens to the canaries.


def _logged_in(here: World, notes: Notes, key: str) -> Browser:
    browser = Browser(here.addresses.service)
    notes.note(browser.open("/card"))
    notes.note(browser.press("auth/choice", person=key, decision="log-in"), own=True)
    return browser


def _web_codes(notes: Notes, browser: Browser) -> list[str]:
    notes.note(browser.open("/card/live"), own=True)
    answer = notes.note(browser.fetch("/card/strips"), own=True)
    codes = [strip["code"] for strip in answer.json()["strips"]]
    # A code is as good as a card for half a minute: it stands in no log and no table.
    notes.secrets |= {code.rpartition("/1")[2][:146] for code in codes[:2]}
    return codes


def _teacher(here: World, notes: Notes, key: str) -> Browser:
    """Everything that a teacher does, and a shop that looks at the card."""
    browser = _logged_in(here, notes, key)
    notes.note(browser.press("/card"), own=True)
    notes.note(browser.press("/card/apple"), own=True)
    notes.note(browser.open("/card"), own=True)
    notes.note(browser.press("/card/google"))
    objects = httpx.get(f"{here.addresses.google}/_state").json()["objects"]
    google = google_phone.shown_text(list(objects.values())[-1], now=here.clock())
    first, second, *_ = _web_codes(notes, browser)
    till = Till(here.addresses.service, key, here.deployment.shops["museum"].live_key)
    for code in (google, first, second, first[:80], f"{first[:-1]}*", "nothing of ours"):
        notes.note(till.scan(code))
        path = f"/1{code.rpartition('/1')[2]}"
        notes.note(httpx.get(here.addresses.service + path, headers={"accept": "text/html"}))
    till.close()
    for page in ("/card/activity", "/privacy/export", "/api/v1/me", "/card/lost"):
        notes.note(browser.open(page), own=True)
    browser.open("/card/notices")
    notes.note(browser.press("/card/notices", address=_mailbox(key)), own=True)
    for page in ("/privacy/export", "/card/lost"):
        notes.note(browser.open(page), own=True)
    notes.note(browser.press("/card/report-lost"), own=True)
    return browser


def _nonsense(here: World, notes: Notes) -> None:
    """Numbers and names where nobody should send them."""
    person = here.person("permanent")
    name, number, service = person.family_name, person.insz, here.addresses.service
    key = {"authorization": f"Bearer {here.deployment.shops['bookshop'].live_key}"}
    for path in (f"/{number}", f"/card/{name}?insz={number}", f"/problems/{number}", f"/1{number}"):
        for accept in ("text/html", "application/json"):
            notes.note(httpx.get(service + path, headers={"accept": accept}))
    for query in (f"state={number}&code={name}", f"error={name}&state={number}"):
        notes.note(httpx.get(f"{service}/callback?{query}", headers={"cookie": f"login={number}"}))
    till_asks = {"presentation": f"{name} {number}", "channel": "till"}
    for body in (
        {number: name},
        {"presentation": number, "channel": name},
        [number, name],
        till_asks | {"till_id": number},
        till_asks,
    ):
        for headers in (key, {"authorization": f"Bearer {number}"}):
            notes.note(httpx.post(service + ROUTE, json=body, headers=headers))
    notes.note(httpx.get(f"{service}{ROUTE}/{number}", headers=key))
    strange = {"x-request-id": number, "user-agent": name, "referer": f"https://x.example/{number}"}
    notes.note(httpx.get(service, headers=strange | {"accept-language": number}))


def _lies(here: World, notes: Notes) -> None:
    """Everybody around lies about a person and repeats what they were told."""
    addresses, other = here.addresses, here.person("diacritics").record
    for kind in ("garbage", "wrong-person", "invalid-number", "denied"):
        fault = {"kind": kind, "times": 1, "record": other}
        httpx.post(f"{addresses.epd}/_control", json={"faults": [fault]})
        _logged_in(here, notes, "permanent").close()
    for lie in ("rrn-junk", "rrn-with-wrong-check-digits", "capacity-of-a-school", "exp-passed"):
        httpx.post(f"{addresses.identity_provider}/_control", json={"lie": lie})
        _logged_in(here, notes, "permanent").close()
    httpx.post(f"{addresses.identity_provider}/_control", json={"lie": None})
    for kind in ("400", "permission-403"):
        faults = [{"kind": kind, "times": 1}]
        httpx.post(f"{addresses.google}/_control", json={"faults": faults})
        browser = _logged_in(here, notes, "permanent")
        notes.note(browser.press("/card/google"))
        browser.close()


def _breakage(here: World, notes: Notes, browser: Browser) -> None:
    """A database that is not as it should be: errors that nobody foresaw."""
    service = here.addresses.service
    code = _web_codes(notes, browser)[0]
    browser.open("/card")
    csrf = {"csrf": browser.forms[0].fields["csrf"]}
    cookie = {"cookie": browser.page.request.headers["cookie"]}
    till = Till(service, "museum", here.deployment.shops["museum"].live_key)
    for statement in (
        "UPDATE teacher SET name = substr(name, 1, 20)",
        "ALTER TABLE wallet_pass RENAME TO gone",
        "ALTER TABLE teacher RENAME TO gone_too",
        "UPDATE web_session SET sealed_person = substr(sealed_person, 1, 20)",
    ):
        with closing(Database(here.deployment.database_url)) as database:
            database.transact(lambda session, sql=statement: session.execute(text(sql)))
        _logged_in(here, notes, "permanent").close()
        for path in ("/card", "/card/live", "/card/apple.pkpass"):
            notes.note(httpx.get(service + path, headers=cookie), own=True)
        for path in ("/card", "/card/apple", "/card/google"):
            notes.note(httpx.post(service + path, headers=cookie, data=csrf))
        notes.note(till.scan(code))
    till.close()
