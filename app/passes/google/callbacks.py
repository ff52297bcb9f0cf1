"""What Google tells us of its own accord: a pass was saved, or removed.

The seven checks of a callback in their order, and what follows: hides keys, signatures and
rows from the route, which only hands over what it was sent.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from app.db import Database
from app.errors import NotFound
from app.passes.google.ecv2 import Envelope, NotGenuine, SaveEvent, UnknownSigner, verify
from app.passes.google.holdings import note_event
from app.passes.google.root_keys import GoogleKeys

MAX_NONCE = 64

log = structlog.get_logger()


class GoogleCallbacks:
    """The callbacks for one issuer and the class of its objects; safe between threads."""

    def __init__(
        self, database: Database, keys: GoogleKeys, *, issuer_id: str, class_id: str
    ) -> None:
        self._database = database
        self._keys = keys
        self._issuer_id = issuer_id
        self._class_id = class_id

    def receive(self, body: bytes, *, now: datetime) -> None:
        """Take one callback; when this returns, what it says is kept.

        Raises NotGenuine, NotFound for a pass that is not ours, Unavailable without Google's keys.
        """
        message = self._verified(Envelope.parse(body), now=now)  # 1 to 6
        event = SaveEvent.read(message, now=now)  # 7
        issuer, _, serial = event.object_id.partition(".")
        if len(event.nonce) > MAX_NONCE:
            raise NotGenuine("a nonce without end")
        if issuer != self._issuer_id or event.class_id != self._class_id:
            raise NotFound("There is no such pass.")
        new = self._database.transact(lambda session: note_event(session, serial, event, now=now))
        log.info("google-callback", saved=event.saved, repeated=not new)

    def _verified(self, envelope: Envelope, *, now: datetime) -> Mapping[str, Any]:
        recipient = self._issuer_id
        try:
            return verify(envelope, self._keys.roots(now=now), recipient=recipient, now=now)
        except UnknownSigner:
            newer = self._keys.newer_roots(now=now)
            return verify(envelope, newer, recipient=recipient, now=now)
