"""The list for scanners without a network, against the published vectors."""

import json
from typing import Any

import pytest

from app.verification.offline import prefix
from tests.verification.counter import VECTORS, vectors


@pytest.mark.parametrize("case", vectors("offline"))
def test_a_reference_has_the_published_prefix(case: dict[str, Any]) -> None:
    salt = bytes.fromhex(json.loads(VECTORS.read_text("utf-8"))["day_salt_hex"])
    reference = bytes.fromhex(case["input"]["reference_hex"])
    assert prefix(reference, day_salt=salt).hex() == case["expect"]["prefix_hex"]
