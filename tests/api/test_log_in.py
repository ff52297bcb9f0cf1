"""Logging in and out over HTTP: cookies, sessions, and whoever tries to use another's."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import select

from app.db import Database
from app.identity.model import StoredAttempt, WebSession
from demo.deployment import Deployment
from tests.api.stage import HTTPS, Clock, LogIn, Service, cookies_of

PAGE = {"accept": "text/html"}
FLAGS = {"HttpOnly", "Path=/", "SameSite=lax"}


def session_of(service: Service, person: str = "permanent") -> dict[str, str]:
    """Log in by hand; the headers of a browser that then opens pages."""
    (crumb,) = cookies_of(LogIn(service, person).finish())
    return {"cookie": crumb} | PAGE


def opens_the_card(service: Service, headers: dict[str, str]) -> bool:
    answer = service.http.get("/card", headers=headers)
    if answer.status_code == 303:
        assert answer.headers["location"] == "/login?to=/card"
        assert "Peeters" not in answer.text
    return answer.status_code == 200


def test_the_session_cookie_is_for_this_host_and_no_script(service: Service) -> None:
    log_in = LogIn(service)
    assert list(cookies_of(log_in.begun).values()) == [FLAGS | {"Max-Age=600"}]
    done = log_in.finish()
    assert list(cookies_of(done).values()) == [FLAGS]
    assert [crumb.split("=")[0] for crumb in cookies_of(done)] == ["sid"]
    assert any(line.startswith('login=""; ') for line in done.headers.get_list("set-cookie"))


def test_under_https_the_browser_itself_guards_the_session_cookie(
    serve: Callable[..., Service], deployment: Deployment
) -> None:
    addresses = replace(deployment.addresses, service=HTTPS)
    service = serve(replace(deployment, addresses=addresses))
    log_in = LogIn(service)
    assert str(log_in.sent_to).startswith(f"{HTTPS}/callback?")
    done = log_in.finish()
    given = cookies_of(log_in.begun) | cookies_of(done)
    assert [crumb.split("=")[0] for crumb in given] == ["__Host-login", "__Host-sid"]
    assert list(given.values()) == [FLAGS | {"Secure", "Max-Age=600"}, FLAGS | {"Secure"}]
    assert done.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    # A cookie of the plain name, which anybody on a neighbouring host could plant, is nothing.
    (crumb,) = cookies_of(done)
    assert opens_the_card(service, {"cookie": crumb} | PAGE)
    assert not opens_the_card(service, {"cookie": crumb.removeprefix("__Host-")} | PAGE)


def test_nothing_stored_opens_a_door(service: Service, database: Database) -> None:
    log_in = LogIn(service)
    with database.reading() as session:
        (attempt,) = session.scalars(select(StoredAttempt))
    assert log_in.cookie.split("=")[1].encode() not in attempt.browser_hash
    headers = session_of(service)
    with database.reading() as session:
        (stored,) = session.scalars(select(WebSession))
    secret = headers["cookie"].split("=")[1]
    values = (stored.token_hash, stored.sealed_person or b"", stored.id.bytes)
    assert not any(secret.encode() in value for value in values)
    for value in (stored.token_hash.hex(), str(stored.id)):
        assert not opens_the_card(service, {"cookie": f"sid={value}"} | PAGE)


def test_a_session_planted_before_the_log_in_is_not_the_one_after_it(service: Service) -> None:
    service.with_card("permanent")
    planted = session_of(service, "grace")["cookie"]
    victim = LogIn(service, "permanent")
    done = victim.finish(cookie=f"{victim.cookie}; {planted}")
    (crumb,) = cookies_of(done)
    assert crumb != planted
    assert "Annelies Peeters" in service.http.get("/card", headers={"cookie": crumb}).text
    # What was planted opens nothing any more, not even the card of whoever planted it.
    assert not opens_the_card(service, {"cookie": planted} | PAGE)


def test_every_log_in_gets_a_session_of_its_own(service: Service) -> None:
    crumbs = {session_of(service)["cookie"] for _ in range(3)}
    assert len(crumbs) == 3
    assert all(opens_the_card(service, {"cookie": crumb} | PAGE) for crumb in crumbs)


def test_an_answer_of_the_provider_serves_once(service: Service) -> None:
    log_in = LogIn(service)
    assert log_in.finish().status_code == 303
    assert not log_in.finish().is_redirect


def test_an_answer_of_the_provider_serves_in_its_own_browser_only(service: Service) -> None:
    attacker, victim = LogIn(service, "grace"), LogIn(service, "permanent")
    for cookie in (victim.cookie, "", "login=", "login=A", f"login={'A' * 43}"):
        lured = victim.finish(cookie=cookie, callback=attacker.callback)
        assert (lured.status_code, cookies_of(lured)) == (403, {})
        assert "Claes" not in lured.text
    # Neither attempt was used up by the lure.
    assert victim.finish().status_code == 303
    assert attacker.finish().status_code == 303


UNASKED = (
    "",
    "state=",
    "state=A&code=A",
    "code=A",
    "error=access_denied",
    "state=%00&code=%00",
    "state=%ff%fe&code=%ff",
    "state=A&state=B&code=A",
    "state=" + "A" * 5000,
    "error=<script>alert(1)</script>&state=A",
)


def test_an_answer_that_nobody_asked_for_is_an_honest_page(service: Service) -> None:
    for query in UNASKED:
        for cookie in ({}, {"cookie": LogIn(service).cookie}):
            answer = service.http.get(f"/callback?{query}", headers=PAGE | cookie)
            assert (query, answer.status_code) == (query, 403)
            assert "Je bent niet aangemeld" in answer.text
            assert answer.headers["cache-control"] == "no-store"
            assert "<script>alert" not in answer.text
            assert cookies_of(answer) == {}


def test_a_log_in_that_takes_too_long_is_over(service: Service, clock: Clock) -> None:
    log_in = LogIn(service)
    clock.advance(minutes=10)
    assert log_in.finish().status_code == 403


def test_a_person_who_cancels_is_told_so(service: Service) -> None:
    answer = LogIn(service, decision="cancel").finish()
    assert answer.status_code == 403
    assert "Je hebt het aanmelden gestopt" in answer.text


def test_a_provider_that_lies_logs_nobody_in(service: Service, database: Database) -> None:
    for lie in ("alg-none", "signed-with-another-key", "nonce-other", "acr-too-weak", "rrn-junk"):
        service.script("identity_provider", lie=lie)
        answer = LogIn(service).finish()
        assert (lie, answer.status_code, cookies_of(answer)) == (lie, 403, {})
    with database.reading() as session:
        assert session.scalars(select(WebSession)).all() == []


def test_a_provider_that_is_down_is_a_page_that_says_so(service: Service, clock: Clock) -> None:
    service.script("identity_provider", lie="discovery-error")
    answer = service.http.get("/login", headers=PAGE)
    assert (answer.status_code, answer.headers["retry-after"].isdigit()) == (503, True)
    assert cookies_of(answer) == {}
    service.script("identity_provider", lie=None)
    clock.advance(minutes=1)
    log_in = LogIn(service)
    service.script("identity_provider", lie="token-error")
    assert log_in.finish().status_code == 503
    assert log_in.finish().status_code == 403  # the attempt is used up all the same


def test_logging_out_works_here_when_the_provider_is_down(service: Service, clock: Clock) -> None:
    teacher = service.logged_in()
    cookie = teacher.page.request.headers["cookie"]
    service.script("identity_provider", lie="discovery-error")
    clock.advance(minutes=25)
    teacher.open("/card")
    clock.advance(minutes=29)
    teacher.open("/card")
    clock.advance(minutes=29)
    teacher.press("/logout")
    assert [str(hop.url) for hop in teacher.page.history] == [f"{service.address}/logout"]
    assert str(teacher.page.url) == f"{service.address}/logged-out"
    assert not opens_the_card(service, {"cookie": cookie} | PAGE)


def test_after_logging_out_the_session_is_dead_here_and_at_the_provider(service: Service) -> None:
    teacher = service.logged_in()
    cookie = teacher.page.request.headers["cookie"]
    teacher.press("/logout")
    assert teacher.page.url.path == "/logged-out"
    hops = [answer.url.host for answer in teacher.page.history]
    assert service.world.addresses.identity_provider in str(teacher.page.history[-1].url)
    assert len(hops) == 2
    assert not opens_the_card(service, {"cookie": cookie} | PAGE)
    assert "sid" not in teacher.open("/logged-out").request.headers.get("cookie", "")


def test_a_session_ends_after_half_an_hour_without_a_page(service: Service, clock: Clock) -> None:
    headers = session_of(service)
    clock.advance(minutes=29)
    assert opens_the_card(service, headers)
    clock.advance(minutes=29)
    assert opens_the_card(service, headers)
    clock.advance(minutes=30)
    assert not opens_the_card(service, headers)


def test_a_session_ends_after_eight_hours_however_busy(service: Service, clock: Clock) -> None:
    headers = session_of(service)
    for _ in range(19):
        clock.advance(minutes=25)
        assert opens_the_card(service, headers)
    clock.advance(minutes=5)
    assert not opens_the_card(service, headers)


def test_after_the_log_in_a_person_is_where_they_wanted_to_be(service: Service) -> None:
    assert LogIn(service, to="/card/live").finish().headers["location"] == "/card/live"


def test_the_log_in_leads_to_no_other_house(service: Service) -> None:
    for elsewhere in (
        "https://evil.example/card",
        "//evil.example/card",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "/%2f/evil.example",
        "/card?next=https://evil.example",
        "/card/../../evil",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/card\r\nLocation: https://evil.example",
        "/\N{FULLWIDTH SOLIDUS}evil.example",
        "",
        "/" + "a" * 300,
    ):
        done = LogIn(service, to=elsewhere).finish()
        assert (elsewhere, done.headers["location"]) == (elsewhere, "/")


def test_log_ins_are_limited_for_each_network(service: Service) -> None:
    statuses = [service.http.get("/login").status_code for _ in range(31)]
    assert statuses == [303] * 30 + [429]
