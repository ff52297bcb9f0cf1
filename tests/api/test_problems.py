"""Problem documents: every kind has a page, every failure a kind, and nothing leaks."""

import html
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from app import errors
from app.api import problems
from app.api.problems import Problem
from app.errors import (
    Conflict,
    Failure,
    Forbidden,
    NotEligible,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from app.passes.content import LANGUAGES
from app.passes.google.answer import GoogleRefused
from app.web.problem_texts import PROBLEMS
from app.web.texts import Texts
from tests.api.problem import problem_of
from tests.api.stage import Service

GOLDEN = Path(__file__).parent / "golden"
SECRET = "84022999609 Annelies lk_live_secret"
# What brings about each kind, and its status.
CAUSES: dict[str, tuple[Exception, int]] = {
    "not-found": (NotFound("There is no such verification."), 404),
    "conflict": (Conflict("A card that is revoked cannot become active."), 409),
    "not-eligible": (NotEligible("The personnel file gives no right to a teacher card now."), 403),
    "unauthenticated": (Unauthenticated("This till key is not valid."), 401),
    "forbidden": (Forbidden("This key belongs to another till than the one named."), 403),
    "unavailable": (Unavailable("The check could not be recorded.", retry_after_s=7), 503),
    "malformed-request": (HTTPException(400, SECRET), 400),
    "too-large": (HTTPException(413, SECRET), 413),
    "too-many-requests": (HTTPException(429, SECRET, {"retry-after": "60"}), 429),
    "method-not-allowed": (HTTPException(405, SECRET, {"allow": "POST"}), 405),
    "unsupported-media-type": (HTTPException(415, SECRET), 415),
    "internal-error": (RuntimeError(SECRET), 500),
    "digest-mismatch": (Problem("digest-mismatch", "The body is not the one announced."), 400),
    "sequence-gap": (Problem("sequence-gap", "Batches are missing.", verwachtReeksnummer=7), 409),
    "sequence-replayed": (Problem("sequence-replayed", "The last number is 7."), 409),
    "idempotency-mismatch": (Problem("idempotency-mismatch", "Another content."), 422),
}
HEADERS = {
    "unauthenticated": {"www-authenticate": "Bearer"},
    "unavailable": {"retry-after": "7"},
    "too-many-requests": {"retry-after": "60"},
    "method-not-allowed": {"allow": "POST"},
}
# The log-in has pages of its own, for people only.
PAGES_ONLY = {"login-refused"}


def raising(error: Exception) -> Callable[[], None]:
    """A route that fails like this."""

    def fail() -> None:
        raise error

    return fail


def test_every_kind_of_problem_has_a_page_in_every_language(service: Service) -> None:
    texts = Texts.load()
    for kind, problem in PROBLEMS.items():
        for language in LANGUAGES:
            answer = service.http.get(f"/problems/{kind}?lang={language}")
            assert (kind, answer.status_code) == (kind, 200)
            assert f'<html lang="{language}"' in answer.text
            say = texts.get(language)
            shown = html.unescape(answer.text)
            for sentence in (problem.title, problem.happened, problem.safe, problem.next):
                assert say(sentence) in shown
    index = service.http.get("/problems").text
    assert all(f'href="/problems/{kind}"' in index for kind in PROBLEMS)


def test_a_kind_that_is_none_has_no_page(service: Service) -> None:
    for kind in ("nothing", "NOT-FOUND", "%00", "not-found%20"):
        problem_of(service.http.get(f"/problems/{kind}"), "not-found", 404)


def test_every_failure_of_the_domain_has_a_kind_and_every_kind_a_cause() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert set(problems.KINDS) == {k for k in kinds if issubclass(k, Failure)} - {Failure}
    answered = {kind for kind, _ in problems.KINDS.values()} | set(problems.STATUSES.values())
    answered |= set(problems.FINER)
    assert answered | {"internal-error"} == set(CAUSES)
    assert set(CAUSES) | PAGES_ONLY == set(PROBLEMS)


def test_a_problem_of_each_kind_is_the_golden_document(service: Service) -> None:
    found = {}
    for kind, (cause, status) in CAUSES.items():
        service.app.add_api_route("/api/test", raising(cause))
        answer = service.http.get("/api/test")
        document = problem_of(answer, kind, status)
        assert SECRET not in answer.text
        assert {n: answer.headers.get(n) for n in HEADERS.get(kind, {})} == HEADERS.get(kind, {})
        document |= {
            "type": f"https://kaart.example/problems/{kind}",
            "instance": "urn:uuid:0198c2f4-7a1e-7c3b-9d52-6f0e8b1a4c77",
        }
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        found[f"problem-{kind}.json"] = text
        # To accept a change, copy this file over the golden one.
        (service.deployment.directory / f"problem-{kind}.json").write_text(text, "utf-8")
        service.app.router.routes.pop()
    assert found == {file.name: file.read_text("utf-8") for file in GOLDEN.iterdir()}


def test_the_same_problem_is_a_page_for_a_person(service: Service) -> None:
    headers = {"accept": "text/html"}
    for kind, (cause, status) in CAUSES.items():
        service.app.add_api_route("/test", raising(cause))
        answer = service.http.get("/test?lang=en", headers=headers)
        assert (kind, answer.status_code) == (kind, status)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        shown = html.unescape(answer.text)
        text = PROBLEMS[kind]
        assert all(words in shown for words in (text.title, text.happened, text.safe, text.next))
        assert answer.headers["x-request-id"] in shown
        assert SECRET not in shown
        assert ("Try again in" in shown) is ("retry-after" in HEADERS.get(kind, {}))
        service.app.router.routes.pop()


def test_a_machine_gets_a_document_whatever_it_says_it_reads(service: Service) -> None:
    answer = service.http.get("/api/v1/verifications/x", headers={"accept": "text/html,*/*"})
    problem_of(answer, "unauthenticated", 401)


def test_a_failure_of_a_finer_kind_counts_as_what_it_is(service: Service) -> None:
    class Unreachable(Unavailable):
        """A room's own word for one way of being unavailable."""

    service.app.add_api_route("/api/test", raising(Unreachable("Not now.", retry_after_s=3)))
    answer = service.http.get("/api/test")
    assert problem_of(answer, "unavailable", 503)["detail"] == "Not now."


def test_a_failure_of_no_kind_is_our_own_mistake(service: Service) -> None:
    service.app.add_api_route("/api/test", raising(GoogleRefused(400, "invalid")))
    problem_of(service.http.get("/api/test"), "internal-error", 500)


def test_an_unforeseen_error_is_answered_in_the_envelope_and_tells_nothing(
    service: Service, logs: Sequence[Mapping[str, Any]]
) -> None:
    service.fail_with(RuntimeError(SECRET))
    for accept in ("application/json", "text/html"):
        answer = service.http.get("/login", headers={"accept": accept})
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not [word for word in (*SECRET.split(), "RuntimeError") if word in answer.text]
        # What a person reads to the helpdesk finds the fault in the log.
        unexpected, request = logs[-2:]
        assert unexpected["event"] == "unexpected"
        assert request["status"] == 500
        number = answer.headers["x-request-id"]
        assert (unexpected["request_id"], request["request_id"]) == (number, number)
    assert service.http.get("/healthz").status_code == 200


def test_an_error_after_the_answer_began_ends_the_connection(service: Service) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"half of"
        raise RuntimeError(SECRET)

    service.app.add_api_route("/api/test", lambda: StreamingResponse(half()))
    with pytest.raises(httpx.RemoteProtocolError):
        service.http.get("/api/test")
    assert service.http.get("/healthz").status_code == 200
