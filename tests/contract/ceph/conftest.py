"""One real cluster and two simulated ones for the tests of this folder; each puts back what it changes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from activities.ceph.flags import CephFlags
from activities.ceph.local_cli import LocalCli
from activities.ceph.looks import CephLooks
from models.timing import Timing
from rules.ceph import settled
from tests.contract.ceph.targets import Straight, Target, real, simulated
from tests.support.ceph import Ceph, ceph, is_clean, what_is_missing


@dataclass(frozen=True)
class Site:
    """The real cluster, and the activities on it as the least-privilege user."""

    cluster: Ceph
    port: LocalCli
    looks: CephLooks
    flags: CephFlags


@pytest.fixture(scope="package")
def running() -> Iterator[Ceph]:
    if missing := what_is_missing():
        pytest.skip(missing)
    with ceph() as cluster:
        yield cluster


@pytest.fixture
def site(running: Ceph) -> Site:
    port = LocalCli(running.conf, connect_s=2)
    ways = Straight(port)
    return Site(running, port, CephLooks(ways, settled, Timing()), CephFlags(ways, Timing()))


@pytest.fixture
def recovered(running: Ceph) -> Iterator[None]:
    """For what takes the cluster a while to get over."""
    yield
    running.until(is_clean)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["real", "rook", "bare-metal"])
async def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    async with _opened(request, tmp_path_factory) as found:
        yield found


@asynccontextmanager
async def _opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    if request.param != "real":
        async with simulated(tmp_path_factory.mktemp(request.param), request.param) as found:
            yield found
        return
    cluster: Ceph = request.getfixturevalue("running")
    yield real(cluster, LocalCli(cluster.conf, connect_s=2))
    cluster.until(is_clean)
