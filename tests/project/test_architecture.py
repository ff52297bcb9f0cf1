"""The contracts of pyproject.toml hold, and each of them catches a planted fault."""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "bench", "demo")
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACTS = {c["id"]: c for c in PYPROJECT["tool"]["importlinter"]["contracts"]}

FAULTS = [
    ("floors", "app/cards/lifecycle.py", "import app.verification.verify"),
    ("floors", "app/passes/qr.py", "import app.verification.verify"),
    ("floors", "app/newroom.py", "import app.errors"),
    ("settings", "app/passes/qr.py", "import app.settings"),
    ("acyclic", "app/cards/token.py", "import app.cards.keyring"),
    ("web-framework", "app/cards/lifecycle.py", "from starlette.requests import Request"),
    ("outbound-http", "app/verification/verify.py", "import httpx"),
    ("metrics", "app/worker.py", "import prometheus_client"),
    ("jwt", "app/cards/keyring.py", "import jwt"),
    ("qr", "app/api/partner.py", "import qrcode"),
    ("pdf", "app/passes/paper.py", "import reportlab"),
    ("national-number", "app/cards/insz.py", "from stdnum.be import ssn"),
    ("pure", "app/cards/token.py", "from app.db import Base"),
    ("pure", "app/cards/totp.py", "import pydantic"),
    ("demo", "app/main.py", "import demo.deployment"),
]


def _lint(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports_command as lint; lint()"
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--no-logo", *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    linted = _lint(ROOT)
    assert linted.returncode == 0, linted.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in linted.stdout


@pytest.mark.parametrize(("contract", "file", "fault"), FAULTS)
def test_a_planted_fault_breaks_its_contract(
    contract: str, file: str, fault: str, tmp_path: Path
) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=lambda *_: ["__pycache__"])
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{fault}\n")
    linted = _lint(tmp_path, "--contract", contract)
    assert linted.returncode == 1, linted.stderr
    assert "0 kept, 1 broken" in linted.stdout


def test_every_contract_has_a_planted_fault() -> None:
    assert set(CONTRACTS) == {contract for contract, _, _ in FAULTS}


def test_pure_files_are_kept_from_every_dependency_but_cryptography() -> None:
    wanted = {
        canonicalize_name(Requirement(dependency).name)
        for dependency in PYPROJECT["project"]["dependencies"]
    }
    packages = {
        package
        for package, owners in packages_distributions().items()
        if wanted.intersection(map(canonicalize_name, owners))
    }
    assert packages - set(CONTRACTS["pure"]["forbidden_modules"]) == {"cryptography"}
