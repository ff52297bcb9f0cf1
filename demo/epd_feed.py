"""The feed of changes of the simulated personnel file: pages, cursors, and cursors that ended."""

import base64
from dataclasses import dataclass, field
from typing import Any

AT = "2026-11-24T03:12:44Z"


@dataclass(slots=True)
class Feed:
    """What changed since the simulation began; a cursor names a place and a generation of it."""

    items: list[dict[str, Any]] = field(default_factory=list)
    generation: int = 1

    def tell(self, insz: str, kind: str, *, new: str | None = None) -> None:
        """A person's file changed."""
        self.items.append({"insz": insz, "soort": kind, "nieuwInsz": new})

    def end_cursors(self) -> None:
        """Every cursor given so far is kept no more."""
        self.generation += 1

    def page(self, after: str | None, size: int) -> dict[str, Any] | None:
        """The page after a cursor, the first without one; None for a cursor that is not kept."""
        begin, generation = (0, self.generation) if after is None else _place(after)
        if generation != self.generation:
            return None
        items = [
            {"volgnummer": begin + number, "tijdstip": AT, **item}
            for number, item in enumerate(self.items[begin : begin + size])
        ]
        end = begin + len(items)
        cursor = base64.urlsafe_b64encode(f"{end} {self.generation}".encode()).decode()
        return {"items": items, "volgende": cursor, "meer": end < len(self.items)}


def _place(cursor: str) -> tuple[int, int]:
    place, _, generation = base64.urlsafe_b64decode(cursor).decode().partition(" ")
    return int(place), int(generation)
