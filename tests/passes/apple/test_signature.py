"""The spliced signature against the one of cryptography's builder and of OpenSSL."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from app.passes.apple.signature import DetachedSigner, signatures_per_s
from demo.apple_certificates import Chain, Holder


class _RemoteKey(rsa.RSAPrivateKey):
    """A key as a hardware module offers it: it signs, counts, and gives nothing else away."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.key, self.signed = key, 0

    @property
    def key_size(self) -> int:
        return self.key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self.key.public_key()

    def sign(self, *arguments: object) -> bytes:
        self.signed += 1
        return self.key.sign(*arguments)

    def decrypt(self, *_: object) -> bytes:
        raise NotImplementedError

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        raise NotImplementedError

    def private_bytes(self, *_: object) -> bytes:
        raise NotImplementedError

    def __copy__(self) -> "_RemoteKey":
        raise NotImplementedError

    def __deepcopy__(self, memo: dict[int, object]) -> "_RemoteKey":
        raise NotImplementedError


def signer_of(chain: Chain, key: rsa.RSAPrivateKey | None = None, **more: int) -> DetachedSigner:
    return DetachedSigner.of(
        chain.leaf.certificate, key or chain.leaf.key, chain.wwdr.certificate, **more
    )


def by_the_builder(chain: Chain, content: bytes) -> bytes:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(chain.leaf.certificate, chain.leaf.key, hashes.SHA256())
    options = pkcs7.PKCS7Options
    return builder.add_certificate(chain.wwdr.certificate).sign(
        Encoding.DER, [options.DetachedSignature, options.Binary, options.NoCapabilities]
    )


def attribute(signature: bytes, name: str) -> object:
    info = cms.ContentInfo.load(signature)["content"]["signer_infos"][0]
    return next(
        one["values"][0].native for one in info["signed_attrs"] if one["type"].native == name
    )


@settings(deadline=None, max_examples=50)
@given(content=st.binary(max_size=4000))
def test_it_equals_the_signature_of_the_builder_byte_for_byte(chain: Chain, content: bytes) -> None:
    expected = by_the_builder(chain, content)

    found = signer_of(chain).sign(content, now=attribute(expected, "signing_time"))

    assert found == expected


def test_the_signing_time_is_the_callers_in_utc(chain: Chain) -> None:
    summer = datetime.fromisoformat("2027-07-01T12:00:00+02:00")

    found = signer_of(chain).sign(b"manifest", now=summer)

    assert attribute(found, "signing_time") == datetime(2027, 7, 1, 10, 0, tzinfo=UTC)
    assert attribute(found, "message_digest") == hashlib.sha256(b"manifest").digest()


def test_both_certificates_are_in_it_and_the_content_is_not(chain: Chain, now: datetime) -> None:
    found = cms.ContentInfo.load(signer_of(chain).sign(b"manifest", now=now))["content"]

    inside = {certificate.chosen.dump() for certificate in found["certificates"]}

    assert inside == {
        holder.certificate.public_bytes(Encoding.DER) for holder in (chain.leaf, chain.wwdr)
    }
    assert found["encap_content_info"]["content"].native is None


def test_larger_keys_sign_as_well(
    chain: Chain, new_leaf: Callable[..., Holder], now: datetime
) -> None:
    leaf = new_leaf(key_bits=3072)
    signer = DetachedSigner.of(leaf.certificate, leaf.key, chain.wwdr.certificate)

    assert attribute(signer.sign(b"manifest", now=now), "signing_time") == now


def test_a_key_that_never_leaves_its_module_signs_too(chain: Chain, now: datetime) -> None:
    remote = signer_of(chain, _RemoteKey(chain.leaf.key))

    assert remote.sign(b"manifest", now=now) == signer_of(chain).sign(b"manifest", now=now)


def test_the_same_content_is_signed_once(chain: Chain, now: datetime) -> None:
    key = _RemoteKey(chain.leaf.key)
    signer = signer_of(chain, key)
    before = key.signed

    first = signer.sign(b"manifest", now=now)
    again = signer.sign(b"manifest", now=now + timedelta(minutes=1))

    assert first == again
    assert key.signed == before + 1


def test_the_oldest_signature_is_forgotten_first(chain: Chain, now: datetime) -> None:
    key = _RemoteKey(chain.leaf.key)
    signer = signer_of(chain, key, remembered=2)
    for content in (b"one", b"two", b"one", b"three"):
        signer.sign(content, now=now)
    before = key.signed

    signer.sign(b"one", now=now)
    assert key.signed == before
    signer.sign(b"two", now=now)
    assert key.signed == before + 1


def test_a_key_that_signs_something_else_is_noticed_at_once(chain: Chain) -> None:
    class _Unsteady(_RemoteKey):
        def sign(self, *arguments: object) -> bytes:
            return super().sign(*arguments)[:-1] + bytes([self.signed])

    with pytest.raises(ValueError, match="does not give that signature back"):
        signer_of(chain, _Unsteady(chain.leaf.key))


def test_a_time_that_the_frame_cannot_hold_is_refused(chain: Chain) -> None:
    with pytest.raises(ValueError, match="2049"):
        signer_of(chain).sign(b"manifest", now=datetime(2050, 1, 1, tzinfo=UTC))


def test_a_key_that_is_slower_signs_fewer_passes_a_second() -> None:
    fast, slow = (
        rsa.generate_private_key(public_exponent=65537, key_size=bits) for bits in (1024, 4096)
    )
    assert signatures_per_s(fast) > signatures_per_s(slow) > 0
