"""Records histories of prestages, journeys, uploads and wave 0: `python -m tests.replay.record_regions NAME`.

A history is filed under the outcome that its run had to have; a run that ends otherwise is not recorded but
stops the recording.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from models import contracts
from models.fleet import SiteEnding
from models.journey import JourneySiteRequest, PrestageSiteRequest
from models.operations import JourneyOperation
from models.outcome import Outcome
from models.upload import Sending, UploadReleaseRequest
from tests.replay.record import HISTORIES, keep
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack

IN_SERVICE, MAJOR, CONTROLLER = "starlingx-26.03.1", "starlingx-26.09.0", "sc-1"
PRESTAGE = {"kind": "prestage", "release": IN_SERVICE}
SIMULATED = (
    "--plain",
    "--no-bmcs",
    "--not-prestaged",
    "edge-0001",
    "--reboot-seconds",
    "120",
    "--controller-ssh",
)


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        async with (
            simulator(where / "sim", sites=4, options=SIMULATED) as region,
            stack(where, region, STARFLOCK_REQUEST_TIMEOUT_S="20", STARFLOCK_SEND_WINDOW_S="10") as house,
        ):
            _declare_profiles(region)
            await house.start_worker()
            await _sites(region, house, folder)
            await _controller(house, folder, where)


async def _sites(region: Simulator, house: Stack, folder: Path) -> None:
    for name in ("succeeded", "already"):
        asked = PrestageSiteRequest.model_validate({"site": "edge-0001", "operation": PRESTAGE})
        await _keep(house, folder, contracts.PRESTAGE_SITE, asked, f"PrestageSite-{name}")
    for name in ("succeeded", "already"):
        await _keep(house, folder, contracts.JOURNEY_SITE, _journey("edge-0001"), f"JourneySite-{name}")
    await _keep(house, folder, contracts.JOURNEY_SITE, _journey("edge-0002"), "JourneySite-failed-verify")
    await region.fault("edge-0003", "site", "dark")
    early = {"ready_within": "5m", "reachable_within": "5m"}
    dark = _journey("edge-0003", **early)
    await _keep(house, folder, contracts.JOURNEY_SITE, dark, "JourneySite-unreachable")
    asked = PrestageSiteRequest.model_validate({"site": "edge-0003", "operation": PRESTAGE | early})
    await _keep(house, folder, contracts.PRESTAGE_SITE, asked, "PrestageSite-unreachable")


async def _controller(house: Stack, folder: Path, where: Path) -> None:
    for name in ("succeeded", "already"):
        files = (f"/a/{MAJOR}.iso", f"/a/{MAJOR}.sig")
        asked = UploadReleaseRequest(site="edge-0002", release=MAJOR, files=files)
        await _keep(house, folder, contracts.UPLOAD_RELEASE, asked, f"UploadRelease-{name}")
    here = (where / f"{MAJOR}.iso", where / f"{MAJOR}.sig")
    for file in here:
        file.write_bytes(bytes(12 * 2**20))
    asked = UploadReleaseRequest(
        site=CONTROLLER, release=MAJOR, files=tuple(map(str, here)), send=Sending(rate="4MiB")
    )
    await _keep(house, folder, contracts.UPLOAD_RELEASE, asked, "UploadRelease-succeeded-sent")
    campaign = await house.start_campaign(
        "first",
        operation={"kind": "upgrade", "release": MAJOR, "prestage": False, "ready_within": "1m"},
        select={"names": ["edge-0004"]},
        controllers="first",
    )
    await campaign.result()
    await keep(campaign, folder, "FleetCampaign-controllers-first")


def _journey(site: str, **patience: Any) -> JourneySiteRequest:
    upgrade = {"kind": "upgrade", "release": IN_SERVICE, **patience}
    steps = [PRESTAGE, upgrade, {"kind": "verify", "samples": 1}]
    journey = JourneyOperation.model_validate({"kind": "journey", "steps": steps})
    return JourneySiteRequest(site=site, operation=journey.upgrade, verify=journey.verify)


def _declare_profiles(region: Simulator) -> None:
    """edge-0002 is not as its profile says."""
    document = yaml.safe_load(region.inventory.read_text())
    document["site_profiles"] = [{"name": "any"}, {"name": "other", "dns": ["192.0.2.99"]}]
    for site in document["sites"]:
        site["profile"] = "other" if site["name"] == "edge-0002" else "any"
    region.inventory.write_text(yaml.safe_dump(document))


async def _keep(house: Stack, folder: Path, workflow: str, request: Any, name: str) -> None:
    handle = await house.client.start_workflow(
        workflow, request, id=contracts.site_workflow_id(request.site), task_queue=contracts.TASK_QUEUE
    )
    found = await _outcome(handle)
    assert found == name.split("-")[1], (name, found)
    await keep(handle, folder, name)


async def _outcome(handle: WorkflowHandle[Any, Any]) -> Outcome:
    try:
        return SiteEnding.model_validate(await handle.result()).outcome
    except WorkflowFailureError as error:
        cause = error.cause
        assert isinstance(cause, ApplicationError), cause
        return Outcome(str(cause.type))


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
