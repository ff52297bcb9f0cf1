"""In which capacity somebody logs in, and what an official may do here. Pure.

Knows the claims of the Flemish log-in about an organisation (`vo_…`) and the application's own
roles (`<application>_rol_3d`), each granted for one organisation. Only the signed ID token
counts; a claim that is missing or of another form gives nothing. An account of a school
without our role is a colleague of a personnel officer, not one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from app.identity.refusal import Cause, LoginRefused
from app.partners import enterprise_number

# For what does harm when somebody else sits at the screen: a log-in of the last minutes.
STEP_UP_LIFETIME = timedelta(minutes=10)
INSTITUTION_DIGITS = 6
MAX_CLAIM_LENGTH = 200
MAX_GRANTS = 1_000


class Capacity(StrEnum):
    """On whose behalf (hoedanigheid); values are the codes of `vo_doelgroepcode`."""

    CITIZEN = "BUR"
    SCHOOL = "OV"
    GOVERNMENT = "GID"
    ENTERPRISE = "EA"


class Role(StrEnum):
    """What an official may do: for a school, for a partner, or at one desk of the card office."""

    PERSONNEL = "personnel"
    PARTNER = "partner"
    VIEWER = "viewer"
    SUPPORT = "support"
    ISSUER = "issuer"
    SECURITY = "security"


# What each role includes; whoever holds the switches does not decide about people's cards.
INCLUDED: Mapping[Role, frozenset[Role]] = MappingProxyType(
    {
        Role.PERSONNEL: frozenset({Role.PERSONNEL}),
        Role.PARTNER: frozenset({Role.PARTNER}),
        Role.VIEWER: frozenset({Role.VIEWER}),
        Role.SUPPORT: frozenset({Role.VIEWER, Role.SUPPORT}),
        Role.ISSUER: frozenset({Role.VIEWER, Role.SUPPORT, Role.ISSUER}),
        Role.SECURITY: frozenset({Role.VIEWER, Role.SECURITY}),
    }
)
# In which capacity each role can be held at all.
CAPACITY_OF: Mapping[Role, Capacity] = MappingProxyType(
    dict.fromkeys(Role, Capacity.GOVERNMENT)
    | {Role.PERSONNEL: Capacity.SCHOOL, Role.PARTNER: Capacity.ENTERPRISE}
)


@dataclass(frozen=True, slots=True)
class RoleBook:
    """What we and the log-in agreed on: the application's name, role names, our organisations.

    `application` is a scope and the beginning of the claim with roles; `names` leads from a
    role's name there to the role here; only people of `office_organisations` (OVO codes) are the
    card office. An empty book lets no official in.
    """

    application: str = ""
    names: Mapping[str, Role] = field(default_factory=dict)
    office_organisations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Official:
    """Somebody who acts for an organisation, for as long as the session lasts.

    `subject` is the log-in's own number of the person, the same in every capacity: two
    people are two subjects, whatever accounts they have. `organisation` is the
    institution number of a school, the OVO code of a government body, the number of an enterprise.
    """

    subject: str
    name: str = field(repr=False)
    capacity: Capacity
    organisation: str
    organisation_name: str
    roles: frozenset[Role]
    acr: str

    def may(self, role: Role) -> bool:
        """Whether one of the roles includes this one."""
        return any(role in INCLUDED[held] for held in self.roles)


def official_in(claims: Mapping[str, Any], *, capacity: Capacity, book: RoleBook) -> Official:
    """The official of a verified ID token, in the capacity that was asked for.

    `LoginRefused` when the capacity is another one, or without a role for that organisation.
    """
    if claims.get("vo_doelgroepcode") != capacity:
        raise LoginRefused(Cause.OFFICIAL_CAPACITY)
    organisation = _organisation(claims.get("vo_orgcode"), capacity, book)
    granted = _granted(claims.get(f"{book.application}_rol_3d"), organisation, book)
    roles = frozenset(role for role in granted if CAPACITY_OF[role] is capacity)
    if not roles:
        raise LoginRefused(Cause.ROLE)
    name = f"{_text(claims.get('given_name'))} {_text(claims.get('family_name'))}".strip()
    return Official(
        subject=claims["sub"],
        name=name,
        capacity=capacity,
        organisation=organisation,
        organisation_name=_text(claims.get("vo_orgnaam")),
        roles=roles,
        acr=claims["acr"],
    )


def stepped_up(
    official: Official, authenticated_at: datetime, *, accepted_acr: frozenset[str], now: datetime
) -> bool:
    """Whether the person proved who they are by strong means within the last ten minutes."""
    age = now - authenticated_at
    return official.acr in accepted_acr and age <= STEP_UP_LIFETIME


def _organisation(code: object, capacity: Capacity, book: RoleBook) -> str:
    code = _text(code)
    if capacity is Capacity.GOVERNMENT:
        if code not in book.office_organisations:
            raise LoginRefused(Cause.ORGANISATION)
        return code
    if capacity is Capacity.ENTERPRISE:
        enterprise = enterprise_number(code)
        if enterprise is None:
            raise LoginRefused(Cause.ORGANISATION)
        return enterprise
    # Institution numbers lose their leading zero on the way through some systems.
    number = code.zfill(INSTITUTION_DIGITS)
    proper = code.isascii() and code.isdigit() and len(number) == INSTITUTION_DIGITS
    if not proper or int(number) == 0:
        raise LoginRefused(Cause.ORGANISATION)
    return number


def _granted(claim: object, organisation: str, book: RoleBook) -> set[Role]:
    """The roles in a list of "name:organisation" that are granted for this organisation."""
    grants = claim if isinstance(claim, list) else [claim]
    found = set()
    for grant in grants[:MAX_GRANTS]:
        name, _, code = _text(grant).rpartition(":")
        same = code == organisation or (
            code.isdigit() and code.zfill(len(organisation)) == organisation
        )
        if same and name in book.names:
            found.add(book.names[name])
    return found


def _text(claim: object) -> str:
    if not isinstance(claim, str) or len(claim) > MAX_CLAIM_LENGTH or not claim.isprintable():
        return ""
    return " ".join(claim.split())
