"""No published cell, and no difference of published cells, points at fewer than five."""

from hypothesis import given
from hypothesis import strategies as st

from app.statistics.suppression import hidden

SMALL = 5
CELLS = st.dictionaries(st.integers(0, 11), st.integers(0, 12) | st.integers(0, 10**6), max_size=12)


def test_a_lone_small_cell_takes_the_next_smallest_with_it() -> None:
    cells = {"VAN": 900, "WLX": 3, "WNA": 8, "WLG": 40, "WBR": 0}
    assert hidden(cells, small=SMALL) == ({"WLX", "WNA"}, False)


def test_two_small_cells_with_a_small_sum_need_a_third() -> None:
    cells = {"VAN": 900, "WLX": 2, "WNA": 1, "WLG": 40}
    assert hidden(cells, small=SMALL) == ({"WLX", "WNA", "WLG"}, False)


def test_without_another_cell_the_total_goes_too() -> None:
    assert hidden({"VAN": 3, "WLX": 0}, small=SMALL) == ({"VAN"}, True)


def test_many_uses_by_few_persons_are_as_small_as_these() -> None:
    uses, persons = {"VAN": 900, "WLX": 300, "WNA": 700}, {"VAN": 50, "WLX": 2, "WNA": 9}
    assert hidden(uses, small=SMALL, behind=persons) == ({"WLX", "WNA"}, False)


def test_nothing_is_hidden_where_nothing_is_small() -> None:
    assert hidden({"VAN": 5, "WLX": 0}, small=SMALL) == (set(), False)


@given(CELLS)
def test_what_is_hidden_cannot_be_told_from_what_is_shown(cells: dict[int, int]) -> None:
    concealed, total = hidden(cells, small=SMALL)
    shown = cells.keys() - concealed
    assert not [key for key in shown if 0 < cells[key] < SMALL]
    assert not [key for key in concealed if cells[key] == 0]
    if concealed and not total:
        assert len(concealed) > 1
        assert sum(cells[key] for key in concealed) >= SMALL


@given(CELLS)
def test_no_more_is_hidden_than_that_takes(cells: dict[int, int]) -> None:
    concealed, total = hidden(cells, small=SMALL)
    shown = [value for key, value in cells.items() if key not in concealed and value]
    assert not (total and shown)
    added = sorted(cells[key] for key in concealed if cells[key] >= SMALL)
    assert len(added) <= 1
    assert not added or not shown or added[0] <= min(shown)
