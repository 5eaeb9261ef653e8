"""A version of the workers whose workflows take other steps is rolled out in the middle of a campaign.

The other build is a copy of the source with a pause at the beginning of a campaign and of a patch, which no
history of before would replay. First without versioning, to show that the change is one that matters; then
with it: what has begun ends on the build that it began on, and what begins afterwards goes to the other one.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import WorkflowHandle

from models.campaign import ApproveRequest
from models.outcome import Outcome
from tests.support.forked import unmeasured
from tests.support.simulator import Simulator, simulator
from tests.support.stack import PACE, Stack, WorkerProcess, stack, until
from tests.workers.test_versions import builds_of, made_current

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]
PACKAGES = ("activities", "inventory", "models", "records", "rules", "workers", "workflows")
CHANGED = {"patch.py": "refuse_unless_locked(request.site)", "campaign.py": "self._refuse_unless_named()"}
PAUSE = "await workflow.sleep(1)"
FOREIGN = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with simulator(tmp_path_factory.mktemp("sim"), sites=5, options=("--plain",)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path_factory.mktemp("house"), region) as running:
        yield running


@pytest.fixture(scope="module")
def other_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source tree with other steps in two workflows."""
    folder = tmp_path_factory.mktemp("other")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, line in CHANGED.items():
        path = folder / "workflows" / name
        before, found, after = path.read_text().partition(f"        {line}\n")
        assert found, f"{name} has changed: {line}"
        path.write_text(f"{before}{found}        {PAUSE}\n{after}")
    return folder


async def test_without_versions_other_steps_stop_a_running_campaign(
    house: Stack, region: Simulator, other_build: Path
) -> None:
    ours = await house.start_worker()
    handle = await _waiting(house, "unversioned", "edge-0001", "edge-0002")
    await ours.kill()
    theirs = await _start(house, other_build)

    async def is_stuck() -> bool:
        return FOREIGN in await _failures(handle)

    await until(is_stuck, "a task that does not replay")
    assert await region.mutations("edge-0002") == []
    await theirs.kill()
    await handle.terminate("nobody can go on with it but a build like the first")


async def test_with_versions_it_ends_as_it_began_and_the_next_one_takes_the_other_steps(
    house: Stack, region: Simulator, other_build: Path
) -> None:
    house.settings |= {"STARFLOCK_DEPLOYMENT": "fleet", "STARFLOCK_BUILD": "one"}
    await house.start_worker()
    await made_current(house, "one")
    handle = await _waiting(house, "versioned", "edge-0003", "edge-0004")
    house.settings["STARFLOCK_BUILD"] = "two"
    await _start(house, other_build)
    await made_current(house, "two")
    await _approved(handle)
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 2}
    for run in ("campaign/versioned", "site/edge-0003", "site/edge-0004"):
        begun = house.client.get_workflow_handle(run)
        assert await builds_of(begun) == {"one"}, run
        assert await _failures(begun) == [], run

    assert (await house.patch("edge-0005")).outcome is Outcome.SUCCEEDED
    new, old = (house.client.get_workflow_handle(f"site/edge-{number:04d}") for number in (5, 4))
    assert await builds_of(new) == {"two"}
    assert await _failures(new) == []
    assert (await _begins_with_a_pause(new), await _begins_with_a_pause(old)) == (True, False)
    assert await region.repeats() == 0


async def _waiting(house: Stack, name: str, *sites: str) -> WorkflowHandle[Any, Any]:
    """A campaign half-way: one site is done, a person is waited for before the next."""
    handle = await house.start_campaign(
        name,
        select={"names": list(sites)},
        waves=[{"count": 1}, {"percent": 100}],
        approvals=["after-wave-1"],
    )
    await house.until_phase(handle, "waiting-approval")
    return handle


async def _approved(handle: WorkflowHandle[Any, Any]) -> None:
    await handle.execute_update("approve", ApproveRequest(gate="after-wave-1", owner="anna"))


async def _start(house: Stack, source: Path) -> WorkerProcess:
    """A worker of another source tree: a process of its own, as those of tests are forked from here."""
    env = unmeasured(os.environ) | {
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "",
        "TEMPORAL_ADDRESS": house.server.address,
        "STARFLOCK_INVENTORY": str(house.simulator.inventory),
        "STARFLOCK_DATA": str(house.folder),
        "STARFLOCK_EMBEDDED": "true",
        "STARFLOCK_PACE": str(PACE),
        "STARFLOCK_REQUEST_TIMEOUT_S": "4",
        "STARFLOCK_SEND_WINDOW_S": "2",
        "STARFLOCK_GRACEFUL_SHUTDOWN": "5s",
        **house.settings,
    }
    with open(house.folder / "worker.log", "ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workers", env=env, cwd=source, stdout=log, stderr=log
        )
    worker = WorkerProcess(process)  # type: ignore[arg-type]
    house.workers.append(worker)
    return worker


async def _failures(handle: WorkflowHandle[Any, Any]) -> list[int]:
    """Causes of workflow tasks that failed."""
    return [
        event.workflow_task_failed_event_attributes.cause
        for event in (await handle.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    ]


async def _begins_with_a_pause(handle: WorkflowHandle[Any, Any]) -> bool:
    wanted = (EventType.EVENT_TYPE_TIMER_STARTED, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    kinds = [event.event_type for event in (await handle.fetch_history()).events]
    return next(kind for kind in kinds if kind in wanted) == EventType.EVENT_TYPE_TIMER_STARTED
