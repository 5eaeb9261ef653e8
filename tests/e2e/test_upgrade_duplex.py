"""AIO-DX sites to the next major release and back: the order of what arrives, boundaries, what is left."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from models import contracts
from models.outcome import Outcome
from models.upgrade import Halt
from tests.support.simulator import Simulator
from tests.support.stack import Stack, stack
from tests.support.upgrade import ended, parked, roll_back, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAJOR = "starlingx-26.09.0"
REGION: dict[str, Any] = {
    "sites": 6,
    "options": ("--plain", "--topology", "aio-dx", "--major", "controller"),
    "speed": 480,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    # What is parked is not given up before the test lets it go.
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_REQUEST_TIMEOUT_S="20") as running:
        await running.start_worker()
        yield running


FORWARD = (
    "start",
    "take out controller-1",
    "deploy controller-1",
    "bring back controller-1",
    "swact controller-0",
    "take out controller-0",
    "deploy controller-0",
    "bring back controller-0",
    "swact controller-1",
    "activate",
    "complete",
    "delete",
)


async def hosts_of(house: Stack, site: str) -> list[tuple[str, str, bool]]:
    rows = (await house.simulator.get(f"/sites/{site}"))["hosts"]
    return [(row["name"], row["administrative"], row["active"]) for row in rows]


AS_FOUND = [("controller-0", "unlocked", True), ("controller-1", "unlocked", False)]


async def test_a_major_release_goes_the_way_that_usm_enforces(house: Stack) -> None:
    result = await ended(await upgrade(house, "edge-0001", MAJOR))
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.order == FORWARD
    assert result.version_after == MAJOR
    assert await house.simulator.mutations("edge-0001") == [
        "usm.precheck",
        "usm.start",
        "sysinv.host.lock",
        "usm.deploy_host",
        "sysinv.host.unlock",
        "sysinv.host.swact",
        "sysinv.host.lock",
        "usm.deploy_host",
        "sysinv.host.unlock",
        "sysinv.host.swact",
        "usm.activate",
        "usm.complete",
        "usm.delete",
    ]
    assert await hosts_of(house, "edge-0001") == AS_FOUND
    assert await house.simulator.repeats() == 0


async def test_it_stops_at_a_host_boundary_and_is_gone_on_with_by_the_next_run(house: Stack) -> None:
    site = "edge-0002"
    await house.simulator.fault(f"{site}/controller-1", "usm.host", "hold", times=1)
    handle = await upgrade(house, site, MAJOR)
    await parked(house, site)
    await handle.execute_update("end", Halt(site=site, owner="olga"))
    await house.simulator.clear_faults()
    stopped = await ended(handle)
    assert stopped.outcome is Outcome.ABORTED
    assert "stands at host; through: controller-1" in stopped.reason
    assert await hosts_of(house, site) == AS_FOUND
    result = await ended(await upgrade(house, site, MAJOR))
    assert result.outcome is Outcome.SUCCEEDED, result
    assert stopped.order + result.order == FORWARD
    assert await house.simulator.repeats() == 0


async def test_what_a_terminated_run_left_is_gone_on_with(house: Stack) -> None:
    site = "edge-0003"
    await house.simulator.fault(f"{site}/controller-0", "usm.host", "hold", times=1)
    handle = await upgrade(house, site, MAJOR)
    await parked(house, site)
    await handle.terminate("test")
    await house.simulator.clear_faults()
    result = await ended(await upgrade(house, site, MAJOR))
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.order[-5:] == FORWARD[-5:]
    assert await hosts_of(house, site) == AS_FOUND
    assert await house.simulator.repeats() == 0


async def test_a_host_whose_own_workflow_was_terminated_is_told_of_and_done_by_the_next_run(
    house: Stack,
) -> None:
    site = "edge-0006"
    await house.simulator.fault(f"{site}/controller-1", "usm.host", "hold", times=1)
    handle = await upgrade(house, site, MAJOR)
    await parked(house, site)
    await house.client.get_workflow_handle(contracts.host_workflow_id(site, "controller-1")).terminate("test")
    await house.simulator.clear_faults()
    left = await ended(handle)
    assert left.outcome is Outcome.FAILED
    assert left.reason.startswith("controller-1: its workflow ended without a word"), left.reason
    result = await ended(await upgrade(house, site, MAJOR))
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await hosts_of(house, site) == AS_FOUND
    assert await house.simulator.repeats() == 0


async def test_an_activation_that_fails_is_turned_back_in_exact_reverse(house: Stack) -> None:
    site = "edge-0004"
    await house.simulator.fault(site, "usm.activate", "fail")
    result = await ended(await upgrade(house, site, MAJOR, controller_fails="roll-back"))
    await house.simulator.clear_faults()
    assert result.outcome is Outcome.FAILED
    assert result.rolled_back, result
    assert result.reason.startswith("rolled back: activate: 3 tries")
    assert result.order[result.order.index("abort") :] == (
        "abort",
        "activate rollback",
        "swact controller-0",
        "take out controller-0",
        "roll back controller-0",
        "bring back controller-0",
        "swact controller-1",
        "take out controller-1",
        "roll back controller-1",
        "bring back controller-1",
        "delete",
    )
    assert result.version_after == "starlingx-26.03.0"
    assert await hosts_of(house, site) == AS_FOUND


async def test_a_completed_upgrade_can_be_taken_back_until_it_is_deleted(house: Stack) -> None:
    site = "edge-0005"
    kept = await ended(await upgrade(house, site, MAJOR, delete=False))
    assert kept.outcome is Outcome.SUCCEEDED, kept
    assert "stands at completed" in kept.reason
    back = await ended(await roll_back(house, site, MAJOR))
    assert back.outcome is Outcome.SUCCEEDED, back
    assert (back.version_before, back.version_after) == ("starlingx-26.03.0", "starlingx-26.03.0")
    assert (await ended(await roll_back(house, site, MAJOR))).outcome is Outcome.ALREADY
    assert (await ended(await upgrade(house, site, MAJOR))).outcome is Outcome.SUCCEEDED
    late = await ended(await roll_back(house, site, MAJOR))
    assert late.outcome is Outcome.REFUSED
    assert "no way back" in late.reason
    assert {name for name, state, _ in await hosts_of(house, site) if state == "locked"} == set()
