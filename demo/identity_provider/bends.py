"""What a lie is made of: documents bent, members moved, tokens sealed the wrong way.

A bend gets a document as an honest provider would send it and returns what is sent
instead; a seal gets header and claims and returns an ID token.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Document = dict[str, Any]
Bend = Callable[[Document], Document]
Seal = Callable[[Document, Document, rsa.RSAPrivateKey], str]

ELSEWHERE = "https://provider.example"
PERSON_CLAIMS = ("rrn", "given_name", "family_name")


def honest(document: Document) -> Document:
    """Leave a document as it is."""
    return document


def sign(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """A compact JWS with RS256 (RFC 7515), whatever the header says."""
    return sign_text(json.dumps(header), json.dumps(claims), key)


def sign_text(header: str, claims: str, key: rsa.RSAPrivateKey) -> str:
    """As `sign`, for texts that no JSON writer would write."""
    signing_input = f"{b64(header.encode())}.{b64(claims.encode())}"
    signature = key.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing_input}.{b64(signature)}"


@dataclass(frozen=True, slots=True)
class Lie:
    """What is bent; everything else stays honest."""

    metadata: Bend = honest
    jwks: Bend = honest
    # The parameters that go back through the browser.
    callback: Bend = honest
    header: Bend = honest
    claims: Bend = honest
    seal: Seal = sign
    # The answer of the token endpoint.
    answer: Bend = honest
    userinfo: Bend = honest
    # Endpoint (discovery, keys, token, userinfo) -> name of one of the `faults`.
    faults: dict[str, str] = field(default_factory=dict)


def put(name: str, value: object) -> Bend:
    """Add or replace a member."""
    return lambda document: document | {name: value}


def drop(*names: str) -> Bend:
    """Leave members out."""
    return lambda document: {name: value for name, value in document.items() if name not in names}


def shift(**seconds: float) -> Bend:
    """Move moments."""
    return lambda document: document | {name: document[name] + by for name, by in seconds.items()}


def b64(value: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _parts(header: Document, claims: Document) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"


def unsigned(header: Document, claims: Document, _: rsa.RSAPrivateKey) -> str:
    """No signature at all (the oldest attack on JWT)."""
    return f"{_parts(header | {'alg': 'none'}, claims)}."


def none_with_a_signature(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """`none`, with a good RS256 signature behind it."""
    return sign(header | {"alg": "none"}, claims, key)


def hs256_with_the_public_key(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """The public key used as a shared secret: everybody has it."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = _parts(header | {"alg": "HS256"}, claims)
    return f"{parts}.{b64(hmac.digest(pem, parts.encode(), hashlib.sha256))}"


def rs512(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """A right signature of an algorithm that was not agreed on."""
    parts = _parts(header | {"alg": "RS512"}, claims)
    return f"{parts}.{b64(key.sign(parts.encode(), padding.PKCS1v15(), hashes.SHA512()))}"


def another_key(header: Document, claims: Document, _: rsa.RSAPrivateKey) -> str:
    """Signed by somebody else under the provider's key id."""
    return sign(header, claims, rsa.generate_private_key(65537, 2048))


def zero_signature(header: Document, claims: Document, _: rsa.RSAPrivateKey) -> str:
    """A signature of nothing but zeros."""
    return f"{_parts(header, claims)}.{b64(bytes(256))}"


def changed_after_signing(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """A name exchanged under an old signature."""
    _, _, signature = sign(header, claims, key).split(".")
    return f"{_parts(header, claims | {'given_name': 'Iemand'})}.{signature}"


def header_name_twice(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """Two algorithms in one header: which one a reader sees is up to the reader."""
    text = json.dumps(header)
    return sign_text(f'{{"alg":"none",{text[1:]}', json.dumps(claims), key)


def claim_twice(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """Two subjects in one token."""
    text = json.dumps(claims)
    return sign_text(json.dumps(header), f'{{"sub":"P0",{text[1:]}', key)


def claims_in_a_list(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """Claims that are no JSON object."""
    return sign_text(json.dumps(header), json.dumps([claims]), key)


def deep_claims(header: Document, _: Document, key: rsa.RSAPrivateKey) -> str:
    """Brackets that exhaust a careless reader's stack."""
    return sign_text(json.dumps(header), "[" * 5_000 + "]" * 5_000, key)


def endless_exp(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """An end that never comes."""
    text = json.dumps(drop("exp")(claims))
    return sign_text(json.dumps(header), f'{{"exp":1e999,{text[1:]}', key)


def nested(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """A token within a token."""
    return sign_text(json.dumps(header | {"cty": "JWT"}), sign(header, claims, key), key)


def five_parts(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """The form of an encrypted token."""
    return sign(header, claims, key) + ".AAAA.AAAA"


def with_a_space(header: Document, claims: Document, key: rsa.RSAPrivateKey) -> str:
    """A character that base64url does not have."""
    return sign(header, claims, key).replace(".", " .", 1)


def second_key(document: Document) -> Document:
    """A second key beside the first."""
    first = document["keys"][0]
    return {"keys": [first, first | {"kid": "second"}]}


def same_kid_twice(document: Document) -> Document:
    """Two keys of one id."""
    return {"keys": document["keys"] * 2}


def short_key(document: Document) -> Document:
    """Moduli of 1024 bits."""
    return {"keys": [key | {"n": key["n"][:171]} for key in document["keys"]]}


def each_key(bend: Bend) -> Bend:
    """Bend every key of a set."""
    return lambda document: {"keys": [bend(key) for key in document["keys"]]}
