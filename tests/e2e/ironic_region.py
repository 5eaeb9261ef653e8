"""A real Ironic between the workers and the bare servers of a simulated region.

Ironic drives the simulated BMCs itself, over HTTPS, and publishes the image to them; what workers ask of
Ironic passes a wire that keeps it. Its moves take real seconds, so the product's pace is below the region's.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.activities.redfish.emulator import images
from tests.contract.ironic.between import Wire, wire
from tests.e2e.test_install_host import Bench
from tests.support.ironic import Ironic
from tests.support.simulator import simulator
from tests.support.stack import stack

SETTINGS = {
    "STARFLOCK_PACE": "10",
    "STARFLOCK_REQUEST_TIMEOUT_S": "20",
    "STARFLOCK_SEND_WINDOW_S": "5",
}


@dataclass
class IronicRegion(Bench):
    server: Ironic
    wire: Wire

    def node(self, site: str) -> dict[str, Any]:
        found: dict[str, Any] = self.server.ask("GET", f"/v1/nodes/{site}~controller-0")
        return found

    def asked(self) -> Counter[str]:
        """What Ironic was asked to change and did not refuse, and how often: each intent names its node."""
        nodes = self.server.ask("GET", "/v1/nodes")["nodes"]
        names = {node["uuid"]: node["name"] for node in nodes}
        return Counter(
            f"{names.get(change.node, change.node)} {change.what}"
            for change in self.wire.changes
            if change.status < 400
        )


@asynccontextmanager
async def ironic_region(folder: Path, server: Ironic, sites: int) -> AsyncIterator[IronicRegion]:
    # Ironic boots from the medium for good: an installer that ends while no worker lives begins again.
    options = ("--topology", "aio-sx", "--bare", "--install-seconds", "7200", "--bmc-flavours", "generic")
    async with (
        simulator(folder / "sim", sites=sites, options=options) as region,
        images() as served,
        wire(server.url) as between,
        stack(folder, region, **SETTINGS) as running,
    ):
        _declare(region.inventory, between.url)
        await running.start_worker()
        yield IronicRegion(running, region, served, server, between)


def _declare(inventory: Path, url: str) -> None:
    document = yaml.safe_load(inventory.read_text())
    for controller in document["system_controllers"]:
        bundle = inventory.parent / controller["ca_bundle"]
        controller["ironic"] = {"url": url, "bmc_ca_bundle": str(bundle)}
    inventory.write_text(yaml.safe_dump(document))
