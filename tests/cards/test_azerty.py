"""Scanner guns that type for a US keyboard on a Belgian AZERTY till."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cards.azerty import repair

# Every character of a code, what the till shows for it, and what it shows with Caps Lock.
SCANNED = "1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZ:/.-"
SHOWN = "&é\"'(§è!çàQBCDEFGHIJKL?NOPARSTUVZXYWM=:)"
CAPS_LOCK = "&É\"'(§È!ÇÀqbcdefghijkl,noparstuvzxywm=/)"
AS_SHOWN = str.maketrans(SCANNED, SHOWN)
WITH_CAPS_LOCK = str.maketrans(SCANNED, CAPS_LOCK)

schemes = st.sampled_from(["HTTPS://", "HTTP://"])
rests = st.text(SCANNED, max_size=200)


def test_no_two_characters_are_shown_alike() -> None:
    assert len(set(SHOWN)) == len(set(CAPS_LOCK)) == len(SCANNED)


@pytest.mark.parametrize("shown", [SHOWN, CAPS_LOCK])
def test_every_key_is_repaired(shown: str) -> None:
    assert repair("HTTPSM==" + shown).upper() == "HTTPS://" + SCANNED


@given(schemes, rests)
def test_whatever_was_garbled_is_repaired(scheme: str, rest: str) -> None:
    assert repair((scheme + rest).translate(AS_SHOWN)) == scheme + rest


@given(schemes, st.lists(st.tuples(st.sampled_from(SCANNED), st.booleans())))
def test_keys_are_repaired_in_either_state(scheme: str, keys: list[tuple[str, bool]]) -> None:
    shown = "".join(key.translate(WITH_CAPS_LOCK if caps else AS_SHOWN) for key, caps in keys)
    repaired = repair(scheme.translate(WITH_CAPS_LOCK) + shown)
    assert repaired.upper() == scheme + "".join(key for key, _ in keys)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HTTPS://KAART.EXAMPLE/1&é",
        "KAART:EXQ?PLE=&",
        "HTTPSM=",
        "HTTPSM=&=",
        "xHTTPSM==",
        "HTTP\N{LATIN SMALL LETTER LONG S}M==",
        "FTPM==",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert repair(text) == text


def test_characters_that_no_key_gives_stay_as_they_are() -> None:
    assert repair("HTTPSM==19µ\ud800") == "HTTPS://19µ\ud800"
