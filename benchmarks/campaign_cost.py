"""Does a site cost more in a large fleet? The same campaign at 100 and at 1,000 sites on the real server.

Campaign, ticks and records are the product's; PatchSite is stood in for, with waits so short that the
engine is what takes the time. One worker does both, after a small campaign that pays what is paid once
(imports, first connections). A campaign's cost is read when the server has come to rest, since it indexes
and files what has ended after the result is out. Nothing is killed or dropped: a kill costs replays, which
are in the figures of (b).
"""

import asyncio
from contextlib import AsyncExitStack

from benchmarks.campaign_real import House, campaign, measured, open_house
from benchmarks.figures import Bench, Outcome
from benchmarks.inventory_load import write_inventory
from benchmarks.machine import cpu_s
from benchmarks.processes import worker
from benchmarks.standin import Durations
from benchmarks.standin_worker import DURATIONS
from inventory.load import load_inventory
from models.campaign import Selector

NAME = "campaign-cost"
SIZES, QUICK_SIZES = (100, 1_000), (20, 60)
WARM_UP = 20
WINDOW = 50
BUILD_S, DEPLOY_S = 0.5, 1.0
PACE = 20.0
"""As (a): the ticks of a campaign of minutes stand for those of one of hours."""
REST_S, REST_SHARE = 2.0, 0.1
"""The server is at rest when it has used less than this share of a core for so long."""


async def run(bench: Bench) -> Outcome:
    small, large = QUICK_SIZES if bench.quick else SIZES
    outcome = Outcome(
        NAME, {"sizes": (small, large), "window": WINDOW, "build_s": BUILD_S, "deploy_s": DEPLOY_S}
    )
    cost: dict[int, float] = {}
    async with AsyncExitStack() as stack:
        inventory = write_inventory(bench.scratch, large)
        sites = [site.name for site in load_inventory(inventory).sites]
        waits = {site: {"build": BUILD_S, "deploy": DEPLOY_S} for site in sites}
        durations = bench.scratch / "durations.json"
        durations.write_text(Durations(virtual=False, sites=waits).model_dump_json())
        house = await open_house(stack, bench.scratch, inventory)
        settings = house.settings("cost", PACE) | {DURATIONS: str(durations)}
        at_work = await stack.enter_async_context(
            worker("benchmarks.standin_worker", settings, bench.scratch / "worker.log")
        )
        for size in (WARM_UP, small, large):
            spec = campaign(f"cost-{size}", size, WINDOW).model_copy(
                update={"select": Selector(names=tuple(sites[:size]))}
            )
            await _at_rest(house)
            server, work = cpu_s(house.server_pid), at_work.cpu_s
            done = await measured(house, at_work, spec)
            await _at_rest(house)
            server, work = cpu_s(house.server_pid) - server, at_work.cpu_s - work
            cost[size] = (server + work) / size
            bench.say(f"{size} sites ended")
            if size != WARM_UP:
                outcome.add(f"{size} sites: CPU a site, worker", 1000 * work / size, "ms")
                outcome.add(f"{size} sites: CPU a site, server", 1000 * server / size, "ms")
                outcome.add(f"{size} sites: executions of the campaign", len(done.chain.events))
    outcome.add(
        f"cost a site, {large} against {small}",
        cost[large] / cost[small],
        at_most=1.1,
        note="worker + server",
    )
    return outcome


async def _at_rest(house: House) -> None:
    while True:
        before = cpu_s(house.server_pid)
        await asyncio.sleep(REST_S)
        if cpu_s(house.server_pid) - before < REST_SHARE * REST_S:
            return
