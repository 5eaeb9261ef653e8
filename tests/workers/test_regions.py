"""Sites of a region are worked on by its workers alone; where those are away its sites wait, others go on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import WorkflowHandle

from models import contracts
from models.bmc import HostRef
from models.hardware import HostReport, InspectRequest
from models.operations import PatchOperation
from models.outcome import Outcome
from models.patch import PatchSiteRequest
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, result_of, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPTIONS = ("--plain", "--bmc-flavours", "generic")
EAST = "starflock-east"
AWAY = f"queue {EAST}, which no worker polls"
HERE, THERE = ("edge-0001", "edge-0002"), ("edge-0003", "edge-0004")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    """One system controller, declared twice: by another name, with its queue, for two of its sites."""
    async with simulator(tmp_path_factory.mktemp("sim"), sites=5, options=OPTIONS) as running:
        document = yaml.safe_load(running.inventory.read_text())
        (west,) = document["system_controllers"]
        document["system_controllers"].append({**west, "name": "east", "queue": EAST})
        for site in document["sites"]:
            if site["name"] in THERE:
                site["system_controller"] = "east"
        running.inventory.write_text(yaml.safe_dump(document))
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_BUILD="main") as running:
        await running.start_worker()
        yield running


async def test_a_region_without_a_worker_waits_and_others_go_on(house: Stack, region: Simulator) -> None:
    handle = await house.start_campaign(
        "regions",
        select={"names": [*THERE, *HERE]},
        waves=[{"percent": 100}],
        window={"max_in_flight": 1},
    )

    async def others_are_done() -> bool:
        now = await house.progress(handle)
        return now.counts == {Outcome.SUCCEEDED: 2} and set(now.waiting) == set(THERE)

    await until(others_are_done, "the sites that have workers, though the window has one place")
    now = await house.progress(handle)
    assert all(why.startswith(f"held by {AWAY}; tried again at") for why in now.waiting.values()), now.waiting
    assert AWAY in now.why
    for site in THERE:
        assert await region.mutations(site) == []

    house.settings["STARFLOCK_QUEUES"] = f"{EAST},{EAST}-bmc"
    worker = await house.start_worker()
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 4}
    (_, main), (_, east) = (await _workers(house, "edge-0001"), await _workers(house, "edge-0003"))
    assert main.isdisjoint(east), "each site by its own workers, activities included"
    assert {queue for queue, _ in [await _workers(house, site) for site in THERE]} == {EAST}
    assert {queue for queue, _ in [await _workers(house, site) for site in HERE]} == {contracts.TASK_QUEUE}
    assert all(str(worker.process.pid) in name.partition("@")[0] for name in east), east
    assert await region.repeats() == 0


async def test_bmcs_of_a_region_are_spoken_to_from_there(house: Stack) -> None:
    """By the worker that the test before has started."""
    handle = await house.client.start_workflow(
        contracts.INSPECT_HOST,
        InspectRequest(on=HostRef(site="edge-0003", host="controller-0"), sensors=False),
        id="look/edge-0003",
        task_queue=EAST,
        result_type=HostReport,
    )
    assert (await handle.result()).facts.power == "On"
    (asked,) = [
        event.activity_task_scheduled_event_attributes.task_queue.name
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert asked == f"{EAST}-bmc"


async def test_a_run_on_another_queue_is_refused_and_told_where(house: Stack, region: Simulator) -> None:
    for site, queue, right in (("edge-0003", contracts.TASK_QUEUE, EAST), ("edge-0005", EAST, "starflock")):
        handle = await house.client.start_workflow(
            contracts.PATCH_SITE,
            PatchSiteRequest(site=site, operation=PatchOperation(kind="patch", release="starlingx-26.03.1")),
            id=contracts.site_workflow_id(site),
            task_queue=queue,
        )
        result = await result_of(handle)
        assert result.outcome is Outcome.REFUSED
        assert result.reason.startswith(f"{site} is worked on by workers of queue {right}, and this run was")
    assert await region.mutations("edge-0005") == []


async def _workers(house: Stack, site: str) -> tuple[str, set[str]]:
    """The queue of a site's run, and who has worked on it: workflow tasks and activities."""
    handle: WorkflowHandle[Any, Any] = house.client.get_workflow_handle(contracts.site_workflow_id(site))
    events = (await handle.fetch_history()).events
    tasks = {
        event.workflow_task_started_event_attributes.identity
        for event in events
        if event.HasField("workflow_task_started_event_attributes")
    }
    done = {
        event.activity_task_started_event_attributes.identity
        for event in events
        if event.HasField("activity_task_started_event_attributes")
    }
    (first,) = [each for each in events if each.HasField("workflow_execution_started_event_attributes")]
    queue: str = first.workflow_execution_started_event_attributes.task_queue.name
    return queue, tasks | done
