"""What a batch says that is new, and how it is kept for the worker in our own words."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.cards.insz import Insz
from app.epd.messages import Snapshot
from app.epd.model import status_from_json, status_to_json


@dataclass(frozen=True, slots=True)
class News:
    """One record that is to be carried out; without a snapshot the person is removed."""

    index: int
    insz: Insz
    version: int
    snapshot: Snapshot | None
    replaces: Insz | None


def pack(news: Sequence[News]) -> bytes:
    """News as the worker finds it again, to be sealed."""
    return json.dumps([_packed(one) for one in news], separators=(",", ":")).encode()


def unpack(text: bytes) -> list[News]:
    """Undo `pack`."""
    return [_unpacked(kept) for kept in json.loads(text)]


def _packed(one: News) -> dict[str, Any]:
    kept: dict[str, Any] = {"index": one.index, "insz": one.insz.digits, "version": one.version}
    if one.replaces is not None:
        kept["replaces"] = one.replaces.digits
    if one.snapshot is not None:
        kept["changed_at"] = one.snapshot.changed_at.isoformat()
        kept["postcode"] = one.snapshot.postcode
        kept["status"] = status_to_json(one.snapshot.status)
    return kept


def _unpacked(kept: dict[str, Any]) -> News:
    insz, snapshot = Insz(kept["insz"]), None
    if "status" in kept:
        snapshot = Snapshot(
            insz=insz,
            version=kept["version"],
            changed_at=datetime.fromisoformat(kept["changed_at"]),
            postcode=kept["postcode"],
            status=status_from_json(kept["status"]),
        )
    replaces = Insz(kept["replaces"]) if "replaces" in kept else None
    return News(kept["index"], insz, kept["version"], snapshot, replaces)
