"""The words of an inspection: how grave a finding is, what it says and what mends it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters to somebody who holds the pass."""

    # Wallet refuses the pass, or silently leaves a part of it out.
    ERROR = "error"
    # It works somewhere, or today, or not as meant.
    WARNING = "warning"
    # Good to know.
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence on what is the matter in `where` (a file of the pass), and one on its mend."""

    severity: Severity
    where: str
    what: str
    mend: str


def error(where: str, what: str, mend: str) -> Finding:
    """Say that Wallet refuses the pass, or leaves a part of it out without a word."""
    return Finding(Severity.ERROR, where, what, mend)


def warning(where: str, what: str, mend: str) -> Finding:
    """Say that this works only somewhere, or only today, or not as meant."""
    return Finding(Severity.WARNING, where, what, mend)


def note(where: str, what: str, mend: str = "Nothing needs doing.") -> Finding:
    """Say something good to know."""
    return Finding(Severity.NOTE, where, what, mend)
