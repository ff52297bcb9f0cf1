"""A scanner that checks without a network, made after docs/offline.md and nothing else of ours.

It asks the service three times only: to become a till, for the keys and the list, and to upload.
Reading a code is shared with the service; what a code is worth it finds out from public keys.
"""

import base64
import hmac
import uuid
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
from jwt.algorithms import ECAlgorithm

from app.cards.initials import initials_text
from app.cards.numbers import card_number_of, webshop_code_of
from app.cards.token import Carrier, Fault, Token, read

LIST_GOOD_FOR = timedelta(hours=24)
EARLY_S, WEB_LATE_S = 5, 30
RECENT_S = 36 * 3600
# Half the order of P-256: the signer's s is never above (docs/card-token.md, section 2).
HALF_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 // 2
PREFIX = b"LK1\0"
LIST_TYPE = "lk1-offline-list+jwt"


class OfflineScanner:
    """One device; `check` needs no network, and `line` is how it reaches one."""

    def __init__(
        self,
        service: str,
        *,
        clock: Callable[[], datetime],
        line: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=service, timeout=30.0, transport=line)
        self._base = service.upper()
        self._clock = clock
        self._keys: dict[int, jwt.PyJWK] = {}
        self._test_keys: set[int] = set()
        self._salt = b""
        self._prefixes: frozenset[bytes] = frozenset()
        self._heard_at: datetime | None = None
        self._uploads: deque[dict[str, Any]] = deque()

    @property
    def refused_codes(self) -> int:
        """How many codes the list names."""
        return len(self._prefixes)

    @property
    def waiting(self) -> int:
        """How many checks wait for a network."""
        return len(self._uploads)

    def close(self) -> None:
        """Put it away."""
        self._http.close()

    def enrol(self, code: str) -> httpx.Response:
        """Become a till, with a key of its own."""
        answer = self._http.post("/api/v1/tills/enrol", json={"code": code}).raise_for_status()
        self._http.headers["authorization"] = f"Bearer {answer.json()['till_key']}"
        return answer

    def fetch(self) -> httpx.Response:
        """Take the keys and the list along, signed by one of them."""
        jwks = self._http.get("/.well-known/jwks.json").raise_for_status().json()
        self._keys = {int(key["kid"]): jwt.PyJWK(key) for key in jwks["keys"]}
        self._test_keys = {int(key["kid"]) for key in jwks["keys"] if key.get("test")}
        answer = self._http.get("/api/v1/offline-list").raise_for_status()
        header = jwt.get_unverified_header(answer.text)
        key = self._keys[int(header["kid"])]
        if header["typ"] != LIST_TYPE or int(header["kid"]) in self._test_keys:
            raise RuntimeError("this is no offline list: the scanner keeps the one it has")
        listed = jwt.decode(answer.text, key, algorithms=["ES256"], options={"verify_iat": False})
        self._salt = _unpadded(listed["salt"])
        octets, size = _unpadded(listed["prefixes"]), listed["prefix_bytes"]
        self._prefixes = frozenset(octets[at : at + size] for at in range(0, len(octets), size))
        self._heard_at = self._clock()
        return answer

    def check(self, text: str) -> dict[str, Any]:
        """The gist of a verdict without a network; it waits for its upload from now on."""
        now = self._clock()
        if self._heard_at is None or now - self._heard_at > LIST_GOOD_FOR:
            raise RuntimeError("the list is older than a day: this scanner judges no more")
        if card_number_of(text) or webshop_code_of(text):
            raise RuntimeError("a typed number needs the network: nothing was judged or kept")
        offline = {"scanned_at": now.isoformat(), "nonce": str(uuid.uuid4())}
        self._uploads.append({"presentation": text, "channel": "scanner", "offline": offline})
        token = read(text, self._base)
        reason = token.value if isinstance(token, Fault) else self._reason(token, now)
        if isinstance(token, Fault) or reason != "ok":
            return {"valid": False, "reason": reason, "grade": None, "holder": None}
        holder = initials_text(token.initials) or None
        return {"valid": True, "reason": "ok", "grade": _grade(token, now), "holder": holder}

    def upload_next(self) -> httpx.Response:
        """Tell of the oldest check that waits; it is kept until there is a verdict."""
        answer = self._http.post("/api/v1/verifications", json=self._uploads[0])
        answer.raise_for_status()
        self._uploads.popleft()
        return answer

    def _reason(self, token: Token, now: datetime) -> str:
        """In the order of docs/offline.md, section 3."""
        key = self._keys.get(token.key_id)
        if key is None or token.test is not (token.key_id in self._test_keys):
            return "unknown_key"
        if not _has_signed(key, token):
            return "bad_signature"
        if token.test:
            return "test_card"
        if outside := _outside_window(token, now.timestamp()):
            return outside
        if hmac.digest(self._salt, token.reference, "sha256")[:8] in self._prefixes:
            return "not_valid"
        return "stale_code" if token.carrier is Carrier.GOOGLE and token.tail is None else "ok"


def _has_signed(key: jwt.PyJWK, token: Token) -> bool:
    es256 = ECAlgorithm(ECAlgorithm.SHA256)
    low = int.from_bytes(token.signature[32:]) <= HALF_ORDER
    return low and es256.verify(PREFIX + token.payload, key.key, token.signature)


def _outside_window(token: Token, moment_s: float) -> str | None:
    if moment_s < token.issued_at - EARLY_S:
        return "not_yet_valid"
    late_s = WEB_LATE_S if token.carrier is Carrier.WEB else 0
    return "expired" if moment_s > token.ends_at + late_s else None


def _grade(token: Token, now: datetime) -> str:
    if token.carrier is Carrier.WEB:
        return "live"
    young = now.timestamp() - token.issued_at <= RECENT_S
    return "recent" if token.carrier is Carrier.APPLE and young else "static"


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
