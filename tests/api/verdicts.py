"""A verdict as a till sees it, its shape checked, and how a till asks for one."""

import re
from typing import Any

import httpx

from tests.api.stage import Service

ROUTE = "/api/v1/verifications"

TYPES = {
    "verification_id": str,
    "valid": bool,
    "reason": str,
    "grade": str | None,
    "carrier": str | None,
    "holder": dict | None,
    "expires_on": str | None,
    "advice": list,
    "checked_at": str,
    "repeat": bool,
    "test": bool,
    "end_user_message": dict,
}

ACCEPTED = {"valid": True, "reason": "ok", "grade": "live", "repeat": False, "holder": "AP"}


def refused(reason: str) -> dict[str, object]:
    return {"valid": False, "reason": reason, "grade": None, "repeat": False, "holder": None}


def bearer(service: Service, shop: str = "museum") -> dict[str, str]:
    return {"authorization": f"Bearer {service.deployment.shops[shop].live_key}"}


def verdict(answer: httpx.Response) -> dict[str, Any]:
    """The verdict in an answer, once its shape was checked."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    assert list(found) == list(TYPES)
    assert all(isinstance(found[name], kind) for name, kind in TYPES.items())
    assert re.fullmatch(r"vrf_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found["verification_id"])
    assert list(found["end_user_message"]) == ["nl", "fr", "en", "de"]
    return found
