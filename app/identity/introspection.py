"""Access tokens that the government's server gave to machines: what its answer about one is worth.

Such a token is opaque, so its issuer is asked at every use (RFC 7662) and nothing is remembered:
one that was withdrawn is refused at the next request. Only machines of organisations agreed on
beforehand, only with tokens for us, and only the scopes of the personnel file count. Pure.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.identity.access_tokens import Caller
from app.identity.clients import Scope
from app.identity.jwt_parts import is_moment
from app.identity.registration import Registration

# RFC 6750 section 2.1; what has not this form is not worth a question.
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,2048}={0,2}")
SCOPES = frozenset({Scope.EPD_READ, Scope.EPD_WRITE})


def machine_in(
    answer: Mapping[str, Any], registration: Registration, *, now: datetime
) -> Caller | None:
    """Whom an answer (RFC 7662 section 2.2) vouches for at this moment; None for nobody."""
    client_id, scope = answer.get("client_id"), answer.get("scope")
    ends_at = _moment(answer.get("exp"))
    if (
        answer.get("active") is not True
        or answer.get("iss", registration.issuer) != registration.issuer
        or not _is_for(registration.client_id, answer.get("aud"))
        or not _is_agreed(answer.get("vo_orgcode"), registration)
        or ends_at is None
        or ends_at <= now
        or not (isinstance(client_id, str) and client_id)
        or not isinstance(scope, str)
    ):
        return None
    return Caller(client_id, SCOPES.intersection(scope.split()), None)


def _is_for(client_id: str, audience: object) -> bool:
    return client_id in (audience if isinstance(audience, list) else [audience])


def _is_agreed(organisation: object, registration: Registration) -> bool:
    return isinstance(organisation, str) and organisation in registration.machine_organisations


def _moment(value: object) -> datetime | None:
    """Seconds as the RFC has it, or ISO 8601 as some of the government's proxies write it."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        return datetime.fromtimestamp(value, UTC) if is_moment(value) else None
    except (ValueError, OverflowError):
        return None
