"""A new version of the workers is rolled out in the middle of a campaign, with Temporal's worker versioning.

The same code runs as two builds, so what is shown is the routing: what has begun stays with the build that it
began on until its end, with the sites that it starts later; what begins afterwards goes to the new one.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from models.campaign import ApproveRequest
from models.outcome import Outcome
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with simulator(tmp_path_factory.mktemp("sim"), sites=3, options=("--plain",)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("house")
    async with stack(folder, region, STARFLOCK_DEPLOYMENT="fleet") as running:
        yield running


async def test_a_rolling_deploy_leaves_a_running_campaign_alone(house: Stack, region: Simulator) -> None:
    await _deploy(house, "one")
    handle = await house.start_campaign(
        "rolled", select={"names": ["edge-0001", "edge-0002"]}, approvals=["after-wave-1"]
    )
    await house.until_phase(handle, "waiting-approval")
    await _deploy(house, "two")
    await handle.execute_update("approve", ApproveRequest(gate="after-wave-1", owner="anna"))
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 2}
    for run in ("campaign/rolled", "site/edge-0001", "site/edge-0002"):
        assert await builds_of(house.client.get_workflow_handle(run)) == {"one"}, run

    assert (await house.patch("edge-0003")).outcome == Outcome.SUCCEEDED
    assert await builds_of(house.client.get_workflow_handle("site/edge-0003")) == {"two"}
    assert await region.repeats() == 0


async def _deploy(house: Stack, build: str) -> None:
    """Workers of this build beside what is there, and what begins from now on goes to them."""
    house.settings["STARFLOCK_BUILD"] = build
    await house.start_worker()
    await made_current(house, build)


async def made_current(house: Stack, build: str) -> None:
    """Once its workers have polled: what begins from now on goes to them."""

    async def is_done() -> bool:
        request = SetWorkerDeploymentCurrentVersionRequest(
            namespace=house.client.namespace,
            deployment_name="fleet",
            build_id=build,
            identity="tests",
        )
        try:
            await house.client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as error:
            # Until its workers have polled, or while an earlier change is on its way.
            if error.status.name not in ("NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"):
                raise
            return False
        return True

    await until(is_done, f"build {build}")


async def builds_of(handle: "WorkflowHandle[object, object]") -> set[str]:
    """Which builds have worked on it."""
    return {
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in (await handle.fetch_history()).events
        if event.HasField("workflow_task_completed_event_attributes")
    }
