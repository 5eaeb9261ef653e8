"""Wave 0: system controllers are upgraded before the sites of a campaign, or the campaign ends in words.

The next major release is available everywhere and deployed nowhere; the system controller is AIO-DX.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.support.simulator import Simulator
from tests.support.stack import Stack, stack, until
from tests.support.upgrade import ended

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


async def begin(house: Stack, name: str) -> Any:
    return await house.start_campaign(
        name,
        operation=OPERATION,
        select={"all": True},
        waves=[{"percent": 100}],
        budget={"failed": "90%"},
        controllers="first",
    )


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


async def test_a_cancel_during_wave_0_is_handed_on_to_the_controller(region: Simulator, house: Stack) -> None:
    await region.fault(CONTROLLER, "usm.start", "hold", times=1)
    campaign = await begin(house, "stopped")

    async def parked() -> bool:
        return bool((await region.get("/held"))["count"])

    await until(parked, "the start of the deployment")
    await campaign.cancel()
    await region.clear_faults()
    assert await house.status_of(campaign) == "CANCELED"
    assert await house.status_of(house.client.get_workflow_handle(f"site/{CONTROLLER}")) == "CANCELED"
    # Up to the next safe point, which is before the first host.
    assert await sent(region, CONTROLLER) == ["usm.precheck", "usm.precheck", "usm.start"]
    assert await sent(region, "edge-0001") == []


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
    (run,) = [run for run in await house.runs_of(CONTROLLER) if run.outcome is Outcome.SUCCEEDED]
    sites = [run for site in ("edge-0001", "edge-0002") for run in await house.runs_of(site)]
    assert len(sites) == 2
    assert all(run.ended < each.began for each in sites)
    assert await region.repeats() == 0


async def test_a_controller_that_has_the_release_is_left_alone(region: Simulator, house: Stack) -> None:
    before = await sent(region, CONTROLLER)
    result = await (await begin(house, "again")).result()
    assert result.counts == {Outcome.ALREADY: 2}
    assert await sent(region, CONTROLLER) == before
