"""The wire contract is read exactly, and its failures quote nothing."""

import json
import traceback
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cards.entitlement import Employment, Interruption, PersonnelStatus, StaffCategory
from app.epd.messages import (
    MAX_ASSIGNMENTS,
    Fout,
    InszFault,
    MessageFault,
    Onbekend,
    Snapshot,
    checked_insz,
    read_answer,
    read_refusal,
    status_question,
)

INSZ = "84022999510"
# Valid ones: man, woman, born 2000, born 2001, check digits 97; BIS with +40, +20, born 2002.
NUMBERS = [
    *("84022999510", "84022999609", "00022999521", "01091599625", "71031499597"),
    *("88441299327", "95270799410", "02433099727"),
]
ASSIGNMENT = {
    "opdrachtId": "9f",
    "instellingsnummer": "012345",
    "hoofdstructuur": "311",
    "soortInstelling": "1",
    "ambt": {"code": "101", "omschrijving": "leraar"},
    "personeelscategorie": "ONDERWIJZEND",
    "ato": "2",
    "tadd": False,
    "volume": {"teller": 10, "noemer": 20},
    "begindatum": "2026-09-01",
    "einddatum": "2027-06-30",
}
PERSON = {
    "insz": INSZ,
    "stamboeknummer": "28402299107",
    "naam": {"voornaam": "Annelies", "familienaam": "Testemans"},
    "overlijdensdatum": None,
    "versie": 41,
    "gewijzigdOp": "2026-11-20T03:12:44Z",
    "woonplaats": {"postcode": "9000"},
    "opdrachten": [ASSIGNMENT],
    "dienstonderbrekingen": [
        {
            "code": "90",
            "soort": "OMSTANDIGHEIDSVERLOF",
            "volledig": False,
            "begindatum": "2026-11-24",
            "einddatum": "2026-11-24",
        }
    ],
    "afgeleid": {"rechthebbende": False, "bron": "EPD", "reden": "GEEN_OPDRACHT"},
}
SECRETS = (INSZ, "28402299107", "Annelies", "Testemans")


def body(**changes: Any) -> bytes:
    """The contract's own example, with changes."""
    return json.dumps(PERSON | changes).encode()


def test_the_example_of_the_contract_is_read_in_our_words() -> None:
    assert read_answer(body()) == Snapshot(
        insz=checked_insz(INSZ),
        version=41,
        changed_at=datetime(2026, 11, 20, 3, 12, 44, tzinfo=UTC),
        postcode="9000",
        status=PersonnelStatus(
            employments=(
                Employment(
                    institution="012345",
                    main_structure="311",
                    category=StaffCategory.TEACHING,
                    begin=date(2026, 9, 1),
                    end=date(2027, 6, 30),
                    administrative_state="2",
                    tadd=False,
                    volume=Fraction(1, 2),
                ),
            ),
            interruptions=(
                Interruption(
                    "OMSTANDIGHEIDSVERLOF",
                    full=False,
                    begin=date(2026, 11, 24),
                    end=date(2026, 11, 24),
                ),
            ),
        ),
    )


def test_names_numbers_and_the_sources_own_verdict_are_not_kept() -> None:
    kept = repr(read_answer(body()))
    assert not [secret for secret in SECRETS if secret in kept]


def test_a_death_is_read() -> None:
    snapshot = read_answer(body(overlijdensdatum="2026-11-19", opdrachten=[]))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.status.deceased_on == date(2026, 11, 19)


def test_an_answer_without_a_version_and_assignments_is_a_person_without_a_file() -> None:
    answer = read_answer(json.dumps({"insz": INSZ, "opdrachten": []}).encode())
    assert isinstance(answer, Onbekend)
    assert answer.insz == checked_insz(INSZ)


def test_a_version_without_assignments_is_news_and_not_a_person_without_a_file() -> None:
    assert isinstance(read_answer(body(opdrachten=[])), Snapshot)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"insz": "84022999511"}, "insz (value_error)"),
        ({"insz": 84022999510}, "insz (value_error)"),
        ({"insz": None}, "insz (value_error)"),
        ({"versie": "41"}, "versie (int_type)"),
        ({"versie": True}, "versie (int_type)"),
        ({"versie": -1}, "versie (greater_than_equal)"),
        ({"versie": 2**63}, "versie (less_than)"),
        ({"gewijzigdOp": "2026-11-20T03:12:44"}, "gewijzigdOp (timezone_aware)"),
        ({"gewijzigdOp": None}, "gewijzigdOp (datetime_type)"),
        ({"overlijdensdatum": "gisteren"}, "overlijdensdatum (date_parsing)"),
        ({"woonplaats": {"postcode": "9" * 17}}, "woonplaats.postcode (string_too_long)"),
        ({"opdrachten": None}, "opdrachten (list_type)"),
        ({"opdrachten": [ASSIGNMENT] * (MAX_ASSIGNMENTS + 1)}, "opdrachten (too_long)"),
        ({"opdrachten": [ASSIGNMENT | {"instellingsnummer": "12345"}]}, "instellingsnummer"),
        ({"opdrachten": [ASSIGNMENT | {"instellingsnummer": "٠١٢٣٤٥"}]}, "instellingsnummer"),
        ({"opdrachten": [ASSIGNMENT | {"hoofdstructuur": "31"}]}, "opdrachten.0.hoofdstructuur"),
        ({"opdrachten": [ASSIGNMENT | {"personeelscategorie": "KOK"}]}, "personeelscategorie"),
        ({"opdrachten": [ASSIGNMENT | {"volume": {"teller": 1, "noemer": 0}}]}, "volume.noemer"),
        ({"opdrachten": [ASSIGNMENT | {"begindatum": None}]}, "opdrachten.0.begindatum"),
        ({"dienstonderbrekingen": [{"soort": "VERLOF\x00"}]}, "dienstonderbrekingen.0.soort"),
    ],
)
def test_a_broken_message_is_refused_by_place_and_without_a_word_of_it(
    changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(MessageFault) as caught:
        read_answer(body(**changes))
    told = "".join(traceback.format_exception(caught.value))
    assert place in str(caught.value)
    assert not [secret for secret in (*SECRETS, INSZ[:10]) if secret in told]


@pytest.mark.parametrize("garbage", [b"", b"<html>", b"[]", b"null", b'{"insz": "', b"\xff\xfe"])
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(MessageFault):
        read_answer(garbage)


@given(st.binary(max_size=200))
def test_any_bytes_are_either_read_or_refused(garbage: bytes) -> None:
    with pytest.raises(MessageFault):
        read_answer(garbage)
    assert read_refusal(garbage) is None


def test_a_refusal_gives_its_code_and_the_new_number() -> None:
    new = "84022999609"
    refusal = read_refusal(json.dumps({"code": "30004", "nieuwInsz": new, "x": 1}).encode())
    assert refusal == Fout.model_construct(code="30004", nieuw_insz=checked_insz(new))


@pytest.mark.parametrize(
    "text", [b"{}", b'{"code": 30004}', b'{"code": "30004", "nieuwInsz": "1"}']
)
def test_a_refusal_that_breaks_the_contract_has_no_code(text: bytes) -> None:
    assert read_refusal(text) is None


def test_the_question_is_the_one_of_the_contract() -> None:
    asked = json.loads(status_question(checked_insz(INSZ), on=date(2026, 11, 23)))
    assert asked == {"insz": INSZ, "peildatum": "2026-11-23", "wettelijkeContext": "LERARENKAART"}


@pytest.mark.parametrize("number", NUMBERS)
def test_national_and_bis_numbers_are_accepted(number: str) -> None:
    assert checked_insz(number).digits == number


def test_separators_are_dropped() -> None:
    assert checked_insz(" 84.02.29-995.10 ").digits == INSZ


@pytest.mark.parametrize(
    "text",
    [
        *("", "8402299951", "840229995100", "84022999511", "84132999510", "ABCDEFGHIJK"),
        *("8\uff14022999510", "84022999510x", " " * 30 + INSZ, "0" * 11, "99999999999"),
        None,
        84022999510,
    ],
)
def test_what_is_no_national_number_is_refused_without_repeating_it(text: object) -> None:
    with pytest.raises(InszFault) as caught:
        checked_insz(text)
    assert str(caught.value) == "this is not a national number"


@pytest.mark.parametrize("number", ["00000000097", "00000000128", "84022900097"])
def test_junk_with_right_check_digits_is_refused(number: str) -> None:
    base = number[:9]
    junk = f"{base}{97 - int(base) % 97:02}"
    with pytest.raises(InszFault):
        checked_insz(junk)


def test_somebody_born_in_2000_on_an_unknown_day_has_a_number() -> None:
    number = f"000000001{97 - 2_000_000_001 % 97:02}"
    assert checked_insz(number).digits == number


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{11}", fullmatch=True))
def test_any_text_is_a_number_or_a_fault(text: str) -> None:
    try:
        digits = checked_insz(text).digits
    except InszFault:
        return
    assert len(digits) == 11
    assert digits.isascii()
    assert digits.isdigit()
