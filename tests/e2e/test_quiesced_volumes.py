"""Snapshots of VMs' volumes: guests are frozen through libvirt's pods while they are taken, and no longer."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from activities.kubernetes.clusters import Clusters
from activities.kubernetes.execution import executing
from activities.kubernetes.resources import PODS
from inventory.live import LOOK_EVERY_S, LiveInventory
from tests.support.openstack import Stranger
from tests.support.quiescing import QUEUE, TIMING, Taken, TakeRequest, TakeSnapshots, working
from tests.support.simulator import Simulator, simulator
from tests.support.stack import until
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
    clusters: Clusters
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
        for site in (SITE, OTHER):
            assert not [vm for vm, each in (await self.guests(site)).items() if each["frozen"]], site


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


async def redeclare(house: House, **policy: Any) -> None:
    declare(house.region.inventory, **policy)
    await asyncio.sleep(LOOK_EVERY_S)


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
                live = LiveInventory(region.inventory)
                yield House(client, server.address, region, Clusters(live.current, TIMING))
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


async def test_a_guest_that_cannot_be_still_is_kept_as_it_is_with_the_reason(house: House) -> None:
    agents = {"app-1": "none", "cache-1": "silent", "web-1": "stuck"}
    for vm, agent in agents.items():
        await house.agent(SITE, vm, agent)
    await act(house, SITE, "db-1", "os-stop", "SHUTOFF")
    found = {vm: (how, why) for vm, how, why in (await house.take(SITE)).values()}
    assert found == {
        "app-1": ("crash-consistent", "argument unsupported: QEMU guest agent is not configured"),
        "cache-1": ("crash-consistent", "Guest agent is not responding: QEMU guest agent is not connected"),
        "db-1": ("stopped", ""),
        "web-1": ("crash-consistent", "no answer within 2 s;"),
    }

    async def all_thawed() -> bool:
        return not any(each["frozen"] for each in (await house.guests(SITE)).values())

    await until(all_thawed, "the program in the pod thaws what has frozen after all")

    await redeclare(house, quiesce="require")
    try:
        before = await house.snapshots(SITE)
        with pytest.raises(WorkflowFailureError) as caught:
            await house.take(SITE)
        words = str(caught.value.cause.cause if caught.value.cause else "")
        assert words.endswith(
            "app-1 is not quiesced: argument unsupported: QEMU guest agent is not configured"
        )
        assert await house.snapshots(SITE) == before
        await redeclare(house, quiesce="never")
        assert {how for _, how, _ in (await house.take(SITE)).values()} == {""}
    finally:
        await redeclare(house)
        for vm in agents:
            await house.agent(SITE, vm, "answers")
        await act(house, SITE, "db-1", "os-start", "ACTIVE")


async def test_a_guest_found_frozen_is_thawed_before_it_is_frozen(house: House) -> None:
    """The control, too: whatever freezes without our program leaves a guest frozen, and that is seen."""
    vm = (await house.guests(SITE))["app-1"]
    async with executing(house.clusters, SITE) as client:
        pods = await client.list(PODS, "openstack", fields=f"spec.nodeName={vm['host']}")
        words = ("bash", "-c", f"virsh domfsfreeze {vm['id']}; read -r line")
        async with client.talking("openstack", pods[0]["metadata"]["name"], words, "libvirt") as talk:
            assert await talk.line() == "Freezed 2 filesystem(s)"
    assert (await house.guests(SITE))["app-1"]["frozen"]
    assert {how for _, how, _ in (await house.take(SITE)).values()} == {"quiesced"}


async def test_snapshots_that_are_late_are_taken_again_in_another_freeze(house: House) -> None:
    before = (await house.guests(SITE))["app-1"]["freezes"]
    await house.region.fault(SITE, "ceph", "hold", times=1, seconds=60)
    found = await house.take(SITE)
    assert {how for _, how, _ in found.values()} == {"quiesced"}
    assert (await house.guests(SITE))["app-1"]["freezes"] > before + 1
    await has_one_each(house, SITE, found)


async def test_a_worker_killed_while_a_guest_is_frozen_leaves_none_frozen_and_no_snapshot_twice(
    house: House, tmp_path: Path
) -> None:
    await house.region.fault(OTHER, "ceph", "hold", times=1)
    async with mortal(house, tmp_path) as worker:
        handle = await house.start(OTHER, MORTAL)

        async def parked() -> bool:
            frozen = [vm for vm, each in (await house.guests(OTHER)).items() if each["frozen"]]
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
    assert (await house.guests(OTHER))["app-1"]["freezes"] == 2
    await has_one_each(house, OTHER, found)
    rows = await house.region.get(f"/sites/{OTHER}/mutations")
    assert [row["target"] for row in rows if row["repeat"]] == []


async def thawed_by_itself(house: House) -> bool:
    return not (await house.guests(OTHER))["app-1"]["frozen"]


async def has_one_each(house: House, site: str, found: dict[str, Any]) -> None:
    """Of the last backup."""
    day = f"starflock-202603{house.days[site]:02d}"
    snapshots = await house.snapshots(site)
    assert set(snapshots) == set(found)
    assert {len([name for name in names if name.startswith(day)]) for names in snapshots.values()} == {1}


async def act(house: House, site: str, vm: str, action: str, status: str) -> None:
    stranger, id = Stranger(house.region, site), (await house.guests(site))[vm]["id"]
    answer = await stranger.ask("POST", f"/servers/{id}/action", {action: None})
    assert answer.status_code == 202, answer.text

    async def is_so() -> bool:
        return bool((await stranger.ask("GET", f"/servers/{id}")).json()["server"]["status"] == status)

    await until(is_so, f"{vm} is {status}")


@asynccontextmanager
async def mortal(house: House, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with open(folder / "worker.log", "ab") as log:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.quiescing"),
            *(house.address, str(house.region.inventory), MORTAL),
            stdout=log,
            stderr=log,
        )
    try:
        yield worker
    finally:
        if worker.returncode is None:
            worker.terminate()
            await worker.wait()
