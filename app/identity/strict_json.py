"""JSON from outside, read without goodwill.

One object, UTF-8, no name twice (two readers would see two different things), no NaN, no
depth that exhausts the stack.
"""

import json
from typing import Any, NoReturn


def read_object(text: bytes) -> dict[str, Any]:
    """The JSON object in `text`; `ValueError` for anything else, never quoting the text."""
    try:
        document = json.loads(
            text.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        # The original error holds the whole text, tokens included.
        raise ValueError("not strict JSON") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a fault of the text, not of a type
    return document


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice")
    return names


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a JSON number")
