"""`make bench`: every figure as a ratio from interleaved runs, in `build/bench.json`.

`--quick` shortens every round; the bars stay the same. Words choose the benchmarks whose names
hold one of them. What was measured is shown and kept at once, in place of what an earlier run
measured of the same name. The exit code says whether all bars held.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench import (
    busy,
    epd,
    fleet,
    google,
    google_delivery,
    passes,
    school_year,
    verification,
    web_process,
)
from bench.measure import Measurement

BENCHMARKS: tuple[Callable[[int, float], Measurement], ...] = (
    passes.pass_vs_raw_rsa,
    passes.pass_vs_best_peer,
    passes.issue_two_threads,
    google.google_link_vs_raw_rsa,
    verification.verify_postgresql_vs_empty_endpoint,
    verification.verify_sqlite_vs_empty_endpoint,
    verification.verify_vs_row_per_request,
    epd.epd_snapshot_vs_copy_merge,
    busy.verify_p99_during_snapshot,
    google_delivery.google_delivery_20000_updates,
    fleet.apple_delivery_5000_devices,
    school_year.count_vs_fifty_million_a_year,
    school_year.report_vs_small_year,
    web_process.start_up,
    web_process.web_process_memory_mb,
)


REPORT = Path("build/bench.json")


def main() -> int:
    """Measure, write and show; 0 when every bar held."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("words", nargs="*", default=[""], help="parts of names, such as `epd`")
    parser.add_argument("--quick", action="store_true", help="shorter rounds")
    asked = parser.parse_args()
    rounds, seconds = (5, 0.5) if asked.quick else (15, 1.0)
    chosen = [one for one in BENCHMARKS if any(word in one.__name__ for word in asked.words)]
    if not chosen:
        parser.error(f"no benchmark is called so; there are {[one.__name__ for one in BENCHMARKS]}")
    REPORT.parent.mkdir(exist_ok=True)
    console, measured = Console(), []
    for benchmark in chosen:
        measured.append(benchmark(rounds, seconds))
        keep(measured[-1])
        console.print(line(measured[-1]), soft_wrap=True)
    return 0 if all(one.holds for one in measured) else 1


def keep(one: Measurement) -> None:
    """Write it beside what else was measured here."""
    rows = json.loads(REPORT.read_text("utf-8")) if REPORT.exists() else []
    rows = [row for row in rows if row["name"] != one.name]
    rows.append(asdict(one) | {"holds": one.holds})
    REPORT.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


def line(one: Measurement) -> str:
    """What a reader needs of it."""
    holds = "[green]holds[/green]" if one.holds else "[red]MISSED[/red]"
    return f"{holds}  {one.name}: {one.ratio:.2f} (bar {one.bar:.2f})  {one.note}"


if __name__ == "__main__":
    sys.exit(main())
