"""The start-up check of the credentials: every fault is named, all of them at once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.passes.apple.certificates import CertificateFault, Certificates
from demo import apple_certificates
from demo.apple_certificates import Chain, Holder

Load = Callable[..., Certificates]
NewLeaf = Callable[..., Holder]


def encrypted(holder: Holder, password: bytes) -> bytes:
    return holder.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )


def faults(load: Load, *arguments: bytes, **changes: object) -> tuple[str, ...]:
    with pytest.raises(CertificateFault) as caught:
        load(*arguments, **changes)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_a_good_chain_loads_without_a_warning(load: Load) -> None:
    assert load().warnings() == ()


def test_a_chain_of_our_own_is_not_taken_for_apples(load: Load) -> None:
    assert not load().issued_by_apple


def test_certificate_and_key_may_come_from_one_file(load: Load, chain: Chain) -> None:
    both = chain.leaf.certificate_pem + chain.leaf.key_pem

    assert load(both, both).key.key_size == 2048


def test_an_encrypted_key_opens_with_its_password(load: Load, chain: Chain) -> None:
    key = encrypted(chain.leaf, b"open sesame")

    assert load(key=key, password=b"open sesame").key.public_key() == chain.leaf.key.public_key()


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        (None, "the private key is encrypted and no password was given"),
        (b"wrong", "the private key is not readable PEM, or its password is wrong"),
    ],
)
def test_an_encrypted_key_without_its_password_is_named(
    load: Load, chain: Chain, password: bytes | None, reason: str
) -> None:
    found = faults(load, key=encrypted(chain.leaf, b"open sesame"), password=password)

    assert found == (reason,)


def test_a_password_for_an_open_key_is_named(load: Load) -> None:
    assert faults(load, password=b"x") == (
        "a password was given for a private key that is not encrypted",
    )


def test_every_unreadable_file_is_named(load: Load) -> None:
    assert faults(load, b"", b"", b"") == (
        "the Pass Type ID certificate is not a PEM certificate",
        "the private key is not readable PEM, or its password is wrong",
        "the WWDR certificate is not a PEM certificate",
    )


def test_an_elliptic_key_is_named(load: Load) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )

    assert faults(load, key=key) == ("the private key is not an RSA key",)


def test_another_pass_type_is_named(load: Load) -> None:
    (fault,) = faults(load, pass_type_identifier="pass.example.other")

    assert fault == (
        "the Pass Type ID certificate is for the pass type (UID) pass.example.lerarenkaart, "
        "the settings say pass.example.other"
    )


def test_another_team_is_named(load: Load) -> None:
    assert faults(load, team_identifier="OTHER12345") == (
        "the Pass Type ID certificate is for the team (OU) TEAM123456, the settings say OTHER12345",
    )


def test_a_key_of_another_certificate_is_named(load: Load, new_leaf: NewLeaf) -> None:
    assert faults(load, key=new_leaf().key_pem) == (
        "the private key does not belong to the Pass Type ID certificate",
    )


def test_a_small_key_is_named(load: Load, new_leaf: NewLeaf) -> None:
    small = new_leaf(key_bits=1024)

    assert faults(load, small.certificate_pem, small.key_pem) == (
        "the private key has 1024 bits, at least 2048 are needed",
    )


@pytest.mark.parametrize(
    ("usages", "lacking"),
    [
        ((ExtendedKeyUsageOID.CLIENT_AUTH,), ["pass signing (1.2.840.113635.100.4.14)"]),
        ((apple_certificates.PASS_SIGNING,), ["client authentication (1.3.6.1.5.5.7.3.2)"]),
        (
            (),
            [
                "pass signing (1.2.840.113635.100.4.14)",
                "client authentication (1.3.6.1.5.5.7.3.2)",
            ],
        ),
    ],
)
def test_every_missing_usage_is_named(
    load: Load, new_leaf: NewLeaf, usages: tuple[object, ...], lacking: list[str]
) -> None:
    leaf = new_leaf(usages=usages)

    assert faults(load, leaf.certificate_pem, leaf.key_pem) == tuple(
        f"the Pass Type ID certificate lacks the extended key usage {usage}" for usage in lacking
    )


def test_a_wwdr_certificate_that_did_not_issue_the_leaf_is_named(
    load: Load, chain: Chain, now: datetime
) -> None:
    # The same name, another key: what a look at the names alone would let through.
    twin = apple_certificates.intermediate(chain.root, now=now)

    (fault,) = faults(load, wwdr=twin.certificate_pem)

    assert fault.startswith("the Pass Type ID certificate was not issued by this WWDR certificate")


def test_another_generation_of_the_wwdr_certificate_is_only_a_warning(
    load: Load, chain: Chain, now: datetime
) -> None:
    wwdr = apple_certificates.intermediate(chain.root, now=now, generation="G7")
    leaf = apple_certificates.leaf(
        wwdr,
        pass_type_identifier="pass.example.lerarenkaart",
        team_identifier="TEAM123456",
        now=now,
    )

    found = load(leaf.certificate_pem, leaf.key_pem, wwdr.certificate_pem).warnings()

    assert found == (
        "the WWDR certificate is of generation G7; Apple issues Pass Type ID certificates under G4",
    )


def test_an_expired_certificate_is_named_with_its_day(load: Load, now: datetime) -> None:
    assert faults(load, now=now + timedelta(days=366)) == (
        "the Pass Type ID certificate expired on 2027-11-24",
    )


def test_two_expired_certificates_are_both_named(load: Load, now: datetime) -> None:
    assert faults(load, now=now + timedelta(days=5 * 365 + 1)) == (
        "the Pass Type ID certificate expired on 2027-11-24",
        "the WWDR certificate expired on 2031-11-23",
    )


def test_certificates_that_are_not_valid_yet_are_named(load: Load, now: datetime) -> None:
    assert faults(load, now=now - timedelta(seconds=1)) == (
        "the Pass Type ID certificate is not valid before 2026-11-24",
        "the WWDR certificate is not valid before 2026-11-24",
    )


def test_faults_of_every_kind_are_named_together(
    load: Load, new_leaf: NewLeaf, now: datetime
) -> None:
    found = faults(
        load,
        key=new_leaf().key_pem,
        pass_type_identifier="pass.example.other",
        team_identifier="OTHER12345",
        now=now + timedelta(days=400),
    )

    assert [fault.split()[-1] for fault in found] == [
        "pass.example.other",
        "OTHER12345",
        "certificate",
        "2027-11-24",
    ]


@pytest.mark.parametrize(("later", "left"), [(0, 365), (305, 60), (365, 0), (366, -1)])
def test_the_days_left_are_those_of_the_first_to_expire(
    load: Load, now: datetime, later: int, left: int
) -> None:
    assert load().days_left(now + timedelta(days=later)) == left


def test_every_expiry_has_a_name_for_people(load: Load, chain: Chain) -> None:
    assert load().expiries() == {
        "Pass Type ID certificate": chain.leaf.certificate.not_valid_after_utc,
        "WWDR certificate": chain.wwdr.certificate.not_valid_after_utc,
    }


def test_the_private_key_is_in_no_representation(load: Load, chain: Chain) -> None:
    numbers = chain.leaf.key.private_numbers()

    assert str(numbers.p) not in repr(load())
    assert "PRIVATE" not in repr(load())


def test_the_written_chain_loads_and_its_key_is_for_its_owner_only(
    tmp_path: Path, now: datetime
) -> None:
    files = apple_certificates.create(
        tmp_path / "keys",
        pass_type_identifier="pass.example.lerarenkaart",
        team_identifier="TEAM123456",
        now=now,
    )
    both = files.certificate.read_bytes()

    loaded = Certificates.load(
        both,
        both,
        files.wwdr.read_bytes(),
        pass_type_identifier="pass.example.lerarenkaart",
        team_identifier="TEAM123456",
        now=now,
    )

    assert loaded.days_left(now) == 365
    assert files.certificate.stat().st_mode & 0o777 == 0o600
