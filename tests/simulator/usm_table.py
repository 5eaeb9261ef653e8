"""A simulated site without sockets: its USM is asked as its HTTP service is, in whatever state a test wants.

Time stands still (nothing that began ends by itself) unless a test asks for speed.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from simulator.cloud.cloud import Cloud
from simulator.cloud.deployment import Deployment
from simulator.cloud.releases import Dialect
from simulator.options import Options
from simulator.proof.faults import parse
from simulator.region import Region, build
from simulator.services.usm import UsmApi
from simulator.wire.http import Refusal, Reply, Request

STILL, FAST = 1e-6, 1e6
TOKEN = "a-token-given-out-of-hand"


class Usm:
    """The service of one site."""

    def __init__(
        self,
        folder: Path,
        topology: str = "aio-sx",
        dialect: Dialect = Dialect.STX_12,
        speed: float = STILL,
        major: str = "available",
    ) -> None:
        options = Options(
            sites=1,
            inventory=folder / "inventory.yaml",
            topology=topology,
            dialect=dialect,
            speed=speed,
            bmcs=False,
            major=major,
            bootstrapped=topology.startswith("standard"),
        )
        self.region: Region = build(options)
        (self.cloud,) = self.region.sites.values()
        self.of(self.cloud)

    def of(self, cloud: Cloud) -> "Usm":
        """Ask this cloud from now on."""
        self.cloud = cloud
        cloud.tokens[TOKEN] = float("inf")
        return self

    @property
    def patch(self) -> str:
        return sorted(self.cloud.catalogue)[1]

    @property
    def reboot_patch(self) -> str:
        return sorted(self.cloud.catalogue)[2]

    @property
    def major(self) -> str:
        return sorted(self.cloud.catalogue)[3]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = CIMultiDictProxy(CIMultiDict({"X-Auth-Token": TOKEN} | headers))
        try:
            return UsmApi().handle(self.cloud, Request(method, f"/v1{path}", {}, given, raw, "http", "here"))
        except Refusal as refused:
            return refused.reply

    def start(self, release: str, force: bool = False) -> Reply:
        body = {"force": "true"} if force else {}
        if self.cloud.dialect is Dialect.NEXT:
            return self.ask("POST", "/deploy/start", body | {"releases": [release]})
        return self.ask("POST", f"/deploy/{release}/start", body)

    def in_state(self, state: str, release: str = "", **hosts: str) -> Deployment:
        """A deployment that has come so far; hosts that are not named are as the state has them."""
        usm = self.cloud.usm
        usm.deployment = None
        for name, one in usm.states.items():
            usm.states[name] = "available" if one == "deploying" else one
        usm.start(release or self.reboot_patch, 1.0)
        deployment = usm.deployment
        assert deployment is not None
        deployment.state = state
        deployment.aborted = "rollback" in state
        usual = "rollback-pending" if deployment.aborted else "deployed" if _reached(state) else "pending"
        for name in deployment.hosts:
            deployment.hosts[name] = hosts.get(name.replace("-", "_"), usual)
        return deployment

    def lock(self, *names: str) -> None:
        for host in self.cloud.hosts:
            locked = host.name in names
            host.enter("locked" if locked else "unlocked", "disabled" if locked else "enabled", "", "")
            host.availability = "online" if locked else "available"


def _reached(state: str) -> bool:
    return state.startswith(("host-done", "activate", "completed"))


def said(reply: Reply) -> tuple[int, str]:
    """Status, and the words that matter."""
    body = json.loads(reply.body)
    return reply.status, body.get("error") or body.get("info", "")


async def until_rest(usm: Usm, *states: str) -> str:
    """The deployment's state once it is one of these; time must not stand still."""
    async with asyncio.timeout(20):
        while usm.cloud.usm.deployment is None or usm.cloud.usm.deployment.state not in states:
            await asyncio.sleep(0.001)
    return usm.cloud.usm.deployment.state


def plant(usm: Usm, site: str, on: str, do: str, **more: object) -> None:
    """A fault, as the admin API takes it."""
    fault = parse({"site": site, "on": on, "do": do} | more, usm.region.sites, "sc-1")
    usm.region.plant(fault)


async def later(reply: Reply) -> tuple[int, str]:
    """What is said once the work has ended."""
    assert reply.later is not None
    return said(await asyncio.wait_for(reply.later, 20))
