"""A shop floor for every test of this room."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app.cards.keyring import KeyRing
from app.db import Database
from app.verification.recorder import Recorder
from app.verification.verify import Superseded
from tests.verification.counter import BASE, Counter, published_ring


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    """The published keys."""
    return published_ring(tmp_path)


@pytest.fixture
def make_counter(database: Database, ring: KeyRing) -> Iterator[Callable[[Superseded], Counter]]:
    """Opens a shop floor with a chosen setting of SUPERSEDED."""
    with ExitStack() as stack:
        yield lambda superseded: stack.enter_context(opened(database, ring, superseded))


@pytest.fixture
def counter(make_counter: Callable[[Superseded], Counter]) -> Counter:
    """A shop floor that judges supersession softly."""
    return make_counter("soft")


@contextmanager
def opened(database: Database, ring: KeyRing, superseded: Superseded) -> Iterator[Counter]:
    """A shop floor while its recorder runs."""
    recorder = Recorder(database, ring, code_base=BASE, superseded=superseded)
    recorder.start()
    try:
        yield Counter(database, ring, recorder)
    finally:
        recorder.stop()
