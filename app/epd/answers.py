"""What a reply of the personnel file means for us.

Knows statuses, MAGDA's codes and the token answer (RFC 6749); hides how replies are fetched. A
meaning is an `EpdAnswer`, and whatever is not clearly one is `Failed`: from a failure nobody
may conclude anything about a person. The text of a failure quotes nothing that was received.
"""

from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.cards.insz import Insz
from app.epd.messages import (
    NEW_INSZ,
    NO_RECORDS,
    SOURCE_BUSY,
    Fout,
    MessageFault,
    Mutaties,
    Snapshot,
    changed_number,
    read_answer,
    read_refusal,
)
from app.errors import Unavailable

BUSY = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class EpdAnswer:
    """What EPD knows: a snapshot, or None for a person without a file.

    `replaced_by` is the number that took the place of the one asked about; the snapshot is then
    that of the new number.
    """

    snapshot: Snapshot | None
    replaced_by: Insz | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of the feed: whose files changed, in order, and where the next page begins.

    `faults` counts items that break the contract: nobody can be asked about them.
    """

    numbers: tuple[Insz, ...]
    cursor: str
    more: bool
    faults: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What came over HTTP, read to its end."""

    status: int
    content_type: str
    retry_after_s: int | None
    body: bytes


class Failed(Exception):
    """No answer: `again` if another try may bring one, `sick` if the source is not well.

    `wait_s` is what the source, or the breaker, asks to wait first.
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool = False,
        sick: bool = True,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.again = again
        self.sick = sick
        self.wait_s = wait_s


def is_refusal(silence: Unavailable) -> bool:
    """Whether it was a clear no about one person, which must not hold up everybody after them."""
    cause = silence.__cause__
    return isinstance(cause, Failed) and not (cause.again or cause.sick)


class Token(BaseModel):
    """A bearer token (RFC 6749, section 5.1): only what can stand in a header is one."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    access_token: str = Field(pattern="^[!-~]+$", max_length=8_192, repr=False)
    token_type: str = Field(pattern="^[Bb]earer$")
    expires_in: int = Field(default=300, ge=1)


def token_in(reply: Reply) -> Token:
    """The token in the reply of the token endpoint."""
    if reply.status != HTTPStatus.OK:
        raise Failed(f"no token: status {reply.status}", sick=reply.status >= 500)  # noqa: PLR2004 - 5xx
    try:
        return Token.model_validate_json(reply.body)
    except ValidationError as error:
        raise Failed("no token in the answer") from error


def answer_in(reply: Reply, asked: Insz) -> EpdAnswer:
    """The answer in a reply about `asked`, the codes as in contract 4.2."""
    refusal = _refusal_in(reply)
    code = refusal.code if refusal else None
    if reply.status == HTTPStatus.OK:
        return EpdAnswer(_file_in(reply, asked))
    if code == NO_RECORDS:
        return EpdAnswer(None)
    if code == NEW_INSZ and refusal and refusal.nieuw_insz:
        return EpdAnswer(None, replaced_by=refusal.nieuw_insz)
    raise Failed(f"refused: status {reply.status}, code {code}", sick=code is None)


def done(reply: Reply) -> None:
    """Whether what was asked for now holds (204)."""
    if reply.status == HTTPStatus.NO_CONTENT:
        return
    refusal = _refusal_in(reply)
    code = refusal.code if refusal else None
    # A source that does not know the question is not ill.
    sick = reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    raise Failed(f"refused: status {reply.status}, code {code}", sick=sick)


def changes_in(reply: Reply) -> Changes | None:
    """The page in a reply of the feed; None when the cursor is not kept any more (410)."""
    _refusal_in(reply)
    if reply.status == HTTPStatus.GONE:
        return None
    if reply.status != HTTPStatus.OK:
        raise Failed(f"refused: status {reply.status}")
    try:
        page = Mutaties.model_validate_json(reply.body)
    except ValidationError as error:
        raise Failed("the feed breaks the contract") from error
    numbers = [number for item in page.items if (number := changed_number(item)) is not None]
    return Changes(
        numbers=tuple(dict.fromkeys(numbers)),
        cursor=page.volgende,
        more=page.meer,
        faults=len(page.items) - len(numbers),
    )


def busy(reply: Reply) -> Failed | None:
    """The failure in a reply that only says "later"."""
    if reply.status not in BUSY:
        return None
    return Failed(f"busy: status {reply.status}", again=True, wait_s=reply.retry_after_s)


def _refusal_in(reply: Reply) -> Fout | None:
    """MAGDA's word for why not, if there is one that says more than "later"."""
    refusal = read_refusal(reply.body)
    if refusal is not None and refusal.code == SOURCE_BUSY:
        raise Failed("the source is busy (99996)", again=True, wait_s=reply.retry_after_s)
    return refusal


def _file_in(reply: Reply, asked: Insz) -> Snapshot | None:
    media_type = reply.content_type.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Failed("the answer is not JSON by its own word")
    try:
        answer = read_answer(reply.body)
    except MessageFault as fault:
        raise Failed("the answer breaks the contract") from fault
    if answer.insz != asked:
        raise Failed("the answer is about somebody else")
    return answer if isinstance(answer, Snapshot) else None
