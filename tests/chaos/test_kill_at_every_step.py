"""PatchSite with its worker killed at each step boundary, read from a run that nothing disturbed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle

from models.outcome import Outcome
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, result_of, stack, until

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with simulator(tmp_path_factory.mktemp("sim"), sites=len(KILL_AT) + 1) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("house")
    async with stack(folder, region) as running:
        await running.start_worker()
        yield running


async def _scheduled(handle: WorkflowHandle[object, object]) -> list[str]:
    """The steps scheduled so far, numbered."""
    history = await handle.fetch_history()
    names = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    return [f"{number} {name}" for number, name in enumerate(names, 1)]


async def test_there_is_a_kill_for_every_boundary(region: Simulator, house: Stack) -> None:
    handle = await house.start_patch("edge-0001")
    assert (await result_of(handle)).outcome is Outcome.SUCCEEDED
    assert await _scheduled(handle) == KILL_AT


@pytest.mark.parametrize("step", KILL_AT)
async def test_a_worker_killed_at_a_boundary_loses_and_repeats_nothing(
    region: Simulator, house: Stack, step: str
) -> None:
    site = f"edge-{KILL_AT.index(step) + 2:04d}"
    handle = await house.start_patch(site)

    async def reached() -> bool:
        return step in await _scheduled(handle)

    await until(reached, step)
    await house.workers[-1].kill()
    await house.start_worker()
    result = await asyncio.wait_for(result_of(handle), 120)
    assert result.outcome is Outcome.SUCCEEDED, result
    entries = await region.get(f"/sites/{site}/mutations")
    assert [entry["intent"] for entry in entries if entry["outcome"] == "applied"] == [
        "vim.create",
        "vim.apply",
        "vim.delete",
    ]
    assert await region.repeats() == 0
