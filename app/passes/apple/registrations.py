"""Which devices hold an Apple pass, what each was told and has fetched (PassKit Web Service).

Knows the rules of Apple's protocol that need rows: who may ask for a pass, the tag of a listing,
at most 20 devices, and to whom a download counts (docs/decisions/0009). What every device has is
written back to `WalletPass`, so that verification reads nothing here. Every writer locks
the pass first, so that an iPhone and its Watch follow each other.
"""

import re
import secrets
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.cards.activation import activate
from app.cards.keyring import Keys
from app.cards.model import WalletPass
from app.cards.token import Carrier, KeyState
from app.db import insert_once, uuid7
from app.passes.apple.passes import token_matches
from app.passes.codes import SHOWN
from app.passes.model import DeviceRegistration

MAX_DEVICES = 20
# Who was not seen for this long does not hold up the others (card-token section 4).
FORGOTTEN_AFTER = timedelta(days=14)
# A device that asks again and again is written down once a minute.
TOUCH_EVERY = timedelta(minutes=1)
# A device downloads right after it asked what is new; one minute more because of TOUCH_EVERY.
ASKED_BEFORE = timedelta(minutes=6)

# Takes as long to refuse as a real one; nobody ever learns it.
NO_SECRET = secrets.token_bytes(32)

# One pass in a tag, and how much of a tag is read: over a hundred passes.
NAMED = re.compile(r"([0-9A-Za-z]{1,32})-([0-9]{1,19})", re.ASCII)
MAX_TAG = 6_000
MAX_NAMED = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """What is new for a device, and the tag with which it asks the next time."""

    serials: list[str]
    tag: str


def authenticated(
    session: Session, serial: str, token: str, *, pass_type_identifier: str, keys: Keys
) -> WalletPass | None:
    """The Apple pass of this serial, if the token is its own; loaded with all that it shows.

    An unknown serial and a wrong token take the same way, so neither the answer nor its time
    tells which serials exist.
    """
    found = select(WalletPass).options(SHOWN)
    mine = found.where(WalletPass.serial == serial, WalletPass.carrier == Carrier.APPLE)
    wallet_pass = session.scalars(mine).one_or_none()
    secret = NO_SECRET
    if wallet_pass is not None:
        known = keys.secrets["pass"].get(wallet_pass.pass_secret_id)
        if known is not None and known.state is not KeyState.REVOKED:
            secret = known.value
    own = token_matches(token, [secret], pass_type_identifier, serial)
    return wallet_pass if own else None


def register(
    session: Session, pass_id: uuid.UUID, device: str, push_token: str, *, now: datetime
) -> bool:
    """Note that a device wants to hear of a pass; True when it was not known, else renewed."""
    _lock(session, [pass_id])
    activate(session, pass_id, now=now)
    values = {
        "id": uuid7(),
        "device_library_identifier": device,
        "pass_id": pass_id,
        "push_token": push_token,
        "registered_at": now,
        "last_seen_at": now,
    }
    new = insert_once(session, DeviceRegistration, values)
    if new:
        _drop_oldest(session, pass_id)
    else:
        renewed = update(DeviceRegistration).where(
            DeviceRegistration.device_library_identifier == device,
            DeviceRegistration.pass_id == pass_id,
        )
        # Apple may still tell that it missed this device before: that is over now.
        session.execute(renewed.values(push_token=push_token, registered_at=now, last_seen_at=now))
    confirm_devices(session, pass_id, now=now)
    return new


def unregister(session: Session, pass_id: uuid.UUID, device: str, *, now: datetime) -> None:
    """Forget that a device wanted to hear of a pass; the pass no longer waits for it."""
    _lock(session, [pass_id])
    session.execute(
        delete(DeviceRegistration).where(
            DeviceRegistration.device_library_identifier == device,
            DeviceRegistration.pass_id == pass_id,
        )
    )
    confirm_devices(session, pass_id, now=now)


def listing(session: Session, device: str, since: str | None) -> Listing:
    """The device's passes that are not as the tag says; without a readable tag, all of them."""
    told = _read_tag(since)
    held = (
        select(WalletPass.serial, WalletPass.revision)
        .join(DeviceRegistration, DeviceRegistration.pass_id == WalletPass.id)
        .where(DeviceRegistration.device_library_identifier == device)
        .order_by(WalletPass.id.desc())
    )
    revisions: dict[str, int] = dict(session.execute(held).all())
    news = [serial for serial, revision in revisions.items() if told.get(serial) != revision]
    return Listing(news, _tag(revisions))


def is_touch_due(session: Session, device: str, *, now: datetime) -> bool:
    """Whether a device that just asked should be written down as seen."""
    last = select(DeviceRegistration.id).where(
        DeviceRegistration.device_library_identifier == device,
        DeviceRegistration.last_seen_at <= now - TOUCH_EVERY,
    )
    return session.scalars(last.limit(1)).first() is not None


def touch(session: Session, device: str, *, now: datetime) -> None:
    """Write down that a device was seen, at each of its passes.

    Who comes back after a long silence counts again, so confirmations are judged anew.
    """
    mine = DeviceRegistration.device_library_identifier == device
    held = session.scalars(select(DeviceRegistration.pass_id).where(mine)).all()
    _lock(session, held)
    session.execute(update(DeviceRegistration).where(mine).values(last_seen_at=now))
    for pass_id in held:
        confirm_devices(session, pass_id, now=now)


def note_download(session: Session, pass_id: uuid.UUID, *, generation: int, now: datetime) -> None:
    """Count a download for the one device that it can have come from.

    The request does not say which device sends it. When exactly one device of the pass asked
    lately it is that one; otherwise it counts for nobody (docs/decisions/0009).
    """
    _lock(session, [pass_id])
    asked = select(DeviceRegistration).where(
        DeviceRegistration.pass_id == pass_id,
        DeviceRegistration.last_seen_at >= now - ASKED_BEFORE,
    )
    devices = session.scalars(asked).all()
    if len(devices) != 1:
        return
    device = devices[0]
    if generation > (device.downloaded_generation or 0):
        device.downloaded_generation = generation
        device.downloaded_at = now
        session.flush()
        confirm_devices(session, pass_id, now=now)


def confirm_devices(session: Session, pass_id: uuid.UUID, *, now: datetime) -> None:
    """Write back the generation that every device seen in the last 14 days has, and since when.

    A device of which nothing is known, or no device at all, confirms nothing: then no code of
    the pass is superseded (card-token section 4). To be called after any change of the
    registrations of a pass.
    """
    wallet_pass = session.get_one(WalletPass, pass_id, with_for_update=True)
    seen = select(DeviceRegistration.downloaded_generation, DeviceRegistration.downloaded_at).where(
        DeviceRegistration.pass_id == pass_id,
        DeviceRegistration.last_seen_at >= now - FORGOTTEN_AFTER,
    )
    fetched = [(generation, at) for generation, at in session.execute(seen)]
    have = [(generation, at) for generation, at in fetched if generation and at]
    if not have or len(have) < len(fetched):
        wallet_pass.confirmed_generation = wallet_pass.confirmed_at = None
        return
    everywhere = min(generation for generation, _ in have)
    # Reached before, it stays reached since then: newer downloads do not renew the respite.
    if everywhere != wallet_pass.confirmed_generation:
        wallet_pass.confirmed_generation = everywhere
        wallet_pass.confirmed_at = max(at for _, at in have)


def _lock(session: Session, pass_ids: Iterable[uuid.UUID]) -> None:
    """Take the turn at these passes, always in the same order."""
    ordered = select(WalletPass.id).where(WalletPass.id.in_(pass_ids)).order_by(WalletPass.id)
    session.execute(ordered.with_for_update())


def _drop_oldest(session: Session, pass_id: uuid.UUID) -> None:
    newest = (
        select(DeviceRegistration.id)
        .where(DeviceRegistration.pass_id == pass_id)
        .order_by(DeviceRegistration.last_seen_at.desc(), DeviceRegistration.id.desc())
    )
    surplus = session.scalars(newest.offset(MAX_DEVICES)).all()
    session.execute(delete(DeviceRegistration).where(DeviceRegistration.id.in_(surplus)))


def _tag(revisions: Mapping[str, int]) -> str:
    """The newest passes by name and revision; one that finds no room is simply listed again."""
    named = list(revisions.items())[:MAX_NAMED]
    return ".".join(f"{serial}-{revision}" for serial, revision in named)


def _read_tag(tag: str | None) -> dict[str, int]:
    """What a tag says; one that is not ours says nothing, so that everything is listed."""
    if not tag or len(tag) > MAX_TAG:
        return {}
    named = [NAMED.fullmatch(part) for part in tag.split(".")]
    if not all(named):
        return {}
    return {match[1]: int(match[2]) for match in named if match}
