"""Log-ins, sessions and OAuth clients: what the database keeps of browsers and of machines.

Knows that nothing stored here opens a door: states, cookies, secrets and tokens are kept as
fingerprints (`secret_text`). A row that is gone is a log-in, session or token that is over.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.cards.model import Teacher
from app.db import Base, Identified, Moment


class StoredAttempt(Identified, Base):
    """A log-in whose browser is at the provider; taken once, or left to retention."""

    __tablename__ = "login_attempt"

    state_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    # Of the cookie that only the browser which began this log-in holds.
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    issuer: Mapped[str] = mapped_column(String(500))
    nonce: Mapped[str] = mapped_column(String(43))
    code_verifier: Mapped[str] = mapped_column(String(43))
    max_age_s: Mapped[int | None] = mapped_column(Integer)
    return_to: Mapped[str] = mapped_column(String(200))
    # `roles.Capacity` in which the person is to come back.
    capacity: Mapped[str] = mapped_column(String(3))
    step_up: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment, index=True)


class WebSession(Identified, Base):
    """A browser that is logged in."""

    __tablename__ = "web_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    # None for people of the office, schools and partners: they need no card.
    teacher_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Teacher.id), index=True)
    # Who logged in, sealed by the key ring: a teacher's number for the personnel file and name
    # for the card, or an official with organisation and roles. It lives no longer than the session.
    sealed_person: Mapped[bytes | None] = mapped_column(LargeBinary)
    # When the person proved who they are, by the provider's clock.
    authenticated_at: Mapped[datetime] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment, index=True)


class OAuthClient(Base):
    """A machine that may ask for access tokens: the job of the personnel file, or a partner's."""

    __tablename__ = "oauth_client"

    # The `client_id` of OAuth: a name that people can read in a log.
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Scopes apart by a space, as OAuth writes them.
    scopes: Mapped[str] = mapped_column(String(200))
    # For whom it asks. The tables of partners stand beside this room, so no foreign key.
    partner_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)

    credentials: Mapped[list["OAuthCredential"]] = relationship(
        back_populates="client", order_by="OAuthCredential.created_at"
    )


class OAuthCredential(Identified, Base):
    """One way in which a client proves itself: a secret (its fingerprint) or a public key."""

    __tablename__ = "oauth_credential"

    client_id: Mapped[str] = mapped_column(ForeignKey(OAuthClient.id), index=True)
    # The key's thumbprint (RFC 7638), which assertions name as `kid`; for a secret a random name.
    name: Mapped[str] = mapped_column(String(43))
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # SubjectPublicKeyInfo in DER.
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)

    client: Mapped[OAuthClient] = relationship(back_populates="credentials")

    __table_args__ = (
        UniqueConstraint("client_id", "name"),
        CheckConstraint("(secret_hash IS NULL) <> (public_key IS NULL)", name="one_proof"),
    )


class SpentAssertion(Identified, Base):
    """An assertion that bought a token and may not buy another (RFC 7523 section 3, `jti`)."""

    __tablename__ = "oauth_spent_assertion"

    client_id: Mapped[str] = mapped_column(ForeignKey(OAuthClient.id))
    jti_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    # Until then the assertion would still count.
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)

    __table_args__ = (UniqueConstraint("client_id", "jti_hash"),)


class AccessToken(Identified, Base):
    """What a client got for its proof; worth as much as the credential behind it is now."""

    __tablename__ = "oauth_access_token"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(OAuthCredential.id), index=True)
    scopes: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


class Handoff(Identified, Base):
    """A log-in on its way from a computer to a phone; taken once, or left to retention.

    What the phone's session begins with is there only after the computer confirmed it.
    """

    __tablename__ = "handoff"

    # Of the session token of the computer; of the secret in the link; of the phone's cookie.
    computer_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    link_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    phone_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # Whose card it is, so far as a shop may know too.
    initials: Mapped[str] = mapped_column(String(8))
    number: Mapped[int | None] = mapped_column(SmallInteger)
    choices: Mapped[str] = mapped_column(String(16))
    teacher_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Teacher.id))
    sealed_person: Mapped[bytes | None] = mapped_column(LargeBinary)
    authenticated_at: Mapped[datetime | None] = mapped_column(Moment)
    begun_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, index=True)
