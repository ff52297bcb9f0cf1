"""The card token as published: the tables of its page, its vectors and their keys.

A test that takes an argument `<kind>_case` runs once for every vector of that kind.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.cards.token import KeyState, TokenKey

DOCS = Path(__file__).parents[2] / "docs"
VECTORS: dict[str, Any] = json.loads((DOCS / "card-token-vectors.json").read_text("utf-8"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name in metafunc.fixturenames:
        if name.endswith("_case"):
            cases = [
                case for case in VECTORS["cases"] if case["kind"] == name.removesuffix("_case")
            ]
            assert cases, f"no vectors for {name}"
            metafunc.parametrize(name, cases, ids=[f"{c['id']} {c['about']}" for c in cases])


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """The whole file of vectors."""
    return VECTORS


@pytest.fixture(scope="session")
def keys() -> dict[int, TokenKey]:
    """Key ids 1 active, 2 verify-only, 3 revoked, 4 test."""
    return {
        entry["kid"]: TokenKey(
            entry["kid"],
            KeyState(entry["state"]),
            ec.derive_private_key(int(entry["private_scalar_hex"], 16), ec.SECP256R1()),
            bytes.fromhex(entry["secret_hex"]),
        )
        for entry in VECTORS["keys"]
    }


@pytest.fixture(scope="session")
def tables() -> dict[str, list[list[str]]]:
    """The tables of docs/card-token.md by their first row, cells joined with a bar."""
    found: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in (DOCS / "card-token.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            rows = []
        elif not rows:
            rows = found.setdefault("|".join(cells), [cells])
        elif not line.startswith("|---"):
            rows.append(cells)
    return found
