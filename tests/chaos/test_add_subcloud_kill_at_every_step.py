"""AddSubcloud with its worker killed at each step boundary, read from a run that nothing disturbed.

The boundaries are shared out over a few sites, and the kills for one also strike the others.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.e2e.test_add_subcloud import ADDED, OPTIONS, Bench, end_of
from tests.support.kills import killed_at_each
from tests.support.simulator import simulator
from tests.support.stack import scheduled, stack

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

KILL_AT = [
    "1 declared_deploy",
    "2 observe_site",
    "3 look_at_subcloud",
    "4 look_at_bmc",
    "5 ask_address",
    "6 create_subcloud",
    "7 begin_phase",
    "8 await_subcloud",
    "9 begin_phase",
    "10 await_subcloud",
    "11 begin_phase",
    "12 await_subcloud",
    "13 await_subcloud",
    "14 observe_site",
    "15 change_subcloud",
    "16 record_site_run",
]
SITES = [f"edge-{number:04d}" for number in range(2, 7)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("bench")
    async with (
        simulator(folder / "sim", sites=len(SITES) + 1, options=OPTIONS) as region,
        stack(folder, region) as running,
    ):
        await running.start_worker()
        yield Bench(running, region)


async def test_there_is_a_kill_for_every_boundary(bench: Bench) -> None:
    handle = await bench.start("edge-0001")
    assert (await end_of(handle)).outcome is Outcome.SUCCEEDED
    assert await scheduled(handle) == KILL_AT


async def test_workers_killed_at_boundaries_lose_and_repeat_nothing(bench: Bench) -> None:
    under_way = await killed_at_each(bench.stack, KILL_AT, SITES, bench.start, within=300)
    results = await asyncio.wait_for(asyncio.gather(*(end_of(handle) for handle in under_way.values())), 240)
    for site, result in zip(under_way, results, strict=True):
        assert result.outcome is Outcome.SUCCEEDED, result
        assert await bench.applied(site) == ADDED
    assert await bench.region.repeats() == 0
