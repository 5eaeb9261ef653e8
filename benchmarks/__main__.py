"""`python -m benchmarks`: measure, print one table, write JSON.

    --quick          small sizes: does the harness work?
    --only NAME      one benchmark; may be repeated
    --out FOLDER     where the JSON files go (default bench-results)

Exit code 0 when everything could be measured, whether targets are met or not; 1 when a benchmark could
not run; 2 for wrong options.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import (
    archive,
    backup_virtual,
    bmc_inventory,
    campaign_cost,
    campaign_real,
    campaign_virtual,
    cli_start,
    inventory_load,
    memory,
    rehearsal,
    rehearsal_deep,
    simulator_load,
)
from benchmarks.figures import Bench, CannotRun, Figure, Outcome, number
from benchmarks.machine import facts, load_of_others

BENCHMARKS: dict[str, Callable[[Bench], Coroutine[Any, Any, Outcome]]] = {
    module.NAME: module.run
    for module in (
        cli_start,
        inventory_load,
        simulator_load,
        memory,
        bmc_inventory,
        archive,
        backup_virtual,
        campaign_cost,
        campaign_virtual,
        rehearsal,
        rehearsal_deep,
        campaign_real,
    )
}


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 130)
    options.out.mkdir(parents=True, exist_ok=True)
    load = load_of_others()
    done: list[Outcome] = []
    failed: dict[str, str] = {}
    for name in options.only or BENCHMARKS:
        began = time.monotonic()
        try:
            outcome = _measure(name, options.quick, partial(_say, console, name))
        except Exception as error:  # the others are still worth measuring
            if not isinstance(error, CannotRun):
                console.print_exception()
            failed[name] = f"{type(error).__name__}: {error}"
            console.print(f"{name} could not run: {error}", style="red", markup=False)
            continue
        console.print(f"{name}: {time.monotonic() - began:.0f} s", style="dim")
        done.append(outcome)
        if outcome.incomplete:
            failed[name] = outcome.incomplete
            console.print(f"{name} is incomplete: {outcome.incomplete}", style="red", markup=False)
        _write(options.out / f"{name}.json", outcome.document())
    _write(
        options.out / "summary.json",
        {
            "machine": facts(),
            "load_before": load,
            "quick": options.quick,
            "figures": {each.benchmark: _brief(each.figures) for each in done},
            "could_not_run": failed,
        },
    )
    console.print(_table(done))
    if options.quick:
        console.print("--quick: sizes are small, figures say little")
    return 1 if failed else 0


def _say(console: Console, name: str, words: str) -> None:
    console.print(f"{name}: {words}", style="dim")


def _measure(name: str, quick: bool, say: Callable[[str], None]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="starflock-bench-") as scratch:
        return asyncio.run(BENCHMARKS[name](Bench(quick, Path(scratch), say)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="What Starflock costs, measured."
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: does the harness work?")
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), help="one benchmark; repeatable")
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="folder for the JSON files")
    return parser.parse_args()


def _table(done: list[Outcome]) -> Table:
    table = Table("benchmark", "figure", "measured", "target", "met", "note")
    for outcome in done:
        for place, figure in enumerate(outcome.figures):
            met = {True: "yes", False: "NO", None: ""}[figure.met]
            value = f"{number(figure.value)} {figure.unit}".rstrip()
            last = place == len(outcome.figures) - 1
            name = outcome.benchmark if place == 0 else ""
            table.add_row(name, figure.name, value, figure.target, met, figure.note, end_section=last)
    return table


def _brief(figures: list[Figure]) -> dict[str, dict[str, object]]:
    return {
        each.name: {"value": each.value, "unit": each.unit, "target": each.target, "met": each.met}
        for each in figures
    }


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())
