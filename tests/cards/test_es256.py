"""Signatures: the vectors of RFC 6979 and what a forger tries with r and s."""

import secrets

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from app.cards.es256 import ORDER, has_signed, sign

# RFC 6979, A.2.5, with SHA-256.
KEY = ec.derive_private_key(
    0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
)
PUBLISHED = {
    b"sample": (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    b"test": (
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
}
MESSAGE = b"sample"
R, S = PUBLISHED[MESSAGE][0], ORDER - PUBLISHED[MESSAGE][1]


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize("message", PUBLISHED)
def test_signing_is_rfc_6979_with_a_low_s(message: bytes) -> None:
    r, s = PUBLISHED[message]
    assert sign(KEY, message) == raw(r, min(s, ORDER - s))
    assert has_signed(KEY, message, sign(KEY, message))


def test_a_valid_signature_with_another_nonce_is_accepted() -> None:
    for _ in range(20):
        r, s = decode_dss_signature(KEY.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))
        assert raw(r, min(s, ORDER - s)) != sign(KEY, MESSAGE)
        assert has_signed(KEY, MESSAGE, raw(r, min(s, ORDER - s)))
        assert not has_signed(KEY, MESSAGE, raw(r, max(s, ORDER - s)))


@pytest.mark.parametrize(
    ("r", "s"),
    [
        (0, 0),
        (0, S),
        (R, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (R, R),
        (S, R),
        (R, 1),
        (1, S),
        (R, ORDER - S),
        (R, ORDER),
        (R, ORDER - 1),
        (R, ORDER // 2),
        (R, ORDER // 2 + 1),
        (ORDER, S),
        (ORDER, 1),
        (ORDER, ORDER),
        (ORDER - 1, S),
        (ORDER - 1, 1),
        (ORDER - R, S),
        (ORDER + 1, S),
        (2**256 - 1, S),
        (R, 2**256 - 1),
        (2**256 - 1, 2**256 - 1),
        (R, ORDER + 1),
        (R ^ 1, S),
        (R, S ^ 1),
    ],
)
def test_no_other_r_and_s_are_accepted(r: int, s: int) -> None:
    assert not has_signed(KEY, MESSAGE, raw(r, s))


@pytest.mark.parametrize(
    "signature",
    [b"", b"\0", raw(R, S)[:-1], raw(R, S) + b"\0", raw(R, S)[:32] + b"\0" + raw(R, S)[32:]],
)
def test_a_signature_of_another_length_is_refused(signature: bytes) -> None:
    assert not has_signed(KEY, MESSAGE, signature)


def test_a_signature_counts_for_its_message_and_key_only() -> None:
    other = ec.derive_private_key(1 + secrets.randbelow(ORDER - 1), ec.SECP256R1())
    assert not has_signed(KEY, MESSAGE + b"\0", raw(R, S))
    assert not has_signed(other, MESSAGE, raw(R, S))
