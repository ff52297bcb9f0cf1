"""How a client proves itself at the token endpoint, and the words in which it is refused.

Knows the proofs of RFC 6749 section 2.3.1 (a secret) and RFC 7523 section 2.2 (an assertion
signed with a registered key) and every check of the latter. One refusal for a client that does
not exist, a wrong secret and a wrong signature: nobody learns which of them it was.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.client_authentication import ASSERTION_TYPE
from app.identity.jwt_parts import REFUSED_HEADERS, is_moment, segment
from app.identity.model import OAuthCredential
from app.identity.secret_text import fingerprint
from app.identity.strict_json import read_object

RSA_ALGORITHMS = ("RS256", "PS256")
EC_ALGORITHMS = ("ES256",)
ALGORITHMS = (*RSA_ALGORITHMS, *EC_ALGORITHMS)
MAX_ASSERTION_LENGTH = 8_192
MAX_JTI_LENGTH = 256
# An assertion counts for at most so long; ACM/IDM asks the same of us.
MAX_LIFETIME_S = 600
LEEWAY_S = 60
JWS = jwt.PyJWS(algorithms=list(ALGORITHMS), options={"enforce_minimum_key_length": True})


class OAuthRefused(Exception):
    """A refusal in the words of RFC 6749 section 5.2; `error` is its code."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def invalid_client() -> OAuthRefused:
    """The one refusal of a client that did not prove itself."""
    return OAuthRefused("invalid_client", "The client is not known, or its proof does not hold.")


@dataclass(frozen=True, slots=True)
class SecretProof:
    """`client_secret_basic` and `client_secret_post`."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AssertionProof:
    """`private_key_jwt`."""

    client_id: str
    assertion: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    """The credential that held; an assertion is spent under `jti` until `expires_at`."""

    credential: OAuthCredential
    jti: str | None = None
    expires_at: datetime | None = None


def proof_in(authorization: str | None, form: Mapping[str, str]) -> SecretProof | AssertionProof:
    """The one proof in a request; `OAuthRefused` when there is none, or more than one."""
    offered = [authorization is not None, "client_secret" in form, "client_assertion" in form]
    if sum(offered) > 1:
        raise OAuthRefused("invalid_request", "Prove the client in one way only.")
    if authorization is not None:
        proof = _basic(authorization)
        if form.get("client_id", proof.client_id) != proof.client_id:
            raise OAuthRefused("invalid_request", "client_id differs from the Authorization.")
        return proof
    if "client_secret" in form and "client_id" in form:
        return SecretProof(form["client_id"], form["client_secret"])
    if "client_assertion" not in form:
        raise invalid_client()
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthRefused("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}.")
    assertion = form["client_assertion"]
    return AssertionProof(form.get("client_id") or _issuer(assertion), assertion)


def hold(
    proof: SecretProof | AssertionProof,
    credentials: list[OAuthCredential],
    *,
    audiences: frozenset[str],
    now: datetime,
) -> Proven:
    """Which of the client's usable credentials the proof is by; `OAuthRefused` when by none."""
    if isinstance(proof, SecretProof):
        return _known_secret(proof, credentials)
    return _signed(proof, credentials, audiences, now)


def _basic(authorization: str) -> SecretProof:
    scheme, _, value = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise invalid_client()
        name, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise invalid_client() from error
    if not colon:
        raise invalid_client()
    # RFC 6749 section 2.3.1: both were form-encoded first.
    return SecretProof(unquote_plus(name), unquote_plus(secret))


def _known_secret(proof: SecretProof, credentials: list[OAuthCredential]) -> Proven:
    presented = fingerprint(proof.secret)
    for credential in credentials:
        stored = credential.secret_hash
        if stored is not None and hmac.compare_digest(stored, presented):
            return Proven(credential)
    raise invalid_client()


def _signed(
    proof: AssertionProof,
    credentials: list[OAuthCredential],
    audiences: frozenset[str],
    now: datetime,
) -> Proven:
    header = _header(proof.assertion)
    for credential in credentials:
        if credential.public_key is None or header.get("kid", credential.name) != credential.name:
            continue
        claims = _claims(proof.assertion, str(header["alg"]), credential.public_key)
        if claims is None:
            continue
        jti, expires_at = _judged(claims, proof.client_id, audiences, now)
        return Proven(credential, jti, expires_at)
    raise invalid_client()


def _issuer(assertion: str) -> str:
    """Whom an assertion says it is by, before anything of it is believed."""
    try:
        return str(segment(assertion, 1).get("iss", ""))
    except ValueError as error:
        raise invalid_client() from error


def _header(assertion: str) -> dict[str, Any]:
    try:
        header = segment(assertion, 0)
    except ValueError as error:
        raise invalid_client() from error
    if (
        len(assertion) > MAX_ASSERTION_LENGTH
        or header.get("alg") not in ALGORITHMS
        or REFUSED_HEADERS & header.keys()
    ):
        raise invalid_client()
    return header


def _claims(assertion: str, algorithm: str, public_key: bytes) -> dict[str, Any] | None:
    key = load_der_public_key(public_key)
    fits = RSA_ALGORITHMS if isinstance(key, RSAPublicKey) else EC_ALGORITHMS
    if algorithm not in fits or not isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
        return None
    try:
        payload: bytes = JWS.decode_complete(assertion, key, algorithms=[algorithm])["payload"]
        return read_object(payload)
    except (jwt.PyJWTError, ValueError):
        return None


def _judged(
    claims: Mapping[str, Any], client_id: str, audiences: frozenset[str], now: datetime
) -> tuple[str, datetime]:
    """RFC 7523 section 3: by the client, about itself, for us, now, and once."""
    audience, jti, ends = claims.get("aud"), claims.get("jti"), claims.get("exp")
    aimed = audience if isinstance(audience, list) else [audience]
    moment = now.timestamp()
    if (
        claims.get("iss") != client_id
        or claims.get("sub") != client_id
        or not any(isinstance(one, str) and one in audiences for one in aimed)
        or not (isinstance(jti, str) and 0 < len(jti) <= MAX_JTI_LENGTH)
        or not is_moment(ends)
        or not moment - LEEWAY_S < ends <= moment + MAX_LIFETIME_S + LEEWAY_S
        or not _passed(claims.get("iat", 0), moment)
        or not _passed(claims.get("nbf", 0), moment)
    ):
        raise invalid_client()
    return jti, datetime.fromtimestamp(ends + LEEWAY_S, UTC)


def _passed(value: object, moment: float) -> bool:
    return is_moment(value) and value <= moment + LEEWAY_S
