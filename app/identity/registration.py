"""Our registration at the provider: what it and we agreed on beforehand.

Whatever stands here was exchanged on paper; a log-in that does not fit it is refused. How a
request to the token endpoint is proven to be ours is in `app.client_authentication`.
"""

from dataclasses import dataclass, field

from app.client_authentication import ClientKey, ClientSecret
from app.identity.roles import RoleBook


@dataclass(frozen=True, slots=True)
class Registration:
    """What the provider and we agreed on; the two addresses exactly as they stand there."""

    issuer: str
    client_id: str
    authentication: ClientSecret | ClientKey
    redirect_uri: str
    post_logout_redirect_uri: str
    # Means of authentication that are strong enough for a card.
    accepted_acr: frozenset[str]
    # The stronger ones among them, for what officials do that does harm in wrong hands.
    step_up_acr: frozenset[str] = frozenset()
    # Whose machines may come with access tokens of the provider (OVO or KBO codes).
    machine_organisations: frozenset[str] = frozenset()
    roles: RoleBook = field(default_factory=RoleBook)

    def __post_init__(self) -> None:
        if not self.accepted_acr:
            raise ValueError("without an accepted acr nobody could log in")
