"""A chain of certificates shaped like Apple's: root, WWDR G4 look-alike, Pass Type ID leaf.

Knows how Apple's real ones are laid out (subject UID and OU, both extended usages, 365
days) and reproduces it with keys of our own, so that demo and tests sign passes that
differ from real ones in the root only. Every part can be made wrong on purpose.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

# Apple's own extended key usage of a Pass Type ID certificate.
PASS_SIGNING = ObjectIdentifier("1.2.840.113635.100.4.14")
ORGANISATION = "Demo Onderwijs"


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate alone, PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, PKCS#8 PEM without a password."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """All three, from the root down to the one that signs passes."""

    root: Holder
    wwdr: Holder
    leaf: Holder


@dataclass(frozen=True, slots=True)
class Files:
    """Where `create` left the chain; `certificate` holds the leaf and its key together."""

    certificate: Path
    wwdr: Path
    root: Path


def root(*, now: datetime, organisation: str = ORGANISATION) -> Holder:
    """Make the self-signed root, valid for 20 years; the counterpart of Apple Root CA."""
    subject = _name(
        (NameOID.COMMON_NAME, "Demo Root CA"), (NameOID.ORGANIZATION_NAME, organisation)
    )
    authority = x509.BasicConstraints(ca=True, path_length=None)
    return _issue(subject, None, now=now, years=20, extensions=[(authority, True)])


def intermediate(issuer: Holder, *, now: datetime, generation: str = "G4") -> Holder:
    """Make the counterpart of Apple's WWDR certificate; `generation` stands in its OU."""
    subject = _name(
        (NameOID.COMMON_NAME, "Demo Developer Relations"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, generation),
        (NameOID.ORGANIZATION_NAME, ORGANISATION),
    )
    authority = x509.BasicConstraints(ca=True, path_length=0)
    return _issue(subject, issuer, now=now, years=5, extensions=[(authority, True)])


def leaf(
    issuer: Holder,
    *,
    pass_type_identifier: str,
    team_identifier: str,
    now: datetime,
    usages: tuple[ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH, PASS_SIGNING),
    key_bits: int = 2048,
) -> Holder:
    """Make a Pass Type ID certificate, valid for 365 days from `now`."""
    subject = _name(
        (NameOID.USER_ID, pass_type_identifier),
        (NameOID.COMMON_NAME, f"Pass Type ID: {pass_type_identifier}"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, team_identifier),
        (NameOID.ORGANIZATION_NAME, ORGANISATION),
        (NameOID.COUNTRY_NAME, "BE"),
    )
    extensions: list[tuple[x509.ExtensionType, bool]] = [(_DIGITAL_SIGNATURE, True)]
    if usages:
        extensions.append((x509.ExtendedKeyUsage(usages), False))
    return _issue(subject, issuer, now=now, years=1, extensions=extensions, key_bits=key_bits)


def chain(
    *,
    pass_type_identifier: str,
    team_identifier: str,
    now: datetime,
    organisation: str = ORGANISATION,
) -> Chain:
    """Make a whole chain for one pass type; `organisation` is the name its root goes by."""
    top = root(now=now, organisation=organisation)
    wwdr = intermediate(top, now=now)
    signer = leaf(
        wwdr, pass_type_identifier=pass_type_identifier, team_identifier=team_identifier, now=now
    )
    return Chain(top, wwdr, signer)


def create(
    directory: Path, *, pass_type_identifier: str, team_identifier: str, now: datetime
) -> Files:
    """Write a whole chain into `directory`, the file with the key readable by its owner only."""
    made = chain(
        pass_type_identifier=pass_type_identifier, team_identifier=team_identifier, now=now
    )
    files = Files(directory / "pass.pem", directory / "wwdr.pem", directory / "root.pem")
    directory.mkdir(parents=True, exist_ok=True)
    files.certificate.touch(mode=0o600)
    files.certificate.write_bytes(made.leaf.certificate_pem + made.leaf.key_pem)
    files.wwdr.write_bytes(made.wwdr.certificate_pem)
    files.root.write_bytes(made.root.certificate_pem)
    return files


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """Where `create_server` left what a simulated server shows, and whom clients must trust."""

    certificate: Path
    root: Path


def create_server(directory: Path, *, now: datetime) -> ServerFiles:
    """Write a root and a certificate under it with which a server proves to be localhost."""
    top = root(now=now)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectAlternativeName([x509.DNSName("localhost")]), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ]
    subject = _name((NameOID.COMMON_NAME, "localhost"))
    server = _issue(subject, top, now=now, years=1, extensions=extensions)
    files = ServerFiles(directory / "server.pem", directory / "server-root.pem")
    directory.mkdir(parents=True, exist_ok=True)
    files.certificate.touch(mode=0o600)
    files.certificate.write_bytes(server.certificate_pem + server.key_pem)
    files.root.write_bytes(top.certificate_pem)
    return files


_DIGITAL_SIGNATURE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _name(*parts: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _issue(
    subject: x509.Name,
    issuer: Holder | None,
    *,
    now: datetime,
    years: int,
    extensions: list[tuple[x509.ExtensionType, bool]],
    key_bits: int = 2048,
) -> Holder:
    """Make a key and its certificate; without an issuer it signs itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_bits)
    above = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365 * years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), critical=False
        )
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Holder(builder.sign(above, hashes.SHA256()), key)
