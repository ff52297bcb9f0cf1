"""What every problem document must be (RFC 9457), whoever caused it."""

from typing import Any

import httpx

FIELDS = {"type", "title", "status", "detail", "instance", "end_user_message"}
OWN_FIELDS = {"sequence-gap": {"verwachtReeksnummer"}}
LANGUAGES = ["nl", "fr", "en", "de"]


def problem_of(answer: httpx.Response, kind: str, status: int) -> dict[str, Any]:
    """The document in an answer, once everything that is the same in all of them was checked."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), answer.text
    document: dict[str, Any] = answer.json()
    origin = str(answer.url.copy_with(raw_path=b"")).rstrip("/")
    assert document.keys() == FIELDS | OWN_FIELDS.get(kind, set())
    assert document["type"] == f"{origin}/problems/{kind}"
    assert document["status"] == status
    assert document["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    assert list(document["end_user_message"]) == LANGUAGES
    assert len(set(document["end_user_message"].values())) == len(LANGUAGES)
    assert answer.headers["cache-control"] == "no-store"
    return document
