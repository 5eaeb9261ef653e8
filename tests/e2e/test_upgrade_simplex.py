"""AIO-SX sites upgraded by their own USM: with and without a reboot, stopped, turned back, gone on with."""

from typing import Any

import pytest

from models import contracts
from models.outcome import Outcome
from models.patch import SiteResult
from models.upgrade import Approve, Halt, UpgradePlan
from tests.support.stack import Stack, result_of
from tests.support.upgrade import asked, ended, roll_back, step_is, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGION: dict[str, Any] = {"sites": 6, "options": ("--plain",), "speed": 480}
REBOOTS, IN_SERVICE = "starlingx-26.03.2", "starlingx-26.03.1"


async def test_a_patch_that_needs_a_reboot_is_deployed_on_the_locked_host(house: Stack) -> None:
    result = await ended(await upgrade(house, "edge-0001", REBOOTS))
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.order == (
        "start",
        "take out controller-0",
        "deploy controller-0",
        "bring back controller-0",
        "activate",
        "complete",
        "delete",
    )
    assert (result.version_before, result.version_after) == ("starlingx-26.03.0", REBOOTS)
    sent = [each for each in await house.simulator.mutations("edge-0001") if "token" not in each]
    assert sent == [
        "usm.precheck",
        "usm.start",
        "sysinv.host.lock",
        "usm.deploy_host",
        "sysinv.host.unlock",
        "usm.activate",
        "usm.complete",
        "usm.delete",
    ]
    assert await house.simulator.repeats() == 0


async def test_a_patch_in_service_locks_nothing(house: Stack) -> None:
    result = await ended(await upgrade(house, "edge-0002", IN_SERVICE))
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.order == ("start", "deploy controller-0", "activate", "complete", "delete")
    again = await ended(await upgrade(house, "edge-0002", IN_SERVICE))
    assert again.outcome is Outcome.ALREADY


async def test_a_plan_names_steps_engine_and_ways_back_and_touches_nothing(house: Stack) -> None:
    plan: UpgradePlan = await house.client.execute_workflow(
        contracts.PLAN_UPGRADE,
        asked("edge-0003", REBOOTS),
        id="look/plan",
        task_queue=contracts.TASK_QUEUE,
        result_type=UpgradePlan,
    )
    assert plan.blockers == ()
    assert (plan.engine, plan.kind, plan.reboot_required) == ("direct", "patch", True)
    assert plan.steps[:3] == ("start", "take out controller-0", "deploy controller-0")
    assert any("completed" in way for way in plan.way_back)
    assert await house.simulator.mutations("edge-0003") == ["usm.precheck"]
    await house.simulator.fault("edge-0003", "usm.precheck", "fail")
    unfit: UpgradePlan = await house.client.execute_workflow(
        contracts.PLAN_UPGRADE,
        asked("edge-0003", REBOOTS),
        id="look/plan-unfit",
        task_queue=contracts.TASK_QUEUE,
        result_type=UpgradePlan,
    )
    assert unfit.blockers
    assert unfit.blockers[0].startswith("USM's precheck")


async def test_an_approval_is_waited_for_and_a_cancel_leaves_what_can_be_taken_back(house: Stack) -> None:
    site = "edge-0004"
    handle = await upgrade(house, site, REBOOTS, approve_before=["activate", "complete"])
    await step_is(handle, "approval of activate")
    refusal = await house.refusal(handle, "approve", Approve(site="edge-0001", step="activate", owner="olga"))
    assert "about edge-0004, not edge-0001" in refusal
    assert "not paused" in await house.refusal(handle, "resume", Halt(site=site, owner="olga"))
    await handle.execute_update("approve", Approve(site=site, step="activate", owner="olga"))
    await step_is(handle, "approval of complete")
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    back = await ended(await roll_back(house, site, REBOOTS))
    assert back.outcome is Outcome.SUCCEEDED, back
    assert back.order == (
        "abort",
        "activate rollback",
        "take out controller-0",
        "roll back controller-0",
        "bring back controller-0",
        "delete",
    )
    assert back.version_after == "starlingx-26.03.0"


async def test_the_vim_does_it_where_that_is_asked_for(house: Stack) -> None:
    handle = await upgrade(house, "edge-0005", IN_SERVICE, engine="vim")
    result = SiteResult.model_validate(await result_of(handle))
    assert result.outcome is Outcome.SUCCEEDED, result
    assert "vim.apply" in await house.simulator.mutations("edge-0005")


async def test_a_host_that_never_deploys_stops_the_run_and_the_next_begins_with_it(
    house: Stack,
) -> None:
    site = "edge-0006"
    await house.simulator.fault(f"{site}/controller-0", "usm.host", "fail")
    result = await ended(await upgrade(house, site, REBOOTS))
    await house.simulator.clear_faults()
    assert result.outcome is Outcome.FAILED
    assert "deploy controller-0: 3 tries" in result.reason
    assert "controller-0 stays locked: it is failed" in result.reason
    assert "stands at host-failed" in result.reason
    again = await ended(await upgrade(house, site, REBOOTS))
    assert again.outcome is Outcome.SUCCEEDED, again
    assert again.order[0] == "deploy controller-0"
