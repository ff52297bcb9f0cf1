"""The page of threats names a proof for each, and every proof it names is there."""

import ast
import re
from pathlib import Path

from bench.torture.__main__ import SCENARIOS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ROWS = {
    int(cells[0]): cells
    for line in PAGE.splitlines()
    if (cells := [cell.strip() for cell in line.strip("|").split(" | ")])[0].isdigit()
}
THREATS = 45
PROOF = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
TORTURE = re.compile(r"torture: `(\w+)`")


def _tests(path: Path) -> set[str]:
    found = ast.walk(ast.parse(path.read_text("utf-8")))
    return {node.name for node in found if isinstance(node, ast.FunctionDef)}


def test_every_threat_has_its_row_and_every_row_a_proof() -> None:
    assert sorted(ROWS) == list(range(1, THREATS + 1))
    assert [number for number, cells in ROWS.items() if not PROOF.search(cells[-1])] == []
    assert [number for number, cells in ROWS.items() if len(cells) != 4] == []


def test_every_test_and_scenario_that_is_named_exists() -> None:
    named = PROOF.findall(PAGE)
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (path := ROOT / "tests" / file).exists() or test not in _tests(path)
    ]
    assert missing == []
    assert len(named) >= THREATS
    scenarios = {scenario.name for scenario in SCENARIOS}
    assert set(TORTURE.findall(PAGE)) <= scenarios


def test_what_is_open_says_why() -> None:
    for number, cells in ROWS.items():
        said = re.findall(r"\*\*open\*\*(.*)", cells[-1])
        assert all(re.match(r": \w+ \w+", reason) for reason in said), number
