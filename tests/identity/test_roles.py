"""Only who has our role, for the organisation and in the capacity asked for, is let in."""

from datetime import timedelta
from typing import Any

import pytest

from app.identity.refusal import Cause, LoginRefused
from app.identity.roles import (
    STEP_UP_LIFETIME,
    Capacity,
    Official,
    Role,
    RoleBook,
    official_in,
    stepped_up,
)

from .conftest import NOW

STRONG = "urn:be:vlaanderen:authmech:eid"
BOOK = RoleBook(
    application="lerarenkaart",
    names={"Personeel": Role.PERSONNEL, "Inzage": Role.VIEWER, "Uitgifte": Role.ISSUER},
    office_organisations=frozenset({"OVO000001"}),
)
SCHOOL = {
    "sub": "P1",
    "acr": STRONG,
    "given_name": "Els",
    "family_name": "Dewulf",
    "vo_doelgroepcode": "OV",
    "vo_orgcode": "012345",
    "vo_orgnaam": "De Linde",
    "lerarenkaart_rol_3d": ["Personeel:012345"],
}
OFFICE = SCHOOL | {
    "vo_doelgroepcode": "GID",
    "vo_orgcode": "OVO000001",
    "lerarenkaart_rol_3d": ["Uitgifte:OVO000001"],
}


def school(**changed: Any) -> Official:
    return official_in(SCHOOL | changed, capacity=Capacity.SCHOOL, book=BOOK)


def office(**changed: Any) -> Official:
    return official_in(OFFICE | changed, capacity=Capacity.GOVERNMENT, book=BOOK)


def test_a_personnel_officer_acts_for_one_institution() -> None:
    found = school()
    assert (found.subject, found.organisation, found.roles) == ("P1", "012345", {Role.PERSONNEL})
    assert found.may(Role.PERSONNEL)
    assert not any(found.may(role) for role in set(Role) - {Role.PERSONNEL})
    assert "Dewulf" not in repr(found)


def test_an_institution_number_gets_its_leading_zero_back() -> None:
    found = school(vo_orgcode="12345", lerarenkaart_rol_3d="Personeel:12345")
    assert found.organisation == "012345"


def test_an_issuer_sees_and_helps_but_does_not_hold_the_switches() -> None:
    found = office()
    assert {role for role in Role if found.may(role)} == {Role.VIEWER, Role.SUPPORT, Role.ISSUER}


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"vo_doelgroepcode": "BUR"}, Cause.OFFICIAL_CAPACITY),
        ({"vo_doelgroepcode": None}, Cause.OFFICIAL_CAPACITY),
        ({"vo_doelgroepcode": ["OV"]}, Cause.OFFICIAL_CAPACITY),
        ({"vo_doelgroepcode": "GID"}, Cause.OFFICIAL_CAPACITY),
        ({"vo_orgcode": None}, Cause.ORGANISATION),
        ({"vo_orgcode": 12345}, Cause.ORGANISATION),
        ({"vo_orgcode": "0"}, Cause.ORGANISATION),
        ({"vo_orgcode": "1234567"}, Cause.ORGANISATION),
        ({"vo_orgcode": "01234a"}, Cause.ORGANISATION),
        ({"vo_orgcode": "٠١٢٣٤٥"}, Cause.ORGANISATION),
        ({"lerarenkaart_rol_3d": None}, Cause.ROLE),
        ({"lerarenkaart_rol_3d": []}, Cause.ROLE),
        ({"lerarenkaart_rol_3d": ["Personeel"]}, Cause.ROLE),
        ({"lerarenkaart_rol_3d": ["Personeel:"]}, Cause.ROLE),
        ({"lerarenkaart_rol_3d": ["Personeel:067890"]}, Cause.ROLE),
        ({"lerarenkaart_rol_3d": ["Andere:012345", {"Personeel": "012345"}]}, Cause.ROLE),
        ({"lerarenkaart_rol_3d": {"Personeel:012345": True}}, Cause.ROLE),
        # A role of the card office, granted by mistake to an account of a school.
        ({"lerarenkaart_rol_3d": ["Uitgifte:012345"]}, Cause.ROLE),
    ],
)
def test_everybody_else_at_a_school_is_refused(changed: dict[str, Any], cause: Cause) -> None:
    with pytest.raises(LoginRefused) as refusal:
        school(**changed)
    assert refusal.value.cause is cause


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"vo_doelgroepcode": "OV"}, Cause.OFFICIAL_CAPACITY),
        ({"vo_orgcode": "OVO000002"}, Cause.ORGANISATION),
        ({"lerarenkaart_rol_3d": ["Uitgifte:OVO000002"]}, Cause.ROLE),
        ({"lerarenkaart_rol_3d": ["Personeel:OVO000001"]}, Cause.ROLE),
    ],
)
def test_everybody_else_at_the_government_is_refused(changed: dict[str, Any], cause: Cause) -> None:
    with pytest.raises(LoginRefused) as refusal:
        office(**changed)
    assert refusal.value.cause is cause


def test_an_empty_book_lets_nobody_in() -> None:
    claims = OFFICE | {"_rol_3d": ["Uitgifte:OVO000001"]}
    with pytest.raises(LoginRefused):
        official_in(claims, capacity=Capacity.GOVERNMENT, book=RoleBook())


def test_a_step_up_is_strong_and_lasts_ten_minutes() -> None:
    def fresh(official: Official, **ago: float) -> bool:
        return stepped_up(
            official, NOW - timedelta(**ago), accepted_acr=frozenset({STRONG}), now=NOW
        )

    assert fresh(office(), minutes=STEP_UP_LIFETIME.total_seconds() / 60)
    assert not fresh(office(), minutes=10, seconds=1)
    assert not fresh(office(acr="urn:be:vlaanderen:authmech:csamsms"))
