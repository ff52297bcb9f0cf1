"""What an answer of Google means: done, try again later, or a final no.

Knows the error envelope and that a 403 is one of two things. Google's messages repeat what
was sent, the TOTP key and the name included; therefore only its reasons and field names go
into an exception, never a message or a value.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from app.errors import Failure, Unavailable
from app.passes.google.object import JsonObject

QUOTA = re.compile(r"quota|rate.?limit|exhausted", re.IGNORECASE)
REASON = re.compile(r"[\w.\[\]]{1,80}", re.ASCII)
REASONS_KEPT = 5
# A conflict that is no answer to an insert is with somebody else's change at the same moment.
PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
# A hostile or confused server must not send us away for months.
RETRY_AFTER_MAX_S = 86_400


class GoogleRefused(Failure):
    """Google's final no: sent again unchanged, it would be refused again.

    `status` is the HTTP status (400, 403, 404 for a class that does not exist), `reason`
    Google's own words for the cause. Whoever gets it parks the pass and tells an operator; a
    temporary failure is `errors.Unavailable` instead.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"Google Wallet refused the request ({status} {reason}).")
        self.status = status
        self.reason = reason


class NoAccess(Unavailable):
    """It is our account or our class that is refused, not this pass: nothing to park, much to mend.

    Final for now: nobody knocks again before somebody had the time to mend it.
    """


class TryAgain(Exception):
    """This attempt failed, the next may not; `after_s` when Google says how long to wait."""

    def __init__(self, reason: str, *, after_s: int | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, Retry-After header and body of one HTTP answer."""

    status: int
    retry_after: str | None
    content: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether Google did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def temporary(self) -> bool:
        """Whether this is anything but a yes or a clear no from Google itself.

        Quota is reported as 429, and as 403 with a word for it.
        """
        if self.status == HTTPStatus.FORBIDDEN:
            return bool(QUOTA.search(self.content.decode(errors="replace")))
        if self.status in PASSING:
            return True
        clear_no = HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return not (self.ok or clear_no)

    def resource(self) -> JsonObject:
        """The JSON object in the body; raises TryAgain when it was cut short on its way."""
        try:
            resource = json.loads(self.content)
        except ValueError as exc:
            raise TryAgain("unreadable answer") from exc
        if not isinstance(resource, dict):
            raise TryAgain("unreadable answer")
        return resource

    def refusal(self) -> GoogleRefused:
        """This answer as a final no."""
        return GoogleRefused(self.status, self._reason())

    def try_again(self, *, now: datetime) -> TryAgain:
        """This answer as a request for patience."""
        after_s = _retry_after_s(self.retry_after, now=now)
        return TryAgain(f"{self.status} {self._reason()}", after_s=after_s)

    def _reason(self) -> str:
        try:
            words = [str(word) for word in _reasons(json.loads(self.content)["error"])]
        except (ValueError, KeyError, TypeError, AttributeError):
            return "unknown"
        kept = [word if REASON.fullmatch(word) else "?" for word in words[:REASONS_KEPT]]
        return " ".join(kept) or "unknown"


def _reasons(error: Any) -> Iterator[str]:  # noqa: ANN401 - whatever an answer holds
    """The words of the API's error envelope, or of the token endpoint's (RFC 6749 section 5.2)."""
    if isinstance(error, str):
        yield error
        return
    for item in error.get("errors", []):
        yield item["reason"]
    for detail in error.get("details", []):
        for violation in detail.get("fieldViolations", []):
            yield violation["field"]


def _retry_after_s(value: str | None, *, now: datetime) -> int | None:
    """Seconds from a Retry-After, be it a number or a date (RFC 9110 section 10.2.3)."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), RETRY_AFTER_MAX_S)
    try:
        moment = parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return min(max(0, int((moment - now).total_seconds())), RETRY_AFTER_MAX_S)
