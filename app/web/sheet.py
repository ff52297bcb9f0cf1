"""The texts of the codes that test a scanner gun: what it types tells what is set up wrongly.

They begin as a teacher card's code does, so that they come out garbled in the same way, hold
every character that such a code may hold, and are no card's code.
"""

import string

# As long as the longest code, that of Google Wallet (docs/card-token.md, section 1).
LONGEST_PATH = len("/1") + 146 + len("/0123456789/01234567")
EVERY_CHARACTER = f"{string.digits}.{string.ascii_uppercase}"


def test_texts(code_base: str) -> tuple[str, str]:
    """A short text and one in print as fine as the finest card; `code_base` as in CODE_BASE."""
    short = f"{code_base}/SCANNER-TEST.{EVERY_CHARACTER}"
    return short, (short + f".{EVERY_CHARACTER}" * 5)[: len(code_base) + LONGEST_PATH]
