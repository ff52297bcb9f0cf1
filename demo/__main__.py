"""`make demo`: the whole story on this machine, then a service to play with.

`--once` ends after the story, with exit code 0 only if every step held; `--serve-only` leaves
the story out and prints where everything is, as JSON.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from app.cards.card_year import belgian_day
from app.log import configure
from demo import populace
from demo.office import set_up_code
from demo.story import Story
from demo.tour.walk import summer, walk
from demo.world import World, clock_set_to, wall_clock, world

BUILD = Path("build/demo")


def main() -> int:
    """Run what the arguments ask for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--serve-only", action="store_true", help="leave the story out")
    parser.add_argument("--port", type=int, default=8000, help="of the service (8000)")
    parser.add_argument("--database-url", help="a migrated-to-be database instead of a SQLite file")
    parser.add_argument(
        "--population",
        type=int,
        nargs="?",
        const=populace.SIZE,
        help="first take in a made-up population of this size (228000)",
    )
    asked = parser.parse_args()
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    configure((BUILD / "simulators.log").open("w", buffering=1))
    stop = _stop_signal()
    with world(BUILD / "world", port=asked.port, database_url=asked.database_url) as here:
        if asked.population:
            _populate(here, asked.population)
        if asked.serve_only:
            print(json.dumps(_where(here), indent=1), flush=True)
            stop.wait()
            return 0
        story = Story(BUILD)
        _tell(story, here)
        if not asked.once:
            address, code = here.addresses.service, set_up_code(here, "museum")
            Console().print(f"\nStill serving {address} - Ctrl-C ends it.")
            Console().print(f"Be a museum: {address}/scanner, set-up code {code}")
            stop.wait()
    return 0 if story.held else 1


def _populate(here: World, size: int) -> None:
    """Have the service read everybody's file, handed over as EPD would."""
    path = BUILD / "population.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for record in populace.files(belgian_day(here.clock()), size):
            file.write(json.dumps(record) + "\n")
    command = [sys.executable, "-c", "from app.cli import main; main()", "epd", "import", str(path)]
    subprocess.run(command, env=here.deployment.environment, check=True)  # noqa: S603 - our own


def _tell(story: Story, here: World) -> None:
    walk(here, story)
    story.chapter("On a day in July")
    with world(BUILD / "july", clock=clock_set_to(_last_july(wall_clock()))) as in_july:
        summer(in_july, story)
    held = sum(step.held for step in story.steps)
    verdict = "[green]Every step held[/green]" if story.held else "[red]Not every step held[/red]"
    story.console.print(f"\n{verdict}: {held} of {len(story.steps)}. See {BUILD}/story.json")


def _last_july(now: datetime) -> datetime:
    july = datetime(now.year, 7, 15, 10, 0, tzinfo=UTC)
    return july if july <= now else july.replace(year=now.year - 1)


def _where(here: World) -> dict[str, Any]:
    addresses, shops = here.addresses, here.deployment.shops
    return {
        "service": addresses.service,
        "states": f"{addresses.service}/demo/states",
        "identity_provider": addresses.identity_provider,
        "epd": addresses.epd,
        "google_wallet": addresses.google,
        "apns": addresses.apns,
        "till_keys": {key: shop.live_key for key, shop in shops.items()},
        "test_keys": {key: shop.test_key for key, shop in shops.items()},
        "scanner": f"{addresses.service}/scanner",
        "set_up_codes": {key: set_up_code(here, key) for key in shops},
        "people": {person.key: person.label["en"] for person in here.people},
        "sandbox": f"{addresses.service}/sandbox",
        "magic_cards": _magic_cards(addresses.service),
    }


def _magic_cards(service: str) -> dict[str, str]:
    """The printed code of each test card, by the reason it gives at a till with a test key."""
    answer = httpx.get(f"{service}/api/v1/sandbox/cards").raise_for_status()
    return {card["reason"]: card["printed"] for card in answer.json()["cards"]}


def _stop_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    sys.exit(main())
