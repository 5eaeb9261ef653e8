"""(d) How soon `starflock --help` answers, against what every such command line pays: typer and rich.

Both are whole processes of the same interpreter, started by turns, so that what the machine does meanwhile
strikes both; the medians are compared. Byte code is compiled by a first, uncounted run.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import Bench, CannotRun, Outcome

NAME = "cli-start"
ROUNDS = 15
QUICK_ROUNDS = 3


async def run(bench: Bench) -> Outcome:
    rounds = QUICK_ROUNDS if bench.quick else ROUNDS
    starflock = Path(sys.executable).parent / "starflock"
    if not starflock.exists():
        raise CannotRun("the command `starflock` is not installed beside this interpreter")
    help_of = [sys.executable, str(starflock), "--help"]
    imports = [sys.executable, "-c", "import typer, rich"]
    taken: dict[str, list[float]] = {"help": [], "imports": []}
    for turn in range(rounds + 1):
        for name, command in (("help", help_of), ("imports", imports)):
            seconds = _seconds(command)
            if turn:
                taken[name].append(seconds)
    helped, imported = statistics.median(taken["help"]), statistics.median(taken["imports"])
    outcome = Outcome(NAME, {"rounds": rounds}, detail={"seconds": taken})
    outcome.add("starflock --help / import typer, rich", helped / imported, at_most=2)
    outcome.add("starflock --help", 1000 * helped, "ms")
    outcome.add("import typer, rich", 1000 * imported, "ms")
    return outcome


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise CannotRun(f"{' '.join(command[1:])} ended with code {ended.returncode}: {ended.stderr[-500:]}")
    return time.perf_counter() - began
