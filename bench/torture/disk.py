"""A full disk: checks are refused, what only reads goes on, and space mends everything.

The small disk is a tmpfs in a mount namespace of its own, so nothing else can see or fill
it. That needs root, and a process that lives in the namespace: this module, run as a
program, is that process. Of PostgreSQL the tables lie on the small disk, its log does not:
a server whose log is full stops altogether.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.postgresql import server
from bench.torture.audit import SOUND, audit
from bench.torture.scenario import Bar, Figures, Journal, NotRun, Run, Scenario
from bench.torture.service import generous, honest
from bench.torture.site import LiveCodes, Site, site
from bench.torture.teachers import Browser, log_in, teachers
from bench.torture.till import PATH, Answer, crowd
from demo.world import wall_clock

PROGRAM = "bench.torture.disk"
SIZE = "64m"
TILLS = 4
CARDS = 3000
TEACHERS = 12
BEFORE_S = 0.5
FULL_S = 3.0
BREATH_S = 0.01
# So long after there is space again is the first verdict waited for.
RECOVERY_S = 10.0
NO_DISK = 3


def disk_full(run: Run) -> Figures:
    """Fill the disk under the database while shops scan, then make space."""
    unshare = shutil.which("unshare")
    if os.geteuid() or not unshare:
        raise NotRun("only root can mount a small disk in a namespace of its own (unshare)")
    # Not under the folder of the run: PostgreSQL, under an account of its own, must get there.
    with tempfile.TemporaryDirectory(prefix="small-disk-", dir="/tmp") as disk:
        Path(disk).chmod(0o755)
        order = {
            "disk": disk,
            "folder": str(run.folder),
            "sqlite": run.database_url.startswith("sqlite"),
            "journal": str(run.journal.path),
            "log": str(run.log),
            "planted": run.planted,
        }
        done = subprocess.run(
            [unshare, "--mount", sys.executable, "-m", PROGRAM, json.dumps(order)],
            stdout=subprocess.PIPE,
            check=False,
            text=True,
        )
    if done.returncode == NO_DISK:
        raise NotRun(done.stdout.strip())
    done.check_returncode()
    figures: Figures = json.loads(done.stdout)
    return figures


def main() -> int:
    """Live in the namespace: mount, torture, print the figures; the disk goes with the process."""
    order = json.loads(sys.argv[1])
    disk = Path(order["disk"])
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, stderr=subprocess.PIPE, check=False, text=True)
    if mounted.returncode:
        print(f"no small disk could be mounted: {mounted.stderr.strip()}")
        return NO_DISK
    with (
        _database(disk, sqlite=order["sqlite"]) as url,
        closing(Journal(Path(order["journal"]))) as journal,
    ):
        run = Run(
            folder=Path(order["folder"]),
            database_url=url,
            journal=journal,
            log=Path(order["log"]),
            planted=order["planted"],
        )
        print(json.dumps(_torture(run, disk / "ballast")))
    return 0


@contextmanager
def _database(disk: Path, *, sqlite: bool) -> Iterator[str]:
    """An empty database whose tables lie on the small disk."""
    if sqlite:
        yield f"sqlite:///{disk / 'lerarenkaart.sqlite3'}"
        return
    with server() as url:
        tables = disk / "tables"
        tables.mkdir()
        with psycopg.connect(url, autocommit=True) as admin:
            (home,) = admin.execute("SHOW data_directory").fetchone() or ("",)
            owner = Path(home).stat()
            os.chown(tables, owner.st_uid, owner.st_gid)
            admin.execute(f"CREATE TABLESPACE small LOCATION '{tables}'")
            admin.execute("CREATE DATABASE small TABLESPACE small")
        yield make_url(url).set(database="small").render_as_string(hide_password=False)


def _torture(run: Run, ballast: Path) -> Figures:
    answers: list[Answer] = []
    people = teachers(TEACHERS)
    with site(run, cards=CARDS, on_file=people) as place:
        live = LiveCodes(place)
        tills = place.tills()
        # So long unused that looking at the page would note that they are in use again.
        long_ago = wall_clock() - timedelta(minutes=2)
        browsers = [log_in(place, person, last_seen=long_ago) for person in people]

        def scan(number: int, _: threading.Event) -> None:
            answers.append(tills[number].present(live.fresh()))
            time.sleep(BREATH_S)

        variant = generous if run.planted else honest
        with place.serving(variant), crowd(TILLS, scan):
            time.sleep(BEFORE_S)
            _fill(ballast)
            run.journal.note("full")
            _wait_for(lambda: answers[-1].asks_for_patience, FULL_S)
            pages, changes = _use(place, browsers, answers[0])
            ballast.unlink()
            freed_at_s = time.monotonic()
            run.journal.note("freed")
            recovered_s = _wait_for(
                lambda: answers[-1].is_verdict and answers[-1].asked_at_s > freed_at_s, RECOVERY_S
            )
        told = [answer.document for answer in answers if answer.is_verdict]
        refused = [answer for answer in answers if answer.asks_for_patience]
        waits_s = [answer.answered_at_s - answer.asked_at_s for answer in refused]
        return audit(place, told) | {
            "wrong_verdicts": sum(not verdict["valid"] for verdict in told),
            "other_answers": len(answers) - len(told) - len(refused),
            "pages_not_shown": sum(page.status != HTTPStatus.OK for page in pages),
            "changes_neither_made_nor_refused": sum(
                change.status != HTTPStatus.SEE_OTHER and not change.asks_for_patience
                for change in changes
            ),
            "slowest_refusal_s": round(max(waits_s, default=0.0), 2),
            "recovered_s": round(recovered_s, 2),
            "verdicts": len(told),
            "asked_to_wait": len(refused),
            "pages": len(pages),
            "changes": len(changes),
        }


def _fill(ballast: Path) -> None:
    """Write until nothing more goes on the disk."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        for block in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    file.write(bytes(block))


def _use(
    place: Site, browsers: Iterable[Browser], known: Answer
) -> tuple[list[Answer], list[Answer]]:
    """Pages that only read, and what must be recorded, asked for while the disk is full."""
    till = place.till(0)
    code = place.code(place.holders[0]).removeprefix(place.code_base)
    paths = (f"{PATH}/{known.document['verification_id']}", code, "/problems", "/readyz")
    pages, changes = [], []
    for browser in browsers:
        pages += [till.ask("GET", path) for path in paths]
        pages.append(browser.open(till, "/card"))
        changes.append(browser.press(till, "/card"))
        time.sleep(FULL_S / TEACHERS)
    return pages, changes


def _wait_for(done: Callable[[], bool], longest_s: float) -> float:
    """The seconds until something is so, or until it was waited for long enough."""
    begun_s = time.monotonic()
    while (waited_s := time.monotonic() - begun_s) < longest_s and not done():
        time.sleep(BREATH_S)
    return waited_s


DISK_FULL = Scenario(
    disk_full,
    Bar(
        SOUND
        | {
            "wrong_verdicts": 0,
            "other_answers": 0,
            "pages_not_shown": 0,
            "changes_neither_made_nor_refused": 0,
            "slowest_refusal_s": 1,
            "recovered_s": RECOVERY_S - 1,
        },
        {"verdicts": 100, "asked_to_wait": 50, "pages": 50, "changes": 10},
    ),
    caught_as="lost",
)

if __name__ == "__main__":
    sys.exit(main())
