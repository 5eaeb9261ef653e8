"""Snapshots of VMs' volumes: guests are frozen through libvirt's pods while they are taken, and no longer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import Client, WorkflowHandle

from tests.support.quiescing import QUEUE, Taken, TakeRequest, TakeSnapshots, working
from tests.support.simulator import Simulator, simulator
from workers import embedded
from workers.connection import connect

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

SITE, OTHER, MORTAL = "edge-0001", "edge-0002", "mortal"
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

    async def take(self, site: str) -> dict[str, tuple[str, str, str]]:
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
        for site in (SITE, OTHER):
            assert not [vm for vm, each in (await self.guests(site)).items() if each["frozen"]], site


def told(taken: Taken) -> dict[str, tuple[str, str, str]]:
    found = taken.still.items()
    return {spec: (each.get("vm", ""), each["consistency"], each.get("why", "")) for spec, each in found}


def declare(inventory: Path, **policy: Any) -> None:
    """For all sites."""
    document = yaml.safe_load(inventory.read_text())
    pools = {"pools": ["ephemeral", "cinder-volumes"], "job_image": "carrier", "frozen_at_most": "3s"}
    for site in document["sites"]:
        site["ceph"]["volumes"] = pools | policy
    draft = inventory.with_name("next.yaml")
    draft.write_text(yaml.safe_dump(document))
    draft.replace(inventory)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("quiesced")
    options = ("--topology", "aio-dx", "--openstack", "--vms", "4", "--kubernetes", "--ceph", "rook")
    async with simulator(
        folder / "sim", sites=2, speed=20, options=(*options, "--no-bmcs", "--plain")
    ) as region:
        declare(region.inventory)
        server = await embedded.start(folder / "temporal.db", durable=False)
        try:
            client = await connect(server.address)
            async with working(client, region.inventory):
                yield House(client, server.address, region)
        finally:
            await server.stop()


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def thawed(house: House) -> AsyncIterator[None]:
    yield
    await house.nobody_is_frozen()


async def test_each_vm_is_frozen_once_and_its_volumes_are_taken_together(house: House) -> None:
    found = await house.take(SITE)
    guests = await house.guests(SITE)
    assert sorted(guests) == list(VMS)
    assert found == {disk: (vm, "quiesced", "") for vm, each in guests.items() for disk in each["disks"]}
    assert max(len(each["disks"]) for each in guests.values()) == 2
    assert {vm: each["freezes"] for vm, each in guests.items()} == dict.fromkeys(VMS, 1)
    assert set(await house.frozen_s(SITE)) == {f"io/{vm}" for vm in VMS}
