"""How near issuing an Apple pass comes to its limit, one RSA-2048 signature, and to others.

Every pass is another card's, with a serial of its own, so that nothing remembered helps; four
languages, eighteen pictures. Outputs of every library are opened and their hashes made
again before anything is timed.
"""

import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from app.cards.entitlement import CardStatus
from app.passes.apple.certificates import Certificates
from app.passes.apple.passes import ApplePasses
from app.passes.content import PassContent
from bench.measure import Measurement, measured, rate, throughput
from bench.peers import PEERS, Build, Material
from demo import apple_certificates
from demo.apple_certificates import Chain

_NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_PASS_TYPE, _TEAM = "pass.example.lerarenkaart", "TEAM123456"
_TOKEN = "0123456789abcdef" * 4
_CARD = PassContent(
    serial="",
    card_number="7K3M9QX2A4",
    holder_name="An Peeters",
    year=2026,
    valid_from=datetime(2025, 12, 31, 23, 0, tzinfo=UTC),
    valid_until=datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC),
    status=CardStatus.ACTIVE,
    in_grace=False,
    code="HTTPS://KAART.EXAMPLE/1" + "0123456789ABCDEFGHJKMNPQRSTVWXYZ" * 4 + "0123456789ABCDEFGH",
    revision=1,
)
# More than any machine signs in a second, so that the inputs made beforehand never run out.
_MOST_PER_S = 20_000
# Eighteen pictures, four languages and pass.json.
_FILES = 23
_serials = itertools.count()


def pass_vs_raw_rsa(rounds: int, seconds: float) -> Measurement:
    """Compare whole passes per CPU second with bare RSA-2048 signatures of the same key."""
    chain = _chain()
    make, raw = _maker(chain), _raw_signature(chain)
    _check(make(_cards(1)[0]))
    runs = []
    for _ in range(rounds):
        bare = rate(raw, itertools.repeat(b"x" * 107), seconds)
        runs.append(rate(make, iter(_cards(int(_MOST_PER_S * seconds))), seconds) / bare)
    return measured("pass_vs_raw_rsa", 0.85, runs, "stretch 0.92; passes per bare RSA-2048 sign")


def pass_vs_best_peer(rounds: int, seconds: float) -> Measurement:
    """Compare whole passes per CPU second with the fastest other Python library at hand."""
    chain = _chain()
    make = _maker(chain)
    with TemporaryDirectory() as folder:
        peers, absent = _peers(chain, make, Path(folder))
        if not peers:
            raise LookupError(f"nothing to compare with: install one of {', '.join(PEERS)}")
        runs, best = [], dict.fromkeys(peers, 0.0)
        for _ in range(rounds):
            ours = rate(make, iter(_cards(int(_MOST_PER_S * seconds))), seconds)
            theirs = {
                name: rate(build, _pass_jsons(make), seconds) for name, build in peers.items()
            }
            runs.append(ours / max(theirs.values()))
            best = {name: max(best[name], theirs[name]) for name in best}
    fastest = max(best, key=lambda name: best[name])
    note = f"against {fastest}" + (f"; NOT INSTALLED: {', '.join(absent)}" if absent else "")
    return measured("pass_vs_best_peer", 8.0, runs, note)


def issue_two_threads(rounds: int, seconds: float) -> Measurement:
    """Compare passes per second, by the clock, of two threads with those of one."""
    make = _maker(_chain())

    def calls() -> Iterator[Callable[[], object]]:
        return iter([partial(make, card) for card in _cards(int(_MOST_PER_S * seconds))])

    runs = []
    for _ in range(rounds):
        one = throughput([calls()], seconds)
        runs.append(throughput([calls(), calls()], seconds) / one)
    return measured("issue_two_threads", 1.7, runs, "by the clock: needs two idle cores")


def _chain() -> Chain:
    return apple_certificates.chain(
        pass_type_identifier=_PASS_TYPE, team_identifier=_TEAM, now=_NOW
    )


def _maker(chain: Chain) -> Callable[[PassContent], bytes]:
    certificates = Certificates.load(
        chain.leaf.certificate_pem,
        chain.leaf.key_pem,
        chain.wwdr.certificate_pem,
        pass_type_identifier=_PASS_TYPE,
        team_identifier=_TEAM,
        now=_NOW,
    )
    passes = ApplePasses(
        certificates,
        organization_name="Demo Onderwijs",
        public_url="https://kaart.example",
        web_service_url="https://kaart.example/apple",
    )
    return partial(passes.make, authentication_token=_TOKEN, now=_NOW)


def _raw_signature(chain: Chain) -> Callable[[bytes], bytes]:
    key, scheme, digest = chain.leaf.key, padding.PKCS1v15(), hashes.SHA256()
    return lambda content: key.sign(content, scheme, digest)


def _cards(count: int) -> list[PassContent]:
    return [replace(_CARD, serial=f"{next(_serials):032x}") for _ in range(count)]


def _pass_jsons(make: Callable[[PassContent], bytes]) -> Iterator[dict[str, Any]]:
    """Yield what the other libraries turn into a pass: the same pass.json, serial by serial."""
    layout = json.loads(_opened(make(_CARD))["pass.json"])
    return ({**layout, "serialNumber": f"{serial:032x}"} for serial in _serials)


def _peers(
    chain: Chain, make: Callable[[PassContent], bytes], folder: Path
) -> tuple[dict[str, Build], list[str]]:
    """Return the libraries at hand, checked, and the names of those that are not."""
    files = _opened(make(_CARD))
    for made_anew in ("pass.json", "manifest.json", "signature"):
        del files[made_anew]
    certificate, key, wwdr = (folder / f"{name}.pem" for name in ("certificate", "key", "wwdr"))
    certificate.write_bytes(chain.leaf.certificate_pem)
    key.write_bytes(chain.leaf.key_pem)
    wwdr.write_bytes(chain.wwdr.certificate_pem)
    material = Material(files, certificate, key, wwdr, _PASS_TYPE, _TEAM)
    found = {name: peer(material) for name, peer in PEERS.items()}
    peers = {name: build for name, build in found.items() if build is not None}
    for build in peers.values():
        _check(build(next(_pass_jsons(make))))
    return peers, [name for name, build in found.items() if build is None]


def _opened(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}


def _check(raw: bytes) -> None:
    """Raise ValueError unless the pass has the pictures, the languages and the right hashes."""
    files = _opened(raw)
    listed = json.loads(files["manifest.json"])
    for name, expected in listed.items():
        if hashlib.sha1(files[name], usedforsecurity=False).hexdigest() != expected:
            raise ValueError(f"a pass with a wrong hash for {name} is no pass to measure")
    if len(listed) < _FILES:
        raise ValueError("a pass with files left out is no pass to measure")
