"""PatchSite with its worker killed at each step boundary, read from a run that nothing disturbed.

The boundaries are shared out over a few sites, and the kills for one also strike the others.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.support.kills import killed_at_each
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, result_of, scheduled, stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

KILL_AT = [
    "1 observe_site",
    "2 create_strategy",
    "3 await_strategy",
    "4 apply_strategy",
    "5 await_strategy",
    "6 observe_site",
    "7 delete_strategy",
    "8 record_site_run",
]
SITES = [f"edge-{number:04d}" for number in range(2, 7)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with simulator(tmp_path_factory.mktemp("sim"), sites=len(SITES) + 1) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("house")
    async with stack(folder, region) as running:
        await running.start_worker()
        yield running


async def test_there_is_a_kill_for_every_boundary(region: Simulator, house: Stack) -> None:
    handle = await house.start_patch("edge-0001")
    assert (await result_of(handle)).outcome is Outcome.SUCCEEDED
    assert await scheduled(handle) == KILL_AT


async def test_workers_killed_at_boundaries_lose_and_repeat_nothing(region: Simulator, house: Stack) -> None:
    under_way = await killed_at_each(house, KILL_AT, SITES, house.start_patch, within=240)
    results = await asyncio.wait_for(
        asyncio.gather(*(result_of(handle) for handle in under_way.values())), 120
    )
    for site, result in zip(under_way, results, strict=True):
        assert result.outcome is Outcome.SUCCEEDED, result
        entries = await region.get(f"/sites/{site}/mutations")
        assert [entry["intent"] for entry in entries if entry["outcome"] == "applied"] == [
            "vim.create",
            "vim.apply",
            "vim.delete",
        ]
    assert await region.repeats() == 0
