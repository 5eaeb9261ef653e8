"""InstallHost with its worker killed at each step boundary, read from a run that nothing disturbed.

The boundaries are shared out over a few hosts, and the kills for one also strike the others.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.activities.redfish.emulator import images
from tests.e2e.test_install_host import Bench, end_of
from tests.support.kills import killed_at_each
from tests.support.simulator import simulator
from tests.support.stack import scheduled, stack

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

KILL_AT = [
    "1 observe_site",
    "2 look_at_bmc",
    "3 ask_address",
    "4 set_power",
    "5 insert_medium",
    "6 await_bmc",
    "7 override_boot",
    "8 set_power",
    "9 await_bmc",
    "10 await_host",
    "11 look_at_bmc",
    "12 await_host",
    "13 look_at_bmc",
    "14 eject_medium",
    "15 await_bmc",
    "16 record_site_run",
]
SITES = [f"edge-{number:04d}" for number in range(2, 7)]
APPLIED = ["bmc.insert", "bmc.boot", "bmc.reset", "host.wipe", "bmc.eject"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("bench")
    async with (
        simulator(folder / "sim", sites=len(SITES) + 1, options=("--topology", "aio-sx", "--bare")) as region,
        images() as served,
        stack(folder, region) as running,
    ):
        await running.start_worker()
        yield Bench(running, region, served)


async def test_there_is_a_kill_for_every_boundary(bench: Bench) -> None:
    handle = await bench.start("edge-0001")
    assert (await end_of(handle)).outcome is Outcome.SUCCEEDED
    assert await scheduled(handle) == KILL_AT
    assert await _applied(bench, "edge-0001") == APPLIED


async def test_workers_killed_at_boundaries_lose_and_repeat_nothing(bench: Bench) -> None:
    under_way = await killed_at_each(bench.stack, KILL_AT, SITES, bench.start, within=300)
    results = await asyncio.wait_for(asyncio.gather(*(end_of(handle) for handle in under_way.values())), 240)
    for site, result in zip(under_way, results, strict=True):
        machine = await bench.machine(site)
        assert result.outcome is Outcome.SUCCEEDED, result
        assert await _applied(bench, site) == APPLIED
        assert (machine["installs"], machine["medium"]) == (1, None)
    assert await bench.region.repeats() == 0
    # The last worker works, too.
    assert (await bench.install("edge-0001")).outcome is Outcome.REFUSED


async def _applied(bench: Bench, site: str) -> list[str]:
    entries = await bench.region.get(f"/sites/{site}/mutations")
    return [entry["intent"] for entry in entries if entry["outcome"] == "applied"]
