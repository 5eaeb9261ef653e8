"""A site's OpenStack under contract: a simulated Nova, or a real one, and what an operator does there.

Requests are those of an operator with a token of their own; Starflock's activities go their own way, over the
inventory that declares the site. Both targets have hosts with a nova-compute each, a small flavor and an
image, and each can hold or break the live migrations that leave a host.
"""

import asyncio
import dataclasses
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx2
import yaml
from temporalio.testing import ActivityEnvironment

from activities.openstack.acting import OpenstackVms
from activities.openstack.computes import OpenstackComputes
from activities.openstack.moving import OpenstackMoves
from activities.openstack.stacks import Stacks, closing
from inventory.load import load_inventory
from inventory.openstack import declared_openstack
from inventory.secrets import resolve
from models.compute import ComputeFacts, ComputeRequest
from models.timing import Timing
from simulator.openstack.catalogue import IMAGES
from tests.support import nova_neighbours
from tests.support.nova import Nova
from tests.support.nova_settings import COMPUTES, PASSWORD
from tests.support.simulator import Simulator

WITHIN_S = 120.0
VERSION = "2.87"
FAULT = "openstack.migration"


@dataclass
class Answer:
    status: int
    body: Any

    @property
    def words(self) -> str:
        """Of a refusal."""
        (kind,) = self.body.values()
        return str(kind["message"])


@dataclass
class Place:
    inventory: Path
    site: str
    hosts: tuple[str, ...]
    flavor: str
    image: str
    stacks: Stacks
    target: Nova | Simulator
    _client: httpx2.AsyncClient
    _base: str = ""
    _token: str = ""
    made: list[str] = field(default_factory=list)

    @property
    def is_real(self) -> bool:
        return isinstance(self.target, Nova)

    @property
    def computes(self) -> OpenstackComputes:
        return OpenstackComputes(self.stacks)

    @property
    def moves(self) -> OpenstackMoves:
        return OpenstackMoves(self.stacks)

    @property
    def vms(self) -> OpenstackVms:
        return OpenstackVms(self.stacks)

    async def run(self, activity: Any, request: Any, *, attempt: int = 1) -> Any:
        """In the surroundings of an activity; its result."""
        surroundings = ActivityEnvironment()
        surroundings.info = dataclasses.replace(surroundings.info, attempt=attempt)
        return await surroundings.run(activity, request)

    async def facts(self, host: str) -> ComputeFacts:
        found: ComputeFacts = await self.run(
            self.computes.examine_compute, ComputeRequest(site=self.site, host=host)
        )
        return found

    async def send(self, method: str, path: str, body: Any = None, version: str = VERSION) -> Answer:
        """To Nova, as an operator with curl."""
        if not self._token:
            await self._log_in()
        headers = {"X-Auth-Token": self._token, "X-OpenStack-Nova-API-Version": version}
        answer = await self._client.request(method, f"{self._base}{path}", json=body, headers=headers)
        return Answer(answer.status_code, answer.json() if answer.content else None)

    async def ask(self, method: str, path: str, body: Any = None, version: str = VERSION) -> Any:
        answer = await self.send(method, path, body, version)
        assert answer.status < 300, answer
        return answer.body

    async def act(self, vm: str, action: str, about: Any = None, version: str = VERSION) -> Answer:
        return await self.send("POST", f"/servers/{vm}/action", {action: about}, version)

    async def server(self, vm: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask("GET", f"/servers/{vm}"))["server"]
        return found

    async def host_of(self, vm: str) -> str:
        return str((await self.server(vm))["OS-EXT-SRV-ATTR:host"])

    async def migrations(self, vm: str) -> list[dict[str, Any]]:
        """The oldest first."""
        rows = (await self.ask("GET", f"/os-migrations?instance_uuid={vm}"))["migrations"]
        return sorted(rows, key=lambda row: int(row["id"]))

    async def boot(self, host: str = "", group: str = "", name: str = "vm") -> str:
        """A server that is ACTIVE, on this host if one is given."""
        whole = f"{name}-{uuid.uuid4().hex[:6]}"
        server = {"name": whole, "flavorRef": self.flavor, "imageRef": self.image}
        body: dict[str, Any] = {"server": server | {"networks": "none"} | ({"host": host} if host else {})}
        if group:
            body["os:scheduler_hints"] = {"group": group}
        vm = str((await self.ask("POST", "/servers", body))["server"]["id"])
        self.made.append(vm)
        await self.until(vm, lambda now: now["status"] != "BUILD")
        found = await self.server(vm)
        assert found["status"] == "ACTIVE", found.get("fault")
        return vm

    async def until(self, vm: str, good: Callable[[dict[str, Any]], bool]) -> None:
        """Its server is so, with no task."""
        deadline = time.monotonic() + WITHIN_S
        while not (good(now := await self.server(vm)) and not now["OS-EXT-STS:task_state"]):
            assert time.monotonic() < deadline, now
            await asyncio.sleep(0.1)

    @asynccontextmanager
    async def migrations_do(self, source: str, how: Literal["hold", "fail"]) -> AsyncIterator[None]:
        """Live migrations that leave this host are held, or fail, as long as this lasts."""
        if isinstance(self.target, Nova):
            with self.target.migrations(source, how):
                yield
            return
        await self.target.fault(self.site, FAULT, how)
        try:
            yield
        finally:
            await self.target.clear_faults()

    async def clear_up(self) -> None:
        while self.made:
            await self.send("DELETE", f"/servers/{self.made.pop()}")
        deadline = time.monotonic() + WITHIN_S
        while (await self.ask("GET", "/servers/detail?all_tenants=1"))["servers"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        for row in (await self.ask("GET", "/os-services?binary=nova-compute"))["services"]:
            if row["status"] != "enabled":
                await self.ask("PUT", f"/os-services/{row['id']}", {"status": "enabled"})

    async def _log_in(self) -> None:
        declared = declared_openstack(load_inventory(self.inventory), self.site)
        access, domain = declared.access, {"name": "Default"}
        password = resolve(access.credential.password, self.inventory.parent)
        user = {"name": access.credential.username, "password": password, "domain": domain}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": access.credential.project, "domain": domain}}
        body = {"auth": {"identity": identity, "scope": scope}}
        answer = await self._client.post(f"{access.auth_url}/auth/tokens", json=body)
        answer.raise_for_status()
        self._token = answer.headers["X-Subject-Token"]
        catalog = answer.json()["token"]["catalog"]
        (compute,) = (entry for entry in catalog if entry["type"] == "compute")
        self._base = compute["endpoints"][0]["url"]


@asynccontextmanager
async def simulated(region: Simulator, site: str) -> AsyncIterator[Place]:
    declared = declared_openstack(load_inventory(region.inventory), site)
    probe = declared.access.probe
    assert probe is not None
    hosts = tuple(host.name for host in declared.hosts)
    async with _opened(region.inventory, Timing(pace=60, request_timeout_s=20)) as (stacks, client):
        place = Place(region.inventory, site, hosts, "", "", stacks, region, client)
        flavors = (await place.ask("GET", "/flavors/detail"))["flavors"]
        place.flavor = next(one["id"] for one in flavors if one["name"] == probe.flavor)
        place.image = IMAGES[0]["id"]
        yield place


@asynccontextmanager
async def real(nova: Nova, folder: Path) -> AsyncIterator[Place]:
    flavor = {"name": "m1.tiny", "ram": 64, "vcpus": 1, "disk": 1}
    made = nova.ask("POST", "/flavors", {"flavor": flavor})["flavor"]["id"]
    inventory = _declared(nova, folder)
    async with _opened(inventory, Timing(pace=10, request_timeout_s=40)) as (stacks, client):
        yield Place(inventory, "alpha", COMPUTES, made, nova_neighbours.IMAGE, stacks, nova, client)


def _declared(nova: Nova, folder: Path) -> Path:
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o600)
    hosts = [{"name": name, "personality": "worker"} for name in COMPUTES]
    hosts.append({"name": "controller-0", "personality": "controller"})
    probe = {"flavor": "m1.tiny", "image": "image", "network": "net"}
    credential = {"username": "admin", "password": "file:password", "project": "admin"}
    openstack = {"auth_url": nova.auth_url, "credential": credential, "probe": probe}
    controller = {
        "name": "central",
        "auth_url": "https://127.121.0.2:5000/v3",
        "credential": {"password": "env:NOBODY"},
    }
    site: dict[str, Any] = {
        "name": "alpha",
        "system_controller": "central",
        "topology": "Standard",
        "hosts": hosts,
    }
    site["openstack"] = openstack
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump({"system_controllers": [controller], "sites": [site]}))
    return path


@asynccontextmanager
async def _opened(inventory: Path, timing: Timing) -> AsyncIterator[tuple[Stacks, httpx2.AsyncClient]]:
    stacks = Stacks(lambda: load_inventory(inventory), timing)
    async with closing(stacks), httpx2.AsyncClient(timeout=60) as client:
        yield stacks, client
