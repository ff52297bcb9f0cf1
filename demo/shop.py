"""A shop: it posts what its scanner read, and shows what comes back."""

from typing import Any

import httpx


class Till:
    """One till of a shop, with its key."""

    def __init__(self, service: str, name: str, key: str) -> None:
        self.name = name
        self._http = httpx.Client(base_url=service, timeout=30.0)
        self._key = key

    def scan(self, text: str, **asked: str) -> httpx.Response:
        """Ask for a verdict on a scanned or typed text."""
        question = {"presentation": text, "channel": "till"} | asked
        headers = {"authorization": f"Bearer {self._key}"}
        return self._http.post("/api/v1/verifications", json=question, headers=headers)

    def close(self) -> None:
        """Close the shop."""
        self._http.close()


def gist(answer: httpx.Response) -> dict[str, Any]:
    """What matters of a verdict, small enough to compare and to read."""
    verdict = answer.json()
    shown = {name: verdict[name] for name in ("valid", "reason", "grade", "repeat")}
    holder = verdict.get("holder")
    return shown | {"holder": holder["initials"] if holder else None}
