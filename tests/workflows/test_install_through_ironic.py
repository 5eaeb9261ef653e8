"""InstallHost through Ironic: order, gates, ends and ways back, on the time-skipping server over paper."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from activities.errors import Refused
from models import contracts
from models.install import InstallHostRequest, InstallResult
from models.ironic import NodeEnd
from models.operations import InstallOperation
from models.outcome import Outcome
from tests.workflows.paper_bmc import CD, paper
from tests.workflows.paper_node import NAME, PaperNode
from tests.workflows.test_install_host import REQUEST, installed, start

TO_AVAILABLE = ["enroll", "manage", "provide"]
DEPLOYED = [*TO_AVAILABLE, "image", "deploy"]
NO_IMAGE = NodeEnd(how="failed", kind="Blocked", words="image download failed")


def node(**more: Any) -> PaperNode:
    """Its BMC keeps what Ironic has set."""
    return PaperNode(keeps_once=True, **more)


async def deployed(there: PaperNode, **more: Any) -> InstallResult:
    return await installed(there, through="ironic", **more)


async def test_the_host_is_waited_for_after_active_and_the_disk_comes_before_it() -> None:
    there = node()
    result = await deployed(there)
    assert result.outcome is Outcome.SUCCEEDED
    assert there.did == [*DEPLOYED, "Continuous Hdd", "eject /cd"]
    assert (there.state, there.power, there.media[CD]) == ("active", "On", "")
    assert f"deployed through Ironic, as node {NAME}" in result.evidence
    assert [step.name for step in there.runs[0].steps] == [
        "gates",
        *TO_AVAILABLE,
        "deploy",
        "boot the medium",
        "install",
        "boot from disk",
        "eject",
    ]


OURS = {"state": "active", "image": "http://192.0.2.1/old.iso", "deployed_by": "an-earlier-run"}


async def test_a_node_that_we_have_deployed_is_undeployed_and_deployed_again() -> None:
    there = node(**OURS)
    result = await deployed(there)
    assert result.outcome is Outcome.SUCCEEDED
    assert there.did[:3] == ["undeploy", "image", "deploy"]
    assert there.image == "http://192.0.2.1/boot.iso"
    assert any("was active with http://192.0.2.1/old.iso since our run" in line for line in result.evidence)
    assert [step.name for step in there.runs[0].steps][:4] == ["gates", "undeploy", "enroll", "deploy"]


async def test_what_we_have_deployed_stays_until_the_wipe_is_confirmed() -> None:
    there = node(**OURS)
    assert (await deployed(there, wipe=None, ready_within="1h")).outcome is Outcome.BLOCKED
    assert (there.did, there.state) == ([], "active")


async def test_an_undeployment_that_cannot_be_followed_up_is_said() -> None:
    there = node(**OURS)
    there.wrong["image"].append(Refused("quota"))
    result = await deployed(there)
    assert (result.outcome, there.state) == (Outcome.REFUSED, "available")
    words = f"node {NAME} was active with http://192.0.2.1/old.iso and is available now: undeployed"
    assert words in result.left


async def test_a_node_that_is_available_is_only_deployed() -> None:
    there = node(state="available")
    assert (await deployed(there)).outcome is Outcome.SUCCEEDED
    assert there.did == ["image", "deploy", "Continuous Hdd", "eject /cd"]


async def test_an_installer_that_switches_off_is_started_from_its_disk_without_its_medium() -> None:
    there = node(state="available", host_ends=["off", "so"])
    assert (await deployed(there)).outcome is Outcome.SUCCEEDED
    assert there.did == ["image", "deploy", "Continuous Hdd", "Continuous Hdd", "eject /cd", "On"]


async def test_what_ironic_inspects_must_be_the_machine_of_the_bmc() -> None:
    same = node(inspects=True, serial="s1")
    assert (await deployed(same)).outcome is Outcome.SUCCEEDED
    assert same.did[:4] == ["enroll", "manage", "inspect", "provide"]
    other = node(inspects=True, serial="S2")
    result = await deployed(other)
    assert result.outcome is Outcome.REFUSED
    assert f"says serial number S1, Ironic's inspection of {NAME} found S2" in result.reason
    assert other.did == ["enroll", "manage", "inspect", "delete"]


# -- gates


@pytest.mark.parametrize(
    ("there", "outcome", "words"),
    [
        ({"maintenance": "disk is replaced"}, Outcome.BLOCKED, "in maintenance: disk is replaced"),
        ({"state": "active", "image": "http://x/o.iso"}, Outcome.REFUSED, "undeploy it first"),
        ({"state": "cleaning"}, Outcome.BLOCKED, "is cleaning; somebody works on it"),
        ({"answers": True}, Outcome.REFUSED, "it is in use"),
    ],
    ids=["maintenance", "active", "on the move", "it answers"],
)
async def test_a_gate_that_holds_leaves_everything_alone(
    there: dict[str, Any], outcome: Outcome, words: str
) -> None:
    held = node(**({"state": "available"} | there))
    result = await deployed(held)
    assert (result.outcome, held.did, result.left) == (outcome, [], ())
    assert words in result.reason


async def test_nothing_is_asked_of_ironic_before_the_wipe_is_confirmed() -> None:
    there = node()
    assert (await deployed(there, wipe=None, ready_within="1h")).outcome is Outcome.BLOCKED
    assert there.did == []


@pytest.mark.parametrize("more", [{"bios": {"VT": "on"}}, {"secure_boot": False}])
def test_settings_go_with_redfish_only(more: dict[str, Any]) -> None:
    for model, request in (
        (InstallHostRequest, REQUEST),
        (InstallOperation, {"kind": "install", "image": "http://a/b"}),
    ):
        assert model.model_validate(request | more | {"through": "redfish"})
        with pytest.raises(ValidationError, match="through redfish only"):
            model.model_validate(request | more | {"through": "ironic"})


# -- ways back


@pytest.mark.parametrize(
    ("state", "back", "outcome"),
    [
        # On the way to available Ironic has cleaned the disks: `blocked` would say that nothing was changed.
        ("", ["undeploy", "delete"], Outcome.FAILED),
        ("manageable", ["undeploy", "manage"], Outcome.FAILED),
        ("available", ["undeploy"], Outcome.BLOCKED),
    ],
)
async def test_a_failed_deployment_leaves_the_node_as_it_was_found(
    state: str, back: list[str], outcome: Outcome
) -> None:
    there = node(state=state)
    there.ends["deploy"].append(NO_IMAGE)
    result = await deployed(there)
    assert (result.outcome, result.reason.split(";")[0]) == (outcome, "image download failed")
    assert there.did[there.did.index("deploy") + 1 :] == [*back, "Disabled None"]
    assert (there.state, there.power) == (state, "Off")
    assert not any("half an installation" in line for line in result.left)


async def test_a_machine_that_was_on_is_on_again_after_a_failed_deployment() -> None:
    there = node(state="available", power="On")
    there.ends["deploy"].append(NO_IMAGE)
    assert (await deployed(there)).outcome is Outcome.BLOCKED
    assert there.did[-3:] == ["undeploy", "Disabled None", "On"]


async def test_a_machine_that_cleaning_left_off_is_on_again() -> None:
    there = node(power="On")

    def cleaned() -> None:
        there.power = "Off"

    there.wrong["provide"].append(cleaned)
    there.wrong["image"].append(Refused("quota"))
    result = await deployed(there)
    assert result.outcome is Outcome.REFUSED
    assert there.did[-2:] == ["delete", "On"]
    assert (there.power, there.state) == ("On", "")
    assert any("disks were cleaned" in line for line in result.left)


async def test_a_bmc_that_ironic_loses_while_deploying_may_have_booted_the_image() -> None:
    there = node(state="available", power="On")
    there.ends["deploy"].append(NodeEnd(how="failed", kind="Unreachable", words="unable to connect"))
    result = await deployed(there)
    assert result.outcome is Outcome.FAILED
    assert result.left == ("its disks may hold half an installation; it was left switched off",)
    assert there.did[-2:] == ["undeploy", "Continuous Hdd"]


async def test_a_host_that_never_answers_is_undeployed_and_off_and_that_is_said() -> None:
    there = node(state="available", host_ends=["late"])
    result = await deployed(there)
    assert result.outcome is Outcome.FAILED
    assert "does not answer by SSH at 192.0.2.9" in result.reason
    assert there.did == ["image", "deploy", "Continuous Hdd", "undeploy", "Continuous Hdd"]
    assert (there.state, there.power, there.media[CD]) == ("available", "Off", "")
    assert result.left == ("its disks may hold half an installation; it was left switched off",)


async def test_in_maintenance_nothing_is_taken_back_behind_the_persons_back() -> None:
    there = node(state="available", host_ends=["late"])

    def taken_out() -> None:
        there.maintenance = "disk is replaced"

    there.wrong["look_at_bmc"] += [lambda: None, lambda: None, taken_out]
    result = await deployed(there)
    assert result.outcome is Outcome.FAILED
    assert there.did == ["image", "deploy", "Continuous Hdd"]
    assert result.left[0].endswith(
        "could not be put back: node alpha~controller-0 is in maintenance: disk is replaced"
    )
    assert "it could not be switched off (not tried)" in result.left
    assert result.left[-1] == "its disks may hold half an installation, and it may be running"


async def test_what_another_run_has_deployed_meanwhile_is_left() -> None:
    there = node(state="available", host_ends=["late"])

    def anothers() -> None:
        there.deployed_by = "run-0"

    there.wrong["look_at_bmc"] += [lambda: None, lambda: None, anothers]
    result = await deployed(there)
    assert "of another run" in result.left[0]
    assert (there.state, "undeploy" in there.did) == ("active", False)


async def test_an_image_that_was_named_and_not_deployed_is_said() -> None:
    there = node(state="manageable")
    there.wrong["deploy"].append(Refused("quota"))
    result = await deployed(there)
    assert (result.outcome, there.state) == (Outcome.REFUSED, "manageable")
    assert any("still names http://192.0.2.1/boot.iso" in line for line in result.left)


# -- cancel


@pytest.mark.parametrize("moves", [2, 3], ids=["while it is managed", "while it is provided"])
async def test_a_cancel_before_the_deployment_leaves_the_node_as_it_was_found(moves: int) -> None:
    there, done = node(), TO_AVAILABLE[:moves]
    async with paper(there) as environment:
        handle = await start(environment, through="ironic")
        loop = asyncio.get_running_loop()
        asked: list[asyncio.Task[None]] = []

        def cancel() -> None:
            asked.append(loop.create_task(handle.cancel()))

        there.wrong[done[-1]].append(cancel)
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        await asked[0]
    assert isinstance(failure.value.cause, CancelledError)
    assert there.did == [*done, "delete"]
    assert there.runs[0].outcome is Outcome.ABORTED


async def test_a_cancel_after_the_deployment_lets_it_finish() -> None:
    there = node(hold=asyncio.Event())
    assert there.hold is not None
    async with paper(there) as environment:
        handle = await start(environment, through="ironic")
        await there.held.wait()
        await handle.cancel()
        while not (await handle.query(contracts.PROGRESS_QUERY))["stopping"]:
            await asyncio.sleep(0.05)
        there.hold.set()
        result = await handle.result()
        events = [event async for event in handle.fetch_history_events()]
    assert result.outcome is Outcome.SUCCEEDED
    assert there.state == "active"
    assert len(events) <= 200
