"""`make bench`: every figure as a ratio from interleaved runs, in `build/bench.json`.

`--quick` shortens every round; the bars stay the same. The exit code says whether all bars held.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import busy, epd, fleet, google, google_delivery, passes, school_year, verification
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
)


def main() -> int:
    """Measure, write and show; 0 when every bar held."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter rounds")
    quick = parser.parse_args().quick
    rounds, seconds = (5, 0.5) if quick else (15, 1.0)
    measured = [benchmark(rounds, seconds) for benchmark in BENCHMARKS]
    path = Path("build/bench.json")
    path.parent.mkdir(exist_ok=True)
    rows = [asdict(one) | {"holds": one.holds} for one in measured]
    path.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    table = Table("benchmark", "ratio", "bar", "holds", "note")
    for one in measured:
        holds = "[green]yes[/green]" if one.holds else "[red]no[/red]"
        table.add_row(one.name, f"{one.ratio:.2f}", f"{one.bar:.2f}", holds, one.note)
    Console().print(table)
    return 0 if all(one.holds for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
