"""AddSubcloud from bare servers to managed subclouds by dcmanager's own install, and the life after that."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from models import contracts
from models.deploy import AddSubcloudRequest, SubcloudActionRequest, SubcloudResult
from models.install import ApproveWipe, InstallHostRequest, InstallResult
from models.outcome import Outcome
from tests.support.operator import create_by_hand, declared, press_power
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPTIONS = ("--bare", "--not-added", "*", "--install-seconds", "300", "--bootstrap-seconds", "300")
OPTIONS += ("--reboot-seconds", "120")
OPTIONS += ("--topology", "by-turns", "--bmc-flavours", "generic,idrac9,lenovo-xcc,cisco-ucs")
"""BMCs that dcmanager's own script can drive."""
ADDED = [
    "dcmanager.deploy.create",
    "dcmanager.deploy.install",
    "bmc.insert",
    "bmc.boot",
    "bmc.reset",
    "host.wipe",
    "bmc.eject",
    "dcmanager.deploy.bootstrap",
    "dcmanager.deploy.configure",
    "dcmanager.manage",
]


@dataclass
class Bench:
    stack: Stack
    region: Simulator

    async def start(self, site: str, **more: Any) -> WorkflowHandle[Any, SubcloudResult]:
        request = {"site": site, "wipe": f"{site}/controller-0"} | more
        return await self.stack.client.start_workflow(
            contracts.ADD_SUBCLOUD,
            AddSubcloudRequest.model_validate(request),
            id=contracts.site_workflow_id(site),
            task_queue=contracts.TASK_QUEUE,
            result_type=SubcloudResult,
        )

    async def add(self, site: str, **more: Any) -> SubcloudResult:
        return await end_of(await self.start(site, **more))

    async def act(self, site: str, kind: str, **more: Any) -> SubcloudResult:
        action = {"kind": kind} | more
        handle: WorkflowHandle[Any, SubcloudResult] = await self.stack.client.start_workflow(
            contracts.SUBCLOUD_ACTION,
            SubcloudActionRequest.model_validate({"site": site, "action": action}),
            id=contracts.site_workflow_id(site),
            task_queue=contracts.TASK_QUEUE,
            result_type=SubcloudResult,
        )
        return await end_of(handle)

    async def applied(self, site: str) -> list[str]:
        entries = await self.region.get(f"/sites/{site}/mutations")
        return [entry["intent"] for entry in entries if entry["outcome"] == "applied"]

    async def repeats_at(self, site: str) -> list[str]:
        entries = await self.region.get(f"/sites/{site}/mutations")
        return [entry["intent"] for entry in entries if entry["repeat"]]

    async def subcloud(self, site: str) -> dict[str, Any] | None:
        """What dcmanager shows of it."""
        found: dict[str, Any] | None = (await self.region.get(f"/sites/{site}"))["dcmanager"]
        return found

    async def until_status(self, site: str, *statuses: str) -> None:
        async def reached() -> bool:
            seen = await self.subcloud(site)
            return seen is not None and seen["deploy-status"] in statuses

        await until(reached, f"{site} {statuses}")


async def end_of(handle: WorkflowHandle[Any, SubcloudResult]) -> SubcloudResult:
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        details = error.cause.details if isinstance(error.cause, ApplicationError) else ()
        return SubcloudResult.model_validate(details[0])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("bench")
    async with (
        simulator(folder / "sim", sites=11, options=OPTIONS) as region,
        stack(folder, region) as running,
    ):
        await running.start_worker()
        yield Bench(running, region)


async def test_a_bare_server_becomes_a_managed_subcloud(bench: Bench) -> None:
    result = await bench.add("edge-0001")
    assert result.outcome is Outcome.SUCCEEDED, result
    assert (result.deploy_status, result.management_state) == ("complete", "managed")
    assert await bench.applied("edge-0001") == ADDED
    assert f"sysinv says region {result.region}" in result.evidence
    site = await bench.region.get("/sites/edge-0001")
    host = site["hosts"][0]
    assert (host["administrative"], host["operational"], host["availability"]) == (
        "unlocked",
        "enabled",
        "available",
    )
    assert (host["bmc"]["medium"], host["bmc"]["installs"]) == (None, 1)
    assert (await bench.add("edge-0001")).outcome is Outcome.ALREADY
    assert await bench.applied("edge-0001") == ADDED


async def test_what_fails_is_said_and_the_next_run_goes_on_from_there(bench: Bench) -> None:
    site = "edge-0002"
    await bench.region.fault(site, "deploy.bootstrap", "fail", times=1)
    failed = await bench.add(site)
    assert (failed.outcome, failed.deploy_status) == (Outcome.FAILED, "bootstrap-failed")
    assert "Simulated failure of a task" in failed.reason
    again = await bench.add(site)
    assert again.outcome is Outcome.SUCCEEDED, again
    assert any("taken up as an earlier run left it" in line for line in again.evidence)
    applied = await bench.applied(site)
    assert applied.count("dcmanager.deploy.install") == 1
    assert applied.count("dcmanager.deploy.bootstrap") == 2
    assert await bench.repeats_at(site) == []


async def test_dcmanager_that_starts_anew_costs_the_phase_and_nothing_else(bench: Bench) -> None:
    site = "edge-0003"
    handle = await bench.start(site)
    for status in ("installing", "bootstrapping"):
        await bench.until_status(site, status)
        await bench.region.fault("sc-1", "dcmanager", "restart")
    result = await end_of(handle)
    assert result.outcome is Outcome.SUCCEEDED, result
    applied = await bench.applied(site)
    assert applied.count("dcmanager.deploy.install") == 2
    assert applied.count("dcmanager.deploy.bootstrap") == 2
    assert await bench.repeats_at(site) == []


async def test_a_cancel_aborts_the_phase_and_another_run_takes_it_up(bench: Bench) -> None:
    site = "edge-0004"
    handle = await bench.start(site)
    await bench.until_status(site, "bootstrapping")
    await handle.cancel()
    assert await bench.stack.status_of(handle) == "CANCELED"
    (run,) = await bench.stack.runs_of(site)
    assert run.outcome is Outcome.ABORTED
    assert "bootstrap-aborted" in run.reason
    assert (await bench.subcloud(site) or {})["deploy-status"] == "bootstrap-aborted"
    again = await bench.add(site)
    assert again.outcome is Outcome.SUCCEEDED, again
    assert (await bench.applied(site)).count("host.wipe") == 1
    assert await bench.repeats_at(site) == []


async def test_an_answer_that_is_lost_is_found_by_its_effect(bench: Bench) -> None:
    site = "edge-0005"
    await bench.region.fault(site, "dcmanager", "drop-after", mutating=True, times=2)
    result = await _approved(bench, site)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.management_state == "unmanaged"
    assert await bench.applied(site) == ADDED[:-1]
    assert await bench.repeats_at(site) == []


async def _approved(bench: Bench, site: str) -> SubcloudResult:
    """Added by a run that waits for the word that its disks may go."""
    handle = await bench.start(site, wipe=None, manage=False)

    async def waits() -> bool:
        return "approve_wipe" in (await handle.query(contracts.PROGRESS_QUERY))["why"]

    await until(waits, "the question")
    assert await bench.subcloud(site) is None
    await handle.execute_update("approve_wipe", ApproveWipe(host=f"{site}/controller-0", owner="night shift"))
    return await end_of(handle)


async def test_a_subcloud_of_somebody_else_is_left_alone(bench: Bench) -> None:
    await create_by_hand(bench.region, "edge-0006")
    result = await bench.add("edge-0006")
    assert result.outcome is Outcome.BLOCKED
    assert "no run of ours has added it" in result.reason
    assert await bench.applied("edge-0006") == ["dcmanager.deploy.create"]


async def test_what_dcmanager_would_refuse_is_refused_before(bench: Bench) -> None:
    """To a site that a test above has added."""
    site = "edge-0002"
    refused = await bench.act(site, "delete", confirm=site)
    assert refused.outcome is Outcome.REFUSED
    assert "starflock subcloud unmanage edge-0002" in refused.reason
    unmanaged = await bench.act(site, "unmanage")
    assert (unmanaged.outcome, unmanaged.management_state) == (Outcome.SUCCEEDED, "unmanaged")
    assert (await bench.act(site, "unmanage")).outcome is Outcome.ALREADY
    assert (await bench.act(site, "delete", confirm=site)).outcome is Outcome.BLOCKED
    updated = await bench.act(site, "update", description="roof", location="Lisbon")
    assert updated.outcome is Outcome.SUCCEEDED, updated
    shown = await bench.subcloud(site) or {}
    assert (shown["description"], shown["location"]) == ("roof", "Lisbon")


async def test_a_subcloud_is_redeployed_deleted_and_added_again(bench: Bench) -> None:
    """One that a test above has added."""
    site = "edge-0004"
    assert (await bench.act(site, "unmanage")).outcome is Outcome.SUCCEEDED
    await _power_off(bench, site)
    assert (await bench.act(site, "redeploy")).outcome is Outcome.REFUSED
    redeployed = await bench.act(site, "redeploy", wipe=f"{site}/controller-0")
    assert redeployed.outcome is Outcome.SUCCEEDED, redeployed
    await _in_service(bench, site)
    assert (await bench.act(site, "manage")).outcome is Outcome.SUCCEEDED
    assert (await bench.act(site, "unmanage")).outcome is Outcome.SUCCEEDED
    await _power_off(bench, site)
    region = redeployed.region
    assert (await bench.act(site, "delete", confirm=site)).outcome is Outcome.SUCCEEDED
    assert await bench.subcloud(site) is None
    added = await bench.add(site, manage=False)
    assert added.outcome is Outcome.SUCCEEDED, added
    assert added.region != region
    assert await bench.repeats_at(site) == []


async def _power_off(bench: Bench, site: str) -> None:
    await _in_service(bench, site)
    await press_power(bench.region, site, "ForceOff")

    async def offline() -> bool:
        seen = await bench.subcloud(site)
        return seen is not None and seen["availability-status"] == "offline"

    await until(offline, f"{site} offline")


async def _in_service(bench: Bench, site: str) -> None:
    """Its host has ended its unlock, its machine has booted, and dcmanager sees it."""

    async def is_so() -> bool:
        seen = await bench.region.get(f"/sites/{site}")
        host = seen["hosts"][0]
        is_enabled = (host["operational"], host["availability"], host["task"]) == ("enabled", "available", "")
        return is_enabled and host["bmc"]["up"] and seen["dcmanager"]["availability-status"] == "online"

    await until(is_so, f"{site} in service")


async def test_wrong_files_are_told_by_line_before_anything_is_sent(bench: Bench) -> None:
    site = "edge-0007"
    folder = bench.region.inventory.parent
    files = declared(bench.region, site)["deploy"]
    bootstrap = folder / files["bootstrap_values"]
    text = bootstrap.read_text()
    wrong = text.replace("name: subcloud-0007", "name: subcloud-0008")
    bootstrap.write_text(wrong.replace("system_mode: simplex", "system_mode: duplex"))
    install = folder / files["install_values"]
    kept = install.read_text()
    install.write_text(kept + "bmc_pasword: hunter2\n")
    result = await bench.add(site)
    assert result.outcome is Outcome.REFUSED
    assert f"{files['bootstrap_values']}:1: name: expected 'subcloud-0007'" in result.reason
    assert "system_mode: expected simplex, for edge-0007 is AIO-SX" in result.reason
    assert f"{files['install_values']}:12: bmc_pasword: unknown key" in result.reason
    assert await bench.region.get(f"/sites/{site}/mutations") == []
    bootstrap.write_text(text)
    install.write_text(kept)


async def test_another_machine_behind_the_bmc_is_not_wiped(bench: Bench) -> None:
    """The files and the inventory agree; the machine has another serial number."""
    site = "edge-0008"
    async with bench.stack.edited_inventory() as edit:
        await edit.set_host(site, serial="SIM99999")
        result = await bench.add(site)
    assert result.outcome is Outcome.REFUSED
    assert "the inventory says serial number SIM99999" in result.reason
    assert await bench.region.get(f"/sites/{site}/mutations") == []


async def install(bench: Bench, site: str, **more: Any) -> WorkflowHandle[Any, InstallResult]:
    request = {"site": site, "host": "controller-0", "wipe": f"{site}/controller-0"} | more
    return await bench.stack.client.start_workflow(
        contracts.INSTALL_HOST,
        InstallHostRequest.model_validate(request),
        id=contracts.site_workflow_id(site),
        task_queue=contracts.TASK_QUEUE,
        result_type=InstallResult,
    )


async def test_a_host_is_installed_through_dcmanager_and_its_site_added_afterwards(bench: Bench) -> None:
    site = "edge-0010"
    result = await (await install(bench, site, through="dcmanager")).result()
    assert result.outcome is Outcome.SUCCEEDED, result
    assert "installed by dcmanager with 26.03" in result.evidence
    assert "answers as SSH-2.0-OpenSSH_9.2" in result.evidence
    assert (await bench.subcloud(site) or {})["deploy-status"] == "install-complete"
    added = await bench.add(site)
    assert added.outcome is Outcome.SUCCEEDED, added
    assert await bench.applied(site) == ADDED
    again = await end_of_install(await install(bench, site, through="dcmanager"))
    assert again.outcome is Outcome.REFUSED


async def test_an_install_that_fails_at_dcmanager_leaves_the_machine_off_and_its_drive_empty(
    bench: Bench,
) -> None:
    site = "edge-0011"
    handle = await install(bench, site, through="dcmanager")
    await bench.until_status(site, "installing")

    async def inserted() -> bool:
        return bool(await _machine(bench, site, "medium"))

    await until(inserted, "the medium")
    await handle.cancel()
    assert await bench.stack.status_of(handle) == "CANCELED"
    assert (await bench.subcloud(site) or {})["deploy-status"] == "install-aborted"
    assert (await _machine(bench, site, "medium"), await _machine(bench, site, "power")) == (None, "Off")
    (run,) = await bench.stack.runs_of(site)
    assert "its disks may hold half an installation; it was left switched off" in run.reason
    await bench.region.fault(site, "deploy.install", "fail", times=1)
    failed = await end_of_install(await install(bench, site, through="dcmanager"))
    assert failed.outcome is Outcome.FAILED
    assert "Simulated failure of a task" in failed.reason
    assert await bench.repeats_at(site) == []


async def _machine(bench: Bench, site: str, key: str) -> Any:
    return (await bench.region.get(f"/sites/{site}"))["hosts"][0]["bmc"][key]


async def end_of_install(handle: WorkflowHandle[Any, InstallResult]) -> InstallResult:
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        details = error.cause.details if isinstance(error.cause, ApplicationError) else ()
        return InstallResult.model_validate(details[0])


async def test_a_host_that_was_installed_in_another_way_is_bootstrapped(bench: Bench) -> None:
    """And without a deployment configuration it stays locked: nobody manages what is not online."""
    site = "edge-0009"
    image = f"{str(bench.region.admin.base_url).rstrip('/')}/images/any.iso"
    await (await install(bench, site, image=image)).result()
    async with bench.stack.edited_inventory() as edit:
        await edit.drop_deploy_files(site, "install_values", "deploy_config")
        result = await bench.add(site, wipe=None)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert "its hosts are brought up in another way" in result.reason
    assert (result.deploy_status, result.management_state) == ("complete", "unmanaged")
    applied = await bench.applied(site)
    assert [each for each in applied if each.startswith("dcmanager.")] == [
        "dcmanager.deploy.create",
        "dcmanager.deploy.bootstrap",
        "dcmanager.deploy.complete",
    ]
    assert await bench.repeats_at(site) == []
