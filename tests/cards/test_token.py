"""The card token: what is read, what is refused, and that nobody else can make one."""

import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import qrcode
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cards import crockford
from app.cards.token import (
    WALLET_LIFETIME_S,
    Carrier,
    Fault,
    KeyState,
    Opened,
    Tail,
    Token,
    TokenKey,
    authenticate,
    code,
    mint,
    read,
)

BASE = "HTTPS://KAART.EXAMPLE"
Keys = Mapping[int, TokenKey]

APPLE: dict[str, Any] = {
    "carrier": Carrier.APPLE,
    "pass_number": 2**62 + 1,
    "counter": 7,
    "issued_at": 1_796_041_234,
    "lifetime_s": WALLET_LIFETIME_S,
    "initials": 182,
}
GOOGLE = APPLE | {"carrier": Carrier.GOOGLE}
PAPER = APPLE | {"carrier": Carrier.PAPER, "lifetime_s": 9600 * 3600}
WEB = APPLE | {"carrier": Carrier.WEB, "counter": None, "lifetime_s": 60}
TAIL = Tail(1_796_041_234, "01234567")

carriers = st.sampled_from(Carrier)
letters = st.integers(0, 26)
lifetimes = st.integers(1, 2**15 - 1).flatmap(lambda value: st.sampled_from([value, value * 3600]))


@st.composite
def tokens(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `mint` over the whole range of every field."""
    carrier = draw(carriers)
    return {
        "carrier": carrier,
        "pass_number": draw(st.integers(0, 2**63 - 1)),
        "counter": None if carrier is Carrier.WEB else draw(st.integers(0, 2**32 - 1)),
        "issued_at": draw(st.integers(0, 2**32 - 1)),
        "lifetime_s": draw(lifetimes),
        "initials": draw(letters) << 5 | draw(letters),
        "test": draw(st.booleans()),
    }


def signed(key: TokenKey, payload: bytes) -> str:
    """A genuine signature under any 27 bytes, as text."""
    return f"{BASE}/1{crockford.encode(payload + key.sign(payload))}"


def token_of(text: str) -> Token:
    token = read(text, BASE)
    assert isinstance(token, Token)
    return token


def outcome(text: str, keys: Keys) -> Opened | Fault:
    token = read(text, BASE)
    return token if isinstance(token, Fault) else authenticate(token, keys)


@pytest.fixture(scope="module")
def body(keys: Keys) -> str:
    return mint(keys[1], **APPLE)


@pytest.fixture(scope="module")
def google_body(keys: Keys) -> str:
    return mint(keys[1], **GOOGLE)


# What is minted is read again.


@settings(deadline=None)
@given(tokens(), st.sampled_from([None, TAIL, Tail(0, "00000000")]))
def test_what_is_minted_is_read_and_authenticated(
    keys: Keys, fields: dict[str, Any], tail: Tail | None
) -> None:
    tail = tail if fields["carrier"] is Carrier.GOOGLE else None
    key = keys[4] if fields["test"] else keys[1]
    text = code(BASE, mint(key, **fields), tail)
    token = token_of(text)
    grid_s = 30 if fields["carrier"] is Carrier.WEB else 3600
    issued_at = fields["issued_at"] // grid_s * grid_s
    assert (token.carrier, token.test, token.key_id) == (fields["carrier"], fields["test"], key.id)
    assert (token.issued_at, token.lifetime_s) == (issued_at, fields["lifetime_s"])
    assert token.ends_at == issued_at + fields["lifetime_s"]
    assert (token.initials, token.tail) == (fields["initials"], tail)
    assert code(BASE, token.body, token.tail) == text
    counter = issued_at // 30 if fields["counter"] is None else fields["counter"]
    assert authenticate(token, keys) == Opened(fields["pass_number"], counter)


def test_minting_twice_gives_the_same_text(keys: Keys, body: str) -> None:
    assert mint(keys[1], **APPLE) == body
    assert mint(keys[1], **APPLE | {"issued_at": APPLE["issued_at"] + 1}) == body


@pytest.mark.parametrize(
    "wrong",
    [
        {"counter": None},
        {"carrier": Carrier.WEB},
        {"test": True},
        {"pass_number": 2**63},
        {"pass_number": -1},
        {"counter": 2**32},
        {"counter": -1},
        {"issued_at": 2**32 + 3600},
        {"issued_at": -1},
        {"lifetime_s": 0},
        {"lifetime_s": -3600},
        {"lifetime_s": 32_768},
        {"lifetime_s": 32_768 * 3600},
        {"initials": 27},
        {"initials": 27 << 5},
        {"initials": 1 << 10},
        {"initials": -1},
    ],
)
def test_what_would_not_be_read_is_not_minted(keys: Keys, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"token|generation"):
        mint(keys[1], **APPLE | wrong)


@pytest.mark.parametrize("key_id", [3, 4])
def test_neither_a_revoked_nor_a_test_key_signs_cards(keys: Keys, key_id: int) -> None:
    with pytest.raises(ValueError, match="may not sign"):
        mint(keys[key_id], **APPLE)


def test_a_key_is_one_byte_a_p256_key_and_32_bytes(keys: Keys) -> None:
    key = keys[1]
    for wrong in (
        {"id": 256},
        {"id": -1},
        {"secret": bytes(31)},
        {"secret": bytes(33)},
        {"private_key": ec.generate_private_key(ec.SECP384R1())},
    ):
        with pytest.raises(ValueError, match="token key"):
            replace(key, **wrong)


def test_a_key_does_not_print_its_secrets(keys: Keys) -> None:
    assert repr(keys[1]) == f"TokenKey(id=1, state={KeyState.ACTIVE!r})"


# Reading is lenient where the specification says so.


@pytest.mark.parametrize(
    "written",
    [
        "{base}/1{body}",
        "http://kaart.example/1{body}",
        "ftp+x-1.2://KAART.EXAMPLE/1{body}",
        "Kaart.Example/1{body}",
        "/1{body}",
        " \t\n\v\f\r{base}/1{body} \t\n\v\f\r",
        "{base}/1{body}" + " " * 10**6,
        "{base}/1{body}\r\n" + " " * 200 + "anything beyond the first 300 characters",
    ],
)
def test_one_token_may_be_written_in_many_ways(body: str, written: str) -> None:
    for text in (
        written.format(base=BASE, body=body),
        written.format(base=BASE, body=body.lower()),
    ):
        assert token_of(text).body == body


@pytest.mark.parametrize("replaced", ["0O", "0o", "1I", "1i", "1L", "1l"])
def test_misread_symbols_are_read_in_the_body(body: str, replaced: str) -> None:
    assert replaced[0] in body
    assert token_of(f"{BASE}/1{body.replace(*replaced)}").body == body


def test_misread_symbols_are_not_read_elsewhere(google_body: str) -> None:
    assert read(f"{BASE}/I{google_body}", BASE) is Fault.MALFORMED
    assert read(f"{BASE}/1{google_body}/18O3075002/01234567", BASE) is Fault.MALFORMED
    assert read(f"{BASE}/1{google_body}/1803075002/0123456L", BASE) is Fault.MALFORMED


def test_a_port_is_part_of_the_authority(body: str) -> None:
    base = "HTTP://LOCALHOST:8000"
    for written in ("https://localhost:8000", "localhost:8000", ""):
        assert isinstance(read(f"{written}/1{body}", base), Token)
    for written in ("http://localhost", "localhost", "localhost:80", "localhost:8000."):
        assert read(f"{written}/1{body}", base) is Fault.FOREIGN_CODE


# A foreign address is foreign, whatever follows it.


@pytest.mark.parametrize(
    "address",
    [
        "HTTPS://EVIL.EXAMPLE",
        "EVIL.EXAMPLE",
        "HTTPS://KAART.EXAMPLE@EVIL.EXAMPLE",
        "HTTPS://EVIL.EXAMPLE@KAART.EXAMPLE",
        "HTTPS://@KAART.EXAMPLE",
        "HTTPS://KAART.EXAMPLE:443",
        "HTTPS://KAART.EXAMPLE:",
        "KAART.EXAMPLE:80",
        "HTTPS://KAART.EXAMPLE.",
        "HTTPS://KAART.EXAMPLE.EVIL",
        "HTTPS://XKAART.EXAMPLE",
        "HTTPS://KAART.EXAMPLE\\",
        "HTTPS://KAART.EXAMPL",
        "HTTPS://K\N{CYRILLIC CAPITAL LETTER A}ART.EXAMPLE",
        "HTTPS://KAART.EXAMPLE\N{FULLWIDTH SOLIDUS}EVIL",
        "HTTPS://KAART\N{IDEOGRAPHIC FULL STOP}EXAMPLE",
        "https://\N{FULLWIDTH LATIN SMALL LETTER K}aart.example",
        "HTTPS://KAART.EXAMPLE%2F",
        "HTTPS://KAART.EXAMPLE\0",
        "HTTPS://HTTPS://KAART.EXAMPLE",
        "EVIL.EXAMPLE/HTTPS://KAART.EXAMPLE",
    ],
)
@pytest.mark.parametrize("rest", ["/1{body}", "/1", "/", "/2{body}", "/1{body}?x", "/\ud800 x"])
def test_a_foreign_authority_is_foreign_whatever_follows(
    body: str, address: str, rest: str
) -> None:
    assert read(address + rest.format(body=body), BASE) is Fault.FOREIGN_CODE


def test_a_body_stuck_to_the_host_makes_a_foreign_authority(body: str) -> None:
    assert read(f"{BASE}1{body}", BASE) is Fault.FOREIGN_CODE


@pytest.mark.parametrize("rest", ["", "?{body}", "#/1{body}", "?@KAART.EXAMPLE/1{body}"])
def test_an_authority_ends_where_the_path_would_begin(body: str, rest: str) -> None:
    assert read("HTTPS://EVIL.EXAMPLE" + rest.format(body=body), BASE) is Fault.FOREIGN_CODE
    assert read(BASE + rest.format(body=body), BASE) is Fault.MALFORMED


# Everything else is malformed.


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "/",
        "/1",
        "1234567896",
        "{body}",
        "1{body}",
        "{base}",
        "{base}/",
        "{base}/{body}",
        "{base}//1{body}",
        "//KAART.EXAMPLE/1{body}",
        "HTTPS:///1{body}",
        "://KAART.EXAMPLE/1{body}",
        "1HTTPS://KAART.EXAMPLE/1{body}",
        "HTTP\N{LATIN SMALL LETTER LONG S}://KAART.EXAMPLE/1{body}",
        "HT TPS://KAART.EXAMPLE/1{body}",
        "HTTPS:// KAART.EXAMPLE/1{body}",
        "HTTPS://KAART.\nEXAMPLE/1{body}",
        "{base} /1{body}",
        "{base}/ 1{body}",
        "{base}/2{body}",
        "{base}/1{body}/",
        "{base}/1{body}?",
        "{base}/1{body}#",
        "{base}/1{body}=",
        "{base}/1{body}0",
        "{base}/1{body}\0",
        "\0{base}/1{body}",
        "\N{NO-BREAK SPACE}{base}/1{body}",
        "{base}/1{body}\x1c",
        "\ufeff{base}/1{body}",
        "{base}/1{body}/1796041234/01234567",
        "{base}/1{body}{base}/1{body}",
    ],
)
def test_any_other_text_is_malformed(body: str, text: str) -> None:
    assert read(text.format(base=BASE, body=body), BASE) is Fault.MALFORMED


@pytest.mark.parametrize(
    "tail",
    [
        "/",
        "//",
        "/1796041234",
        "/1796041234/",
        "/1796041234/0123456",
        "/1796041234/012345678",
        "/179604123/01234567",
        "/17960412345/01234567",
        "/1796041234/01234567/",
        "/1796041234/01234567\n/",
        "/1796041234/01234567?",
        "/1796041234//01234567",
        "/ 796041234/01234567",
        "/+796041234/01234567",
        "/1_96041234/01234567",
        "/1796041234/\N{FULLWIDTH DIGIT ZERO}1234567",
        "/1796041234/\N{ARABIC-INDIC DIGIT ZERO}1234567",
        "1796041234/01234567",
        "/1796041234-01234567",
    ],
)
def test_a_tail_of_another_form_is_malformed(google_body: str, tail: str) -> None:
    assert read(f"{BASE}/1{google_body}{tail}", BASE) is Fault.MALFORMED


@pytest.mark.parametrize("fields", [WEB, APPLE, PAPER])
def test_only_google_has_a_tail(keys: Keys, google_body: str, fields: dict[str, Any]) -> None:
    assert token_of(code(BASE, google_body, TAIL)).tail == TAIL
    assert token_of(code(BASE, google_body)).tail is None
    assert read(code(BASE, mint(keys[1], **fields), TAIL), BASE) is Fault.MALFORMED


@pytest.mark.parametrize(
    "symbol",
    [
        *"U@[`{ -_+/:.é",
        "\N{LATIN SMALL LETTER LONG S}",
        "\N{LATIN SMALL LETTER DOTLESS I}",
        "\N{KELVIN SIGN}",
        "\N{FULLWIDTH DIGIT ONE}",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "\ud800",
        "\0",
    ],
)
def test_another_character_in_the_body_is_malformed(body: str, symbol: str) -> None:
    for position in (0, 1, 70, 145):
        text = f"{BASE}/1{body[:position]}{symbol}{body[position + 1 :]}"
        assert read(text, BASE) is Fault.MALFORMED


@pytest.mark.parametrize("spare", [1, 2, 3])
def test_spare_bits_are_zero(body: str, spare: int) -> None:
    last = crockford.ALPHABET[crockford.ALPHABET.index(body[-1]) + spare]
    assert read(f"{BASE}/1{body[:-1]}{last}", BASE) is Fault.MALFORMED


HOURS_840 = 0x8348


@pytest.mark.parametrize(
    "fields",
    [
        (0x00, 1, 1_796_040_000, HOURS_840, 182, 0),
        (0x50, 1, 1_796_040_000, HOURS_840, 182, 0),
        (0xF0, 1, 1_796_040_000, HOURS_840, 182, 0),
        (0x22, 1, 1_796_040_000, HOURS_840, 182, 0),
        (0x24, 1, 1_796_040_000, HOURS_840, 182, 0),
        (0x28, 1, 1_796_040_000, HOURS_840, 182, 0),
        (0x10, 1, 1_796_040_001, HOURS_840, 182, 0),
        (0x10, 1, 1_796_040_015, HOURS_840, 182, 0),
        (0x20, 1, 1_796_040_030, HOURS_840, 182, 0),
        (0x30, 1, 1_796_041_800, HOURS_840, 182, 0),
        (0x40, 1, 1_796_040_001, HOURS_840, 182, 0),
        (0x20, 1, 1_796_040_000, 0x0000, 182, 0),
        (0x20, 1, 1_796_040_000, 0x8000, 182, 0),
        (0x20, 1, 1_796_040_000, HOURS_840, 27, 0),
        (0x20, 1, 1_796_040_000, HOURS_840, 31 << 5, 0),
        (0x20, 1, 1_796_040_000, HOURS_840, 1 << 10 | 182, 0),
        (0x20, 1, 1_796_040_000, HOURS_840, 1 << 15 | 182, 0),
        (0x20, 1, 1_796_040_000, HOURS_840, 182, 1),
        (0x20, 1, 1_796_040_000, HOURS_840, 182, 255),
    ],
)
def test_a_field_with_anything_else_is_malformed_though_signed(
    keys: Keys, fields: tuple[int, ...]
) -> None:
    *before, initials, last = fields
    reference = keys[1].seal(Opened(1, 1))
    payload = struct.pack(">BBIH16sHB", *before, reference, initials, last)
    assert read(signed(keys[1], payload), BASE) is Fault.MALFORMED


# Nobody else can make a token.


@pytest.mark.parametrize("fields", [WEB, APPLE, GOOGLE, PAPER], ids=lambda f: f["carrier"].label)
def test_no_single_bit_can_be_changed(keys: Keys, fields: dict[str, Any]) -> None:
    token = token_of(code(BASE, mint(keys[1], **fields)))
    octets = int.from_bytes(token.payload + token.signature, "big")
    # Every key id is in use, so that it is the signature that decides.
    ring = {key_id: replace(keys[1], id=key_id) for key_id in range(256)}
    for bit in range(91 * 8):
        body = crockford.encode((octets ^ 1 << bit).to_bytes(91, "big"))
        assert isinstance(outcome(f"{BASE}/1{body}", ring), Fault)


def test_no_single_symbol_can_be_changed(keys: Keys, body: str) -> None:
    accepted = outcome(f"{BASE}/1{body}", keys)
    for position in range(146):
        others = set(crockford.ALPHABET) - {body[position]}
        for symbol in sorted(others)[position % 3 :: 3]:
            changed = f"{BASE}/1{body[:position]}{symbol}{body[position + 1 :]}"
            assert isinstance(outcome(changed, keys), Fault)
    assert accepted == Opened(APPLE["pass_number"], APPLE["counter"])


def test_only_the_message_of_this_format_counts(keys: Keys, body: str) -> None:
    token = token_of(f"{BASE}/1{body}")
    # The same key over the bare payload: TokenKey.sign puts the prefix before what it is given.
    assert not keys[1].has_signed(b"LK1\0" + token.payload, token.signature)
    elsewhere = keys[1].sign(b"\0" + token.payload)
    assert authenticate(replace(token, signature=elsewhere), keys) is Fault.BAD_SIGNATURE


def test_the_high_s_of_a_token_is_refused(keys: Keys, body: str) -> None:
    token = token_of(f"{BASE}/1{body}")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    high = (order - int.from_bytes(token.signature[32:], "big")).to_bytes(32, "big")
    text = f"{BASE}/1{crockford.encode(token.payload + token.signature[:32] + high)}"
    assert outcome(text, keys) is Fault.BAD_SIGNATURE


@pytest.mark.parametrize("state", KeyState)
@pytest.mark.parametrize("test", [False, True])
def test_a_key_opens_what_its_state_allows(keys: Keys, state: KeyState, *, test: bool) -> None:
    signer = replace(keys[1], state=KeyState.TEST if test else KeyState.ACTIVE)
    text = code(BASE, mint(signer, **APPLE | {"test": test}))
    allowed = {KeyState.TEST} if test else {KeyState.ACTIVE, KeyState.VERIFY_ONLY}
    found = outcome(text, {1: replace(keys[1], state=state)})
    assert isinstance(found, Opened) if state in allowed else found is Fault.UNKNOWN_KEY


def test_a_key_id_outside_the_ring_is_unknown(keys: Keys, body: str) -> None:
    assert outcome(f"{BASE}/1{body}", {}) is Fault.UNKNOWN_KEY
    assert outcome(f"{BASE}/1{body}", {2: keys[2]}) is Fault.UNKNOWN_KEY


def test_another_key_of_the_same_id_is_no_signer(keys: Keys, body: str) -> None:
    stranger = replace(keys[1], private_key=ec.generate_private_key(ec.SECP256R1()))
    assert outcome(f"{BASE}/1{body}", {1: stranger}) is Fault.BAD_SIGNATURE


def test_another_secret_of_the_same_id_opens_nothing(keys: Keys, body: str) -> None:
    stranger = replace(keys[1], secret=bytes(32))
    assert outcome(f"{BASE}/1{body}", {1: stranger}) is Fault.UNKNOWN_CARD


@pytest.mark.parametrize("late", [-1, 1])
def test_a_web_reference_belongs_to_its_own_strip(keys: Keys, late: int) -> None:
    issued_at = 1_796_040_000
    opened = Opened(1, issued_at // 30)
    for reference, expected in (
        (opened, opened),
        (Opened(1, opened.counter + late), Fault.UNKNOWN_CARD),
    ):
        payload = struct.pack(">BBIH16sHB", 0x10, 1, issued_at, 60, keys[1].seal(reference), 182, 0)
        assert outcome(signed(keys[1], payload), keys) == expected


def test_a_pass_number_is_below_2_to_the_63(keys: Keys) -> None:
    for number, expected in ((2**63 - 1, Opened(2**63 - 1, 1)), (2**63, Fault.UNKNOWN_CARD)):
        reference = keys[1].seal(Opened(number, 1))
        payload = struct.pack(">BBIH16sHB", 0x20, 1, 1_796_040_000, 0x8001, reference, 0, 0)
        assert outcome(signed(keys[1], payload), keys) == expected


def test_references_cannot_be_linked(keys: Keys) -> None:
    strips = [
        token_of(code(BASE, mint(keys[1], **WEB | {"issued_at": 1_796_040_000 + 30 * number})))
        for number in range(100)
    ]
    assert len({token.reference[:8] for token in strips}) == 100
    assert len({token.reference[8:] for token in strips}) == 100


# Whatever arrives, reading answers.


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["", "/1", f"{BASE}/1", f"{BASE}/", "HTTPSM==KQQRT:EXQ?PLE=&", "httpm=="]),
    st.text(st.characters(), max_size=400),
)
def test_reading_never_fails(start: str, rest: str) -> None:
    assert isinstance(read(start + rest, BASE), Fault)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_code_is_refused_or_the_same_token(keys: Keys, data: st.DataObject) -> None:
    text = code(BASE, mint(keys[1], **GOOGLE), TAIL)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 3, len(text))))
    put = data.draw(st.text(st.one_of(st.sampled_from(text), st.characters()), max_size=3))
    token = read(text[:start] + put + text[end:], BASE)
    if isinstance(token, Token) and isinstance(authenticate(token, keys), Opened):
        assert token.body == token_of(text).body


@pytest.mark.parametrize("unit", ["0", " ", "/", ":", "/1", "HTTPSM==", "é", "\0", "\ud800", "0/"])
def test_a_megabyte_is_refused_without_being_read(unit: str) -> None:
    assert isinstance(read(unit * (10**6 // len(unit)), BASE), Fault)


# It fits the QR symbol that it was made for.


@pytest.mark.parametrize("host", ["KAART.EXAMPLE", "QR.LERARENKAART.BE", "A" * 14 + ".EXAMPLE"])
def test_a_code_is_version_7_and_with_a_tail_version_8(host: str, google_body: str) -> None:
    assert len(host) <= 22
    assert version_of(code(f"HTTPS://{host}", google_body)) == 7
    assert version_of(code(f"HTTPS://{host}", google_body, TAIL)) == 8


def test_a_longer_host_needs_a_larger_symbol(body: str) -> None:
    assert version_of(code("HTTPS://" + "A" * 23, body)) == 8


def version_of(text: str) -> int:
    symbol = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M)
    symbol.add_data(text)
    symbol.make()
    return symbol.version
