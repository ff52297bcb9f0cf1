"""What surrounds every answer, whatever it is, and in which language it speaks."""

from collections.abc import Callable
from dataclasses import replace

import httpx

from demo.deployment import Deployment
from tests.api.stage import HTTPS, Service

PAGE = {"accept": "text/html"}
JSON = {"content-type": "application/json"}
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def every_kind_of_answer(service: Service) -> dict[str, httpx.Response]:
    """One of each: pages, documents, files, redirects, refusals."""
    http, teacher = service.http, service.with_card()
    own = service.as_teacher(teacher)
    teacher.open("/card/live")
    codes = teacher.fetch("/card/strips")
    teacher.open("/card")
    teacher.press("/card/apple")
    style = http.get("/").text.partition('href="/static/')[2].partition('"')[0]
    key = {"authorization": f"Bearer {service.deployment.shops['museum'].live_key}"}
    route, question = "/api/v1/verifications", {"presentation": "", "channel": "till"}
    return {
        "a public page": http.get("/", headers=PAGE),
        "a page of a teacher": http.get("/card", headers=own | PAGE),
        "the live card": http.get("/card/live", headers=own | PAGE),
        "codes": codes,
        "a pass": http.get("/card/apple.pkpass", headers=own),
        "off to the log-in": http.get("/login"),
        "off to Google": http.post("/card/google", headers=own),
        "back to the page": http.post("/card", headers=own),
        "a stranger": http.get("/card", headers=PAGE),
        "a forged form": http.post("/card", headers={"cookie": own["cookie"]} | PAGE),
        "a verdict": http.post(route, json=question, headers=key),
        "no key": http.post(route, json=question),
        "a broken question": http.post(route, content=b"{", headers=key),
        "a camera": http.get("/1ABC", headers=PAGE),
        "keys": http.get("/.well-known/jwks.json"),
        "health": http.get("/healthz"),
        "readiness": http.get("/readyz"),
        "the contract": http.get("/openapi.json"),
        "style": http.get(f"/static/{style}"),
        "no such file": http.get("/static/x/nothing.css"),
        "outside the files": http.get("/static/x/..%2f..%2fsettings.py"),
        "no such page": http.get("/nothing", headers=PAGE),
        "no such address": http.get("/api/v1/nothing"),
        "another method": http.put("/card", headers=own),
        "too large": http.post(route, content=b"A" * 70_000, headers=key | JSON),
        "a log-in that failed": http.get("/callback?error=x", headers=PAGE),
        "logged out": http.get("/logged-out", headers=PAGE),
    }


PERSONAL = {
    "a page of a teacher",
    "the live card",
    "codes",
    "a pass",
    "off to the log-in",
    "off to Google",
    "a camera",
    "a log-in that failed",
}


def test_every_answer_is_in_the_envelope(service: Service) -> None:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
    # Log-out and the save link are where our own forms lead to; a browser checks the redirect too.
    led_to = sorted({service.world.addresses.identity_provider, service.world.addresses.google})
    answers = every_kind_of_answer(service)
    for name, answer in answers.items():
        headers = answer.headers
        found = {header: headers.get(header) for header in ALWAYS}
        assert (name, found) == (name, ALWAYS)
        # The live card has no form, and a manifest.
        more = "; manifest-src 'self'" if name == "the live card" else " " + " ".join(led_to)
        assert (name, headers["content-security-policy"]) == (name, policy + more)
        assert "strict-transport-security" not in headers
        assert "server" not in headers or headers["server"] == "uvicorn"
    assert len({answer.headers["x-request-id"] for answer in answers.values()}) == len(answers)
    assert {answer.status_code for answer in answers.values()} == {
        *(200, 303, 401, 403, 404, 405, 413, 415)
    }


def test_what_is_somebodys_own_is_stored_nowhere_and_what_never_changes_for_long(
    service: Service,
) -> None:
    answers = every_kind_of_answer(service)
    stored = {
        name: answer.headers.get("cache-control")
        for name, answer in answers.items()
        if answer.headers.get("cache-control") != "no-store"
    }
    assert not stored.keys() & PERSONAL
    assert stored == {
        "keys": "public, max-age=900",
        "style": "public, max-age=31536000, immutable",
    }


def test_under_https_browsers_are_told_to_stay_there(
    serve: Callable[..., Service], deployment: Deployment
) -> None:
    addresses = replace(deployment.addresses, service=HTTPS)
    service = serve(replace(deployment, addresses=addresses))
    for path in ("/", "/healthz", "/nothing"):
        sent = service.http.get(path).headers["strict-transport-security"]
        assert sent == "max-age=31536000; includeSubDomains"


def test_a_page_speaks_the_language_of_the_browser_until_one_is_chosen(service: Service) -> None:
    spoken = {
        "nl-BE,nl;q=0.9,en;q=0.5": "nl",
        "fr-BE": "fr",
        "de-AT, en;q=0.4": "de",
        "pt, en;q=0.4": "en",
        "ja": "nl",
        "": "nl",
        ";;q=x,,": "nl",
        "fr;q=0": "nl",
        "en;q=" + "9" * 400: "en",
        "x" * 7000: "nl",
    }
    for wish, language in spoken.items():
        answer = service.http.get("/", headers={"accept-language": wish})
        assert (wish, language_of(answer)) == (wish, language)
        assert "set-cookie" not in answer.headers


def language_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    return answer.text.partition('<html lang="')[2][:2]


def test_a_language_that_was_chosen_stays(service: Service) -> None:
    person = service.browser()
    for language in ("fr", "de", "en", "nl"):
        assert language_of(person.open(f"/?lang={language}")) == language
        assert language_of(person.open("/problems")) == language
        assert language_of(person.open("/logged-out")) == language
    person.open("/?lang=fr")
    for nonsense in ("xx", "", "../../nl", "%00", "FR", "n" * 500):
        answer = person.open(f"/?lang={nonsense}")
        assert language_of(answer) in {"nl", "fr"}
        assert nonsense == "" or f"lang={nonsense}" not in answer.headers.get("set-cookie", "")


def test_the_language_goes_along_to_the_log_in(service: Service) -> None:
    answer = service.http.get("/login", headers={"cookie": "lang=de"})
    assert "ui_locales=de" in answer.headers["location"]


def test_a_card_that_a_camera_sees_is_not_used_up(service: Service) -> None:
    code = service.web_codes(service.with_card())[0]
    link = "/1" + code.rpartition("/1")[2]
    for _ in range(3):
        page = service.http.get(link, headers=PAGE)
        assert (page.status_code, "Geldig" in page.text, "Peeters" in page.text) == (
            200,
            True,
            False,
        )
        assert code not in page.text
    assert service.till().scan(code).json()["valid"]
    assert "Niet geldig" in service.http.get(link, headers=PAGE).text
    statuses = [service.http.get(link, headers=PAGE).status_code for _ in range(57)]
    assert (statuses[:56], statuses[56]) == ([200] * 56, 429)
