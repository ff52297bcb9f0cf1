"""The next codes of a card that is shown live, as its page fetches them."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, Field

from app.passes.codes import Strip

# Ten minutes of codes: as long as a dead spot in a museum's cellar.
STRIPS = 20


class StripAnswer(BaseModel):
    """One web code; Unix seconds."""

    code: str
    shown_from: int = Field(serialization_alias="from")
    shown_until: int = Field(serialization_alias="until")


class StripsAnswer(BaseModel):
    """The next codes; a phone's own clock may be wrong, so the server's goes with them."""

    server_time: float
    strips: list[StripAnswer]


def strips_answer(strips: Iterable[Strip], *, now: datetime) -> StripsAnswer:
    """These codes, at this moment."""
    return StripsAnswer(
        server_time=now.timestamp(),
        strips=[
            StripAnswer(code=strip.code, shown_from=strip.shown_from, shown_until=strip.shown_until)
            for strip in strips
        ],
    )
