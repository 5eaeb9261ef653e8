"""A worker that dies while a guest is frozen for it: the guest thaws without it, and all is taken again."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.quiescing import QUEUE
from tests.support.quiescing_house import SITE, House, quiescing_house, told
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with quiescing_house(tmp_path_factory.mktemp("quiesced")) as found:
        yield found


async def test_a_worker_killed_while_a_guest_is_frozen_leaves_none_frozen_and_no_snapshot_twice(
    house: House, tmp_path: Path
) -> None:
    await house.region.fault(SITE, "ceph", "hold", times=1)
    async with mortal(house, tmp_path) as worker:
        handle = await house.start(SITE)

        async def parked() -> bool:
            frozen = [vm for vm, each in (await house.guests(SITE)).items() if each["frozen"]]
            return frozen == ["app-1"] and bool((await house.region.get("/held"))["count"])

        await until(parked, "a snapshot that is asked for while the guest is frozen")
        worker.kill()
        await worker.wait()
    # Nobody is there to thaw it but the program in the pod.
    await until(lambda: thawed_by_itself(house), "the guest thaws")
    await house.region.clear_faults()
    async with mortal(house, tmp_path):
        found = told(await asyncio.wait_for(handle.result(), 60))
    assert {how for _, how, _ in found.values()} == {"quiesced"}
    assert (await house.guests(SITE))["app-1"]["freezes"] == 2
    await house.has_one_each(SITE, found)
    assert await house.region.repeats() == 0
    await house.nobody_is_frozen()


async def thawed_by_itself(house: House) -> bool:
    return not (await house.guests(SITE))["app-1"]["frozen"]


@asynccontextmanager
async def mortal(house: House, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with open(folder / "worker.log", "ab") as log:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.quiescing"),
            *(house.address, str(house.region.inventory), QUEUE),
            stdout=log,
            stderr=log,
        )
    try:
        yield worker
    finally:
        if worker.returncode is None:
            worker.terminate()
            await worker.wait()
