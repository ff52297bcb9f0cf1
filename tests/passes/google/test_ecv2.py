"""Which callbacks are Google's own: a genuine one, every byte of it changed, and forgeries."""

import base64
import json
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from app.passes.google.ecv2 import (
    Envelope,
    Malformed,
    NotGenuine,
    RootKey,
    SaveEvent,
    UnknownSigner,
    read_roots,
    verify,
)

Json = dict[str, Any]

# A callback that Google really signed, for the issuer of a public test suite.
RECIPIENT = "3388000000022141777"
GENUINE: Json = {
    "signature": (
        "MEUCIQC+xKva1ydmNwJJiP2HJJWsteUe02ztTDKExzcWIpmlywIgJwD4HUYvZJg/cr1OL21vVKr0b2ZXt79N"
        "blCQ1V18zsc="
    ),
    "intermediateSigningKey": {
        "signedKey": (
            '{"keyValue":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKb256ssDdmf7DokZ7jsMtAvjiTX2HF1ay8QR'
            '1sSA+gFpC/ChhRwVdMEVJTaoAP1MIH38QWtqShiQ63zROaKtgQ\\u003d\\u003d",'
            '"keyExpiration":"1759996807000"}'
        ),
        "signatures": [
            (
                "MEUCIDd7rXh7qgJZ7YSlQiXG2zOdZUT5XlMSUPu3RfyV3p2CAiEApxrIwTmRVig93FVJUC6bSWdQXMqata5s"
                "HenKsVYreUk="
            )
        ],
    },
    "protocolVersion": "ECv2SigningOnly",
    "signedMessage": (
        '{"classId":"3388000000022141777.lib.edutap.eu","objectId":"3388000000022141777.6b4cbd15-'
        '0de7-4fe8-95f6-995a51b4595e.object","eventType":"del","expTimeMillis":1759331348143,'
        '"count":1,"nonce":"1a9e3df0-ec10-4a17-8b39-89d2d7f48e3b"}'
    ),
}
# Google's root key, recovered from several of Google's signatures; production fetches it.
ROOT = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEs/J7ghdwu4/b6NvqzQebS+Z80FEP8ZlGdAdWDUjfPeBKaV+YOWW0l6U/"
    "4IGXnfY9NrsND1fwxAqRq0unR/LCIg=="
)
ITS_TIME = datetime(2025, 10, 1, 12, 0, tzinfo=UTC)
ITS_END = datetime.fromtimestamp(1759331348.143, UTC)
YEARS = str(2**50)


def document(*keys: Json) -> bytes:
    """Google's document of keys."""
    return json.dumps({"keys": list(keys)}).encode()


def root(**changes: Any) -> Json:
    """Google's root key in that document, some fields changed or (None) left out."""
    key = {"keyValue": ROOT, "protocolVersion": "ECv2SigningOnly", "keyExpiration": YEARS}
    return {name: value for name, value in (key | changes).items() if value is not None}


ROOTS = read_roots(document(root()))


def judged(
    body: bytes,
    *,
    roots: tuple[RootKey, ...] = ROOTS,
    recipient: str = RECIPIENT,
    now: datetime = ITS_TIME,
) -> SaveEvent:
    """The event in a callback, checked from one to seven."""
    message = verify(Envelope.parse(body), roots, recipient=recipient, now=now)
    return SaveEvent.read(message, now=now)


def packed(envelope: Json) -> bytes:
    """A callback without a byte that means nothing."""
    return json.dumps(envelope, separators=(",", ":")).encode()


def test_what_google_signed_is_genuine() -> None:
    assert judged(packed(GENUINE)) == SaveEvent(
        class_id=f"{RECIPIENT}.lib.edutap.eu",
        object_id=f"{RECIPIENT}.6b4cbd15-0de7-4fe8-95f6-995a51b4595e.object",
        saved=False,
        expires_ms=1759331348143,
        nonce="1a9e3df0-ec10-4a17-8b39-89d2d7f48e3b",
    )


def test_it_holds_until_it_ends_and_not_a_second_longer() -> None:
    assert judged(packed(GENUINE), now=ITS_END - timedelta(milliseconds=1))
    for late in (ITS_END, ITS_END + timedelta(seconds=1)):
        with pytest.raises(NotGenuine, match="message has ended"):
            judged(packed(GENUINE), now=late)


def test_the_key_that_signed_it_has_an_end_too() -> None:
    with pytest.raises(NotGenuine, match="intermediate key has ended"):
        judged(packed(GENUINE), now=datetime(2025, 10, 9, 8, 0, 8, tzinfo=UTC))


@pytest.mark.parametrize("recipient", ["3388000000022141778", "", RECIPIENT + "0"])
def test_it_is_for_one_issuer_only(recipient: str) -> None:
    with pytest.raises(NotGenuine, match="not signed for us"):
        judged(packed(GENUINE), recipient=recipient)


def test_with_any_byte_changed_it_is_refused() -> None:
    body = packed(GENUINE)
    for place in range(len(body)):
        for flip in (0x01, 0x20, 0x80):
            changed = body[:place] + bytes([body[place] ^ flip]) + body[place + 1 :]
            with pytest.raises(NotGenuine):
                judged(changed)


@given(place=st.integers(0, len(packed(GENUINE)) - 1), value=st.integers(0, 255))
def test_with_any_byte_replaced_by_any_other_it_is_refused(place: int, value: int) -> None:
    body = packed(GENUINE)
    changed = body[:place] + bytes([value]) + body[place + 1 :]
    if changed != body:
        with pytest.raises(NotGenuine):
            judged(changed)


@given(body=st.binary(max_size=60))
@example(body=b"[" * 50_000)
@example(body=b'{"a":' + b"9" * 5_000 + b"}")
@example(body=b"null")
def test_whatever_else_is_sent_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        judged(body)


@given(
    path=st.sampled_from(["signature", "protocolVersion", "signedMessage", "signedKey", "keys"]),
    value=st.none()
    | st.integers()
    | st.text(max_size=9)
    | st.just("\ud800")
    | st.lists(st.text(max_size=3), max_size=12),
)
def test_a_field_of_any_other_kind_is_refused(path: str, value: object) -> None:
    envelope = json.loads(packed(GENUINE))
    if path in envelope:
        envelope[path] = value
    else:
        name = "signatures" if path == "keys" else path
        envelope["intermediateSigningKey"][name] = value
    with pytest.raises(NotGenuine):
        judged(packed(envelope))


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [root(keyExpiration=None)],
        [root(keyExpiration="1759000000000")],
        [root(protocolVersion="ECv1")],
        [root(protocolVersion="ECv2")],
    ],
    ids=["none", "without an end", "ended", "of another scheme", "of a like scheme"],
)
def test_only_a_present_root_key_of_this_scheme_vouches(keys: list[Json]) -> None:
    with pytest.raises(UnknownSigner):
        judged(packed(GENUINE), roots=read_roots(document(*keys)))


def test_among_many_root_keys_the_right_one_is_found(signer: "Signer") -> None:
    others = [root(keyValue=signer.root_value), root(protocolVersion="ECv1")]
    assert judged(packed(GENUINE), roots=read_roots(document(*others, root())))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"keys": 1}',
        b'{"keys": [1]}',
        document(root(keyValue="AAAA")),
        document(root(keyValue=None)),
        document(root(keyExpiration="soon")),
        document(root(keyExpiration=True)),
    ],
)
def test_a_document_of_keys_that_cannot_be_read_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        read_roots(content)


def _value(key: ec.EllipticCurvePrivateKey) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def _sign(key: ec.EllipticCurvePrivateKey, *parts: str) -> str:
    signed = b"".join(struct.pack("<I", len(part.encode())) + part.encode() for part in parts)
    return base64.b64encode(key.sign(signed, ec.ECDSA(hashes.SHA256()))).decode()


class Signer:
    """Somebody with a root key of their own, who can also do it wrong."""

    def __init__(self) -> None:
        self.root = ec.generate_private_key(ec.SECP256R1())
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root_value = _value(self.root)

    def body(
        self,
        *,
        key: ec.EllipticCurvePrivateKey | None = None,
        sender: str = "GooglePayPasses",
        protocol: str = "ECv2SigningOnly",
        key_ends: object = YEARS,
        **changes: object,
    ) -> bytes:
        """A callback, good but for what is asked otherwise."""
        message = {
            "classId": f"{RECIPIENT}.c",
            "objectId": f"{RECIPIENT}.o",
            "eventType": "save",
            "expTimeMillis": 2**50,
            "count": 1,
            "nonce": "n",
        }
        text = json.dumps(message | changes, ensure_ascii=False)
        signing = key or self.key
        signed_key = json.dumps({"keyValue": _value(signing), "keyExpiration": key_ends})
        own = signing if isinstance(signing.curve, ec.SECP256R1) else self.key
        return packed(
            {
                "signature": _sign(own, sender, RECIPIENT, protocol, text),
                "intermediateSigningKey": {
                    "signedKey": signed_key,
                    "signatures": [
                        _sign(self.key, sender, protocol, signed_key),
                        _sign(self.root, sender, protocol, signed_key),
                    ],
                },
                "protocolVersion": protocol,
                "signedMessage": text,
            }
        )


@pytest.fixture(scope="module")
def signer() -> Signer:
    """A signer whose root key we know."""
    return Signer()


@pytest.fixture(scope="module")
def judge(signer: Signer) -> Callable[[bytes], SaveEvent]:
    """Judge by the root key of that signer."""
    roots = read_roots(document(root(keyValue=signer.root_value)))
    return lambda body: judged(body, roots=roots)


def faults() -> Iterator[tuple[str, Json]]:
    """One fault each, all well signed."""
    yield "another sender", {"sender": "GoogleWalletPasses"}
    yield "another protocol", {"protocol": "ECv2"}
    yield "a key that has ended", {"key_ends": "1759000000000"}
    yield "a key without an end", {"key_ends": None}
    yield "a key that ends sometime", {"key_ends": "1e15"}
    yield "a key on another curve", {"key": ec.generate_private_key(ec.SECP384R1())}
    yield "a message that has ended", {"expTimeMillis": 1759000000000}
    yield "a message without an end", {"expTimeMillis": None}
    yield "a message that ends truly", {"expTimeMillis": True}
    yield "a message that ends half", {"expTimeMillis": 1e15}
    yield "a message that ends never", {"expTimeMillis": 10**16}
    yield "another event", {"eventType": "steal"}
    yield "no event", {"eventType": None}
    yield "no object", {"objectId": None}
    yield "no class", {"classId": 5}
    yield "no nonce", {"nonce": ""}


FAULTS = dict(faults())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_well_signed_message_with_one_fault_is_refused(
    fault: str, signer: Signer, judge: Callable[[bytes], SaveEvent]
) -> None:
    with pytest.raises(NotGenuine):
        judge(signer.body(**FAULTS[fault]))


@pytest.mark.parametrize(
    ("changes", "saved"),
    [
        ({}, True),
        ({"eventType": "DEL"}, False),
        ({"nonce": "één nonce, 11 tekens? Ω"}, True),
        ({"more": {"than": "we know"}}, True),
    ],
)
def test_any_one_of_the_signatures_of_a_key_will_do_and_so_does_any_spelling(
    changes: Json, signer: Signer, judge: Callable[[bytes], SaveEvent], *, saved: bool
) -> None:
    assert judge(signer.body(**changes)).saved is saved


def test_somebody_without_google_s_key_cannot_vouch_for_themselves(signer: Signer) -> None:
    with pytest.raises(UnknownSigner):
        judged(signer.body())


def test_a_callback_with_a_great_many_signatures_keeps_nobody_busy(signer: Signer) -> None:
    envelope = json.loads(signer.body())
    signatures = envelope["intermediateSigningKey"]["signatures"]
    envelope["intermediateSigningKey"]["signatures"] = signatures * 5
    with pytest.raises(Malformed, match="too many"):
        judged(packed(envelope))
