"""A site with VMs and a simulated Ceph, and a Temporal: what tests of quiescing share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from temporalio.client import Client, WorkflowHandle

from inventory.live import LOOK_EVERY_S
from tests.support.quiescing import QUEUE, Taken, TakeRequest, TakeSnapshots
from tests.support.simulator import Simulator, simulator
from workers import embedded
from workers.connection import connect

SITE = "edge-0001"
VMS = ("app-1", "cache-1", "db-1", "web-1")


@dataclass
class House:
    client: Client
    address: str
    region: Simulator
    days: dict[str, int] = field(default_factory=dict)

    async def start(self, site: str, queue: str = QUEUE) -> "WorkflowHandle[TakeSnapshots, Taken]":
        day = self.days[site] = self.days.get(site, 0) + 1
        request = TakeRequest(site=site, day=day)
        return await self.client.start_workflow(
            TakeSnapshots.run, request, id=f"take/{site}/{day}", task_queue=queue
        )

    async def take(self, site: str) -> dict[str, tuple[str, ...]]:
        """VM, consistency and why, by POOL/IMAGE."""
        handle = await self.start(site)
        return told(await asyncio.wait_for(handle.result(), 60))

    async def guests(self, site: str) -> dict[str, dict[str, Any]]:
        return {each["vm"]: each for each in await self.region.get(f"/sites/{site}/guests")}

    async def agent(self, site: str, vm: str, agent: str) -> None:
        reply = await self.region.admin.post(f"/sites/{site}/guests", json={"vm": vm, "agent": agent})
        reply.raise_for_status()

    async def frozen_s(self, site: str) -> dict[str, float]:
        """Simulated seconds."""
        rows = await self.region.get(f"/sites/{site}/workloads")
        return {row["workload"]: row["outage_s"] for row in rows if row["workload"].startswith("io/")}

    async def snapshots(self, site: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = (await self.region.get(f"/sites/{site}/ceph"))["snapshots"]
        return found

    async def nobody_is_frozen(self) -> None:
        for site in await self.region.get("/sites"):
            guests = await self.guests(site["name"])
            assert not [vm for vm, each in guests.items() if each["frozen"]], site["name"]

    async def has_one_each(self, site: str, found: dict[str, tuple[str, ...]]) -> None:
        """Of the last backup."""
        day = f"starflock-202603{self.days[site]:02d}"
        snapshots = await self.snapshots(site)
        assert set(snapshots) == set(found)
        count = {len([name for name in names if name.startswith(day)]) for names in snapshots.values()}
        assert count == {1}

    async def redeclare(self, **policy: Any) -> None:
        declare(self.region.inventory, **policy)
        await asyncio.sleep(LOOK_EVERY_S)


def told(taken: Taken) -> dict[str, tuple[str, ...]]:
    found = taken.still.items()
    return {
        spec: (each.get("vm", ""), each.get("consistency", ""), each.get("why", "")) for spec, each in found
    }


def declare(inventory: Path, **policy: Any) -> None:
    """For all sites."""
    document = yaml.safe_load(inventory.read_text())
    pools = {"pools": ["ephemeral", "cinder-volumes"], "job_image": "carrier", "frozen_at_most": "2s"}
    for site in document["sites"]:
        site["ceph"]["volumes"] = pools | policy
    draft = inventory.with_name("next.yaml")
    draft.write_text(yaml.safe_dump(document))
    draft.replace(inventory)


@asynccontextmanager
async def quiescing_house(folder: Path) -> AsyncIterator[House]:
    """Nobody works yet."""
    options = ("--topology", "aio-dx", "--openstack", "--vms", "4", "--kubernetes", "--ceph", "rook")
    plain = ("--no-bmcs", "--plain")
    async with simulator(folder / "sim", sites=1, speed=20, options=(*options, *plain)) as region:
        declare(region.inventory)
        server = await embedded.start(folder / "temporal.db", durable=False)
        try:
            yield House(await connect(server.address), server.address, region)
        finally:
            await server.stop()
