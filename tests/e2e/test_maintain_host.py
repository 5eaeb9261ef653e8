"""Hosts out of service and back: what arrives at the site in which order, and what is given back.

All tests share one region: even sites are AIO-DX, odd ones AIO-SX; each test has sites of its own.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from models import contracts
from models.host_maintenance import MaintainHostResult, MaintenancePlan, WorkDone
from models.maintenance import MaintainHostRequest
from models.outcome import Outcome
from models.records import SiteRun
from tests.cli.served import desk_at
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, scheduled, stack, until
from tests.support.stranger import stranger

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

C0, C1 = "controller-0", "controller-1"
IN_SERVICE = {C0: "unlocked-available", C1: "unlocked-available"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("maintenance")
    options = ("--topology", "by-turns", "--plain", "--no-bmcs", "--reboot-seconds", "120")
    async with simulator(folder / "sim", sites=42, options=options) as region, stack(folder, region) as found:
        await found.start_worker()
        yield found


async def begin(house: Stack, site: str, host: str, act: str, **more: Any) -> WorkflowHandle[Any, Any]:
    return await house.client.start_workflow(
        contracts.MAINTAIN_HOST,
        MaintainHostRequest.model_validate({"site": site, "host": host, "act": act, **more}),
        id=contracts.site_workflow_id(site),
        task_queue=contracts.TASK_QUEUE,
        result_type=MaintainHostResult,
    )


async def end_of(handle: WorkflowHandle[Any, Any]) -> MaintainHostResult:
    """However it ended."""
    try:
        return MaintainHostResult.model_validate(await handle.result())
    except WorkflowFailureError as error:
        if not isinstance(error.cause, ApplicationError):
            raise
        return MaintainHostResult.model_validate(error.cause.details[0])


async def carried_out(house: Stack, site: str, host: str, act: str, **more: Any) -> MaintainHostResult:
    return await end_of(await begin(house, site, host, act, **more))


async def plan_of(house: Stack, site: str, host: str, act: str) -> MaintenancePlan:
    return await house.client.execute_workflow(
        contracts.PLAN_MAINTENANCE,
        MaintainHostRequest.model_validate({"site": site, "host": host, "act": act}),
        id=f"look/plan/{site}/{act}",
        task_queue=contracts.TASK_QUEUE,
        result_type=MaintenancePlan,
    )


async def applied(region: Simulator, site: str) -> list[str]:
    """Actions on hosts, in the order in which they were taken."""
    entries = await region.get(f"/sites/{site}/mutations")
    done = [each for each in entries if each["outcome"] == "applied"]
    return [f"{each['intent'].removeprefix('sysinv.host.')} {each['target']}" for each in done]


async def hosts(region: Simulator, site: str) -> dict[str, str]:
    rows = (await region.get(f"/sites/{site}"))["hosts"]
    return {each["name"]: f"{each['administrative']}-{each['availability']}" for each in rows}


async def until_step(house: Stack, handle: WorkflowHandle[Any, Any], step: str) -> None:
    async def reached() -> bool:
        found: str = (await handle.query(contracts.PROGRESS_QUERY))["step"]
        return found == step

    await until(reached, step)


async def last_run(house: Stack, site: str) -> SiteRun:
    return (await house.runs_of(site))[-1]


# -- the way there and back


async def test_a_standby_is_locked_rebooted_and_unlocked(house: Stack) -> None:
    end = await carried_out(house, "edge-0002", C1, "reboot", by="ada")
    assert (end.outcome, end.reason) == (Outcome.SUCCEEDED, f"{C1} is in service again")
    assert await applied(house.simulator, "edge-0002") == [f"lock {C1}", f"reboot {C1}", f"unlock {C1}"]
    assert await hosts(house.simulator, "edge-0002") == IN_SERVICE
    run = await last_run(house, "edge-0002")
    assert (run.operation, run.outcome, run.evidence[0]) == ("reboot", Outcome.SUCCEEDED, "asked for by ada")


async def test_the_active_controller_hands_over_first_and_the_other_one_goes_on(house: Stack) -> None:
    end = await carried_out(house, "edge-0004", C0, "reboot")
    assert end.outcome is Outcome.SUCCEEDED
    assert f"{C1} serves the site now, where {C0} did before" in end.evidence
    assert await applied(house.simulator, "edge-0004") == [
        f"swact {C0}",
        f"lock {C0}",
        f"reboot {C0}",
        f"unlock {C0}",
    ]


async def test_the_only_host_is_rebooted_by_its_unlock(house: Stack) -> None:
    end = await carried_out(house, "edge-0001", C0, "reboot")
    assert end.outcome is Outcome.SUCCEEDED
    assert await applied(house.simulator, "edge-0001") == [f"lock {C0}", f"unlock {C0}"]


async def test_a_host_stays_out_until_the_work_is_done_and_the_swact_is_taken_back(house: Stack) -> None:
    handle = await begin(house, "edge-0006", C0, "maintain", swact_back=True)
    early = await house.refusal(handle, "work_done", WorkDone(host=f"edge-0006/{C0}", owner="ada"))
    assert "nobody works on edge-0006/controller-0 yet" in early
    await until_step(house, handle, f"{C0}: out of service")
    assert (await hosts(house.simulator, "edge-0006"))[C0] == "locked-online"
    other = await house.refusal(handle, "work_done", WorkDone(host=f"edge-0006/{C1}", owner="ada"))
    assert "not edge-0006/controller-1" in other
    await handle.execute_update("work_done", WorkDone(host=f"edge-0006/{C0}", owner="ada"))
    end = await end_of(handle)
    assert end.outcome is Outcome.SUCCEEDED
    assert "ada said that the work is done" in end.evidence
    assert await applied(house.simulator, "edge-0006") == [
        f"swact {C0}",
        f"lock {C0}",
        f"unlock {C0}",
        f"swact {C1}",
    ]


async def test_a_locked_host_stays_locked_until_it_is_unlocked(house: Stack) -> None:
    locked = await carried_out(house, "edge-0008", C1, "lock")
    assert locked.outcome is Outcome.SUCCEEDED
    assert (await carried_out(house, "edge-0008", C1, "lock")).outcome is Outcome.ALREADY
    held = await carried_out(house, "edge-0008", C0, "reboot")
    assert held.outcome is Outcome.BLOCKED
    assert held.reason.startswith(f"{C0} can hand over to none: {C1} is locked-disabled-online")
    assert (await carried_out(house, "edge-0008", C1, "unlock")).outcome is Outcome.SUCCEEDED
    assert (await carried_out(house, "edge-0008", C1, "unlock")).outcome is Outcome.ALREADY
    assert await applied(house.simulator, "edge-0008") == [f"lock {C1}", f"unlock {C1}"]


async def test_a_swact_of_who_does_not_serve_the_site_is_done_already(house: Stack) -> None:
    assert (await carried_out(house, "edge-0010", C1, "swact")).outcome is Outcome.ALREADY
    end = await carried_out(house, "edge-0010", C0, "swact")
    assert (end.outcome, end.reason) == (Outcome.SUCCEEDED, f"{C1} serves the site")
    alone = await carried_out(house, "edge-0003", C0, "swact")
    assert (alone.outcome, alone.changed) == (Outcome.BLOCKED, ())
    assert await applied(house.simulator, "edge-0010") == [f"swact {C0}"]


async def test_a_plan_says_what_would_be_done_and_changes_nothing(house: Stack) -> None:
    pair = await plan_of(house, "edge-0012", C0, "reboot")
    assert pair.blockers == ()
    assert [step.split()[0] for step in pair.steps] == ["swact:", "lock", "reboot", "unlock"]
    alone = await plan_of(house, "edge-0005", C0, "lock")
    assert alone.steps == (f"lock {C0}; it is the only host: its workloads stop until it is unlocked",)
    assert (await plan_of(house, "edge-0005", C0, "swact")).blockers
    assert await applied(house.simulator, "edge-0012") == await applied(house.simulator, "edge-0005") == []


# -- what the site refuses, and what goes wrong


async def test_what_the_site_refuses_for_now_is_asked_again(house: Stack) -> None:
    site = "edge-0014"
    for on in ("host.swact", "host.lock", "host.unlock"):
        await house.simulator.fault(site, on, "refuse", times=1)
    await house.simulator.fault(site, "host.unlock", "fail", times=1)
    end = await carried_out(house, site, C0, "reboot")
    assert end.outcome is Outcome.SUCCEEDED
    assert await applied(house.simulator, site) == [
        f"swact {C0}",
        f"lock {C0}",
        f"reboot {C0}",
        f"unlock {C0}",
        f"unlock {C0}",
    ]


async def test_a_lock_that_the_vim_drops_silently_fails_and_leaves_the_host_in_service(house: Stack) -> None:
    site = "edge-0016"
    await house.simulator.fault(site, "host.lock", "fail", times=1)
    end = await carried_out(house, site, C1, "reboot")
    assert end.outcome is Outcome.FAILED
    assert end.reason == (
        f"{C1} was not locked: it went back: {C1} is unlocked-enabled-available; the VIM says "
        f"services-disable-failed; {C1} was given back"
    )
    assert await hosts(house.simulator, site) == IN_SERVICE
    assert await applied(house.simulator, site) == [f"lock {C1}"]


async def test_only_an_operators_words_lock_by_force(house: Stack) -> None:
    site = "edge-0018"
    await house.simulator.fault(site, "host.lock", "fail", times=1)
    policy = {"force_lock": "its disk is dying"}
    end = await carried_out(house, site, C1, "lock", policy=policy)
    assert end.outcome is Outcome.SUCCEEDED
    assert end.evidence[0].startswith(
        f"{C1} was locked by force (its disk is dying), since: {C1} was not locked"
    )
    assert await applied(house.simulator, site) == [f"lock {C1}", f"force-lock {C1}"]
    assert (await last_run(house, site)).evidence[0] == end.evidence[0]


async def test_a_swact_that_fails_leaves_everything_in_service(house: Stack) -> None:
    site = "edge-0020"
    await house.simulator.fault(site, "host.swact", "fail", times=1)
    end = await carried_out(house, site, C0, "reboot")
    assert end.outcome is Outcome.FAILED
    assert f"{C0} did not hand over" in end.reason
    assert await applied(house.simulator, site) == [f"swact {C0}"]
    assert await hosts(house.simulator, site) == IN_SERVICE


async def test_a_host_whose_reboot_fails_is_given_back(house: Stack) -> None:
    site = "edge-0022"
    await house.simulator.fault(site, "host.reboot", "fail", times=1)
    end = await carried_out(house, site, C1, "reboot")
    assert end.outcome is Outcome.FAILED
    assert "Reboot Failed" in end.reason
    assert end.reason.endswith(f"{C1} was given back")
    assert await hosts(house.simulator, site) == IN_SERVICE


async def test_what_does_not_come_back_is_said_and_the_next_run_begins_with_it(house: Stack) -> None:
    site = "edge-0024"
    await house.simulator.fault(site, "host.unlock", "fail", times=3)
    end = await carried_out(house, site, C1, "reboot")
    assert end.outcome is Outcome.FAILED
    assert f"{C1} did not come into service: it went back" in end.reason
    assert (await hosts(house.simulator, site))[C1] == "locked-online"
    assert (await plan_of(house, site, C1, "reboot")).left_by_us == (C1,)
    after = await carried_out(house, site, C0, "swact")
    assert after.outcome is Outcome.SUCCEEDED
    assert (
        after.evidence[0]
        == f"{C1} was left out of service by an earlier run of ours, and was given back first"
    )
    assert (await applied(house.simulator, site))[-2:] == [f"unlock {C1}", f"swact {C0}"]


async def test_maintenance_that_mtce_gives_up_is_failed_and_a_lock_and_unlock_helps(house: Stack) -> None:
    site = "edge-0026"
    await house.simulator.fault(site, "host.enable", "fail", times=1)
    end = await carried_out(house, site, C1, "reboot")
    assert end.outcome is Outcome.FAILED
    assert "threshold reached, Lock/Unlock to retry" in end.reason
    again = await carried_out(house, site, C1, "reboot")
    assert again.outcome is Outcome.SUCCEEDED
    assert await hosts(house.simulator, site) == IN_SERVICE


async def test_nothing_is_done_while_a_site_recovers_from_a_loss_of_power(house: Stack) -> None:
    site = "edge-0028"
    await house.simulator.fault(site, "site", "power-loss", seconds=100_000)
    held = await carried_out(house, site, C1, "reboot", ready_within="15m")
    assert held.outcome is Outcome.BLOCKED
    assert held.reason.startswith(f"{site} recovers from a loss of power: {C0} has booted within 20 minutes")
    assert await applied(house.simulator, site) == []


async def test_a_host_that_somebody_else_has_locked_is_left_alone(house: Stack) -> None:
    site = "edge-0030"
    async with stranger(house.simulator, site) as other:
        await other.act(C1, "lock")

    async def is_locked() -> bool:
        return (await hosts(house.simulator, site))[C1] == "locked-online"

    await until(is_locked, "the stranger's lock")
    held = await carried_out(house, site, C1, "maintain")
    assert held.outcome is Outcome.BLOCKED
    assert "no run of ours has locked it" in held.reason
    assert await applied(house.simulator, site) == [f"lock {C1}"]
    assert (await carried_out(house, site, C1, "unlock")).outcome is Outcome.SUCCEEDED


# -- a site of its own kind


async def test_a_worker_of_a_standard_site_is_rebooted_beside_its_controllers(tmp_path: Path) -> None:
    options = ("--topology", "standard", "--plain", "--no-bmcs", "--reboot-seconds", "120")
    async with (
        simulator(tmp_path / "sim", sites=1, options=options) as region,
        stack(tmp_path, region) as house,
    ):
        await house.start_worker()
        plan = await plan_of(house, "edge-0001", C0, "lock")
        assert [step.split()[0] for step in plan.steps] == ["swact:", "lock"]
        end = await carried_out(house, "edge-0001", "worker-1", "reboot")
        assert end.outcome is Outcome.SUCCEEDED, end
        assert await applied(region, "edge-0001") == ["lock worker-1", "reboot worker-1", "unlock worker-1"]
        assert set((await hosts(region, "edge-0001")).values()) == {"unlocked-available"}


# -- a person changes their mind


async def test_a_cancel_gives_the_host_back(house: Stack) -> None:
    site = "edge-0032"
    handle = await begin(house, site, C1, "maintain")
    await until_step(house, handle, f"{C1}: out of service")
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    assert await hosts(house.simulator, site) == IN_SERVICE
    run = await last_run(house, site)
    assert run.reason == f"cancelled while it was out of service; {C1} was given back"


async def test_a_cancel_while_the_lock_is_asked_for_waits_for_it_and_gives_the_host_back(
    house: Stack,
) -> None:
    site, region = "edge-0042", house.simulator
    await region.fault(site, "sysinv", "hold", mutating=True, times=1)
    handle = await begin(house, site, C1, "reboot")

    async def is_parked() -> bool:
        return any(each["site"] == site for each in (await region.get("/held"))["held"])

    await until(is_parked, "the lock")
    await handle.cancel()
    await region.clear_faults()
    assert await house.status_of(handle) == "CANCELED"
    assert await applied(region, site) == [f"lock {C1}", f"unlock {C1}"]
    assert await hosts(region, site) == IN_SERVICE


async def test_a_cancel_before_the_lock_touches_nothing(house: Stack) -> None:
    site = "edge-0034"
    await house.simulator.fault(site, "site", "hold")
    handle = await begin(house, site, C1, "maintain")

    async def waits() -> bool:
        return "the VIM of" in (await handle.query(contracts.PROGRESS_QUERY))["why"]

    await until(waits, "the gate")
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    assert await applied(house.simulator, site) == []


async def test_a_host_of_which_nobody_says_a_word_is_given_back(house: Stack) -> None:
    end = await carried_out(house, "edge-0036", C1, "maintain", work_within="10m")
    assert end.outcome is Outcome.FAILED
    assert end.reason == f"nobody said within 0:10:00 that the work is done; {C1} was given back"
    assert await hosts(house.simulator, "edge-0036") == IN_SERVICE


async def test_what_a_terminated_run_left_is_put_right_by_the_next_one(house: Stack) -> None:
    site = "edge-0038"
    handle = await begin(house, site, C1, "maintain")
    await until_step(house, handle, f"{C1}: out of service")
    await handle.terminate("by a test")
    assert (await plan_of(house, site, C0, "swact")).left_by_us == (C1,)
    end = await carried_out(house, site, C0, "swact")
    assert end.outcome is Outcome.SUCCEEDED
    assert await applied(house.simulator, site) == [f"lock {C1}", f"unlock {C1}", f"swact {C0}"]
    assert (await plan_of(house, site, C1, "reboot")).left_by_us == ()


# -- by the command line


async def test_the_command_line_plans_reboots_and_says_when_work_is_done(
    house: Stack, tmp_path: Path
) -> None:
    desk = desk_at(house, tmp_path)
    site = "edge-0040"
    planned = await desk("host", "reboot", f"{site}/{C1}", "--plan")
    assert (planned.code, planned.err) == (0, "")
    assert f"1. lock {C1}" in planned.out
    forbidden = await desk("host", "swact", f"edge-0007/{C0}", "--plan", "-o", "json")
    assert forbidden.code == 1
    assert json.loads(forbidden.out)["blockers"] == [
        f"{C0} is the only controller: there is none to hand over to"
    ]
    (tmp_path / "policy.yaml").write_text("pods: {bare: maybe}\n")
    wrong = await desk("host", "lock", f"{site}/{C1}", "--policy", str(tmp_path / "policy.yaml"))
    assert wrong.code == 2
    assert "policy.yaml:1: pods.bare" in wrong.err
    assert (await desk("host", "done", f"{site}/{C1}")).code == 4
    begun = await desk("host", "maintain", f"{site}/{C1}", "--no-wait", "--by", "ada", "-o", "json")
    handle = house.client.get_workflow_handle(json.loads(begun.out)["workflow_id"])
    await until_step(house, handle, f"{C1}: out of service")
    held = await desk("host", "unlock", f"{site}/{C1}")
    assert held.code == 5
    assert f"{site} is held by a MaintainHost" in held.err
    assert (await desk("host", "done", f"{site}/{C1}", "--by", "ada")).code == 0
    assert (await end_of(handle)).outcome is Outcome.SUCCEEDED
    again = await desk("host", "unlock", f"{site}/{C1}")
    assert again.code == 0
    assert "already" in again.out


async def test_nothing_was_sent_twice(house: Stack) -> None:
    """Of all that the tests above have done; an unlock that was taken back is another life."""
    assert await house.simulator.repeats() == 0


async def test_another_id_holds_no_lock_and_is_refused(house: Stack) -> None:
    request = MaintainHostRequest(site="edge-0040", host=C1, act="lock")
    handle = await house.client.start_workflow(
        contracts.MAINTAIN_HOST, request, id="maintain", task_queue=contracts.TASK_QUEUE
    )
    assert "runs only under the workflow id site/edge-0040" in await house.failure_of(handle)
    assert await scheduled(handle) == []
