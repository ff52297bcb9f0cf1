"""The finished .pkpass of one card, and the token with which a phone asks for the next one.

Brings together what stands on the pass (`pass_json`), the archive (`pkpass`) and the signature
(`signature`). Everything that all passes share is read, hashed and laid out at
construction; per pass no key is loaded, nothing is compressed and no file is touched.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from importlib import resources
from urllib.parse import urlsplit

from app.passes.apple import pass_json
from app.passes.apple.certificates import Certificates
from app.passes.apple.pkpass import Package
from app.passes.apple.signature import DetachedSigner
from app.passes.content import LANGUAGES, STATUS_LABELS, PassContent

MEDIA_TYPE = "application/vnd.apple.pkpass"


class ApplePasses:
    """Makes the passes of one pass type.

    `public_url` is where people find their card. `web_service_url` is where
    phones fetch updates (PassKit Web Service): https, and without the `/v1` that phones add;
    without it a pass never updates.
    """

    def __init__(
        self,
        certificates: Certificates,
        *,
        organization_name: str,
        public_url: str,
        web_service_url: str | None = None,
    ) -> None:
        if web_service_url is not None:
            _check_web_service_url(web_service_url)
        issuer = {
            "passTypeIdentifier": certificates.pass_type_identifier,
            "teamIdentifier": certificates.team_identifier,
            "organizationName": organization_name,
        }
        self.pass_type_identifier = certificates.pass_type_identifier
        self._moulds = {
            standing: pass_json.mould(
                standing, issuer=issuer, public_url=public_url, web_service_url=web_service_url
            )
            for standing in STATUS_LABELS
        }
        strings = {f"{name}.lproj/pass.strings": pass_json.strings(name) for name in LANGUAGES}
        self._package = Package.of(_artwork() | strings)
        self._signer = DetachedSigner.of(
            certificates.certificate, certificates.key, certificates.wwdr
        )

    @property
    def template_version(self) -> str:
        """16 hex digits that change with anything all passes share, the certificates aside.

        A pass made under another version should be made anew: raise its revision.
        """
        return hashlib.sha256(repr((self._moulds, self._package)).encode()).hexdigest()[:16]

    def make(self, content: PassContent, *, authentication_token: str, now: datetime) -> bytes:
        """Return the signed archive.

        To be called from threads: the RSA operation, nearly all of the time, runs outside
        the interpreter's lock.
        """
        facts = pass_json.fill(self._moulds[content.standing], content, authentication_token)
        return self._package.finish(facts, partial(self._signer.sign, now=now))


def authentication_token(secret: bytes, pass_type_identifier: str, serial: str) -> str:
    """Return the token of a pass: 64 hex digits of HMAC-SHA256, so that nothing is stored.

    Apple forbids that the token of an installed pass changes, so a pass keeps the secret it
    began with.
    """
    named = f"{pass_type_identifier}\0{serial}".encode()
    return hmac.digest(secret, named, "sha256").hex()


def token_matches(
    presented: str, secrets: Iterable[bytes], pass_type_identifier: str, serial: str
) -> bool:
    """Tell whether one of the secrets made this token; the time taken says nothing about it."""
    found = False
    for secret in secrets:
        expected = authentication_token(secret, pass_type_identifier, serial)
        found |= hmac.compare_digest(presented.encode("utf-8", "replace"), expected.encode())
    return found


def _artwork() -> dict[str, bytes]:
    folder = resources.files("app.passes.apple") / "artwork"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.endswith(".png")}


def _check_web_service_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1"}:
        raise ValueError("the PassKit web service needs an https address: phones ignore http")
    if url.endswith(("/", "/v1")):
        raise ValueError("phones append /v1 themselves: leave it, and a final slash, out")
