"""InstallHost's order, gates, ends and ways back, on the time-skipping server over a host on paper."""

import asyncio
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import (
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import WorkflowEnvironment

from activities.errors import Blocked, Refused, Transient
from models import contracts
from models.bmc import BootOverride
from models.campaign import Answer
from models.install import ApproveWipe, InstallHostRequest, InstallResult
from models.outcome import Outcome
from tests.workflows.paper_bmc import CD, DVD, PaperBmc, paper

REQUEST = {
    "site": "alpha",
    "host": "controller-0",
    "image": "http://192.0.2.1/boot.iso",
    "wipe": "alpha/controller-0",
}
LOCK = contracts.site_workflow_id("alpha")
PLAIN = ["insert /cd", "Once Cd", "On", "eject /cd"]


@workflow.defn
class WholeSite:
    """Holds the site's lock and installs a host below it."""

    @workflow.run
    async def run(self, request: InstallHostRequest) -> InstallResult:
        result: InstallResult = await workflow.execute_child_workflow(
            contracts.INSTALL_HOST,
            request,
            id=contracts.host_workflow_id(request.site, request.host),
            result_type=InstallResult,
        )
        return result


async def start(
    environment: WorkflowEnvironment, workflow_id: str = LOCK, name: str = contracts.INSTALL_HOST, **more: Any
) -> WorkflowHandle[Any, InstallResult]:
    return await environment.client.start_workflow(
        name,
        InstallHostRequest.model_validate(REQUEST | more),
        id=workflow_id,
        task_queue=contracts.TASK_QUEUE,
        result_type=InstallResult,
    )


async def end_of(handle: WorkflowHandle[Any, InstallResult]) -> InstallResult:
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        details = error.cause.details if isinstance(error.cause, ApplicationError) else ()
        result = InstallResult.model_validate(details[0])
    assert result.outcome not in (Outcome.SUCCEEDED, Outcome.ALREADY)
    return result


async def installed(bmc: PaperBmc, **more: Any) -> InstallResult:
    async with paper(bmc) as environment:
        result = await end_of(await start(environment, **more))
    (run,) = bmc.runs
    assert (run.operation, run.site, run.outcome) == ("install", "alpha", result.outcome)
    assert result.reason in run.reason
    return result


# -- the way through


async def test_insert_comes_before_override_and_override_before_power_on() -> None:
    bmc = PaperBmc()
    result = await installed(bmc)
    assert result.outcome is Outcome.SUCCEEDED
    assert result.reason == "boot.iso is installed and answers"
    assert bmc.did == PLAIN
    assert "answers as SSH-2.0-x" in result.evidence
    assert [step.name for step in bmc.runs[0].steps] == [
        "gates",
        "eject",
        "power off",
        "insert",
        "boot override",
        "boot the medium",
        "install",
        "boot from disk",
        "eject",
    ]


async def test_what_runs_is_switched_off_before_its_medium_is_taken() -> None:
    bmc = PaperBmc(power="On", media={CD: "http://192.0.2.1/old.iso"}, ours=("old.iso",))
    assert (await installed(bmc)).outcome is Outcome.SUCCEEDED
    assert bmc.did == ["ForceOff", "eject /cd", *PLAIN]


async def test_where_once_is_kept_the_disk_is_said_while_the_installer_runs() -> None:
    bmc = PaperBmc(keeps_once=True)
    assert (await installed(bmc)).outcome is Outcome.SUCCEEDED
    assert bmc.did == ["insert /cd", "Once Cd", "On", "Continuous Hdd", "eject /cd"]


async def test_an_installer_that_switches_off_is_started_from_its_disk() -> None:
    bmc = PaperBmc(host_ends=["off", "so"])
    assert (await installed(bmc)).outcome is Outcome.SUCCEEDED
    assert bmc.did == ["insert /cd", "Once Cd", "On", "Continuous Hdd", "eject /cd", "On"]


async def test_settings_are_pending_before_the_first_reset_and_compared_after_the_last() -> None:
    bmc = PaperBmc()
    assert (await installed(bmc, bios={"VT": "on"}, secure_boot=True)).outcome is Outcome.SUCCEEDED
    assert bmc.did == ["settings", *PLAIN]
    wrong = PaperBmc(left=("BIOS VT is 'off', not 'on'",))
    result = await installed(wrong, bios={"VT": "on"})
    assert result.outcome is Outcome.FAILED
    assert result.reason == "boot.iso is installed and answers, but BIOS VT is 'off', not 'on'"
    assert wrong.media[CD] == ""


async def test_the_next_drive_is_taken_where_the_first_cannot_insert() -> None:
    bmc = PaperBmc(media={CD: "", DVD: ""})
    bmc.wrong["insert"].append(Refused("405 not allowed"))
    result = await installed(bmc)
    assert result.outcome is Outcome.SUCCEEDED
    assert bmc.did == ["insert /dvd", "Once Cd", "On", "eject /dvd"]
    assert any("405" in line for line in result.evidence)


async def test_an_unverified_bmc_is_said_in_the_report() -> None:
    bmc = PaperBmc(unverified=True)
    result = await installed(bmc)
    assert any("not verified" in line for line in result.evidence)
    assert any("not verified" in line for line in bmc.runs[0].evidence)


# -- who may start it


@pytest.mark.parametrize("workflow_id", ["install-1", "site/beta", "site/alpha/controller-0"])
async def test_without_the_lock_it_is_refused_before_any_activity(workflow_id: str) -> None:
    bmc = PaperBmc()
    bmc.wrong["observe_site"].append(AssertionError("looked"))
    async with paper(bmc) as environment:
        handle = await start(environment, workflow_id)
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    assert isinstance(failure.value.cause, ApplicationError)
    assert "runs only under the workflow id site/alpha" in failure.value.cause.message
    assert bmc.runs == []
    assert len(bmc.wrong["observe_site"]) == 1


async def test_below_the_workflow_that_holds_the_site_it_runs() -> None:
    bmc = PaperBmc()
    async with paper(bmc, WholeSite) as environment:
        result = await (await start(environment, LOCK, "WholeSite")).result()
    assert result.outcome is Outcome.SUCCEEDED


# -- wiping


async def test_a_wipe_is_waited_for_until_it_is_approved_by_name() -> None:
    bmc = PaperBmc()
    async with paper(bmc) as environment:
        handle = await start(environment, wipe=None)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update("approve_wipe", ApproveWipe(host="alpha/controller-1", owner="anna"))
        assert isinstance(refused.value.cause, ApplicationError)
        assert "nothing was approved" in refused.value.cause.message
        assert bmc.did == []
        answer = await handle.execute_update(
            "approve_wipe", ApproveWipe(host="alpha/controller-0", owner="anna"), result_type=Answer
        )
        assert "by anna" in answer.message
        result = await handle.result()
    assert result.outcome is Outcome.SUCCEEDED
    assert "wipe approved by anna" in result.evidence


async def test_a_wipe_that_nobody_approves_changes_nothing() -> None:
    bmc = PaperBmc()
    result = await installed(bmc, wipe=None, ready_within="3h")
    assert result.outcome is Outcome.BLOCKED
    assert "nobody approved that alpha/controller-0 is wiped; nothing was changed" in result.reason
    assert bmc.did == []


async def test_a_host_that_answers_is_not_touched() -> None:
    bmc = PaperBmc(answers=True)
    assert (await installed(bmc)).outcome is Outcome.REFUSED
    assert bmc.did == []


async def test_a_frozen_fleet_is_waited_for() -> None:
    bmc = PaperBmc(frozen="holiday")

    def thaw() -> None:
        bmc.frozen = ""

    bmc.wrong["observe_site"] += [lambda: None, lambda: None, thaw]
    assert (await installed(bmc)).outcome is Outcome.SUCCEEDED


# -- ways back


NO_IMAGE = "the image cannot be reached from the BMC"


async def test_a_failure_before_power_on_puts_everything_back() -> None:
    before = BootOverride(enabled="Continuous", target="Pxe")
    bmc = PaperBmc(power="On", override=before)
    bmc.wrong["await inserted"].append(Blocked(NO_IMAGE))
    result = await installed(bmc)
    assert (result.outcome, result.reason, result.left) == (Outcome.BLOCKED, NO_IMAGE, ())
    assert bmc.did == ["ForceOff", "insert /cd", "eject /cd", "On"]
    assert (bmc.power, bmc.media[CD], bmc.override) == ("On", "", before)


async def test_blocked_is_not_said_of_a_machine_that_could_not_be_put_back() -> None:
    bmc = PaperBmc(power="On")
    bmc.wrong["power On"].append(Refused("no"))
    bmc.wrong["await inserted"].append(Blocked(NO_IMAGE))
    result = await installed(bmc)
    assert result.outcome is Outcome.FAILED
    assert result.left == ("it was on and could not be switched on again: no",)


async def test_power_and_override_are_put_back_as_they_were() -> None:
    before = BootOverride(enabled="Continuous", target="Pxe")
    bmc = PaperBmc(power="On", override=before)
    bmc.wrong["override"].append(Refused("not now"))
    result = await installed(bmc)
    assert (result.outcome, result.left) == (Outcome.REFUSED, ())
    assert bmc.did == ["ForceOff", "insert /cd", "Continuous Pxe", "eject /cd", "On"]
    assert (bmc.power, bmc.media[CD], bmc.override) == ("On", "", before)


async def test_a_machine_that_was_off_stays_off() -> None:
    bmc = PaperBmc()
    bmc.wrong["override"].append(Refused("not now"))
    await installed(bmc)
    assert bmc.did == ["insert /cd", "Disabled None", "eject /cd"]
    assert bmc.power == "Off"


async def test_an_installation_that_never_answers_leaves_the_host_off_and_says_so() -> None:
    bmc = PaperBmc(host_ends=["late"])
    result = await installed(bmc)
    assert result.outcome is Outcome.FAILED
    assert "does not answer by SSH at 192.0.2.9" in result.reason
    assert bmc.did == ["insert /cd", "Once Cd", "On", "Continuous Hdd", "ForceOff", "eject /cd"]
    assert result.left == ("its disks may hold half an installation; it was left switched off",)
    assert (bmc.power, bmc.media[CD]) == ("Off", "")


async def test_power_that_does_not_change_is_tried_the_other_way_and_then_said() -> None:
    bmc = PaperBmc(power="On")

    def still_on() -> None:
        bmc.power = "On"

    bmc.wrong["await off"] += [still_on, still_on]
    result = await installed(bmc)
    assert result.outcome is Outcome.FAILED
    assert "accepted ForceOff and GracefulShutdown, but the machine is On" in result.reason
    assert bmc.did == ["ForceOff", "GracefulShutdown"]


async def test_a_stuck_medium_is_left_in_words() -> None:
    bmc = PaperBmc()
    bmc.wrong["override"].append(Refused("not now"))
    bmc.wrong["eject"].append(Refused("stuck"))
    result = await installed(bmc)
    assert result.left == ("the medium could not be ejected: stuck",)
    assert "the medium could not be ejected: stuck" in result.reason


async def test_after_refused_credentials_nothing_more_is_tried() -> None:
    """BMCs lock accounts."""
    bmc = PaperBmc(power="On")
    words = "the BMC does not accept our credentials; tried once"
    bmc.wrong["override"] += [Refused(words), Refused(words)]
    result = await installed(bmc)
    assert result.outcome is Outcome.REFUSED
    assert bmc.did == ["ForceOff", "insert /cd"]
    assert result.left == (
        f"the boot override is still set: {words}",
        "the medium could not be ejected (not tried)",
        "it was on and could not be switched on again (not tried)",
    )


async def test_a_bmc_that_never_answers_is_unreachable() -> None:
    bmc = PaperBmc()
    bmc.wrong["look_at_bmc"] += [Transient("Connection refused")] * 10_000
    result = await installed(bmc, reachable_within="5m")
    assert (result.outcome, result.reason) == (Outcome.UNREACHABLE, "Connection refused")
    assert bmc.did == []


# -- cancel


async def test_a_cancel_before_power_on_puts_everything_back() -> None:
    bmc = PaperBmc()
    async with paper(bmc) as environment:
        handle = await start(environment)
        loop = asyncio.get_running_loop()
        asked: list[asyncio.Task[None]] = []

        def cancel() -> None:
            asked.append(loop.create_task(handle.cancel()))

        bmc.wrong["insert"].append(cancel)
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        await asked[0]
    assert isinstance(failure.value.cause, CancelledError)
    assert bmc.did[:1] == ["insert /cd"]
    assert bmc.did[-1] == "eject /cd"
    assert "On" not in bmc.did
    assert bmc.runs[0].outcome is Outcome.ABORTED


async def test_a_cancel_while_the_disk_is_written_lets_it_finish() -> None:
    bmc = PaperBmc(hold=asyncio.Event())
    assert bmc.hold is not None
    async with paper(bmc) as environment:
        handle = await start(environment)
        await bmc.held.wait()
        await handle.cancel()
        while not (await handle.query(contracts.PROGRESS_QUERY))["stopping"]:
            await asyncio.sleep(0.05)
        bmc.hold.set()
        result = await handle.result()
    assert result.outcome is Outcome.SUCCEEDED
    assert bmc.did == PLAIN


async def test_the_history_stays_small() -> None:
    bmc = PaperBmc()
    async with paper(bmc) as environment:
        handle = await start(environment, bios={"VT": "on"})
        await handle.result()
        events = [event async for event in handle.fetch_history_events()]
    assert len(events) <= 200
