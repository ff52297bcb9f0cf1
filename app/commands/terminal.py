"""What every command shares: the terminal, the clock, the database, and how a command fails."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from app.db import Database
from app.settings import Settings

out = Console()
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


@contextmanager
def database() -> Iterator[Database]:
    """The database of this deployment, closed afterwards."""
    with closing(Database(Settings().database_url)) as opened:
        yield opened


def warn(sentence: str) -> None:
    """Tell a person something beside the answer."""
    Console(stderr=True).print(sentence, style="yellow", highlight=False)


def stop(sentence: str) -> NoReturn:
    """End with one sentence in red and exit code 1."""
    Console(stderr=True).print(sentence, style="red", highlight=False)
    sys.exit(1)
