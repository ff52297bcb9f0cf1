"""What every command needs: the terminal, the clock, the database, and an orderly end."""

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


@contextmanager
def database() -> Iterator[Database]:
    """The database of the settings, closed afterwards."""
    with closing(Database(Settings().database_url)) as opened:
        yield opened


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def warn(sentence: str) -> None:
    """Tell a person something beside the answer."""
    Console(stderr=True).print(sentence, style="yellow", highlight=False)


def stop(sentence: str) -> NoReturn:
    """End with one sentence, exit code 1."""
    Console(stderr=True).print(sentence, style="red", highlight=False)
    sys.exit(1)
