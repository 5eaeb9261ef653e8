"""UpgradeSite of a duplex site to a major release, its worker killed at each boundary of a reference run.

The boundaries (each activity that sends, and each wait for what was sent) are shared out over a few sites
that go on side by side: each is a target of one of them, and every kill strikes the others wherever they are.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.service import RPCError, RPCStatusCode

from models import contracts
from models.outcome import Outcome
from tests.e2e.test_upgrade_duplex import AS_FOUND, FORWARD, MAJOR, hosts_of
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack, until
from tests.support.upgrade import ended, upgrade

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

LANES = 4
"""Sites; each is killed at every fourth boundary."""
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
        simulator(folder / "sim", sites=LANES + 1, speed=480, options=options) as region,
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
    lanes: dict[str, list[str]] = {f"edge-{lane + 2:04d}": steps[lane::LANES] for lane in range(LANES)}
    handles = {site: await upgrade(house, site, MAJOR) for site in lanes}
    struck: list[str] = []
    while any(lanes.values()):
        site = await until(lambda: due(house, lanes), f"one of {lanes}", within=180)
        assert site is not None
        struck.append(lanes[site].pop(0))
        await house.workers[-1].kill()
        await house.start_worker()
    assert sorted(struck) == sorted(steps)
    for site, handle in handles.items():
        result = await asyncio.wait_for(ended(handle), 180)
        assert (result.outcome, result.order) == (Outcome.SUCCEEDED, FORWARD), (site, result)
        assert await applied(house, site) == wanted
        assert await hosts_of(house, site) == AS_FOUND
    assert await house.simulator.repeats() == 0


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


async def due(house: Stack, lanes: dict[str, list[str]]) -> str | None:
    """A site that has come to its next boundary."""
    for site, left in lanes.items():
        if left and left[0] in [step for _, step in await sends(house, site, left[0].split()[0])]:
            return site
    return None
