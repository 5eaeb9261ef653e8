"""UpgradeSite of a duplex site to a major release, its worker killed at each boundary of a reference run.

The boundaries (each activity that sends, and each wait for what was sent) are shared out over a few sites
that go on side by side: each is a target of one of them, and every kill strikes the others wherever they are.
That can save one a wait, since what it would have waited for has happened while there was no worker; a spare
site is killed there instead, alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from models import contracts
from models.outcome import Outcome
from tests.e2e.test_upgrade_duplex import AS_FOUND, FORWARD, MAJOR, hosts_of
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack, until
from tests.support.upgrade import ended, upgrade

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

Upgrade = WorkflowHandle[Any, Any]
LANES = [f"edge-{number:04d}" for number in range(2, 6)]
"""Each is killed at every fourth boundary."""
SPARE = "edge-0006"
SITE = "site"
RUNS = (SITE, "controller-1", "controller-0")
"""The site's own one, and those of its hosts."""
SENDS = ("act_on_deployment", "await_deployment", "act_on_host", "await_goal", "mark_host")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("bench")
    options = ("--topology", "aio-dx", "--major", "controller", "--plain", "--reboot-seconds", "120")
    # A replaced attempt is waited for: twice the time-out, and the window.
    short = {"STARFLOCK_REQUEST_TIMEOUT_S": "3", "STARFLOCK_SEND_WINDOW_S": "1"}
    async with (
        simulator(folder / "sim", sites=len(LANES) + 2, speed=480, options=options) as region,
        stack(folder, region) as running,
    ):
        running.settings |= short
        await running.start_worker()
        yield running


async def applied(house: Stack, site: str) -> list[str]:
    entries = await house.simulator.get(f"/sites/{site}/mutations")
    asked = [entry["intent"] for entry in entries if entry["outcome"] == "applied"]
    return [intent for intent in asked if intent != "usm.precheck"]


async def test_workers_killed_at_boundaries_lose_and_repeat_nothing(house: Stack) -> None:
    first = await upgrade(house, "edge-0001", MAJOR)
    reference = await ended(first)
    assert (reference.outcome, reference.order) == (Outcome.SUCCEEDED, FORWARD)
    steps = await boundaries(house, "edge-0001")
    wanted = await applied(house, "edge-0001")
    lanes = {site: steps[lane :: len(LANES)] for lane, site in enumerate(LANES)}
    handles = {site: await upgrade(house, site, MAJOR) for site in LANES}
    missed = await killed_along(house, lanes, handles)
    if missed:
        handles[SPARE] = await upgrade(house, SPARE, MAJOR)
        assert await killed_along(house, {SPARE: sorted(missed, key=steps.index)}, handles) == []
    for site, handle in handles.items():
        result = await asyncio.wait_for(ended(handle), 180)
        assert (result.outcome, result.order) == (Outcome.SUCCEEDED, FORWARD), (site, result)
        assert await applied(house, site) == wanted
        assert await hosts_of(house, site) == AS_FOUND
    assert await house.simulator.repeats() == 0


async def killed_along(house: Stack, lanes: dict[str, list[str]], handles: dict[str, Upgrade]) -> list[str]:
    """The worker, at each boundary of each lane in turn; returns those that runs have ended without."""
    missed: list[str] = []
    while any(lanes.values()):
        site = await until(lambda: due(house, lanes, handles), f"one of {lanes}", within=300)
        assert site is not None
        step = lanes[site].pop(0)
        if not await has_come(house, site, step):
            missed.append(step)
            continue
        await house.workers[-1].kill()
        await house.start_worker()
    return missed


async def boundaries(house: Stack, site: str) -> list[str]:
    """Of the site's run and of its hosts' own ones, as they came."""
    found = [each for run in RUNS for each in await sends(house, site, run)]
    return [step for _, step in sorted(found)]


async def sends(house: Stack, site: str, run: str) -> list[tuple[int, str]]:
    """When and what, so far; nothing of a run that has not begun."""
    path = contracts.host_workflow_id(site, run) if run != SITE else contracts.site_workflow_id(site)
    try:
        history = await house.client.get_workflow_handle(path).fetch_history()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return []
    so_far: Counter[str] = Counter()
    found = []
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            kind = event.activity_task_scheduled_event_attributes.activity_type.name
            # By its own kind, since a look more or less moves no boundary.
            so_far[kind] += 1
            if kind in SENDS:
                found.append((event.event_time.ToNanoseconds(), f"{run} {kind} {so_far[kind]}"))
    return found


async def due(house: Stack, lanes: dict[str, list[str]], handles: dict[str, Upgrade]) -> str | None:
    """A site that has come to its next boundary, or to its end."""
    for site, left in lanes.items():
        if left and (await has_come(house, site, left[0]) or not await is_open(handles[site])):
            return site
    return None


async def has_come(house: Stack, site: str, step: str) -> bool:
    return step in [each for _, each in await sends(house, site, step.split()[0])]


async def is_open(handle: Upgrade) -> bool:
    return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
