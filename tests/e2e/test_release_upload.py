"""A release into USM from files on its controller: once, whatever becomes of answers and workers."""

from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from models import contracts
from models.outcome import Outcome
from models.patch import SiteResult
from models.upload import UploadReleaseRequest
from tests.support.simulator import Simulator
from tests.support.stack import Stack, result_of, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGION: dict[str, Any] = {"sites": 2, "options": ("--plain", "--no-bmcs", "--not-prestaged", "*")}
MAJOR, PATCH = "starlingx-26.09.0", "starlingx-26.03.1"
CONTROLLER = "sc-1"


def files(release: str, *kinds: str) -> tuple[str, ...]:
    return tuple(f"/home/sysadmin/{release}.{kind}" for kind in kinds)


async def begin(house: Stack, site: str, release: str, *kinds: str) -> WorkflowHandle[Any, SiteResult]:
    return await house.client.start_workflow(
        contracts.UPLOAD_RELEASE,
        UploadReleaseRequest(site=site, release=release, files=files(release, *kinds), by="ada"),
        id=contracts.site_workflow_id(site),
        task_queue=contracts.TASK_QUEUE,
        result_type=SiteResult,
    )


async def uploads(region: Simulator, site: str) -> int:
    return (await region.mutations(site)).count("usm.upload")


async def test_an_iso_whose_answer_is_lost_is_uploaded_once(region: Simulator, house: Stack) -> None:
    await region.fault(CONTROLLER, "usm.upload", "drop-after", times=1)
    result = await result_of(await begin(house, CONTROLLER, MAJOR, "iso", "sig"))
    assert (result.outcome, result.reason) == (Outcome.SUCCEEDED, f"{MAJOR} is available on {CONTROLLER}")
    again = await result_of(await begin(house, CONTROLLER, MAJOR, "iso", "sig"))
    assert again.outcome is Outcome.ALREADY
    assert await uploads(region, CONTROLLER) == 1
    assert await region.repeats() == 0


async def test_an_upload_that_fails_is_said_and_not_tried_over_its_remains(
    region: Simulator, house: Stack
) -> None:
    await region.fault("edge-0001", "usm.upload", "fail", times=1)
    result = await result_of(await begin(house, "edge-0001", MAJOR, "iso", "sig"))
    assert result.outcome is Outcome.FAILED, result
    again = await result_of(await begin(house, "edge-0001", MAJOR, "iso", "sig"))
    assert again.outcome is Outcome.REFUSED
    assert f"software delete {MAJOR}" in again.reason
    assert await uploads(region, "edge-0001") == 1


async def test_a_worker_that_is_killed_while_usm_takes_a_patch_sends_no_second_one(
    region: Simulator, house: Stack
) -> None:
    await region.fault("edge-0002", "usm.upload", "hold", times=1)
    handle = await begin(house, "edge-0002", PATCH, "patch")

    async def parked() -> bool:
        return bool((await region.get("/held"))["count"])

    await until(parked, "the upload")
    await house.workers[-1].kill()
    await region.clear_faults()
    await house.start_worker()
    result = await result_of(handle)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await uploads(region, "edge-0002") == 1
    assert await region.repeats() == 0
