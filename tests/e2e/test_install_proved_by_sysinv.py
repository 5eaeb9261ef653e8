"""InstallHost of a second controller without an address of its own: the site's sysinv is asked."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from models import contracts
from models.install import InstallHostRequest, InstallResult
from models.outcome import Outcome
from tests.activities.redfish.emulator import images
from tests.e2e.test_install_host import end_of
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until
from tests.support.stranger import stranger

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE, HOST = "edge-0001", "controller-1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--topology", "aio-dx", "--install-seconds", "600", "--bmc-flavours", "generic")
    folder: Path = tmp_path_factory.mktemp("sim")
    async with simulator(folder, sites=1, options=options) as running:
        document = yaml.safe_load(running.inventory.read_text())
        for host in document["sites"][0]["hosts"]:
            del host["oam"]
        running.inventory.write_text(yaml.safe_dump(document))
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path_factory.mktemp("house"), region) as running:
        await running.start_worker()
        yield running


async def install(house: Stack, image: str) -> InstallResult:
    request = InstallHostRequest(
        site=SITE, host=HOST, image=image, wipe=f"{SITE}/{HOST}", proof="sysinv", installed_within="1h"
    )
    handle = await house.client.start_workflow(
        contracts.INSTALL_HOST,
        request,
        id=contracts.site_workflow_id(SITE),
        task_queue=contracts.TASK_QUEUE,
        result_type=InstallResult,
    )
    return await end_of(handle)


async def host_of(region: Simulator) -> dict[str, Any]:
    hosts = (await region.get(f"/sites/{SITE}"))["hosts"]
    (found,) = [host for host in hosts if host["name"] == HOST]
    return dict(found)


async def lock(region: Simulator) -> None:
    address = (await region.get(f"/sites/{SITE}"))["address"]
    change = [{"op": "replace", "path": "/action", "value": "lock"}]
    async with stranger(region, SITE) as operator:
        reply = await operator.client.patch(
            f"https://{address}:6386/v1/ihosts/{HOST}", json=change, headers={"Accept": "application/json"}
        )
        assert reply.status_code == 200, reply.text

    async def is_locked() -> bool:
        host = await host_of(region)
        return (host["administrative"], host["availability"]) == ("locked", "online")

    await until(is_locked, "the lock")


async def test_what_sysinv_calls_unlocked_is_not_installed(house: Stack, region: Simulator) -> None:
    async with images() as served:
        result = await install(house, served.url)
    assert result.outcome is Outcome.REFUSED
    assert "lock it first" in result.reason
    assert (await host_of(region))["bmc"]["installs"] == 0


async def test_sysinv_proves_it_when_the_host_was_away_and_has_come_back(
    house: Stack, region: Simulator
) -> None:
    """All the time sysinv says `completed` and `inventoried`, of the installation before."""
    await lock(region)
    async with images() as served:
        result = await install(house, served.url)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.reason == f"boot.iso is installed, as sysinv of {SITE} says"
    proof = f"sysinv of {SITE} says {HOST} is locked-disabled-online, install_state completed, inv_state"
    assert any(line.startswith(proof) for line in result.evidence), result.evidence
    machine = (await host_of(region))["bmc"]
    assert (machine["installs"], machine["disk"], machine["up"]) == (1, "installed", True)
