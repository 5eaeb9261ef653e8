"""Records histories of installs through a real Ironic, beside `record_hosts.py`:
`python -m tests.replay.record_ironic NAME`.

A host is installed; switched off and installed again, so that its node is undeployed first; another one never
answers in time, so that everything is put back.
"""

import asyncio
import ssl
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.e2e.ironic_region import IronicRegion, ironic_region
from tests.e2e.test_install_host import end_of
from tests.replay.record import HISTORIES, keep
from tests.support.ironic import ironic
from tests.support.stack import until

SITE, SLOW = "edge-0001", "edge-0002"


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        (where / "ironic").mkdir()
        with ironic(where / "ironic") as server:
            async with ironic_region(where / "bench", server, 2) as there:
                await _install(there, folder, "succeeded", SITE)
                await _switch_off(there)
                await _install(there, folder, "succeeded-undeployed-first", SITE)
                await _install(there, folder, "failed-no-answer", SLOW, installed_within="1s")


async def _install(there: IronicRegion, folder: Path, name: str, site: str, **more: Any) -> None:
    handle = await there.start(site, through="ironic", **more)
    result = await end_of(handle)
    assert result.outcome == name.partition("-")[0], (name, result)
    await keep(handle, folder, f"InstallHost-ironic-{name}")


async def _switch_off(there: IronicRegion) -> None:
    """As somebody at the BMC does it; the host stops to answer."""
    inventory = there.region.inventory
    document = yaml.safe_load(inventory.read_text())
    bmc = document["sites"][0]["hosts"][0]["bmc"]
    password = (inventory.parent / "sim-bmc-password").read_text()
    trust = ssl.create_default_context(cafile=str(inventory.parent / bmc["ca_bundle"]))
    login = httpx2.BasicAuth("root", password)
    async with httpx2.AsyncClient(base_url=bmc["address"], auth=login, verify=trust) as client:
        path = "/redfish/v1/Systems/system/Actions/ComputerSystem.Reset"
        (await client.post(path, json={"ResetType": "ForceOff"})).raise_for_status()

    async def is_off() -> bool:
        return (await there.machine(SITE))["power"] == "Off"

    await until(is_off, "the host is off")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
