"""Clusters that the same tests run on: a real one, and those of simulated sites, by toolbox and by SSH.

A target says what differs between them: how a person changes something there, which OSDs go down together,
and how long anything takes.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from temporalio.testing import ActivityEnvironment

from activities.ceph.commands import CephPort, RbdPort
from activities.ceph.flags import CephFlags
from activities.ceph.looks import CephLooks
from activities.kubernetes.clusters import Clusters
from inventory.load import load_inventory
from models.timing import Timing
from models.volumes import VolumePolicy
from rules.ceph import settled
from tests.support.ceph import GROUPS, Ceph
from tests.support.simulator import Simulator, simulator
from tests.support.stranger import stranger
from workers.ceph_ways import CephWays

SITE = "edge-0001"


async def run(method: Callable[[Any], Awaitable[Any]], request: Any, attempt: int = 1) -> Any:
    environment = ActivityEnvironment()
    environment.info = replace(ActivityEnvironment.default_info(), attempt=attempt)
    return await environment.run(method, request)


@dataclass(frozen=True)
class Straight:
    """To one cluster, whatever the site is called."""

    port: CephPort
    alone: bool = False

    def has_ceph(self, site: str) -> bool:
        return site != "none"

    def is_alone(self, site: str) -> bool:
        return self.alone

    @asynccontextmanager
    async def opened(self, site: str) -> AsyncIterator[CephPort]:
        yield self.port


@dataclass(frozen=True)
class StraightTo:
    """The same to a cluster with its volumes."""

    port: RbdPort
    policy: VolumePolicy | None = None

    def volumes(self, site: str) -> VolumePolicy | None:
        return self.policy

    @asynccontextmanager
    async def opened(self, site: str) -> AsyncIterator[RbdPort]:
        yield self.port


class Ways(Protocol):
    def has_ceph(self, site: str) -> bool: ...

    def is_alone(self, site: str) -> bool: ...

    def opened(self, site: str) -> AbstractAsyncContextManager[CephPort]: ...


@dataclass(frozen=True)
class Target:
    ways: Ways
    timing: Timing
    osds: tuple[int, ...]
    groups: int
    pools: tuple[str, ...]
    monitors: tuple[str, ...]
    host: str
    """With these OSDs on it."""
    of_host: tuple[int, ...]
    has_monitor: bool
    """The host."""
    victim: int
    """The OSD that goes down and comes back."""
    admin: Callable[..., Awaitable[Any]]
    """A person's command: prefix and words; what it says as JSON."""
    down: Callable[[], Awaitable[None]]
    """Its host goes out of service."""
    back: Callable[[], Awaitable[None]]
    region: Simulator | None = None

    @property
    def looks(self) -> CephLooks:
        return CephLooks(self.ways, settled, self.timing)

    @property
    def flags(self) -> CephFlags:
        return CephFlags(self.ways, self.timing)


def real(cluster: Ceph, port: CephPort) -> Target:
    async def admin(prefix: str, *words: str) -> Any:
        return await asyncio.to_thread(cluster.admin, *prefix.split(), *words)

    async def down() -> None:
        await asyncio.to_thread(cluster.stop, "osd.0")

    async def back() -> None:
        # From this thread: Linux ends a child with the thread that made it.
        cluster.start("osd.0")

    return Target(
        ways=Straight(port),
        timing=Timing(),
        osds=(0, 1, 2),
        groups=GROUPS,
        pools=("rbd",),
        monitors=("a",),
        host=socket.gethostname(),
        of_host=(0, 1, 2),
        has_monitor=True,
        victim=0,
        admin=admin,
        down=down,
        back=back,
    )


@asynccontextmanager
async def simulated(folder: Path, kind: str) -> AsyncIterator[Target]:
    options = ["--topology", "aio-dx", "--plain", "--ceph", kind, "--reboot-seconds", "120"]
    options += ["--kubernetes", "--no-bmcs"] if kind == "rook" else []
    async with simulator(folder, sites=1, options=tuple(options)) as region:
        inventory, timing = load_inventory(region.inventory), Timing(pace=240)
        ways = CephWays(lambda: inventory, Clusters(lambda: inventory, timing), timing)
        yield Target(
            ways=ways,
            timing=timing,
            osds=(0, 1),
            groups=32,
            pools=("kube-rbd",),
            monitors=("a", "b", "c") if kind == "rook" else ("controller",),
            host="controller-1",
            of_host=(1,),
            has_monitor=kind == "rook",
            victim=1,
            admin=_person(ways),
            down=_acting(region, "lock", "locked"),
            back=_acting(region, "unlock", "unlocked"),
            region=region,
        )


def _person(ways: CephWays) -> Callable[..., Awaitable[Any]]:
    async def admin(prefix: str, *words: str) -> Any:
        async with ways.opened(SITE) as port:
            result = await port.command(prefix, words, 20)
        if result.rc:
            raise RuntimeError(f"ceph {prefix} {' '.join(words)}: {result.text}")
        return result.data

    return admin


def _acting(region: Simulator, action: str, state: str) -> Callable[[], Awaitable[None]]:
    async def act() -> None:
        async with stranger(region, SITE) as somebody:
            await somebody.act("controller-1", action)
        async with asyncio.timeout(60):
            while not await _is_so(region, state):
                await asyncio.sleep(0.1)

    return act


async def _is_so(region: Simulator, state: str) -> bool:
    hosts: Sequence[dict[str, Any]] = (await region.get(f"/sites/{SITE}"))["hosts"]
    found = next(each for each in hosts if each["name"] == "controller-1")
    wanted = "available" if state == "unlocked" else "online"
    return (found["administrative"], found["availability"]) == (state, wanted)
