"""InstallHost with images that are really made, and each proof, from end to end against simulated BMCs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import yaml
from aiohttp import web
from temporalio.client import WorkflowHandle

from models import contracts
from models.install import InstallHostRequest, InstallResult
from models.outcome import Outcome
from simulator.bmc.places import SSH_PORT
from tests.e2e.test_install_host import end_of
from tests.support.base_image import base_image, missing_programs
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until
from workers.embedded import free_port

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(bool(missing_programs()), reason=f"no {', '.join(missing_programs())} here"),
]

Begun = dict[str, WorkflowHandle[Any, InstallResult]]
HOST = "controller-0"
SSH, CALLS, FORGED, RESTART, ELSEWHERE, NOWHERE = (f"edge-{number:04d}" for number in range(1, 7))


@dataclass
class Bench:
    stack: Stack
    region: Simulator
    www: Path
    calls_at: str

    async def start(self, site: str, **more: Any) -> WorkflowHandle[Any, InstallResult]:
        request = {"site": site, "host": HOST, "wipe": f"{site}/{HOST}"} | more
        return await self.stack.client.start_workflow(
            contracts.INSTALL_HOST,
            InstallHostRequest.model_validate(request),
            id=contracts.site_workflow_id(site),
            task_queue=contracts.TASK_QUEUE,
            result_type=InstallResult,
        )

    async def install(self, site: str, **more: Any) -> InstallResult:
        return await end_of(await self.start(site, **more))

    async def machine(self, site: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.region.get(f"/sites/{site}"))["hosts"][0]["bmc"]
        return found

    async def until_waiting(self, handle: WorkflowHandle[Any, Any]) -> None:
        async def waits() -> bool:
            return bool((await handle.query(contracts.PROGRESS_QUERY))["step"] == "install")

        await until(waits, "the host is waited for")

    def images(self, site: str) -> list[str]:
        return [path.name for path in (self.www / site).glob("*")]


def declare(inventory: Path, url: str) -> None:
    """Every host has its address in its image, but for the one that is installed elsewhere."""
    document = yaml.safe_load(inventory.read_text())
    images = {"base": "base.iso", "directory": "www", "url": url}
    document["system_controllers"][0] |= {"boot_images": images, "install": {"install_type": 2}}
    for site in document["sites"]:
        host = site["hosts"][0]
        address = host["oam"].partition(":")[0]
        if site["name"] == ELSEWHERE:
            address = "192.0.2.99"
        if site["name"] in (CALLS, NOWHERE):
            del host["oam"]
        host["install"] = {
            "bootstrap_interface": "enp1s0",
            "bootstrap_address": address,
            "bootstrap_address_prefix": 8,
            "bootstrap_vlan": 401,
            "extra_boot_params": ["nosmt"],
        }
    inventory.write_text(yaml.safe_dump(document))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    options = ("--topology", "aio-sx", "--bare", "--install-seconds", "600", "--bmc-flavours", "generic")
    www = folder / "sim/www"
    www.mkdir(parents=True)
    base_image(folder / "sim")
    app = web.Application()
    app.router.add_static("/boot", www)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listens = f"127.0.0.1:{free_port()}"
    try:
        async with (
            simulator(folder / "sim", sites=6, options=options) as region,
            stack(folder, region, STARFLOCK_PHONE_HOME_LISTEN=listens) as running,
        ):
            declare(region.inventory, f"http://127.0.0.1:{runner.addresses[0][1]}/boot")
            await running.start_worker()
            yield Bench(running, region, www, f"http://{listens}")
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def begun(bench: Bench) -> Begun:
    """Side by side: they wait for simulated time."""
    given = await other_image(bench)
    wanted: dict[str, dict[str, Any]] = {
        SSH: {"values": {"console_type": "ttyS1,9600"}},
        CALLS: {"proof": "phone-home"},
        FORGED: {"proof": "phone-home", "image": given, "installed_within": "40m"},
        ELSEWHERE: {"proof": "phone-home"},
    }
    refused = await bench.install(ELSEWHERE)
    assert refused.outcome is Outcome.REFUSED
    assert "bootstrap_address is 192.0.2.99, and what is installed is to answer by SSH" in refused.reason
    return {site: await bench.start(site, **more) for site, more in wanted.items()}


async def test_the_machine_boots_with_what_the_inventory_declares(bench: Bench, begun: Begun) -> None:
    result = await end_of(begun[SSH])
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.reason == "base.iso is installed and answers"
    address = (await bench.machine(SSH))["oam"]
    line = (await bench.machine(SSH))["kernel_line"].split()
    assert f"ip={address},,,8,{SSH},enp1s0.401,off" in line
    assert "vlan=enp1s0.401:enp1s0" in line
    assert line[-3:] == ["nosmt", "console=ttyS1,9600", "serial"]
    assert [word for word in line if word.startswith("console=")] == ["console=ttyS1,9600"]
    assert any("EFI/BOOT/grub.cfg" in line for line in result.evidence), result.evidence
    assert bench.images(SSH) == []
    assert await bench.region.repeats() == 0


async def test_a_host_without_an_address_of_its_own_calls_home(bench: Bench, begun: Begun) -> None:
    result = await end_of(begun[CALLS])
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.reason == "base.iso is installed and has called home"
    assert any(line.startswith("called home at ") for line in result.evidence)
    assert (
        f"phone_home={bench.calls_at}/installed/{CALLS}/{HOST}/"
        in (await bench.machine(CALLS))["kernel_line"]
    )


async def other_image(bench: Bench) -> str:
    """A given image whose system is installed and calls nobody."""
    (bench.www / "other.iso").write_bytes(bytes(2048))
    document = yaml.safe_load(bench.region.inventory.read_text())
    url: str = document["system_controllers"][0]["boot_images"]["url"]
    return f"{url}/other.iso?ignored={{phone_home}}"


async def test_a_wrong_token_is_not_taken_and_without_a_call_the_host_ends_failed(
    bench: Bench, begun: Begun
) -> None:
    handle = begun[FORGED]
    await bench.until_waiting(handle)
    async with httpx2.AsyncClient() as anybody:
        reply = await anybody.post(f"{bench.calls_at}/installed/{FORGED}/{HOST}/{'0' * 32}")
    assert reply.status_code == 404
    result = await end_of(handle)
    assert result.outcome is Outcome.FAILED
    assert f"{FORGED}/{HOST} has not called home; it has not called home; the machine is On" in result.reason
    assert "its disks may hold half an installation; it was left switched off" in result.reason


async def test_an_image_that_answers_elsewhere_may_call_home(bench: Bench, begun: Begun) -> None:
    """SSH as the proof was refused; its declared oam is not where it answers."""
    called = await end_of(begun[ELSEWHERE])
    assert called.outcome is Outcome.SUCCEEDED, called
    machine = await bench.machine(ELSEWHERE)
    assert machine["up"]
    with pytest.raises(OSError):
        await asyncio.open_connection(machine["oam"], SSH_PORT)


async def test_without_a_base_nothing_is_touched(bench: Bench) -> None:
    base = bench.www.parent / "base.iso"
    base.rename(base.with_suffix(".away"))
    try:
        result = await bench.install(NOWHERE, proof="phone-home")
    finally:
        base.with_suffix(".away").rename(base)
    assert result.outcome is Outcome.REFUSED
    assert "base.iso, of which the image of edge-0006/controller-0 is made, is not there" in result.reason
    assert await bench.region.mutations(NOWHERE) == []


async def test_a_call_is_heard_whichever_worker_waits(bench: Bench) -> None:
    handle = await bench.start(RESTART, proof="phone-home")
    await bench.until_waiting(handle)
    await bench.stack.workers[-1].kill()
    await bench.stack.start_worker()
    result = await end_of(handle)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.reason == "base.iso is installed and has called home"
