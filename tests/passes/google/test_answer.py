"""What answers mean, and what is kept of them, whatever a server sends."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.passes.google.answer import Answer, GoogleRefused, TryAgain

# Envelopes with the right names and the wrong things under them.
FIELDS = st.sampled_from(["error", "errors", "reason", "details", "fieldViolations", "field"])
ENVELOPE = st.recursive(
    st.none() | st.integers() | st.text(max_size=9),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(FIELDS, part, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("status", "content", "temporary"),
    [
        (200, b"", False),
        (302, b"", True),
        (400, b"quota", False),
        (401, b"", False),
        (403, b'{"error":{"errors":[{"reason":"permissionDenied"}]}}', False),
        (403, b'{"error":{"errors":[{"reason":"quotaExceeded"}]}}', True),
        (403, b'{"error":{"status":"RESOURCE_EXHAUSTED"}}', True),
        (403, b'{"error":{"message":"Rate Limit Exceeded"}}', True),
        (404, b"", False),
        (405, b"", False),
        (408, b"", True),
        (409, b"", True),
        (413, b"", False),
        (429, b"", True),
        (500, b"", True),
        (503, b"", True),
        (599, b"", True),
    ],
)
def test_a_final_no_is_told_from_a_temporary_one(
    status: int, content: bytes, *, temporary: bool
) -> None:
    assert Answer(status, None, content).temporary is temporary


@pytest.mark.parametrize(
    ("retry_after", "after_s"),
    [
        (None, None),
        ("0", 0),
        ("7", 7),
        ("Tue, 24 Nov 2026 10:00:30 GMT", 30),
        ("Tue, 24 Nov 2026 09:00:00 GMT", 0),
        ("99999999999999999999", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date_or_nothing(
    now: datetime, retry_after: str | None, after_s: int | None
) -> None:
    assert Answer(503, retry_after, b"").try_again(now=now).after_s == after_s


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("invalid_grant", "invalid_grant"),
        ({"errors": [{"reason": "permissionDenied", "message": "An Peeters"}]}, "permissionDenied"),
        ({"errors": [{"reason": "An Peeters"}]}, "?"),
        ({"errors": [{"reason": 5}]}, "5"),
        ({"details": [{"fieldViolations": [{"field": "header.value[0]"}]}]}, "header.value[0]"),
        ({"errors": [{"reason": "a"}] * 9}, "a a a a a"),
        ({"errors": "text"}, "unknown"),
        ({"message": "An Peeters"}, "unknown"),
        (None, "unknown"),
    ],
)
def test_only_google_s_own_words_are_kept(error: Any, reason: str) -> None:
    content = json.dumps({"error": error}).encode()
    assert Answer(400, None, content).refusal().reason == reason


@given(content=st.binary() | ENVELOPE.map(lambda value: json.dumps(value).encode()))
def test_no_body_is_too_strange(content: bytes) -> None:
    refusal = Answer(400, None, content).refusal()
    assert isinstance(refusal, GoogleRefused)
    assert len(refusal.reason) <= 5 * 81
    assert refusal.reason.isascii()


@given(retry_after=st.text())
def test_no_retry_after_is_too_strange(retry_after: str) -> None:
    moment = datetime.fromisoformat("2026-11-24T10:00:00+00:00")
    after_s = Answer(503, retry_after, b"").try_again(now=moment).after_s
    assert after_s is None or 0 <= after_s <= 86_400


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff"])
def test_an_acknowledgement_that_cannot_be_read_counts_as_lost(content: bytes) -> None:
    with pytest.raises(TryAgain):
        Answer(200, None, content).resource()
