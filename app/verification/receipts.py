"""A receipt: our word that a check was made, signed, without anything about the holder.

A partner keeps it for the auditor; whoever has the published keys can read and trust it
(docs/api-policy.md has the claims).
"""

from datetime import datetime
from typing import Any

import jwt

from app.cards.keyring import Keys
from app.verification.afterwards import Recorded

TYPE = "lk1-receipt+jwt"


def receipt(recorded: Recorded, *, keys: Keys, issuer: str, now: datetime) -> str:
    """The receipt as a JWS in compact form (RFC 7515), ES256 under the present token key."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "iat": int(now.timestamp()),
        "jti": f"vrf_{recorded.scan_id}",
        "partner": recorded.partner,
        "till": recorded.till,
        "checked_at": recorded.at.isoformat(),
        "valid": recorded.valid,
        "reason": recorded.reason,
        "grade": recorded.grade,
        "test": recorded.test,
    }
    for name in ("uploaded_at", "voided_at"):
        moment: datetime | None = getattr(recorded, name)
        if moment is not None:
            claims[name] = moment.isoformat()
    key = keys.signing_for(test=False)
    headers = {"kid": str(key.id), "typ": TYPE}
    return jwt.encode(claims, key.private_key, algorithm="ES256", headers=headers)
