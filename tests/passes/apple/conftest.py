"""One chain of certificates for all tests of Apple passes, and ways to make passes with it."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from app.cards.entitlement import CardStatus
from app.passes.apple.certificates import Certificates
from app.passes.apple.inspect import Finding, inspect
from app.passes.apple.passes import ApplePasses, authentication_token
from app.passes.apple.pkpass import Package
from app.passes.apple.signature import DetachedSigner
from app.passes.content import PassContent
from demo import apple_certificates
from demo.apple_certificates import Chain, Holder

PASS_TYPE, TEAM = "pass.example.lerarenkaart", "TEAM123456"
SECRET = bytes(range(32))
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


NAMED = {"pass_type_identifier": PASS_TYPE, "team_identifier": TEAM}


@pytest.fixture(scope="session")
def chain() -> Chain:
    return apple_certificates.chain(**NAMED, now=NOW)


@pytest.fixture(scope="session")
def new_leaf(chain: Chain) -> Callable[..., Holder]:
    """Return a function that makes another leaf under the same WWDR certificate."""
    return lambda **changes: apple_certificates.leaf(chain.wwdr, **NAMED | {"now": NOW} | changes)


@pytest.fixture(scope="session")
def load(chain: Chain) -> Callable[..., Certificates]:
    """Return a function that loads the chain, with a leaf, a key, … of another kind put in."""

    def load(
        certificate: bytes = chain.leaf.certificate_pem,
        key: bytes = chain.leaf.key_pem,
        wwdr: bytes = chain.wwdr.certificate_pem,
        **changes: object,
    ) -> Certificates:
        return Certificates.load(certificate, key, wwdr, **NAMED | {"now": NOW} | changes)

    return load


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def passes(load: Callable[..., Certificates]) -> ApplePasses:
    return ApplePasses(
        load(),
        organization_name="Demo Onderwijs",
        public_url="https://kaart.example",
        web_service_url="https://kaart.example/apple",
    )


@pytest.fixture(scope="session")
def content() -> Callable[..., PassContent]:
    """Return a function that gives the facts of a card, some of them changed."""
    facts = PassContent(
        serial="5f0c9a4e7d2b4b6f9b1d3c5e7a90b1c2",
        card_number="7K3M9QX2A4",
        holder_name="An Peeters",
        year=2026,
        valid_from=datetime(2025, 12, 31, 23, 0, tzinfo=UTC),
        valid_until=datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC),
        status=CardStatus.ACTIVE,
        in_grace=False,
        code="HTTPS://KAART.EXAMPLE/1"
        + "0123456789ABCDEFGHJKMNPQRSTVWXYZ" * 4
        + "0123456789ABCDEFGH",
        revision=1,
    )
    return partial(replace, facts)


@pytest.fixture(scope="session")
def make(passes: ApplePasses) -> Callable[[PassContent], bytes]:
    """Return a function that makes the pass of a card at NOW."""

    def make(content: PassContent) -> bytes:
        token = authentication_token(SECRET, PASS_TYPE, content.serial)
        return passes.make(content, authentication_token=token, now=NOW)

    return make


@pytest.fixture(scope="session")
def files(
    make: Callable[[PassContent], bytes], content: Callable[..., PassContent]
) -> dict[str, bytes]:
    """Return the files of a good pass, to be put together again with one thing wrong."""
    with zipfile.ZipFile(io.BytesIO(make(content()))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def zipped(files: dict[str, bytes]) -> Callable[[Mapping[str, bytes | None]], bytes]:
    """Return a function that packs the good pass with files replaced, added or (None) left out."""

    def zipped(changed: Mapping[str, bytes | None]) -> bytes:
        with io.BytesIO() as raw:
            with zipfile.ZipFile(raw, "w") as archive:
                for name, content in (files | dict(changed)).items():
                    if content is not None:
                        archive.writestr(name, content)
            return raw.getvalue()

    return zipped


@pytest.fixture(scope="session")
def sealed(chain: Chain, files: dict[str, bytes]) -> Callable[..., bytes]:
    """Return a function that does the same, but with hashes and a signature that are right.

    `leaf` signs instead of the good one, at `now`, with `wwdr` beside it.
    """

    def sealed(
        changed: Mapping[str, bytes | None],
        *,
        leaf: Holder = chain.leaf,
        wwdr: Holder = chain.wwdr,
        now: datetime = NOW,
    ) -> bytes:
        made_anew = ("pass.json", "manifest.json", "signature")
        kept = {
            name: content
            for name, content in (files | dict(changed)).items()
            if content is not None and name not in made_anew
        }
        signer = DetachedSigner.of(leaf.certificate, leaf.key, wwdr.certificate)
        pass_json = changed.get("pass.json") or files["pass.json"]
        return Package.of(kept).finish(pass_json, partial(signer.sign, now=now))

    return sealed


@pytest.fixture(scope="session")
def findings() -> Callable[..., list[Finding]]:
    """Return a function that inspects; what is always found, our own root, it leaves out."""

    def findings(raw: bytes, *, at: datetime = NOW) -> list[Finding]:
        found = inspect(raw, now=at).findings
        assert all(one.what.endswith((".", ";.")) and one.mend.endswith(".") for one in found)
        return [one for one in found if "which is not Apple" not in one.what]

    return findings


@pytest.fixture(scope="session")
def only(findings: Callable[..., list[Finding]]) -> Callable[[bytes], Finding]:
    """Return a function that inspects a pass with one fault and returns the one finding."""

    def only(raw: bytes) -> Finding:
        (finding,) = findings(raw)
        return finding

    return only
