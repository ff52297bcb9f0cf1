"""Access tokens of the simulated log-in for machines: client_credentials and introspection. Pure.

As the real one: a scope must have been granted, `audience` names the application that is called,
and that application asks what a token is worth (RFC 7662).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from demo.identity_provider.bends import Document
from demo.identity_provider.clients import Client
from demo.identity_provider.grants import Refusal

LIFETIME = timedelta(hours=1)
SCOPES = frozenset({"epd:read", "epd:write"})
# The personnel file's own machine, and one of somebody else.
MACHINES = tuple(
    Client(
        client_id=name,
        redirect_uris=frozenset(),
        post_logout_redirect_uris=frozenset(),
        secret=f"demo-secret-of-{name}",
        scopes=SCOPES,
        organisation=organisation,
    )
    for name, organisation in (("epd-machine", "OVO003323"), ("other-machine", "OVO009999"))
)


@dataclass(frozen=True, slots=True)
class MachineToken:
    """What a machine was given."""

    client: Client
    scope: str
    audience: str
    ends_at: datetime


def give(client: Client, form: Mapping[str, str], *, now: datetime) -> MachineToken:
    """A token with the scopes asked for; `Refusal` when the client may not have them."""
    scopes = frozenset(form.get("scope", "").split())
    if not scopes or not scopes <= client.scopes:
        raise Refusal("invalid_scope")
    return MachineToken(client, " ".join(sorted(scopes)), form.get("audience", ""), now + LIFETIME)


def described(token: MachineToken | None, *, issuer: str, now: datetime) -> Document:
    """The answer of RFC 7662 section 2.2."""
    if token is None or token.ends_at <= now:
        return {"active": False}
    return {
        "active": True,
        "iss": issuer,
        "aud": token.audience,
        "client_id": token.client.client_id,
        "scope": token.scope,
        "exp": int(token.ends_at.timestamp()),
        "token_type": "Bearer",
        "vo_orgcode": token.client.organisation,
        "vo_applicatienaam": token.client.client_id,
    }
