"""Error kinds as RFC 9457 problem documents, and as a page for people with a browser.

The only place that knows which status code a kind has. Words come from the catalogue of
`app.web`, one text per kind and language; a problem document never repeats what was sent.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.deps import House, page, request_id
from app.cards.keyring import KeyFault
from app.db import AWAY
from app.errors import (
    Conflict,
    Failure,
    Forbidden,
    NotEligible,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from app.web.problem_texts import PROBLEMS

MEDIA_TYPE = "application/problem+json"

KINDS: dict[type[Failure], tuple[str, HTTPStatus]] = {
    NotFound: ("not-found", HTTPStatus.NOT_FOUND),
    Conflict: ("conflict", HTTPStatus.CONFLICT),
    NotEligible: ("not-eligible", HTTPStatus.FORBIDDEN),
    Unauthenticated: ("unauthenticated", HTTPStatus.UNAUTHORIZED),
    Forbidden: ("forbidden", HTTPStatus.FORBIDDEN),
    Unavailable: ("unavailable", HTTPStatus.SERVICE_UNAVAILABLE),
}
STATUSES: dict[int, str] = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    408: "malformed-request",
    413: "too-large",
    415: "unsupported-media-type",
    422: "malformed-request",
    429: "too-many-requests",
}
# What one API has to tell apart further; `Problem` raises them.
FINER: dict[str, int] = {
    "digest-mismatch": 400,
    "sequence-gap": 409,
    "sequence-replayed": 409,
    "idempotency-mismatch": 422,
}
# For the OpenAPI document: every operation may answer with one of these.
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457): what happened, what is safe, what is next.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
# Under these paths a machine asks, whatever its Accept header says.
MACHINE_PATHS = ("/api/", "/apple/", "/google/", "/oauth2/", "/.well-known/", "/healthz", "/readyz")

log = structlog.get_logger()


class Problem(Exception):
    """A problem of the API itself, with members of its own; `detail` is safe to send."""

    def __init__(
        self, kind: str, detail: str, *, status: int | None = None, **members: int
    ) -> None:
        super().__init__(detail)
        self.kind, self.members = kind, members
        self.status = FINER[kind] if status is None else status


def install(app: FastAPI) -> None:
    """Answer every failure of this application with a problem document.

    Comes before the envelope is put around the application, which then holds every answer.
    """
    app.add_exception_handler(Failure, _failure)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(KeyFault, _keys_away)
    for away in AWAY:
        app.add_exception_handler(away, _away)
    app.add_middleware(_answering_the_unexpected)


def problem(
    request: Request,
    kind: str,
    status: int,
    *,
    detail: str | None = None,
    headers: dict[str, str] | None = None,
    members: Mapping[str, int] | None = None,
) -> Response:
    """The answer for one failure: a page for a browser, a document for everything else."""
    house: House = request.state.house
    text = PROBLEMS[kind]
    if _is_person(request):
        retry_after_s = int((headers or {}).get("retry-after", 0)) or None
        shown = {"problem": text, "retry_after_s": retry_after_s}
        answer = page(request, "error.html", status, **shown)
        answer.headers.update(headers or {})
        return answer
    document = {
        "type": f"{house.public_url}/problems/{kind}",
        "title": text.title,
        "status": status,
        "detail": detail or text.happened,
        "instance": f"urn:uuid:{request_id(request)}",
        "end_user_message": {
            code: " ".join(say(sentence) for sentence in (text.happened, text.safe, text.next))
            for code, say in house.texts.languages.items()
        },
        **(members or {}),
    }
    headers = {"cache-control": "no-store"} | (headers or {})
    return JSONResponse(document, status, headers, media_type=MEDIA_TYPE)


def _is_person(request: Request) -> bool:
    wants_page = "text/html" in request.headers.get("accept", "")
    return wants_page and not request.url.path.startswith(MACHINE_PATHS)


def _failure(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, Failure)  # noqa: S101 - registered for this class only
    kind, status = next(KINDS[base] for base in type(failure).__mro__ if base in KINDS)
    headers = {}
    if isinstance(failure, Unauthenticated):
        headers["www-authenticate"] = "Bearer"
    if isinstance(failure, Unavailable):
        headers["retry-after"] = str(failure.retry_after_s)
        log.warning("unavailable", cause=type(failure.__cause__).__name__)
    return problem(request, kind, status, detail=str(failure), headers=headers)


def _problem(request: Request, found: Exception) -> Response:
    assert isinstance(found, Problem)  # noqa: S101 - registered for this class only
    return problem(request, found.kind, found.status, detail=str(found), members=found.members)


def _keys_away(request: Request, fault: Exception) -> Response:
    log.error("keys-unusable", fault=str(fault))
    return _away(request, fault)


def _away(request: Request, error: Exception) -> Response:
    failure = Unavailable("The service cannot do its work at this moment.")
    failure.__cause__ = error
    return _failure(request, failure)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    if error.status_code < HTTPStatus.BAD_REQUEST:
        return Response(status_code=error.status_code, headers=error.headers)
    kind = STATUSES.get(error.status_code, "malformed-request")
    return problem(request, kind, error.status_code, headers=dict(error.headers or {}))


def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    # Where and what kind of fault, never what was sent: it may hold anything.
    faults = "; ".join(
        f"{_place(fault)}: {fault['type'].replace('_', ' ')}" for fault in error.errors()[:5]
    )
    detail = f"The request is not as the contract says: {faults}."
    return problem(request, "malformed-request", 422, detail=detail)


def _place(fault: Mapping[str, Any]) -> str:
    """Where a fault is; the name of a field that we do not know is the sender's own text."""
    known = fault["loc"][:-1] if fault["type"] == "extra_forbidden" else fault["loc"]
    return ".".join(str(part) for part in known)


def _answering_the_unexpected(app: ASGIApp) -> ASGIApp:
    """Like the framework's own last resort, but within the envelope: with number and headers."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, noting)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            answer = await run_in_threadpool(_unexpected, Request(scope), error)
            await answer(scope, receive, send)

    return answering


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected", fault=type(error).__name__, exc_info=error)
    return problem(request, "internal-error", 500)
