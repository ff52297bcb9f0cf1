"""The worker as it must never be: `python -m bench.torture.careless_worker`.

Everything but its database is the product. It never holds a lock for long: each statement is
committed before the next begins.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection

from app import worker
from app.db import Database
from app.deployment import Deployment
from app.log import configure
from app.settings import Settings
from demo.world import wall_clock


class CommitsInSteps(Database):
    """Half of what belongs together may be there without the other half."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        super().__init__(url, pool_size=pool_size)
        event.listen(self.engine, "before_cursor_execute", _commit_so_far)


class Careless(Deployment):
    """A deployment with that database."""

    def database(self) -> Database:
        """Open it; whoever asks closes it."""
        settings = self.settings
        return CommitsInSteps(settings.database_url, pool_size=settings.database_pool_size)


def _commit_so_far(connection: Connection, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's signature
    if connection.get_execution_options().get("writes"):
        connection.connection.commit()


def main() -> None:
    """Work until told to stop."""
    configure()
    with worker.told_to_stop() as stop:
        worker.run(Careless.load(Settings(), now=wall_clock()), clock=wall_clock, stop=stop)


if __name__ == "__main__":
    main()
