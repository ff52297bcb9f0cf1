"""`lerarenkaart db …`: the database brought up to date, or compared with the models."""

import typer

from app import migrate
from app.commands.terminal import out, stop
from app.settings import Settings

db = typer.Typer(no_args_is_help=True, help="The database and its migrations.")


@db.command("upgrade")
def upgrade() -> None:
    """Bring the database to the newest migration."""
    migrate.upgrade(Settings().database_url)
    out.print(f"The database is at {migrate.head()}.")


@db.command("check")
def check() -> None:
    """Compare the database and the models with the migrations."""
    differences = migrate.check(Settings().database_url)
    if differences:
        stop("\n".join(differences))
    out.print("The database is as the models say.")
