"""Sites with VMs, and a Temporal whose workers hold them: what several tests of the hold share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle

from tests.support.openstack import Stranger
from tests.support.simulator import Simulator, simulator
from tests.support.stack import scheduled, until
from tests.support.vm_holding import QUEUE, HoldRequest, HoldResult, HoldVms
from workers import embedded
from workers.connection import connect

HOST, OTHER = "controller-0", "controller-1"
DISABLE, ENABLE = "openstack.services.disable", "openstack.services.enable"
MIGRATE, ABORT = "openstack.servers.migrate", "openstack.servers.abort"


@dataclass
class House:
    client: Client
    address: str
    region: Simulator
    count: int = 0

    async def start(
        self, site: str, queue: str = QUEUE, **more: Any
    ) -> "WorkflowHandle[HoldVms, HoldResult]":
        self.count += 1
        request = HoldRequest(site=site, host=HOST, **more)
        return await self.client.start_workflow(
            HoldVms.run, request, id=f"hold/{site}/{self.count}", task_queue=queue
        )

    async def hold(self, site: str, **more: Any) -> HoldResult:
        return await (await self.start(site, **more)).result()

    async def sent(self, site: str) -> list[str]:
        rows = await self.region.get(f"/sites/{site}/mutations")
        return [f"{row['intent']} {row['target']}" for row in rows if row["intent"].startswith("openstack.")]

    async def outages(self, site: str) -> dict[str, float]:
        rows = await self.region.get(f"/sites/{site}/workloads")
        return {row["workload"]: row["outage_s"] for row in rows}


@asynccontextmanager
async def vm_house(folder: Path, sites: int) -> AsyncIterator[House]:
    """AIO-DX sites of six VMs; nobody works yet."""
    options = ("--topology", "aio-dx", "--openstack", "--vms", "6", "--no-bmcs", "--plain")
    async with simulator(folder / "sim", sites=sites, options=options) as region:
        server = await embedded.start(folder / "temporal.db", durable=False)
        try:
            yield House(await connect(server.address), server.address, region)
        finally:
            await server.stop()


async def on(stranger: Stranger, host: str) -> dict[str, str]:
    """Names and states of the VMs of a host."""
    answer = await stranger.ask("GET", f"/servers/detail?all_tenants=1&host={host}")
    return {each["name"]: each["status"] for each in answer.json()["servers"]}


async def service(stranger: Stranger) -> tuple[str, str | None]:
    answer = await stranger.ask("GET", "/os-services?binary=nova-compute")
    (row,) = [each for each in answer.json()["services"] if each["host"] == HOST]
    return row["status"], row["disabled_reason"]


async def waiting(handle: "WorkflowHandle[HoldVms, HoldResult]", activity: str) -> list[str]:
    """The activities so far, once this one is under way."""

    async def reached() -> list[str]:
        done = [step.split()[1] for step in await scheduled(handle)]
        return done if done[-1:] == [activity] else []

    return await until(reached, activity)


async def held(house: House, point: str = "") -> None:
    """A request that changes something is parked."""

    async def is_parked() -> bool:
        rows = (await house.region.get("/held"))["held"]
        return any(point in ("", row["on"]) for row in rows)

    await until(is_parked, f"a parked request {point}")
