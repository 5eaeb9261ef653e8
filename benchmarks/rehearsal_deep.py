"""A deep rehearsal against the campaign itself: does it come to the same end as what it rehearses?

One region plays the fleet: a campaign patches it, at the pace of the rehearsal, through a worker and a server
as shipped. Before that the campaign was rehearsed deeply over the same inventory with the same seed, so that
the simulated sites of the rehearsal draw the very durations of the fleet's. Lengths are in the fleet's time,
from the first site's start to the last one's end; the fleet's requests are counted around the rehearsal.
"""

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import yaml

from benchmarks.campaign_real import campaign, measured, open_house
from benchmarks.figures import Bench, CannotRun, Outcome
from benchmarks.processes import worker
from records.store import Store
from tests.support.simulator import simulator

NAME = "rehearsal-deep"
SITES, WINDOW = 60, 20
QUICK_SITES, QUICK_WINDOW = 6, 3
SPEED = 60.0
SEED = 11
TOLERANCE = 10.0
"""Percent."""
COMMAND = (sys.executable, "-c", "from cli.app import main; raise SystemExit(main())")


async def run(bench: Bench) -> Outcome:
    size, window = (QUICK_SITES, QUICK_WINDOW) if bench.quick else (SITES, WINDOW)
    outcome = Outcome(NAME, {"sites": size, "window": window, "speed": SPEED})
    async with AsyncExitStack() as stack:
        region = await stack.enter_async_context(
            simulator(
                *(bench.scratch / "fleet",),
                sites=size,
                speed=SPEED,
                seed=SEED,
                options=("--no-bmcs", "--topology", "by-turns"),
            )
        )
        before = (await region.get("/stats"))["requests"]
        began = time.monotonic()
        foretold = await _rehearsed(bench.scratch, region.inventory, size, window)
        wall = time.monotonic() - began
        asked = (await region.get("/stats"))["requests"] - before
        bench.say(f"{size} sites rehearsed in {wall:.0f} s")
        came = await _carried_out(stack, bench.scratch, region.inventory, size, window)
    length = _seconds(foretold["waves"][0]["began"], foretold["ended"])
    apart = 100 * abs(length - came) / came
    outcome.add("end of the rehearsal against the end that came", apart, "%", at_most=TOLERANCE)
    outcome.add("requests to the fleet meanwhile", asked, at_most=0)
    outcome.add("sent twice in the rehearsal", foretold["deep"]["repeats"], at_most=0)
    outcome.add("HTTP requests a site", foretold["deep"]["requests"] / size)
    outcome.add(f"rehearsal of {size} sites", wall, "s")
    outcome.add("said beforehand", _duration(foretold["deep"]["foretold"]), "s")
    outcome.detail = {"foretold_s": length, "came_s": came, "counts": foretold["counts"]}
    return outcome


async def _rehearsed(folder: Path, inventory: Path, size: int, window: int) -> dict[str, Any]:
    """By the command, in a process that ends with it."""
    file = folder / "campaign.yaml"
    file.write_text(yaml.safe_dump(_file(size, window)))
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "campaign", "rehearse", str(file), "--deep", "--inventory", str(inventory)),
        *("--speed", str(SPEED), "--seed", str(SEED), "-o", "json"),
        env=os.environ | {"STARFLOCK_DATA": str(folder / "nothing-learned")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, words = await process.communicate()
    if process.returncode:
        raise CannotRun(words.decode()[-1500:])
    found: dict[str, Any] = json.loads(said)
    return found


def _file(size: int, window: int) -> dict[str, Any]:
    return campaign("night", size, window).model_dump(mode="json", by_alias=True, exclude_unset=True)


async def _carried_out(stack: AsyncExitStack, folder: Path, inventory: Path, size: int, window: int) -> float:
    """Its length in seconds of the fleet's."""
    house = await open_house(stack, folder, inventory)
    async with worker("workers", house.settings("came", SPEED), folder / "worker.log") as at_work:
        await measured(house, at_work, campaign("night", size, window))
    async with await Store.open(f"sqlite:///{folder / 'came' / 'records.db'}") as store:
        runs = await store.site_runs("night")
    first, last = min(run.began for run in runs), max(run.ended for run in runs)
    return (last - first).total_seconds() * SPEED


def _seconds(begins: str, ends: str) -> float:
    from datetime import datetime

    return (datetime.fromisoformat(ends) - datetime.fromisoformat(begins)).total_seconds()


def _duration(text: str) -> float:
    from datetime import timedelta

    from pydantic import TypeAdapter

    return TypeAdapter(timedelta).validate_python(text).total_seconds()
