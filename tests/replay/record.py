"""Records histories of work on sites: `python -m tests.replay.record NAME`; see also `record_hosts`.

They are written to tests/replay/histories/NAME/, one JSON file a run. A recorded folder is never edited:
a change of a workflow either replays it or, before the first tag, re-records it with a line in the
changelog.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from models import contracts
from models.campaign import (
    AbortRequest,
    ApproveRequest,
    CampaignSpec,
    ResumeRequest,
    SkipRequest,
)
from models.fleet import ExplainRequest, ImportRequest
from models.inventory import Credential, SystemController
from models.operations import PatchOperation
from models.patch import PatchSiteRequest
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, result_of, stack, until

HISTORIES = Path(__file__).parent / "histories"
SHORT = {"ready_within": "10m", "reachable_within": "10m"}


async def record(folder: Path) -> None:
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        async with (
            simulator(where / "sim", sites=24, options=("--not-prestaged", "edge-0012")) as region,
            stack(where, region) as house,
        ):
            await house.start_worker()
            await asyncio.gather(*(_patch(region, house, folder, *case) for case in PATCHES))
            await _cancelled(region, house, folder)
            await _leftover(region, house, folder)
            await _refused_id(house, folder)
            await _campaigns(region, house, folder)
            await _inquiries(region, house, folder)


PATCHES: list[tuple[str, str, tuple[str, str, dict[str, Any]] | None, dict[str, Any]]] = [
    ("edge-0001", "succeeded", None, {}),
    ("edge-0002", "succeeded-reboot", None, {"release": "starlingx-26.03.2"}),
    ("edge-0003", "failed-build", ("vim.create", "fail", {}), {}),
    ("edge-0004", "failed-apply", ("vim.apply", "fail", {"times": 1}), {}),
    ("edge-0005", "failed-lie", ("vim.apply", "lie", {}), {}),
    ("edge-0006", "blocked-busy", ("site", "hold", {}), {"operation": SHORT}),
    ("edge-0007", "blocked-alarm", ("site", "alarm", {}), {"operation": SHORT}),
    ("edge-0008", "refused", ("keystone", "refuse", {}), {}),
    ("edge-0009", "unreachable", ("site", "dark", {}), {"operation": SHORT}),
    ("edge-0010", "succeeded-dropped", ("vim.create", "drop-after", {"times": 1}), {}),
    ("edge-0011", "succeeded-late", ("site", "dark", {"seconds": 900}), {}),
    ("edge-0012", "succeeded-prestage", None, {}),
]


async def _patch(
    region: Simulator,
    house: Stack,
    folder: Path,
    site: str,
    name: str,
    fault: tuple[str, str, dict[str, Any]] | None,
    more: dict[str, Any],
) -> None:
    if fault is not None:
        await region.fault(site, fault[0], fault[1], **fault[2])
    handle = await house.start_patch(site, **more)
    await result_of(handle)
    await keep(handle, folder, f"PatchSite-{name}")
    if name == "succeeded":
        again = await house.start_patch(site)
        await result_of(again)
        await keep(again, folder, "PatchSite-already")
    if name == "failed-apply":
        again = await house.start_patch(site, resume_deployment=True)
        await result_of(again)
        await keep(again, folder, "PatchSite-resumed")


async def _cancelled(region: Simulator, house: Stack, folder: Path) -> None:
    for site, intent, name in (
        ("edge-0013", "vim.create", "aborted"),
        ("edge-0014", "vim.apply", "cancel-too-late"),
    ):
        handle = await house.start_patch(site)
        await until(lambda site=site, intent=intent: _sent(region, site, intent), intent)  # type: ignore[misc]
        await handle.cancel()
        await house.status_of(handle)
        await keep(handle, folder, f"PatchSite-{name}")


async def _leftover(region: Simulator, house: Stack, folder: Path) -> None:
    handle = await house.start_patch("edge-0015")
    await until(lambda: _sent(region, "edge-0015", "vim.apply"), "apply")
    await handle.terminate("by hand")
    await keep(handle, folder, "PatchSite-terminated")
    again = await house.start_patch("edge-0015")
    await result_of(again)
    await keep(again, folder, "PatchSite-taken-up")


async def _refused_id(house: Stack, folder: Path) -> None:
    await house.start_patch_as("not-the-lock", "edge-0016")
    await keep(house.client.get_workflow_handle("not-the-lock"), folder, "PatchSite-wrong-id")


async def _campaigns(region: Simulator, house: Stack, folder: Path) -> None:
    handle = await house.start_campaign(
        "recorded",
        select={"names": ["edge-0017", "edge-0018", "edge-0019"]},
        waves=[{"count": 1, "soak": "5m"}, {"percent": 100}],
        approvals=["after-wave-1"],
    )
    await house.until_phase(handle, "waiting-approval")
    await handle.execute_update("skip", SkipRequest(sites=("edge-0019",), owner="anna"))
    await handle.execute_update("approve", ApproveRequest(gate="after-wave-1", owner="anna"))
    await handle.result()
    await keep(handle, folder, "FleetCampaign-approved")

    handle = await house.start_campaign(
        "stopped", select={"names": ["edge-0020", "edge-0021"]}, waves=[{"percent": 100}]
    )
    await until(lambda: _sent(region, "edge-0020", "vim.create"), "create")
    await handle.execute_update("abort", AbortRequest(mode="stop", reason="wrong", owner="anna"))
    await handle.result()
    await keep(handle, folder, "FleetCampaign-aborted")

    handle = await house.start_campaign("nothing", select={"labels": {"region": "north"}})
    await house.failure_of(handle)
    await keep(handle, folder, "FleetCampaign-refused")

    freeze = await house.freeze("core router work", "carla")
    handle = await house.start_campaign("frozen", select={"names": ["edge-0022"]})
    await house.until_phase(handle, "frozen")
    await freeze.execute_update("thaw", ResumeRequest(owner="carla"))
    await handle.result()
    await keep(handle, folder, "FleetCampaign-frozen")
    await keep(freeze, folder, "FleetFreeze")


async def _inquiries(region: Simulator, house: Stack, folder: Path) -> None:
    operation = PatchOperation(kind="patch", release="starlingx-26.03.1")
    plan = CampaignSpec.model_validate(
        {"name": "planned", "operation": operation, "select": {"names": ["edge-0001", "edge-0023"]}}
    )
    explain = ExplainRequest(request=PatchSiteRequest(site="edge-0023", operation=operation))
    controller = SystemController(
        name="sc-1",
        auth_url=house.auth_url(),
        ca_bundle="sim-ca.pem",
        credential=Credential(password="file:sim-password"),
    )
    for name, request in (
        (contracts.PLAN_CAMPAIGN, plan),
        (contracts.EXPLAIN_SITE, explain),
        (contracts.IMPORT_INVENTORY, ImportRequest(system_controller=controller)),
    ):
        handle = await house.client.start_workflow(
            name, request, id=f"recorded/{name}", task_queue=contracts.TASK_QUEUE
        )
        await handle.result()
        await keep(handle, folder, name)


async def _sent(region: Simulator, site: str, intent: str) -> bool:
    return intent in await region.mutations(site)


async def keep(handle: WorkflowHandle[Any, Any], folder: Path, name: str) -> None:
    """Writes the history of a run beside its workflow id."""
    history = await handle.fetch_history()
    kept = {"workflow_id": handle.id, "history": _without_stacks(history.to_json_dict())}
    (folder / f"{name}.json").write_text(json.dumps(kept) + "\n")


def _without_stacks(part: Any) -> Any:
    """Stack traces name folders of the machine that recorded them, and replay does not need them."""
    if isinstance(part, dict):
        return {key: _without_stacks(value) for key, value in part.items() if key != "stackTrace"}
    return [_without_stacks(each) for each in part] if isinstance(part, list) else part


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
