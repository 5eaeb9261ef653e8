"""RestoreHost on an AIO-DX site, its worker killed at each boundary of the second controller's way back.

The boundaries: its machine off and on, the wait for its installation, its unlock. Nothing is sent twice.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from models import contracts
from models.outcome import Outcome
from models.restore import RestoreResult
from tests.support.backups import BackupBench, backup_bench, end_of
from tests.support.stack import scheduled, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SITE, HOST = "edge-0001", "controller-1"
BOUNDARIES = (("set_power", 1), ("set_power", 2), ("await_goal", 1), ("act_on_host", 1))
"""The step, and which one of its name: a kill may save the run a wait, so that others are counted anew."""
SHORT = {"STARFLOCK_REQUEST_TIMEOUT_S": "2", "STARFLOCK_SEND_WINDOW_S": "1"}
"""A replaced attempt is waited for: twice the time-out, and the window."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    folder = tmp_path_factory.mktemp("bench")
    async with backup_bench(folder, 1, "--topology", "aio-dx", **SHORT) as running:
        yield running


async def test_workers_killed_at_each_boundary_of_a_host_repeat_nothing(bench: BackupBench) -> None:
    await bench.back_up(SITE)
    handle = await bench.start_restore(SITE)
    child = bench.stack.client.get_workflow_handle(contracts.host_workflow_id(SITE, HOST))
    for step, number in BOUNDARIES:
        await until(lambda s=step, n=number: has_come_to(child, s, n), f"{step} {number}", within=120)  # type: ignore[misc]
        await bench.stack.workers[-1].kill()
        await bench.stack.start_worker()
    done = await asyncio.wait_for(end_of(handle, RestoreResult), 180)
    assert (done.outcome, done.differences, done.hosts) == (Outcome.SUCCEEDED, (), (HOST,)), done.reason
    assert [step.split(" ", 1)[1] for step in await scheduled(child)].count("set_power") == 2
    applied = await bench.region.mutations(SITE)
    assert (applied.count("host.wipe"), applied.count("sysinv.host.unlock")) == (2, 1)
    assert await bench.region.repeats() == 0


async def has_come_to(child: WorkflowHandle[Any, Any], step: str, number: int) -> bool:
    try:
        return [each.split(" ", 1)[1] for each in await scheduled(child)].count(step) >= number
    except RPCError:
        return False
