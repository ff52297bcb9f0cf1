"""Which cells may not be published beside their total. Pure.

A count of 1 to `small - 1` could point at a person, and so could one that a reader gets by taking
the others from the total. So small cells are hidden, and with them the next smallest ones, until
at least two are hidden whose sum is not small either; if that cannot be, the total goes too.
A zero counts nobody and is never hidden.
"""

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
# Of one hidden cell, the total would tell the value.
TWO = 2


def hidden(
    cells: Mapping[Key, int], *, small: int, behind: Mapping[Key, int] | None = None
) -> tuple[set[Key], bool]:
    """The cells to hide, and whether their total must be hidden as well.

    `behind` gives for a cell the number of persons whose doings it counts: of a thousand uses by
    two persons both are protected as much as two persons are.
    """
    persons = behind or {}
    at_risk = {
        key
        for key, value in cells.items()
        if 0 < value < small or (value and 0 < persons.get(key, small) < small)
    }
    if not at_risk:
        return set(), False
    others = sorted(
        (value, index, key)
        for index, (key, value) in enumerate(cells.items())
        if value and key not in at_risk
    )
    concealed = sum(cells[key] for key in at_risk)
    while others and (len(at_risk) < TWO or concealed < small):
        value, _, key = others.pop(0)
        at_risk.add(key)
        concealed += value
    return at_risk, len(at_risk) < TWO or concealed < small
