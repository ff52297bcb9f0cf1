"""The log-in against a certified provider that nobody here wrote (npm `oidc-provider`)."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fcntl import LOCK_EX, flock
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from app.cards.insz import Insz
from app.client_authentication import ClientKey, ClientSecret, load_client_key, thumbprint
from app.identity.authorization import read_response
from app.identity.discovery import ProviderFault
from app.identity.oidc import Identity, OidcClient
from app.identity.refusal import Cause, LoginRefused
from app.identity.registration import Registration
from demo.serving import free_port

from .conftest import ACCEPTED_ACR, AN, CALLBACK, EID, HOME, SECRET, TLS, Connect, Pairs

FOLDER = Path(__file__).parent.parent / "node"
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
KEY = rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def node() -> str:
    """The node program, its packages installed from the lock on first use."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed: NO FOREIGN OPENID PROVIDER was tried")
    with (FOLDER / "package-lock.json").open() as lock:
        # Of test processes that run side by side one installs, the others wait.
        flock(lock, LOCK_EX)
        if not (FOLDER / "node_modules" / "oidc-provider").exists():
            _install(npm)
    return node


def _install(npm: str) -> None:
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        pytest.skip("no package registry can be reached: NO FOREIGN OPENID PROVIDER was tried")
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True, slots=True)
class Foreign:
    """The running provider, seen by its two clients."""

    by_secret: Registration
    by_key: Registration

    @property
    def now(self) -> datetime:
        """Its own clock: it cannot be told the time."""
        url = f"{self.by_secret.issuer}/.well-known/openid-configuration"
        date = httpx.get(url, trust_env=False, verify=TLS).headers["date"]
        return parsedate_to_datetime(date).astimezone(UTC)


@pytest.fixture(scope="module", params=[False, True], ids=["userinfo", "id-token"])
def foreign(node: str, request: pytest.FixtureRequest) -> Iterator[Foreign]:
    """The provider, giving the person's claims at the userinfo endpoint or in the ID token."""
    port = free_port()
    issuer = f"http://localhost:{port}"
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    by_secret = Registration(
        issuer, "by-secret", ClientSecret(SECRET), CALLBACK, HOME, ACCEPTED_ACR
    )
    key = load_client_key(pem, key_id="", audience=issuer)
    by_key = replace(by_secret, client_id="by-key", authentication=key)
    settings = {
        "port": port,
        "claimsInIdToken": request.param,
        "clients": [_client(by_secret), _client(by_key)],
    }
    process = subprocess.Popen(  # the lock's own package, on this machine only
        [node, "provider.mjs", json.dumps(settings)],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Foreign(by_secret, by_key)
        process.terminate()


def _client(registration: Registration) -> dict[str, object]:
    """Our registration in the words of RFC 7591."""
    metadata: dict[str, object] = {
        "client_id": registration.client_id,
        "redirect_uris": [registration.redirect_uri],
        "post_logout_redirect_uris": [registration.post_logout_redirect_uri],
    }
    if isinstance(registration.authentication, ClientKey):
        jwk = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        jwk = {"kty": "RSA", "n": jwk["n"], "e": jwk["e"], "kid": thumbprint(KEY.public_key())}
        return metadata | {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [jwk]},
        }
    return metadata | {"client_secret": SECRET}


def browse(url: str, *, means: str = "eid") -> Pairs:
    """Follow every redirect of the provider until it leads back to us."""
    with httpx.Client(trust_env=False, verify=TLS) as browser:
        for _ in range(6):
            answer = browser.get(url)
            assert answer.is_redirect, answer.text
            assert answer.next_request is not None
            url = str(answer.next_request.url)
            if url.startswith(CALLBACK):
                return parse_qsl(urlsplit(url).query)
            if "/interaction/" in url:
                url += f"?means={means}"
    raise AssertionError("the provider never sent the browser back")


def log_in(client: OidcClient, *, now: datetime, means: str = "eid") -> Identity:
    """All of it, but for the database."""
    url, attempt = client.begin(language="nl", max_age_s=300, now=now)
    return client.complete(read_response(browse(url, means=means)), attempt, now=now)


def test_a_citizen_logs_in_with_either_proof_of_the_client(
    foreign: Foreign, connect: Connect
) -> None:
    for registration in (foreign.by_secret, foreign.by_key):
        identity = log_in(connect(registration), now=foreign.now)
        assert identity.insz == Insz(AN.insz)
        assert (identity.given_name, identity.family_name) == (AN.given_name, AN.family_name)
        assert (identity.subject, identity.acr) == ("P1", EID)


def test_the_provider_names_itself_in_the_answer(foreign: Foreign, connect: Connect) -> None:
    url, _ = connect(foreign.by_secret).begin(language="nl", now=foreign.now)
    assert dict(browse(url))["iss"] == foreign.by_secret.issuer


def test_a_log_in_by_password_is_too_weak(foreign: Foreign, connect: Connect) -> None:
    with pytest.raises(LoginRefused) as caught:
        log_in(connect(foreign.by_secret), now=foreign.now, means="csampassword")
    assert caught.value.cause is Cause.ACR


def test_a_code_is_refused_the_second_time_and_with_another_verifier(
    foreign: Foreign, connect: Connect
) -> None:
    client, now = connect(foreign.by_secret), foreign.now
    url, attempt = client.begin(language="nl", now=now)
    answer = read_response(browse(url))
    _, other = client.begin(language="nl", now=now)
    with pytest.raises(LoginRefused) as caught:
        client.complete(answer, replace(attempt, code_verifier=other.code_verifier), now=now)
    assert caught.value.cause is Cause.CODE_REFUSED
    url, attempt = client.begin(language="nl", now=now)
    answer = read_response(browse(url))
    client.complete(answer, attempt, now=now)
    with pytest.raises(LoginRefused) as caught:
        client.complete(answer, attempt, now=now)
    assert caught.value.cause is Cause.CODE_REFUSED


def test_a_wrong_proof_of_the_client_is_our_fault_not_the_person_s(
    foreign: Foreign, connect: Connect
) -> None:
    wrong = replace(foreign.by_secret, authentication=ClientSecret(SECRET + "!"))
    with pytest.raises(ProviderFault) as caught:
        log_in(connect(wrong), now=foreign.now)
    assert caught.value.detail == "status 401, invalid_client"


def test_the_address_for_logging_out_is_accepted(foreign: Foreign, connect: Connect) -> None:
    url = connect(foreign.by_secret).logout_url(state="x", now=foreign.now)
    assert url is not None
    page = httpx.get(url, trust_env=False, verify=TLS)
    assert page.status_code == 200
    refused = httpx.get(url.replace("by-secret", "nobody"), trust_env=False, verify=TLS)
    assert refused.status_code == 400
