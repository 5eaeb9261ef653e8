"""Wave 0: system controllers are upgraded before the sites of a campaign, or the campaign ends in words.

The next major release is available everywhere and deployed nowhere; the system controller is AIO-DX.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowUpdateFailedError

from activities.starlingx.directory import SHORTEST_TICK_S
from cli.session import ask
from models import contracts
from models.campaign import AbortRequest, CampaignSpec, PauseRequest
from models.fleet import CampaignPlan
from models.outcome import Outcome
from tests.support.simulator import Simulator
from tests.support.stack import Stack, stack, until
from tests.support.upgrade import ended, roll_back

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGION: dict[str, Any] = {
    "sites": 2,
    "options": ("--plain", "--no-bmcs", "--major", "available", "--reboot-seconds", "120"),
    "speed": 480,
}
MAJOR = "starlingx-26.09.0"
OPERATION = {"kind": "upgrade", "release": MAJOR, "reachable_within": "1h", "ready_within": "1h"}
CONTROLLER = "sc-1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_REQUEST_TIMEOUT_S="20") as running:
        await running.start_worker()
        yield running


REQUEST: dict[str, Any] = {
    "operation": OPERATION,
    "select": {"all": True},
    "waves": [{"percent": 100}],
    "budget": {"failed": "90%"},
    "controllers": "first",
}


def spec(name: str) -> CampaignSpec:
    return CampaignSpec.model_validate({"name": name} | REQUEST)


async def begin(house: Stack, name: str) -> Any:
    return await house.start_campaign(name, **REQUEST)


async def sent(region: Simulator, where: str) -> list[str]:
    return [each for each in await region.mutations(where) if each.startswith(("usm.", "sysinv."))]


async def test_a_controller_that_cannot_be_upgraded_ends_the_campaign_before_any_site(
    region: Simulator, house: Stack
) -> None:
    await region.fault(CONTROLLER, "usm.precheck", "fail")
    words = await house.failure_of(await begin(house, "held"))
    await region.clear_faults()
    assert "campaign held ended at wave 0, no site was touched: system controller sc-1: blocked: " in words
    assert "USM's precheck does not pass" in words
    assert set(await sent(region, CONTROLLER)) == {"usm.precheck"}
    assert [await sent(region, site) for site in ("edge-0001", "edge-0002")] == [[], []]


async def test_the_plan_lists_the_controller_before_its_sites(region: Simulator, house: Stack) -> None:
    async def plan() -> CampaignPlan:
        return await ask(house.client, contracts.PLAN_CAMPAIGN, "planned", spec("planned"), CampaignPlan)

    found = await plan()
    (controller,) = found.controllers
    assert (controller.name, controller.decision, controller.version) == (
        CONTROLLER,
        "go",
        "starlingx-26.03.2",
    )
    assert "major release, controller-1, controller-0" in controller.why
    assert [each.decision for each in found.sites] == ["go", "go"]
    assert all(each.why.startswith("after wave 0; direct: major release") for each in found.sites)

    freeze = await house.freeze("thunderstorm", "bert")
    found = await plan()
    assert [each.decision for each in (*found.controllers, *found.sites)] == ["wait", "wait", "wait"]
    assert "thunderstorm" in found.controllers[0].why
    await freeze.terminate()


async def test_a_pause_and_an_abort_reach_wave_0(region: Simulator, house: Stack) -> None:
    before = await sent(region, CONTROLLER)
    await region.fault(CONTROLLER, "usm", "drop-before", times=99)
    await asyncio.sleep(2 * SHORTEST_TICK_S)  # a reading from before is shared for so long
    campaign = await begin(house, "paused")

    async def is_taken() -> bool:
        try:
            await campaign.execute_update("pause", PauseRequest(reason="thunderstorm", owner="bert"))
        except WorkflowUpdateFailedError:
            return False
        return True

    await until(is_taken, "the campaign takes a pause")
    await region.clear_faults()

    async def waits() -> bool:
        return "sc-1 is next" in (await house.progress(campaign)).why

    await until(waits, "the controller's turn")
    now = await house.progress(campaign)
    assert now.phase == "paused"
    assert now.why.startswith("wave 0: system controller sc-1 is next to go to starlingx-26.09.0; paused")
    assert await sent(region, CONTROLLER) == before

    await campaign.execute_update("abort", AbortRequest(mode="drain", reason="enough", owner="bert"))
    result = await campaign.result()
    assert (result.aborted, result.reason) == (True, "enough")
    assert await sent(region, CONTROLLER) == before


@pytest.mark.parametrize("how", ["abort", "cancel"])
async def test_an_end_during_wave_0_is_handed_on_to_the_controller(
    region: Simulator, house: Stack, how: str
) -> None:
    """Up to the next safe point, which is before the first host."""
    before = await sent(region, CONTROLLER)
    await region.fault(CONTROLLER, "usm.start", "hold", times=1)
    campaign = await begin(house, f"stopped-by-{how}")

    async def parked() -> bool:
        return bool((await region.get("/held"))["count"])

    await until(parked, "the start of the deployment")
    if how == "cancel":
        await campaign.cancel()
    else:
        await campaign.execute_update("abort", AbortRequest(mode="drain", reason="late", owner="bert"))
        assert (await house.progress(campaign)).phase == "draining"
        await campaign.execute_update("abort", AbortRequest(mode="stop", reason="too late", owner="bert"))
    await region.clear_faults()
    result = await campaign.result()
    assert (result.aborted, result.reason) == (
        True,
        "cancelled in Temporal" if how == "cancel" else "too late",
    )
    assert await house.status_of(house.client.get_workflow_handle(f"site/{CONTROLLER}")) == "CANCELED"
    assert (await sent(region, CONTROLLER))[len(before) :] == ["usm.precheck", "usm.start"]
    assert await sent(region, "edge-0001") == []
    rolled = await ended(await roll_back(house, CONTROLLER, MAJOR))
    assert rolled.outcome is Outcome.SUCCEEDED, rolled.reason


async def test_the_controller_goes_first_and_the_sites_follow(region: Simulator, house: Stack) -> None:
    result = await (await begin(house, "major")).result()
    assert result.counts == {Outcome.SUCCEEDED: 2}
    of_controller = await ended(house.client.get_workflow_handle(f"site/{CONTROLLER}"))
    assert of_controller.outcome is Outcome.SUCCEEDED
    assert (of_controller.version_before, of_controller.version_after) == ("starlingx-26.03.2", MAJOR)
    assert [step for step in of_controller.order if step.startswith(("deploy", "swact"))] == [
        "deploy controller-1",
        "swact controller-0",
        "deploy controller-0",
        "swact controller-1",
    ]
    run = (await house.runs_of(CONTROLLER))[-1]
    sites = [run for site in ("edge-0001", "edge-0002") for run in await house.runs_of(site)]
    assert len(sites) == 2
    assert all(run.ended < each.began for each in sites)
    assert await region.repeats() == 0


async def test_a_controller_that_has_the_release_is_left_alone(region: Simulator, house: Stack) -> None:
    before = await sent(region, CONTROLLER)
    result = await (await begin(house, "again")).result()
    assert result.counts == {Outcome.ALREADY: 2}
    assert await sent(region, CONTROLLER) == before
