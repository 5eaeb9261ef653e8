"""(b) The window itself, in virtual time: how near to ideal, through continue-as-new and kills?

The campaign is the product's, as are its ticks and its records; PatchSite is stood in for, and the
time-skipping server jumps over what its waits take. Builds and applies are drawn from the ranges of the
simulated region; one site in a hundred takes six times as long. The window is the product's default of 50:
behind a wider one the slowest straggler would be the whole campaign. Histories grow as they do in
production, so the campaign continues as new by itself.

Workers are killed in the middle. Virtual time is held meanwhile, because a server that skips while nobody
works would run through timers that a worker would have heeded; a dead worker costs the seconds until
Temporal notices. Only CPU that a worker used after it was ready is counted: what a restart costs in
replays is in it, what an import costs is not.
"""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

from benchmarks import engine
from benchmarks.campaign_real import campaign
from benchmarks.crew import Crew
from benchmarks.figures import Bench, CannotRun, Outcome
from benchmarks.inventory_load import write_inventory
from benchmarks.machine import cpu_s
from benchmarks.standin import Durations
from benchmarks.standin_worker import DURATIONS
from benchmarks.virtual_server import tapped_server
from inventory.load import load_inventory
from models import contracts
from models.campaign import CampaignResult
from models.outcome import Outcome as SiteOutcome
from models.records import SiteRun
from records.store import Store
from rules.estimate import makespan

NAME = "campaign-virtual"
SIZES, QUICK_SIZES = (100, 300, 1_000), (20, 60)
WINDOW, QUICK_WINDOW = 50, 10
SITES_A_KILL, QUICK_SITES_A_KILL = 250, 30
LOOK_EVERY_S = 1.0
BEGIN_WITHIN_S, SITE_WITHIN_S = 60.0, 0.5
"""By the wall, several times what is needed: the server is known to stop skipping for good."""
STRAGGLERS, STRAGGLER_FACTOR = 0.01, 6.0
SEED = 11


async def run(bench: Bench) -> Outcome:
    sizes, window = (QUICK_SIZES, QUICK_WINDOW) if bench.quick else (SIZES, WINDOW)
    outcome = Outcome(
        NAME, {"sizes": sizes, "window": window, "stragglers": STRAGGLERS, "factor": STRAGGLER_FACTOR}
    )
    sites_a_kill = QUICK_SITES_A_KILL if bench.quick else SITES_A_KILL
    for size in sizes:
        folder = bench.scratch / str(size)
        folder.mkdir()
        try:
            done = await _measured(folder, size, window, sites_a_kill)
        except CannotRun as stalled:
            outcome.incomplete = f"{size} sites: {stalled}"
            return outcome
        bench.say(f"{size} sites ended, wall / ideal {done.chain.wall_s / done.ideal_s:.3f}")
        largest = size == sizes[-1]
        add = outcome.add
        add(f"{size} sites: wall / ideal", done.chain.wall_s / done.ideal_s, at_most=1.03)
        add(f"{size} sites: not ended exactly once", done.not_once(), at_most=0)
        add(
            f"{size} sites: continue-as-news",
            done.continued,
            at_least=3 if largest and not bench.quick else None,
        )
        add(f"{size} sites: worker kills", done.kills)
        add(f"{size} sites: CPU a site, worker", 1000 * done.worker_cpu_s / size, "ms")
        add(f"{size} sites: CPU a site, server", 1000 * done.server_cpu_s / size, "ms")
        add(f"{size} sites: worker memory, peak", done.worker_peak_mib, "MiB")
        add(f"{size} sites: campaign events a site", sum(done.chain.events) / size)
        outcome.detail[str(size)] = {
            "virtual_wall_s": done.chain.wall_s,
            "ideal_s": done.ideal_s,
            "events": done.chain.events,
            "counts": {key.value: count for key, count in done.result.counts.items()},
        }
    return outcome


@dataclass
class Measured:
    sites: tuple[str, ...]
    ideal_s: float
    result: CampaignResult
    chain: engine.Chain
    runs: tuple[SiteRun, ...]
    kills: int
    worker_cpu_s: float
    server_cpu_s: float
    worker_peak_mib: float

    @property
    def continued(self) -> int:
        return len(self.chain.events) - 1

    def not_once(self) -> int:
        """Sites without exactly one run in the records, plus those that the campaign's result misses."""
        ends = [run.site for run in self.runs]
        wrong = sum(ends.count(site) != 1 for site in self.sites)
        return wrong + abs(self.result.counts.get(SiteOutcome.SUCCEEDED, 0) - len(self.sites))


async def _measured(folder: Path, size: int, window: int, sites_a_kill: int) -> Measured:
    inventory = write_inventory(folder, size)
    sites = tuple(site.name for site in load_inventory(inventory).sites)
    waits = _draw(sites)
    (folder / "durations.json").write_text(Durations(virtual=True, sites=waits).model_dump_json())
    records = f"sqlite:///{folder / 'records.db'}"
    spec = campaign("virtual", size, window)
    async with tapped_server() as server, await Store.open(records) as store:
        settings = {
            "STARFLOCK_INVENTORY": str(inventory),
            "STARFLOCK_RECORDS_URL": records,
            DURATIONS: str(folder / "durations.json"),
        }
        crew = await Crew.at(server, "benchmarks.standin_worker", settings, folder / "worker.log")
        server_before = cpu_s(server.inner.pid)
        handle = await server.inner.client.start_workflow(
            contracts.FLEET_CAMPAIGN,
            spec,
            id=contracts.campaign_workflow_id(spec.name),
            task_queue=contracts.TASK_QUEUE,
            result_type=CampaignResult,
        )
        assert handle.first_execution_run_id is not None
        server.inner.unlock_after_children_of(handle.id, handle.first_execution_run_id)
        ended = asyncio.create_task(handle.result())
        try:
            async with asyncio.timeout(BEGIN_WITHIN_S + size * SITE_WITHIN_S):
                for kill in range(size // sites_a_kill):
                    while len(await store.site_runs(spec.name)) < kill * sites_a_kill + sites_a_kill // 2:
                        await asyncio.sleep(LOOK_EVERY_S)
                    await crew.replace()
                result: CampaignResult = await ended
        except TimeoutError:
            raise CannotRun("the time-skipping server goes at the pace of a wall clock") from None
        finally:
            ended.cancel()
            server_cpu = cpu_s(server.inner.pid) - server_before
            await crew.end()
        chain = await engine.chain_of(server.inner.client, handle.id, handle.first_execution_run_id)
        runs = await store.site_runs(spec.name)
    ideal = makespan([sum(parts.values()) for parts in waits.values()], window)
    return Measured(sites, ideal, result, chain, runs, crew.kills, crew.used_s, server_cpu, crew.peak_mib)


def _draw(sites: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """The simulated region's ranges: build 30-180 s, software work 5-15 min."""
    dice = random.Random(SEED)
    slow = set(dice.sample(sites, round(len(sites) * STRAGGLERS)))
    return {
        site: {
            "build": dice.uniform(30, 180),
            "deploy": dice.uniform(300, 900) * (STRAGGLER_FACTOR if site in slow else 1.0),
        }
        for site in sites
    }
