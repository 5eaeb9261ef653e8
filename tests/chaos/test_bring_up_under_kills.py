"""Sites brought up by one campaign while workers die: each change arrives once, each site is in service."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.outcome import Outcome
from tests.e2e.test_bring_up import PROFILE, declare
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

pytestmark = pytest.mark.timeout(600)

SITES = 50
AT_ONCE = 15
"""More of them on a busy machine are slower than the patience of a compressed hour."""
KILLS = 3
SECTIONS = ("interfaces", "labels", "filesystems", "osds")
"""One request of each kind: the others differ by their path alone, and each costs fifty looks."""


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Simulator]:
    options = ("--topology", "aio-sx", "--bootstrapped", "--plain")
    async with simulator(tmp_path / "sim", sites=SITES, options=options) as found:
        role = {key: PROFILE["roles"]["controller"][key] for key in SECTIONS}
        declare(found, system={}, ntp=None, service_parameters=[], roles={"controller": role})
        yield found


@pytest.fixture
async def house(tmp_path: Path, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path, region) as found:
        await found.start_worker()
        yield found


async def test_fifty_sites_are_brought_up_by_one_campaign_whose_workers_die(house: Stack) -> None:
    region = house.simulator
    handle = await house.start_campaign(
        "bring-up",
        operation={"kind": "bring-up"},
        select={"all": True},
        waves=[{"percent": 100}],
        window={"max_in_flight": AT_ONCE},
    )

    for kill in range(1, KILLS + 1):

        async def enough(wanted: int = kill * SITES * 3) -> bool:
            return int((await region.get("/ledger"))["total"]) >= wanted

        await until(enough, f"{kill * SITES * 3} requests", within=120)
        await house.workers[-1].kill()
        await house.start_worker()
    result = await handle.result()
    runs = {run.site: run for run in await house.site_runs("bring-up")}
    assert [run.reason for run in runs.values() if run.outcome is not Outcome.SUCCEEDED] == []
    assert result.counts[Outcome.SUCCEEDED] == SITES
    for number in range(1, SITES + 1):
        (host,) = (await region.get(f"/sites/edge-{number:04d}"))["hosts"]
        assert (host["administrative"], host["operational"]) == ("unlocked", "enabled")
    assert await region.repeats() == 0
