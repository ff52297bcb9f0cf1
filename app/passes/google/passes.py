"""The Google passes of one issuer: one design, one object for each pass.

Brings together what an object holds (`object`) and how it gets to Google (`client`).
The class that all objects share is brought there when the worker starts, and when it is missing.
"""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from app.errors import Unavailable
from app.passes.content import PassContent
from app.passes.google import messages
from app.passes.google.answer import GoogleRefused, NoAccess
from app.passes.google.client import GoogleWallet
from app.passes.google.object import JsonObject, generic_class, generic_object, resource_id

CLASS_SUFFIX = "lerarenkaart-v1"
REFUSED_RETRY_S = 3600


def class_id(issuer_id: str) -> str:
    """The name of the class that all our objects share."""
    return resource_id(issuer_id, CLASS_SUFFIX)


class GooglePasses:
    """Puts passes at Google and makes the links that save them; safe between threads."""

    def __init__(self, wallet: GoogleWallet, *, issuer_id: str, public_url: str) -> None:
        self._wallet = wallet
        self._issuer_id = issuer_id
        self._class_id = class_id(issuer_id)
        self._class = generic_class(
            issuer_id,
            CLASS_SUFFIX,
            public_url=public_url,
            callback_url=f"{public_url}/google/callback",
        )

    def put_class(self, *, now: datetime) -> None:
        """Bring the class that all objects share to this release's state; every pass shows that.

        Raises NoAccess when Google does not take it.
        """
        try:
            self._wallet.ensure_class(self._class, now=now)
        except GoogleRefused as refusal:
            message = "Google Wallet does not take the design of our passes."
            raise NoAccess(message, retry_after_s=REFUSED_RETRY_S) from refusal

    def put(self, content: PassContent, *, totp_key: bytes, now: datetime) -> bool | None:
        """Bring a new pass's object to this state; raises as `GoogleWallet` does, and NoAccess.

        Returns whether anybody has saved it, where Google says so.
        """
        return _has_users(self._bring(self._wallet.put_object, content, totp_key, now))

    def patch(self, content: PassContent, *, totp_key: bytes, now: datetime) -> bool | None:
        """Do the same for a pass that Google should know already, and tell its holder what is new.

        One call when nothing is, or when nobody has the pass.
        """
        there = self._bring(self._wallet.patch_object, content, totp_key, now)
        has_users = _has_users(there)
        told = there.get("messages", [])
        news = messages.after(told, content, now=now)
        if news and has_users is not False:
            self._wallet.add_message(there["id"], news, after=told, now=now)
        return has_users

    def save_link(self, serial: str, *, now: datetime) -> str:
        """The link that saves a pass which Google has."""
        return self._wallet.save_link(resource_id(self._issuer_id, serial), now=now)

    def _bring(
        self,
        bring: Callable[..., JsonObject],
        content: PassContent,
        totp_key: bytes,
        now: datetime,
    ) -> JsonObject:
        pass_object = generic_object(
            content, issuer_id=self._issuer_id, class_id=self._class_id, totp_key=totp_key
        )
        pass_object["messages"] = [messages.first(content, now=now)]
        try:
            return bring(pass_object, now=now)
        except GoogleRefused as refusal:
            if refusal.status not in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
                raise
            # Is it this pass? Whoever may not write the class may write no object either, and
            # whose class is not there yet needs it first.
            self.put_class(now=now)
            if refusal.status == HTTPStatus.FORBIDDEN:
                raise
        try:
            return bring(pass_object, now=now)
        except GoogleRefused as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise
            message = "Google Wallet does not find the design that it has."
            raise Unavailable(message, retry_after_s=REFUSED_RETRY_S) from refusal


def _has_users(answer: JsonObject) -> bool | None:
    said = answer.get("hasUsers")
    return said if isinstance(said, bool) else None
