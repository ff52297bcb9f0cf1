"""The teacher's way through the house, and everybody who tries to walk it in their place."""

import html
import re
from typing import Any

from sqlalchemy import select

from app.cards.entitlement import CardStatus
from app.cards.model import Card, CardEvent, Teacher, WalletPass
from app.cards.token import Carrier
from app.db import Database
from demo import apple_phone
from demo.browser import Browser
from demo.shop import gist
from demo.world import wall_clock
from tests.api.stage import Clock, Service

PAGE = {"accept": "text/html"}
FORM = "application/x-www-form-urlencoded"
# Every change that a teacher can make, as the path of its POST; the last one ends the session.
CHANGES = (
    "/card",
    "/card/apple",
    "/card/google",
    "/card/paper",
    "/card/strips",
    "/card/report-lost",
    "/logout",
)


def state_of(database: Database) -> list[object]:
    """Everything about cards that a request could have changed."""
    with database.reading() as session:
        return [
            (row.id, getattr(row, "status", ""), getattr(row, "revision", ""))
            for table in (Teacher, Card, CardEvent, WalletPass)
            for row in session.scalars(select(table).order_by(table.id))
        ]


def card_number(teacher: Browser) -> str:
    found = re.search(r'class="number">([^<]+)<', teacher.page.text)
    assert found is not None
    return found[1]


def actions(teacher: Browser) -> set[str]:
    """What the page offers to do."""
    return {form.action for form in teacher.forms}


def test_a_teacher_has_the_card_in_the_wallet_in_three_presses(service: Service) -> None:
    teacher = service.browser()
    teacher.open("/")
    assert 'href="/login"' in teacher.page.text
    teacher.open("/login")
    teacher.press("auth/choice", person="permanent", decision="log-in")
    assert (teacher.page.url.path, teacher.status) == ("/card", "Klaar voor jou")
    teacher.press("/card")
    assert (teacher.page.url.path, teacher.status) == ("/card", "Geldig")
    shown = html.unescape(teacher.page.text)
    assert "Annelies Peeters" in shown
    assert "31 december 2026" in shown
    assert actions(teacher) == {"/logout", "/card/handoff", "/card/apple", "/card/google"}
    teacher.press("/card/apple")
    root = service.deployment.credentials.apple.root.read_bytes()
    installed = apple_phone.install(teacher.page.content, root_pem=root, now=wall_clock())
    assert installed.signature_verified
    assert "Annelies Peeters" in str(installed.content)
    assert gist(service.till().scan(str(installed.code)))["valid"]


def test_the_google_pass_is_at_google_before_the_teacher_is_sent_there(service: Service) -> None:
    teacher = service.with_card()
    teacher.press("/card/google")
    assert teacher.page.url.path.startswith("/gp/v/save/")
    assert "Added to Google Wallet" in teacher.page.text
    assert "Annelies Peeters" in str(service.google_objects()[-1])
    # Neither name nor key nor code travels in an address.
    link = str(teacher.page.url)
    assert not [
        word for word in ("Peeters", "LOCALHOST") if word.lower() in link.split("/save/")[1]
    ]


def test_the_live_card_gets_ten_minutes_of_codes(service: Service, clock: Clock) -> None:
    teacher = service.with_card()
    teacher.open("/card/live")
    found = teacher.fetch("/card/strips").json()
    begin = int(clock().timestamp())
    assert found.keys() == {"server_time", "strips"}
    assert found["server_time"] == begin
    assert all(strip.keys() == {"code", "from", "until"} for strip in found["strips"])
    assert [strip["from"] - begin for strip in found["strips"]] == list(range(0, 600, 30))
    assert len({strip["code"] for strip in found["strips"]}) == 20


def test_asking_twice_gives_one_card_and_one_pass_for_each_wallet(
    service: Service, database: Database
) -> None:
    headers = service.as_teacher(service.logged_in())
    for path in ("/card", "/card/apple", "/card/google") * 2:
        assert service.http.post(path, headers=headers).status_code == 303
    with database.reading() as session:
        assert len(session.scalars(select(Card)).all()) == 1
        carriers = sorted(one.carrier for one in session.scalars(select(WalletPass)))
    assert carriers == [Carrier.WEB, Carrier.APPLE, Carrier.GOOGLE]


def test_a_card_reported_lost_is_followed_by_another(service: Service, database: Database) -> None:
    phone, laptop = service.with_card(), service.logged_in()
    first = card_number(laptop)
    laptop.open("/card/lost")
    assert first.replace("\N{NO-BREAK SPACE}", "") in laptop.page.text.replace(
        "\N{NO-BREAK SPACE}", ""
    )
    laptop.press("/card/report-lost")
    assert "Je oude kaart is gestopt" in laptop.page.text
    assert laptop.status == "Geldig"
    assert card_number(laptop) != first
    # The lost phone is logged out; the browser that said so is not.
    assert phone.open("/card").url.path == "/op/v1/auth"
    with database.reading() as session:
        cards = session.scalars(select(Card).order_by(Card.id)).all()
    assert [(card.status, card.status_reason) for card in cards] == [
        (CardStatus.REVOKED, "lost"),
        (CardStatus.ACTIVE, "reissued"),
    ]


def test_the_wallet_of_this_phone_comes_first(service: Service) -> None:
    headers = service.as_teacher(service.with_card())
    first = {}
    for agent in ("iPhone; CPU iPhone OS 26", "Linux; Android 16; Pixel", "X11; Linux x86_64"):
        page = service.http.get("/card", headers=headers | {"user-agent": agent}).text
        first[agent.split(";")[0]] = page.index("/card/apple") < page.index("/card/google")
    assert first == {"iPhone": True, "Linux": False, "X11": True}


# Whoever is not the teacher.


def test_a_stranger_sees_and_changes_nothing(service: Service, database: Database) -> None:
    service.with_card()
    before = state_of(database)
    for path in ("/card", "/card/live", "/card/apple.pkpass"):
        answer = service.http.get(path, headers=PAGE)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?to={path}")
        assert service.http.get(path).status_code == 401
    for path in CHANGES:
        for headers in ({}, PAGE, {"cookie": "sid=" + "A" * 43}, {"cookie": "sid="}):
            answer = service.http.post(path, data={"csrf": ""}, headers=headers)
            assert (path, answer.status_code) == (path, 401)
    assert state_of(database) == before


def test_a_form_of_another_page_changes_nothing(service: Service, database: Database) -> None:
    mine = service.as_teacher(service.with_card())
    other = service.as_teacher(service.logged_in("grace"))["x-csrf-token"]
    own = mine["x-csrf-token"]
    before = state_of(database)
    wrong = ("", other, own[:-1], own.upper(), f"{own} ", "\N{LATIN SMALL LETTER E WITH ACUTE}")
    for path in CHANGES:
        cookie = {"cookie": mine["cookie"]}
        assert service.http.post(path, headers=cookie).status_code == 403
        for csrf in wrong:
            answer = service.http.post(path, data={"csrf": csrf}, headers=cookie)
            assert (path, csrf, answer.status_code) == (path, csrf, 403)
        answer = service.http.post(f"{path}?csrf={own}", headers=cookie)
        assert (path, answer.status_code) == (path, 403)
    assert state_of(database) == before
    assert service.http.get("/card", headers=mine).status_code == 200


def test_a_form_from_another_origin_changes_nothing(service: Service, database: Database) -> None:
    mine = service.as_teacher(service.with_card())
    before = state_of(database)
    origins = (
        "https://evil.example",
        "",
        service.address.replace("http://", "https://"),
        f"{service.address}.evil.example",
        f"{service.address}0",
        service.world.addresses.google,
    )
    for path in CHANGES:
        for origin in origins:
            answer = service.http.post(path, headers=mine | {"origin": origin})
            assert (path, origin, answer.status_code) == (path, origin, 403)
        for site in ("cross-site", "same-site", "none"):
            told = {"origin": "null", "sec-fetch-site": site}
            assert service.http.post(path, headers=mine | told).status_code == 403
    assert state_of(database) == before
    # A browser names no origin for a page that gives no referrer, as ours do.
    for told in (
        {"origin": service.address},
        {"origin": "null", "sec-fetch-site": "same-origin"},
        {"origin": "null"},
    ):
        assert service.http.post("/card/apple", headers=mine | told).status_code == 303


def test_a_link_changes_nothing(service: Service, database: Database) -> None:
    mine = service.as_teacher(service.with_card())
    before = state_of(database)
    # These two are pages too.
    for path in set(CHANGES) - {"/card", "/card/paper"}:
        answer = service.http.get(path, params={"csrf": mine["x-csrf-token"]}, headers=mine)
        assert (path, answer.status_code, answer.headers["allow"]) == (path, 405, "POST")
    assert state_of(database) == before


def test_a_form_with_files_or_a_thousand_fields_is_a_problem_like_any_other(
    service: Service,
) -> None:
    mine = service.as_teacher(service.logged_in())
    cookie = {"cookie": mine["cookie"]}
    own = mine["x-csrf-token"]
    forms: tuple[dict[str, Any], ...] = (
        {"files": {"csrf": ("csrf.txt", own.encode())}},
        {"data": {"csrf": own} | {f"field-{n}": "" for n in range(2000)}},
        {"content": b"csrf=" + b"A" * 60_000, "headers": {"content-type": FORM}},
        {"content": b"%%%&&==\xff\x00", "headers": {"content-type": FORM}},
        {
            "content": b"--x\r\nbroken",
            "headers": {"content-type": "multipart/form-data; boundary=x"},
        },
        {"content": b"", "headers": {"content-type": "multipart/form-data"}},
        {"json": {"csrf": own}},
    )
    for form in forms:
        headers = cookie | form.pop("headers", {})
        answer = service.http.post("/card", headers=headers, **form)
        assert answer.status_code in {400, 403, 422}, (form, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (
        service.http.post("/card", data={"csrf": "A" * 70_000}, headers=cookie).status_code == 413
    )


def test_a_teacher_sees_nothing_of_another(service: Service) -> None:
    an = service.with_card("permanent")
    number = card_number(an)
    an.press("/card/apple")
    rik = service.with_card("grace")
    pages = [rik.open(path).text for path in ("/card", "/card/live")]
    assert not [word for word in ("Annelies", "Peeters", number) if any(word in p for p in pages)]
    # That An has an Apple pass gives Lien none.
    assert rik.open("/card/apple.pkpass").status_code == 404


def test_a_pass_is_made_by_its_button_and_not_by_its_address(
    service: Service, database: Database
) -> None:
    teacher = service.with_card()
    before = state_of(database)
    assert teacher.open("/card/apple.pkpass").status_code == 404
    assert state_of(database) == before
    teacher.open("/card")
    assert teacher.press("/card/apple").url.path == "/card/apple.pkpass"
    made = state_of(database)
    assert teacher.open("/card/apple.pkpass").status_code == 200
    assert state_of(database) == made


def test_without_a_card_there_is_nothing_to_add_or_to_show(
    service: Service, database: Database
) -> None:
    headers = service.as_teacher(service.logged_in())
    before = state_of(database)
    for path in set(CHANGES) - {"/card", "/logout"}:
        assert (path, service.http.post(path, headers=headers).status_code) == (path, 404)
    for path in ("/card/live", "/card/apple.pkpass"):
        assert (path, service.http.get(path, headers=headers).status_code) == (path, 404)
    assert state_of(database) == before
