"""The EPD's own job as its makers would write it: sends batches to the service over HTTP.

Knows the push contract from the other side: a token of its own, digests, keys, numbers that rise
by one, parts of a full snapshot, and sending again after a gap. Shares no code with the service
but the proof of a client.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from app.client_authentication import ClientKey, ClientSecret, prove
from demo.population import Record

SCOPE = "epd:read epd:write"
MAX_RECORDS = 5_000
PATH = "/api/v1/epd/status-batches"
TIMEOUT_S = 60.0

Batch = dict[str, Any]


@dataclass(slots=True)
class SyncJob:
    """One client of one service."""

    service: str
    client_id: str
    means: ClientSecret | ClientKey = field(repr=False)
    clock: Callable[[], datetime]
    sent: list[Batch] = field(default_factory=list)
    _token: str = field(default="", repr=False)
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT_S), repr=False)

    def close(self) -> None:
        """Give back every connection."""
        self._http.close()

    def batch(
        self,
        records: Iterable[Record],
        *,
        kind: str = "DELTA",
        number: int | None = None,
        part: tuple[int, int] | None = None,
    ) -> Batch:
        """The next batch, or one with another number; `part` is one of how many."""
        number = self.next_number() if number is None else number
        content = {
            "batchId": str(uuid.uuid4()),
            "bron": "EPD",
            "soort": kind,
            "schemaVersie": 1,
            "reeksnummer": number,
            "vorigReeksnummer": number - 1,
            "aangemaaktOp": self.clock().isoformat(),
            "records": list(records),
        }
        return content | ({"deel": part[0], "aantalDelen": part[1]} if part else {})

    def send(
        self,
        batch: Batch | bytes,
        *,
        dry_run: bool = False,
        headers: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """Send a batch; a header that is None is left out."""
        body = batch if isinstance(batch, bytes) else json.dumps(batch).encode()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        told: dict[str, str | None] = {
            "content-type": "application/json",
            "content-digest": f"sha-256=:{digest}:",
            "idempotency-key": batch["batchId"] if isinstance(batch, dict) else str(uuid.uuid4()),
            "x-correlation-id": str(uuid.uuid4()),
            **(headers or {}),
        }
        kept = {name: value for name, value in told.items() if value is not None}
        params = {"dry_run": "true"} if dry_run else {}
        return self._call("POST", PATH, params=params, headers=kept, content=body)

    def push(self, records: Iterable[Record]) -> Batch:
        """Send changes, and again whatever the service turns out to miss; the batch."""
        batch = self.batch(records)
        self.sent.append(batch)
        answer = self.send(batch)
        if answer.status_code == httpx.codes.CONFLICT:
            self.send_again(from_number=answer.json()["verwachtReeksnummer"])
        else:
            answer.raise_for_status()
        return batch

    def send_again(self, *, from_number: int) -> None:
        """Send everything from a number on."""
        for batch in self.sent:
            if batch["reeksnummer"] >= from_number:
                self.send(batch).raise_for_status()

    def push_everybody(self, people: Iterable[Record]) -> list[Batch]:
        """Send a full snapshot in as many parts as it takes."""
        everybody = list(records(people))
        starts = range(0, len(everybody), MAX_RECORDS)
        sent = []
        for number, start in enumerate(starts, start=1):
            some = everybody[start : start + MAX_RECORDS]
            batch = self.batch(some, kind="VOLLEDIG", part=(number, len(starts)))
            self.send(batch).raise_for_status()
            sent.append(batch)
        return sent

    def stand(self, batch: Batch, *, after: int = -1) -> dict[str, Any]:
        """How far a batch is."""
        answer = self._call("GET", f"{PATH}/{batch['batchId']}", params={"na": str(after)})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def next_number(self) -> int:
        """The number that the service expects next."""
        answer = self._call("GET", "/api/v1/epd/sequence").raise_for_status()
        return int(answer.json()["volgendReeksnummer"])

    def status(self, insz: str) -> dict[str, Any]:
        """Where one person stands."""
        answer = self._call("POST", "/api/v1/epd/status-queries", json={"insz": insz})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        self._token = self._token or self._fetched()
        answer = self._once(method, path, **request)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._token = self._fetched()
            answer = self._once(method, path, **request)
        return answer

    def _once(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._token}"} | dict(request.pop("headers", {}))
        return self._http.request(method, self.service + path, headers=headers, **request)

    def _fetched(self) -> str:
        proof = prove(self.client_id, self.means, now=self.clock())
        form = {"grant_type": "client_credentials", "scope": SCOPE} | proof.form
        url = f"{self.service}/oauth2/token"
        answer = self._http.post(url, data=form, headers=proof.headers)
        return str(answer.raise_for_status().json()["access_token"])


def record(file: Record, *, action: str = "UPSERT", replaces: str | None = None) -> Record:
    """One record of a batch about a person's file (contract 4.2)."""
    return {
        "recordId": str(uuid.uuid4()),
        "insz": file["insz"],
        "versie": file["versie"],
        "actie": action,
        "vervangtInsz": replaces,
        "personeelslid": file if action == "UPSERT" else None,
    }


def records(files: Iterable[Record]) -> Iterator[Record]:
    """The same for many."""
    return (record(file) for file in files)
