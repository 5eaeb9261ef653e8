"""A host with VMs rebooted: what its guests notice, measured by the simulator."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.e2e.test_maintain_host import C0, C1, IN_SERVICE, begin, carried_out, hosts
from tests.support.openstack import Stranger
from tests.support.simulator import simulator
from tests.support.stack import Stack, scheduled, stack, until
from tests.support.vm_house import on

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("maintenance")
    options = ("--topology", "aio-dx", "--openstack", "--vms", "6", "--plain", "--no-bmcs")
    options = (*options, "--reboot-seconds", "120")
    async with simulator(folder / "sim", sites=3, options=options) as region, stack(folder, region) as found:
        await found.start_worker()
        yield found


async def outages(house: Stack, site: str) -> dict[str, float]:
    rows = await house.simulator.get(f"/sites/{site}/workloads")
    return {row["workload"]: row["outage_s"] for row in rows if row["workload"].startswith("vm/")}


async def test_a_reboot_that_no_guest_notices(house: Stack) -> None:
    site = "edge-0001"
    end = await carried_out(house, site, C0, "reboot")
    assert end.outcome is Outcome.SUCCEEDED, end
    assert await hosts(house.simulator, site) == IN_SERVICE
    seen = await outages(house, site)
    assert seen == dict.fromkeys(seen, 0.0)
    assert len(seen) == 6
    assert await house.simulator.repeats() == 0


async def test_guests_that_are_stopped_are_down_for_as_long_as_the_work(house: Stack) -> None:
    site = "edge-0002"
    rules: Any = {"vms": {"rules": [{"method": "stop-start"}]}}
    end = await carried_out(house, site, C0, "reboot", policy=rules)
    assert end.outcome is Outcome.SUCCEEDED, end
    down = {name for name, seconds in (await outages(house, site)).items() if seconds > 0}
    assert len(down) == 3
    stranger = Stranger(house.simulator, site)
    assert set((await on(stranger, C0)).values()) == {"ACTIVE"}


async def test_what_a_terminated_run_has_stopped_the_next_one_starts(house: Stack) -> None:
    site, stranger = "edge-0003", Stranger(house.simulator, "edge-0003")
    rules: Any = {"vms": {"rules": [{"method": "stop-start"}]}}
    handle = await begin(house, site, C1, "reboot", policy=rules)

    async def is_locked() -> bool:
        return (await hosts(house.simulator, site))[C1].startswith("locked")

    await until(is_locked, f"{C1} is locked")
    await handle.terminate()
    assert set((await on(stranger, C1)).values()) == {"SHUTOFF"}
    end = await carried_out(house, site, C1, "reboot", policy=rules)
    assert end.outcome is Outcome.SUCCEEDED, end
    assert await hosts(house.simulator, site) == IN_SERVICE
    assert set((await on(stranger, C1)).values()) == {"ACTIVE"}
    assert any("act_on_vm" in step for step in await scheduled(handle))
