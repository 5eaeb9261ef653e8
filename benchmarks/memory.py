"""(c) Memory of one worker process with 1,000 sites in flight, all waiting in their apply.

Real time and real intervals (pace 1), so that what they cost meanwhile is what a thousand sites cost an
evening. The strategies build for a few seconds and never end; the figure is the resident memory some polls
after the last site has begun its wait, and the peak on the way there.
"""

import asyncio
import time
from contextlib import AsyncExitStack

from benchmarks.campaign_real import campaign, open_house
from benchmarks.figures import Bench, CannotRun, Outcome
from benchmarks.machine import cpu_s, peak_rss_mib, rss_mib
from benchmarks.processes import worker
from models import contracts
from tests.support.simulator import Simulator, simulator

NAME = "memory"
SITES, QUICK_SITES = 1_000, 60
BUILD_S, APPLY_S = 5.0, 86_400.0
WATCH_S, QUICK_WATCH_S = 60.0, 5.0
"""Several polls of each site."""
ALL_AT_WORK_WITHIN_S = 900.0


async def run(bench: Bench) -> Outcome:
    sites = QUICK_SITES if bench.quick else SITES
    watch_s = QUICK_WATCH_S if bench.quick else WATCH_S
    options = ("--plain", "--build-seconds", str(BUILD_S), "--apply-seconds", str(APPLY_S))
    outcome = Outcome(NAME, {"sites": sites, "window": sites, "pace": 1, "watched_s": watch_s})
    async with AsyncExitStack() as stack:
        region = await stack.enter_async_context(
            simulator(bench.scratch / "sim", sites=sites, speed=1, options=options)
        )
        house = await open_house(stack, bench.scratch, region.inventory)
        at_work = await stack.enter_async_context(
            worker("workers", house.settings("memory", 1), bench.scratch / "worker.log")
        )
        idle = rss_mib(at_work.pid)
        spec = campaign("memory", sites, sites)
        began = time.monotonic()
        await house.client.start_workflow(
            contracts.FLEET_CAMPAIGN,
            spec,
            id=contracts.campaign_workflow_id(spec.name),
            task_queue=contracts.TASK_QUEUE,
        )
        await _all_apply(region, sites)
        until_all = time.monotonic() - began
        before, server_before = cpu_s(at_work.pid), cpu_s(house.server_pid)
        await asyncio.sleep(watch_s)
        used, server_used = cpu_s(at_work.pid) - before, cpu_s(house.server_pid) - server_before
        outcome.add("memory with all sites in flight", rss_mib(at_work.pid), "MiB", at_most=400)
        outcome.add("memory, peak", peak_rss_mib(at_work.pid), "MiB")
        outcome.add("memory of an idle worker", idle, "MiB")
        outcome.add("memory a site in flight", 1024 * (rss_mib(at_work.pid) - idle) / sites, "KiB")
        outcome.add("until all sites apply", until_all, "s")
        outcome.add("worker CPU while they wait", 100 * used / watch_s, "% of a core")
        outcome.add("Temporal server CPU while they wait", 100 * server_used / watch_s, "% of a core")
        outcome.add("Temporal server memory", rss_mib(house.server_pid), "MiB")
    return outcome


async def _all_apply(region: Simulator, sites: int) -> None:
    deadline = time.monotonic() + ALL_AT_WORK_WITHIN_S
    while True:
        states = [site["strategy_state"] for site in await region.get("/sites")]
        applying = states.count("applying")
        if applying == sites:
            return
        if time.monotonic() > deadline:
            raise CannotRun(f"only {applying} of {sites} sites apply after {ALL_AT_WORK_WITHIN_S:.0f} s")
        await asyncio.sleep(1)
