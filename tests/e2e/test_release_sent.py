"""The files of a release on their way to the controller: every byte once, told, and gone in the end."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowQueryFailedError
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError

from models import contracts
from models.outcome import Outcome
from models.patch import SiteResult
from models.upload import UploadReleaseRequest
from tests.cli.conftest import spawned
from tests.support.simulator import Simulator
from tests.support.stack import Stack, result_of, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGION: dict[str, Any] = {
    "sites": 1,
    "options": ("--plain", "--no-bmcs", "--not-prestaged", "*", "--controller-ssh"),
}
MAJOR, CONTROLLER = "starlingx-26.09.0", "sc-1"
MIB = 2**20


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("release")
    sizes = {f"{MAJOR}.iso": 24 * MIB + 5, f"{MAJOR}.sig": 256}
    for name, size in sizes.items():
        (folder / name).write_bytes(random.Random(name).randbytes(size))
    return {path.suffix.removeprefix("."): path for path in folder.iterdir()}


async def begin(house: Stack, release: str, *paths: Path, **send: Any) -> WorkflowHandle[Any, SiteResult]:
    return await house.client.start_workflow(
        contracts.UPLOAD_RELEASE,
        UploadReleaseRequest.model_validate(
            {"site": CONTROLLER, "release": release, "files": [str(path) for path in paths], "send": send}
        ),
        id=contracts.site_workflow_id(CONTROLLER),
        task_queue=contracts.TASK_QUEUE,
        result_type=SiteResult,
    )


async def carried(region: Simulator) -> int:
    count: int = (await region.get(f"/sites/{CONTROLLER}"))["carried_bytes"]
    return count


async def uploads(region: Simulator) -> int:
    return (await region.mutations(CONTROLLER)).count("usm.upload")


async def test_an_iso_over_a_line_that_breaks_in_runs_that_end_and_workers_that_die_is_sent_once(
    region: Simulator, house: Stack, files: dict[str, Path]
) -> None:
    size = files["iso"].stat().st_size + files["sig"].stat().st_size
    await region.fault(CONTROLLER, "ssh.carry", "drop-after", times=1)
    handle = await begin(house, MAJOR, files["iso"], files["sig"], folder="/scratch", rate="3MB")

    async def some() -> bool:
        return await carried(region) > 2 * MIB

    await until(some, "the first bytes")
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    handle = await begin(house, MAJOR, files["iso"], files["sig"], folder="/scratch", rate="3MB")

    async def told() -> bool:
        why = await _why(handle)
        return why.startswith(f"{MAJOR}.iso: ") and "MiB of 24.0 MiB, " in why and "MiB/s, 1m to go" in why

    await until(told, "a word on the bytes")
    await house.workers[-1].kill()
    await house.start_worker()
    result = await result_of(handle)
    assert (result.outcome, result.reason) == (Outcome.SUCCEEDED, f"{MAJOR} is available on {CONTROLLER}")
    # What was under way in buffers when a connection went is lost with it.
    assert size <= await carried(region) < size + 8 * MIB
    assert f"sent {files['iso']}: {24 * MIB + 5} bytes, sha256 " in result.evidence[0]
    sent = await carried(region)
    again = await result_of(await begin(house, MAJOR, files["iso"], files["sig"], folder="/scratch"))
    assert again.outcome is Outcome.ALREADY
    assert (await uploads(region), await carried(region), await region.repeats()) == (1, sent, 0)


async def test_what_cannot_be_sent_is_said_before_anything_is(
    region: Simulator, house: Stack, files: dict[str, Path], tmp_path: Path
) -> None:
    before = await uploads(region), await carried(region)
    missing = await result_of(await begin(house, "starlingx-27.03.0", tmp_path / "starlingx-27.03.0.patch"))
    assert missing.outcome is Outcome.REFUSED
    assert "No such file or directory; files to be sent are read by the workers" in missing.reason
    (tmp_path / "empty.patch").touch()
    empty = await result_of(await begin(house, "starlingx-27.03.0", tmp_path / "empty.patch"))
    assert (empty.outcome, "is empty" in empty.reason) == (Outcome.REFUSED, True)
    asked = ("release", "upload", CONTROLLER, *map(str, files.values()), "--release", MAJOR)
    inventory = ("--inventory", str(region.inventory))
    rate = await spawned(*asked, "--rate", "1MB", *inventory, cwd=tmp_path)
    assert (rate.code, "give --send" in rate.err) == (2, True), rate
    wrong = await spawned(*asked, "--send", "--rate", "1", *inventory, cwd=tmp_path)
    assert (wrong.code, "expected how much a second" in wrong.err) == (2, True), wrong
    document = yaml.safe_load(region.inventory.read_text())
    del document["system_controllers"][0]["ssh"]
    (tmp_path / "inventory.yaml").write_text(yaml.safe_dump(document))
    undeclared = await spawned(*asked, "--send", "--inventory", "inventory.yaml", cwd=tmp_path)
    assert (undeclared.code, f"declares no ssh for {CONTROLLER}" in undeclared.err) == (4, True), undeclared
    assert (await uploads(region), await carried(region)) == before


async def _why(handle: WorkflowHandle[Any, SiteResult]) -> str:
    try:
        return str((await asyncio.wait_for(handle.query(contracts.PROGRESS_QUERY), 5))["why"])
    except (TimeoutError, RPCError, WorkflowQueryFailedError):
        # Between two workers nobody answers.
        return ""
