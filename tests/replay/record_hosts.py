"""Records histories of work on hosts, beside `record.py`: `python -m tests.replay.record_hosts NAME`.

Installs, looks, firmware and their campaigns, over simulated BMCs of four vendors. A history is filed under
the outcome that its run had to have; a run that ends otherwise is not recorded but stops the recording.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from models import contracts
from models.bmc import HostRef
from models.hardware import InspectRequest
from models.install import ApproveWipe, InstallHostRequest, InstallResult
from models.operations import FirmwareComponent
from tests.activities.redfish.emulator import Images, images
from tests.e2e.test_firmware import Bench as FirmwareBench
from tests.e2e.test_firmware import end_of as firmware_end_of
from tests.e2e.test_install_host import Bench, end_of
from tests.replay.record import HISTORIES, keep
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack, until

FLAVOURS = ("generic", "sticky-once", "cisco-c845a", "idrac7")
"""Plain; keeps "Once" for ever; two drives, the first of which refuses; too old for virtual media."""
GENERIC = tuple(f"edge-{number:04d}" for number in range(1, 100, len(FLAVOURS)))
SHORT = {"ready_within": "10m", "reachable_within": "10m"}
Faults = tuple[tuple[str, str, dict[str, Any]], ...]

INSTALLS: tuple[tuple[str, str, Faults, dict[str, Any]], ...] = (
    (GENERIC[0], "succeeded", (), {}),
    ("edge-0002", "succeeded-once-kept", (), {}),
    ("edge-0003", "succeeded-second-drive", (), {}),
    ("edge-0004", "refused-firmware-too-old", (), {}),
    (GENERIC[1], "succeeded-settings", (), {"bios": {"SriovGlobalEnable": "Enabled"}, "secure_boot": True}),
    (GENERIC[2], "succeeded-late-insert", (("bmc.insert", "hold", {"seconds": 1100, "times": 1}),), {}),
    (GENERIC[3], "succeeded-bmc-restart", (("bmc.reset", "dark", {"seconds": 150, "times": 1}),), {}),
    (GENERIC[4], "failed-stuck-medium", (("bmc.eject", "stick", {}),), {}),
    (GENERIC[5], "failed-power", (("bmc.reset", "lie", {}),), {}),
    (GENERIC[6], "blocked-image", (), {"image": "http://127.0.0.1:9/boot.iso"}),
    (GENERIC[7], "blocked-unapproved", (), {"wipe": None, **SHORT}),
    (GENERIC[8], "unreachable", (("bmc", "drop-before", {}),), SHORT),
)
CANCELS = (
    (GENERIC[9], "bmc.insert", "aborted-after-insert"),
    (GENERIC[10], "host.wipe", "succeeded-cancel-too-late"),
)


async def record(folder: Path) -> None:
    folder.mkdir(parents=True)
    options = ("--topology", "aio-sx", "--bare", "--bmc-flavours", ",".join(FLAVOURS))
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        async with (
            simulator(where / "sim", sites=4 * 16, options=options) as region,
            images() as served,
            stack(where, region) as house,
        ):
            worker = await house.start_worker()
            bench = Bench(house, region, served)
            await asyncio.gather(
                *(_install(bench, folder, *case) for case in INSTALLS),
                *(_cancelled(bench, folder, *case) for case in CANCELS),
                _approved(bench, folder),
            )
            await _installed_already(bench, folder)
            await _wrong_id(bench, folder)
            await _look(bench, folder, GENERIC[0], "InspectHost", "COMPLETED")
            await _firmware(FirmwareBench(house, region, worker), folder)
            await _campaigns(house, served, folder)
            await _wrong_password(bench, folder)


async def _install(
    bench: Bench, folder: Path, site: str, name: str, faults: Faults, more: dict[str, Any]
) -> None:
    for on, do, how in faults:
        await bench.fault(site, on, do, **how)
    await _keep_install(await bench.start(site, **more), folder, name)


async def _cancelled(bench: Bench, folder: Path, site: str, intent: str, name: str) -> None:
    handle = await bench.start(site)
    await until(_sent(bench, site, intent), intent)
    await handle.cancel()
    if name.startswith("aborted"):
        assert await bench.stack.status_of(handle) == "CANCELED"
        await keep(handle, folder, f"InstallHost-{name}")
    else:
        await _keep_install(handle, folder, name)


async def _approved(bench: Bench, folder: Path) -> None:
    site = GENERIC[11]
    handle = await bench.start(site, wipe=None)
    await handle.execute_update("approve_wipe", ApproveWipe(host=f"{site}/controller-0", owner="anna"))
    await _keep_install(handle, folder, "succeeded-approved")


async def _installed_already(bench: Bench, folder: Path) -> None:
    await _keep_install(await bench.start(GENERIC[0]), folder, "refused-in-use")


async def _wrong_password(bench: Bench, folder: Path) -> None:
    secret = bench.region.inventory.parent / "sim-bmc-password"
    secret.write_text("not-the-password")
    await _keep_install(await bench.start(GENERIC[12]), folder, "refused-password")
    await _look(bench, folder, GENERIC[12], "InspectHost-refused", "FAILED")


async def _wrong_id(bench: Bench, folder: Path) -> None:
    request = InstallHostRequest(site=GENERIC[12], host="controller-0", image=bench.images.url)
    handle = await bench.stack.client.start_workflow(
        contracts.INSTALL_HOST, request, id="not-the-lock", task_queue=contracts.TASK_QUEUE
    )
    assert "runs only under the workflow id" in await bench.stack.failure_of(handle)
    await keep(handle, folder, "InstallHost-wrong-id")


async def _look(bench: Bench, folder: Path, site: str, name: str, status: str) -> None:
    wanted = FirmwareComponent(name="BIOS", version="9.9.9", image="http://127.0.0.1:9/BIOS-9.9.9.bin")
    on = HostRef(site=site, host="controller-0")
    handle = await bench.stack.client.start_workflow(
        contracts.INSPECT_HOST,
        InspectRequest(on=on, hardware=True, sensors=True, baseline=(wanted,)),
        id=f"recorded/{name}",
        task_queue=contracts.TASK_QUEUE,
    )
    assert await bench.stack.status_of(handle) == status
    await keep(handle, folder, name)


async def _firmware(bench: FirmwareBench, folder: Path) -> None:
    site, bios, bmc = "edge-0010", bench.component("BIOS", "2.1.0"), bench.component("BMC", "7.20.30")
    out_of_reach = bench.component("BIOS", "2.1.0", image="http://127.0.0.1:9/BIOS-2.1.0.bin")
    for name, where, components in (
        ("succeeded", GENERIC[15], (bios, bmc)),
        ("already", GENERIC[15], (bios, bmc)),
        ("failed", GENERIC[12], (bios,)),
        ("blocked", site, (out_of_reach,)),
        ("refused", site, (bench.component("CPLD", "1.0.0"),)),
        ("unreachable", GENERIC[8], (bios,)),
    ):
        if name == "failed":
            await bench.region.fault(f"{where}/controller-0", "bmc.update", "lie", times=1)
        handle = await bench.start(where, *components)
        result = await firmware_end_of(handle)
        assert result.outcome == name, (name, result)
        await keep(handle, folder, f"UpdateFirmware-{name}")
    handle = await bench.start("edge-0006", bmc, bench.component("NIC.1", "23.0.1"))

    async def updating() -> bool:
        return "bmc.update" in await bench.region.mutations("edge-0006")

    await until(updating, "the first component")
    await handle.cancel()
    assert await bench.house.status_of(handle) == "CANCELED"
    await keep(handle, folder, "UpdateFirmware-aborted")


async def _campaigns(house: Stack, served: Images, folder: Path) -> None:
    sites = [GENERIC[13], GENERIC[14]]
    for kind, operation in (
        ("install", {"image": served.url, "wipe": [f"{site}/controller-0" for site in sites]}),
        ("firmware", {"baseline": "recorded", "components": [_served(house, "BMC", "7.20.40")]}),
    ):
        handle = await house.start_campaign(
            f"recorded-{kind}", operation={"kind": kind, **operation}, select={"names": sites}
        )
        assert (await handle.result()).counts == {"succeeded": 2}
        await keep(handle, folder, f"FleetCampaign-{kind}")


def _served(house: Stack, name: str, version: str) -> dict[str, str]:
    root = str(house.simulator.admin.base_url).rstrip("/")
    return {"name": name, "version": version, "image": f"{root}/images/{name}-{version}.bin"}


def _sent(bench: Bench, site: str, intent: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return intent in await bench.region.mutations(site)

    return look


async def _keep_install(handle: WorkflowHandle[Any, InstallResult], folder: Path, name: str) -> None:
    result = await end_of(handle)
    assert result.outcome == name.partition("-")[0], (name, result)
    await keep(handle, folder, f"InstallHost-{name}")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
