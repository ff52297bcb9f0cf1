"""How near a Google save link comes to its limit, one RSA-2048 signature.

Every link names another object, so that nothing remembered helps; the bare signature is by
the same key over as many bytes as the link signs.
"""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from app.passes.google.account import ServiceAccount
from app.passes.google.client import GoogleWallet
from app.passes.pace import Pace
from bench.measure import Measurement, measured, rate
from demo import google_account

_NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_ORIGIN = "https://kaart.example"


def google_link_vs_raw_rsa(rounds: int, seconds: float) -> Measurement:
    """Compare save links per CPU second with bare RSA-2048 signatures of the same key."""
    account = _account()
    wallet = GoogleWallet(
        account, base_url=_ORIGIN, save_url=_ORIGIN, origins=[_ORIGIN], pace=Pace(1)
    )
    object_ids = _object_ids()
    signed = _checked(wallet.save_link(next(object_ids), now=_NOW), account)
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    runs = []
    for _ in range(rounds):
        bare = rate(
            lambda message: account.key.sign(message, scheme, digest),
            itertools.repeat(signed),
            seconds,
        )
        links = rate(lambda name: wallet.save_link(name, now=_NOW), object_ids, seconds)
        runs.append(links / bare)
    wallet.close()
    return measured("google_link_vs_raw_rsa", 0.90, runs, "links per bare RSA-2048 sign")


def _account() -> ServiceAccount:
    with TemporaryDirectory() as folder:
        return ServiceAccount.load(google_account.create(Path(folder), f"{_ORIGIN}/token"))


def _object_ids() -> Iterator[str]:
    for number in itertools.count():
        yield f"{google_account.ISSUER_ID}.{number:032x}"


def _checked(link: str, account: ServiceAccount) -> bytes:
    """What the link signs; raises when its signature is not good."""
    token = link.rpartition("/")[2]
    jwt.decode(
        token,
        account.key.public_key(),
        algorithms=["RS256"],
        audience="google",
        options={"verify_iat": False},  # the moment is fixed, the library's clock is not
    )
    return token.rpartition(".")[0].encode()
