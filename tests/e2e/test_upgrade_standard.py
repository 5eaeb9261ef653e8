"""A Standard site to the next major release: controllers first, workers after them, and back in reverse."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle

from models.outcome import Outcome
from tests.e2e.test_upgrade_duplex import MAJOR, hosts_of
from tests.support.simulator import Simulator
from tests.support.stack import Stack, stack
from tests.support.upgrade import ended, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGION: dict[str, Any] = {
    "sites": 3,
    "options": ("--plain", "--topology", "standard", "--major", "controller"),
    "speed": 480,
}
CONTROLLERS = (
    "start",
    "take out controller-1",
    "deploy controller-1",
    "bring back controller-1",
    "swact controller-0",
    "take out controller-0",
    "deploy controller-0",
    "bring back controller-0",
)

BACK = ("take out", "roll back", "bring back")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_REQUEST_TIMEOUT_S="20") as running:
        await running.start_worker()
        yield running


async def test_workers_come_after_both_controllers(house: Stack) -> None:
    found = await hosts_of(house, "edge-0001")
    result = await ended(await upgrade(house, "edge-0001", MAJOR))
    assert result.outcome is Outcome.SUCCEEDED, result
    workers = [name for name, _, _ in found if name.startswith("worker")]
    assert workers
    each = [f"{step} {name}" for name in workers for step in ("take out", "deploy", "bring back")]
    assert result.order == (*CONTROLLERS, *each, "swact controller-1", "activate", "complete", "delete")
    assert await hosts_of(house, "edge-0001") == found
    assert await house.simulator.repeats() == 0


async def test_a_worker_that_fails_is_left_out_and_done_by_the_next_run(house: Stack) -> None:
    await house.simulator.fault("edge-0002/worker-0", "usm.host", "fail")
    result = await ended(await upgrade(house, "edge-0002", MAJOR, worker_fails="skip"))
    assert result.outcome is Outcome.FAILED
    assert result.order[-3:] == ("take out worker-1", "deploy worker-1", "bring back worker-1")
    assert result.reason == (
        "worker-0 could not be deployed and runs the old release; USM activates nothing before every host "
        "has the new one; worker-0 stays locked: it is failed, and sysinv unlocks it once that is ended; the "
        "deployment stands at host-failed; through: controller-0, controller-1, worker-1: `starflock site "
        "upgrade` goes on, `starflock site rollback` takes it back"
    )
    await house.simulator.clear_faults()
    again = await ended(await upgrade(house, "edge-0002", MAJOR))
    assert again.outcome is Outcome.SUCCEEDED, again
    assert again.order[:2] == ("deploy worker-0", "bring back worker-0")
    assert await house.simulator.repeats() == 0


async def test_a_worker_that_fails_beside_another_turns_the_site_back(house: Stack) -> None:
    found = await hosts_of(house, "edge-0003")
    await house.simulator.fault("edge-0003/worker-1", "usm.host", "fail")
    handle = await upgrade(house, "edge-0003", MAJOR, worker_fails="roll-back", workers_at_once=2)
    result = await ended(handle)
    assert (await children_of(handle))[:6] == [
        *("begun controller-1", "ended controller-1", "begun controller-0", "ended controller-0"),
        *("begun worker-0", "begun worker-1"),
    ]
    assert (result.outcome, result.rolled_back) == (Outcome.FAILED, True), result
    assert result.order[result.order.index("abort") :] == (
        "abort",
        "roll back worker-1",
        "bring back worker-1",
        *(f"{step} worker-0" for step in BACK),
        *(f"{step} controller-0" for step in BACK),
        "swact controller-1",
        *(f"{step} controller-1" for step in BACK),
        "delete",
    )
    assert await hosts_of(house, "edge-0003") == found
    assert await house.simulator.repeats() == 0


async def children_of(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """Of a run, as they began and ended."""
    told: list[str] = []
    for event in (await handle.fetch_history()).events:
        for how, field in (
            ("begun", "start_child_workflow_execution_initiated_event_attributes"),
            ("ended", "child_workflow_execution_completed_event_attributes"),
            ("ended", "child_workflow_execution_failed_event_attributes"),
        ):
            if event.HasField(field):  # type: ignore[arg-type]
                found = getattr(event, field)
                path = found.workflow_id if how == "begun" else found.workflow_execution.workflow_id
                told.append(f"{how} {path.rpartition('/')[2]}")
    return told
