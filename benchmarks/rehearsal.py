"""A rehearsal: how long it takes, and how near it comes to a night that it has not seen.

Sites take what the simulated region's ranges say (build 30-180 s, software work 5-15 min). One night of them
is recorded; the rehearsal learns from that alone. Then another night comes, with other dice, and its length
is held against what was foretold. Sites have windows, so that a campaign is more than one long queue.
"""

import os
import random
from datetime import UTC, datetime, timedelta

import yaml

from benchmarks.campaign_real import campaign
from benchmarks.figures import Bench, CannotRun, Outcome
from benchmarks.inventory_load import write_inventory
from benchmarks.machine import cpu_s
from inventory.load import Inventory, load_inventory
from models.outcome import Outcome as SiteOutcome
from models.records import SiteRun
from models.rehearsal import Rehearsal, RehearsalFaults
from records.store import Store
from workers.rehearsal import CannotRehearse, rehearse
from workers.virtual_server import NoVirtualServer

NAME = "rehearsal"
SITES, QUICK_SITES = 1_000, 24
WINDOW, QUICK_WINDOW = 50, 4
NIGHTS = {"name": "nights", "rrule": "FREQ=DAILY;BYHOUR=22", "duration": "2h"}


async def run(bench: Bench) -> Outcome:
    size, window = (QUICK_SITES, QUICK_WINDOW) if bench.quick else (SITES, WINDOW)
    path = write_inventory(bench.scratch, size)
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"windows": [NIGHTS]}))
    inventory = load_inventory(path)
    spec = campaign("rehearsed", size, window)
    used = cpu_s(os.getpid())
    try:
        async with await Store.open(f"sqlite:///{bench.scratch / 'learned.db'}") as store:
            await _record_a_night(store, inventory, seed=1)
            foretold = (await rehearse(spec, inventory, store, faults=RehearsalFaults(), seed=2)).rehearsal
            used = cpu_s(os.getpid()) - used
            bench.say(f"{size} sites rehearsed in {foretold.took.total_seconds():.0f} s")
            another = await rehearse(
                spec,
                inventory,
                store,
                faults=RehearsalFaults(),
                seed=3,
                durations=lambda _, dice: _taken(dice),
            )
            came = another.rehearsal
    except (CannotRehearse, NoVirtualServer) as error:
        raise CannotRun(str(error)) from error
    outcome = Outcome(NAME, {"sites": size, "window": window})
    wall = foretold.took.total_seconds()
    outcome.add(f"rehearsal of {size} sites", wall, "s", at_most=None if bench.quick else 60)
    outcome.add("CPU a site, without the server", 1000 * used / size, "ms")
    error_in_length = abs(_length(foretold) - _length(came)) / _length(came)
    few = None if bench.quick else 5.0
    outcome.add("foretold against another night", 100 * error_in_length, "%", at_most=few)
    outcome.detail = {"foretold_s": _length(foretold), "came_s": _length(came)}
    return outcome


def _length(made: Rehearsal) -> float:
    """From the first start: waiting for the first window says nothing of the campaign."""
    return (made.ended - made.waves[0].began).total_seconds()


def _of_any_site(site: str, dice: random.Random) -> timedelta:
    return _taken(dice)


def _taken(dice: random.Random) -> timedelta:
    return timedelta(seconds=dice.uniform(30, 180) + dice.uniform(300, 900))


async def _record_a_night(store: Store, inventory: Inventory, seed: int) -> None:
    dice, began = random.Random(seed), datetime(2026, 1, 5, tzinfo=UTC)
    for site in inventory.sites:
        await store.record_site_run(
            SiteRun(
                run_id=f"run-{site.name}",
                site=site.name,
                operation="patch",
                release="starlingx-26.03.0",
                outcome=SiteOutcome.SUCCEEDED,
                reason="patched",
                began=began,
                ended=began + _taken(dice),
            )
        )
