"""docs/card-token.md and the code say the same: its tables are read here."""

import pytest

from app.cards import token
from app.cards.azerty import repair
from app.cards.initials import initials_of, initials_text
from app.cards.token import Carrier, Fault, KeyState, Tail, Token, TokenKey, mint, read
from app.verification.verdict import Reason

Tables = dict[str, list[list[str]]]
BASE = "HTTPS://KAART.EXAMPLE"


def rows_of(tables: Tables, header: str) -> list[list[str]]:
    return tables[header][1:]


def test_the_bytes_are_laid_out_as_published(tables: Tables, keys: dict[int, TokenKey]) -> None:
    body = mint(
        keys[4],
        carrier=Carrier.PAPER,
        pass_number=1,
        counter=2,
        issued_at=1_796_040_000,
        lifetime_s=3600,
        initials=5 << 5 | 22,
        test=True,
    )
    read_back = read(f"{BASE}/1{body}", BASE)
    assert isinstance(read_back, Token)
    octets = read_back.payload + read_back.signature
    fields = rows_of(tables, "offset|size|field")
    sizes = [int(size) for _, size, _ in fields]
    assert [int(offset) for offset, _, _ in fields] == [sum(sizes[:n]) for n in range(len(sizes))]
    assert sum(sizes) == len(octets) == 91
    content = [octets[int(offset) :][: int(size)] for offset, size, _ in fields]
    assert content == [
        b"\x41",
        b"\x04",
        (1_796_040_000).to_bytes(4, "big"),
        b"\x80\x01",
        read_back.reference,
        bytes([0b00, 0b10110110]),
        b"\0",
        read_back.signature,
    ]


def test_carriers_have_the_published_numbers_and_grids(tables: Tables) -> None:
    published = rows_of(tables, "number|carrier|grid of issued_at|lifetime")
    assert [(str(c.value), c.label, f"{c.grid_s} s") for c in Carrier] == [
        (number, label, grid) for number, label, grid, _ in published
    ]
    lifetimes = {label: lifetime for _, label, _, lifetime in published}
    assert lifetimes["web"] == f"{token.WEB_LIFETIME_S} s"
    assert lifetimes["apple"] == lifetimes["google"] == f"{token.WALLET_LIFETIME_S // 86400} days"


def test_key_states_are_the_published_ones(tables: Tables) -> None:
    published = rows_of(tables, "state|signs|its tokens are read|in the JWKS")
    assert [row[0] for row in published] == list(KeyState)


def test_limits_are_the_published_ones(tables: Tables) -> None:
    published = [value for _, value in rows_of(tables, "limit|value")]
    assert published == [
        f"{token.EARLY_S} s",
        f"{token.LATE_WEB_S} s",
        "0 s",
        f"{token.RECENT_S} s",
    ]


def test_reasons_are_the_published_ones(tables: Tables) -> None:
    assert [row[0] for row in rows_of(tables, "reason|meaning")] == list(Reason)
    assert set(Fault) <= set(Reason)


def test_letters_are_given_the_published_ones(tables: Tables) -> None:
    (header,) = (header for header in tables if header.startswith("letter|"))
    written, given = tables[header]
    for letter, plain in zip(written[1:], given[1:], strict=True):
        assert initials_text(initials_of(letter, letter.lower())) == plain * 2


@pytest.mark.parametrize("row", [1, 2])
def test_azerty_is_repaired_as_published(tables: Tables, row: int) -> None:
    (header,) = (header for header in tables if header.startswith("scanned|"))
    scanned, *shown = tables[header]
    assert len(scanned) == len(shown[row - 1]) == 20
    assert repair("HTTPSM==" + "".join(shown[row - 1][1:])) == "HTTPS://" + "".join(scanned[1:])


def test_a_tail_is_written_as_published() -> None:
    assert token.code(BASE, "B", Tail(7, "00000012")) == f"{BASE}/1B/0000000007/00000012"
