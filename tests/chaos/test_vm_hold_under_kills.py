"""Workers that die while a request of theirs to Nova is under way: the VMs leave all the same, once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle

from tests.support.openstack import Stranger
from tests.support.vm_holding import HoldResult, HoldVms
from tests.support.vm_house import DISABLE, ENABLE, MIGRATE, House, held, service, vm_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORTAL = "mortal"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with vm_house(tmp_path_factory.mktemp("vms"), 3) as found:
        yield found


async def test_workers_killed_in_the_middle_of_a_send_ask_nova_for_nothing_twice(
    house: House, tmp_path: Path
) -> None:
    """Each dies while its request is parked; the request is then served, and nobody hears the answer."""
    sites = {"edge-0001": "services.disable", "edge-0002": "servers.migrate", "edge-0003": "services.enable"}
    handles: dict[str, WorkflowHandle[HoldVms, HoldResult]] = {}
    worker = await mortal(house, tmp_path)
    for site, point in sites.items():
        await house.region.fault(site, f"openstack.{point}", "hold", times=1)
        handles[site] = await house.start(site, queue=MORTAL)
        await held(house, f"openstack.{point}")
        worker.kill()
        await worker.wait()
        await house.region.clear_faults()
        worker = await mortal(house, tmp_path)
    try:
        ends = {site: await asyncio.wait_for(handle.result(), 120) for site, handle in handles.items()}
    finally:
        worker.terminate()
        await worker.wait()
    for site, end in ends.items():
        assert (end.outcome, end.reason, end.left) == ("taken", "", ()), site
        assert await service(Stranger(house.region, site)) == ("enabled", None)
        sent = [one.split()[0] for one in await house.sent(site)]
        assert sent == [DISABLE, MIGRATE, MIGRATE, MIGRATE, ENABLE], site
        assert set((await house.outages(site)).values()) == {0.0}
    assert await house.region.repeats() == 0


async def mortal(house: House, folder: Path) -> asyncio.subprocess.Process:
    with open(folder / "worker.log", "ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.vm_holding"),
            *(house.address, str(house.region.inventory), MORTAL),
            stdout=log,
            stderr=log,
        )
