"""Check teacher cards of Flanders: a client in one file that needs the standard library only.

For Python 3.8 and later. Copy this file into your project.

    from lerarenkaart import Lerarenkaart

    cards = Lerarenkaart("https://kaart.example", key="lk_test_...")
    verdict = cards.verify(scanned_text)
    if verdict.valid:
        print("Compare with an identity card:", verdict.initials)
    else:
        print(verdict.message("nl"))

A refused card is a verdict, never an exception. When no verdict could be had, `verify` raises
`NoVerdict`: say so to the cashier, and scan again. It has tried again by itself where that is safe:
the same code at the same till within 120 seconds is the same check (`repeat`), counted once.

Try every reason before you go live, with a key that begins with lk_test_ and the test cards of
/sandbox.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

ATTEMPTS = 3
# Never wait longer between two attempts, whatever `Retry-After` says: somebody stands at the till.
LONGEST_WAIT_S = 3.0
BUSY = {429, 503}


class NoVerdict(Exception):
    """There is no verdict: the service cannot be reached, is busy, or does not accept the request.

    `status` is the HTTP status or None; `retry_after_s` says when asking again makes sense, or is
    None; `problem` is the problem document (RFC 9457), whose `end_user_message` may be shown.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        retry_after_s: float | None = None,
        problem: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.retry_after_s, self.problem = status, retry_after_s, problem or {}


@dataclass(frozen=True)
class Verdict:
    """What the service says of one presented code; `document` is the whole answer."""

    verification_id: str
    valid: bool
    # "ok", or why the card is refused. Treat a reason you do not know as a refusal.
    reason: str
    # "live", "recent" or "static": how fresh the code was; None where it was not judged.
    grade: str | None
    # What to compare with an identity card; None when refused, withheld or sold from afar.
    initials: str | None
    # Last day of the card year, YYYY-MM-DD.
    expires_on: str | None
    # "check_id": look at an identity card.
    advice: tuple[str, ...]
    # The same code at the same till within 120 seconds: counted once.
    repeat: bool
    # A test card: gives no right to anything.
    test: bool
    document: dict[str, Any]

    def message(self, language: str = "nl") -> str:
        """A sentence for people in "nl", "fr", "en" or "de"."""
        said: str = self.document["end_user_message"][language]
        return said


class Lerarenkaart:
    """The service at one address, asked with the key of one till; safe to share between threads.

    With an access token (client_credentials, scope verifications:write) as the key, name the till.
    """

    def __init__(
        self, address: str, key: str, *, till_id: str | None = None, timeout_s: float = 5.0
    ) -> None:
        self._address = address.rstrip("/")
        self._key = key
        self._till_id = till_id
        self._timeout_s = timeout_s

    def verify(
        self,
        presentation: str,
        *,
        channel: str = "till",
        min_grade: str = "static",
        benefit_id: str | None = None,
    ) -> Verdict:
        """Ask about a scanned text, a typed card number or a webshop code, exactly as it came.

        `channel` is till, box_office, scanner, event, library, webshop or phone. Raises
        `NoVerdict`.
        """
        question = {"presentation": presentation, "channel": channel, "min_grade": min_grade}
        more = {"benefit_id": benefit_id, "till_id": self._till_id}
        question.update({name: value for name, value in more.items() if value is not None})
        answer = json.loads(self._ask("POST", "/api/v1/verifications", question))
        return Verdict(
            verification_id=answer["verification_id"],
            valid=answer["valid"],
            reason=answer["reason"],
            grade=answer["grade"],
            initials=(answer["holder"] or {}).get("initials"),
            expires_on=answer["expires_on"],
            advice=tuple(answer["advice"]),
            repeat=answer["repeat"],
            test=answer["test"],
            document=answer,
        )

    def void(self, verification_id: str) -> None:
        """Take back this till's own check within ten minutes, when the sale came to nothing."""
        till = f"?till_id={self._till_id}" if self._till_id else ""
        self._ask("POST", f"/api/v1/verifications/{verification_id}/void{till}")

    def receipt(self, verification_id: str) -> str:
        """A signed proof (JWS) that a check was made, without anything about the holder."""
        return self._ask("GET", f"/api/v1/verifications/{verification_id}/receipt").decode("ascii")

    def counts(self, first: str, last: str) -> str:
        """Your own counts as CSV, from one day to another (YYYY-MM-DD), at most a year."""
        text = self._ask("GET", f"/api/v1/verifications/counts.csv?from={first}&to={last}")
        return text.decode("utf-8-sig")

    def _ask(self, method: str, path: str, question: dict[str, Any] | None = None) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(method, path, question)
            except NoVerdict as fault:
                again = fault.status is None or fault.status in BUSY
                wait_s = fault.retry_after_s or 0.2 * attempt
                if attempt == ATTEMPTS or not again or wait_s > LONGEST_WAIT_S:
                    raise
                time.sleep(wait_s)
        raise AssertionError("the loop returns or raises")

    def _once(self, method: str, path: str, question: dict[str, Any] | None) -> bytes:
        request = urllib.request.Request(self._address + path, method=method)
        request.add_header("Authorization", f"Bearer {self._key}")
        body = None
        if question is not None:
            request.add_header("Content-Type", "application/json")
            body = json.dumps(question).encode()
        try:
            with urllib.request.urlopen(request, body, timeout=self._timeout_s) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as refusal:
            raise _refused(refusal) from None
        except OSError as fault:
            raise NoVerdict(f"the service cannot be reached: {fault}") from fault


def _refused(refusal: urllib.error.HTTPError) -> NoVerdict:
    try:
        problem = json.loads(refusal.read())
    except ValueError:
        problem = {}
    wait = refusal.headers.get("Retry-After", "")
    retry_after_s = float(wait) if wait.isdigit() else None
    said = problem.get("detail") or f"the service answered {refusal.code}"
    return NoVerdict(said, refusal.code, retry_after_s, problem)
