"""Records histories of sites, added, brought up, configured: `python -m tests.replay.record_sites NAME`.

A history is filed under the outcome that its run had to have; a run that ends otherwise is not recorded but
stops the recording.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from models import contracts
from models.acceptance import VerifyRequest
from models.bringup import BringUpRequest, ConfigureRequest, PlanSiteRequest
from models.deploy import AddSubcloudRequest, SubcloudActionRequest, SubcloudRef
from tests.e2e.test_bring_up import DUPLEX, PROFILE, declare, until_planned
from tests.replay.record import HISTORIES, keep
from tests.support.packages import package
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack

BOOTSTRAPPED = ("--bootstrapped", "--plain")
STANDARD = (*BOOTSTRAPPED, "--install-seconds", "240", "--reboot-seconds", "120")
BARE = ("--bare", "--not-added", "*", "--bmc-flavours", "generic")


async def record(folder: Path) -> None:
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        for number, (topology, options, work) in enumerate(
            (
                ("aio-sx", BOOTSTRAPPED, _simplex),
                ("aio-dx", BOOTSTRAPPED, _duplex),
                ("aio-sx", BARE, _added),
                ("standard", STANDARD, _standard),
            )
        ):
            where = Path(scratch) / str(number)
            where.mkdir()
            given = ("--topology", topology, *options)
            async with (
                simulator(where / "sim", sites=3, options=given) as region,
                stack(where, region) as house,
            ):
                declare(region, **_profile_of(topology, region))
                await house.start_worker()
                await work(house, folder)


def _profile_of(topology: str, region: Simulator) -> dict[str, Any]:
    if topology == "aio-dx":
        return {"roles": DUPLEX}
    if topology != "standard":
        return {"roles": PROFILE["roles"]}
    package(region.inventory.parent / "demo-app.tgz")
    management = {"port": "eth0", "name": "mgmt0", "networks": ["mgmt", "cluster-host"]}
    return {
        "storage": {"backend": "ceph", "monitor": "worker-0"},
        "ptp": [{"name": "ptp1", "service": "ptp4l"}],
        "applications": [{"name": "demo-app", "file": "demo-app.tgz"}],
        "roles": {
            "controller": DUPLEX["controller"] | {"osds": ["/dev/nvme1n1"]},
            "worker": {"interfaces": [management]},
        },
    }


async def _standard(house: Stack, folder: Path) -> None:
    site = "edge-0001"
    wipe = tuple(f"{site}/{name}" for name in ("controller-1", "worker-0", "worker-1"))
    request = BringUpRequest(site=site, wipe=wipe)
    await _keep(house, folder, "BringUpSite-succeeded-standard", request)
    for host in ("worker-0", "worker-1"):
        child = house.client.get_workflow_handle(contracts.host_workflow_id(site, host))
        await keep(child, folder, f"BringUpHost-succeeded-{host}")


async def _simplex(house: Stack, folder: Path) -> None:
    site, region = "edge-0001", house.simulator
    await _keep(house, folder, "BringUpSite-succeeded", BringUpRequest(site=site))
    await _keep(house, folder, "BringUpSite-already", BringUpRequest(site=site))
    await _keep(house, folder, "ConfigureSite-already", ConfigureRequest(site=site))
    await _look(house, folder, "VerifySite", VerifyRequest(site=site))
    await region.fault("edge-0002", "sysinv", "drop-before")
    unreachable = BringUpRequest.model_validate({"site": "edge-0002", "ready_within": "20m"})
    await _keep(house, folder, "BringUpSite-unreachable", unreachable)
    controller = PROFILE["roles"]["controller"]
    declare(region, roles={"controller": controller | {"memory": [{"node": 0, "pages_1g": 20}]}})
    await until_planned(house, site)
    await _look(house, folder, "PlanSite", PlanSiteRequest(site=site))
    await _keep(house, folder, "ConfigureSite-blocked", ConfigureRequest(site=site))
    await _keep(house, folder, "ConfigureSite-succeeded", ConfigureRequest(site=site, lock=True))
    declare(region, roles={"controller": controller | {"osds": ["/dev/sdz"]}})
    await until_planned(house, "edge-0003", "/dev/sdz")
    await _keep(house, folder, "BringUpSite-refused", BringUpRequest(site="edge-0003"))


async def _duplex(house: Stack, folder: Path) -> None:
    request = BringUpRequest(site="edge-0001", wipe=("edge-0001/controller-1",))
    await _keep(house, folder, "BringUpSite-succeeded-duplex", request)
    await _keep(house, folder, "BringUpSite-refused-unnamed", BringUpRequest(site="edge-0002"))


async def _added(house: Stack, folder: Path) -> None:
    site = "edge-0001"
    request = AddSubcloudRequest(site=site, wipe=f"{site}/controller-0")
    await _keep(house, folder, "AddSubcloud-succeeded", request)
    await _keep(house, folder, "AddSubcloud-already", request)
    await _look(house, folder, contracts.INSPECT_SUBCLOUD, SubcloudRef(site=site))
    for kind in ("unmanage", "manage"):
        action = SubcloudActionRequest.model_validate({"site": site, "action": {"kind": kind}})
        await _keep(house, folder, f"SubcloudAction-succeeded-{kind}", action)


async def _keep(house: Stack, folder: Path, name: str, request: Any) -> None:
    workflow, _, wanted = name.partition("-")
    handle = await house.client.start_workflow(
        workflow, request, id=contracts.site_workflow_id(request.site), task_queue=contracts.TASK_QUEUE
    )
    outcome = await _outcome(handle)
    assert outcome == wanted.partition("-")[0], (name, outcome)
    await keep(handle, folder, name)


async def _look(house: Stack, folder: Path, workflow: str, request: Any) -> None:
    handle = await house.client.start_workflow(
        workflow, request, id=f"recorded/{workflow}", task_queue=contracts.TASK_QUEUE
    )
    await handle.result()
    await keep(handle, folder, workflow)


async def _outcome(handle: WorkflowHandle[Any, Any]) -> str:
    try:
        return str((await handle.result())["outcome"])
    except WorkflowFailureError as error:
        if not isinstance(error.cause, ApplicationError):
            raise
        return str(error.cause.type)


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
