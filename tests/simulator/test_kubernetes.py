"""What only the simulated Kubernetes API can be asked: its ledger, its faults, what follows from sysinv.

What it shares with a real API server is in tests/contract/kubernetes.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from simulator.kubernetes.kinds import NAMESPACE
from simulator.kubernetes.store import LOGGED, Store
from tests.support.cluster import DEFAULT, MERGE, Kubectl
from tests.support.simulator import Simulator, simulator
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
PODS = f"{DEFAULT}/pods"
POD = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "one", "image": "i"}]}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--kubernetes", "--topology", "aio-dx", "--no-bmcs")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=4, options=options) as running:
        yield running


async def entries(region: Simulator, site: str) -> list[tuple[str, str, bool]]:
    return [
        (each["intent"], each["outcome"], each["repeat"])
        for each in await region.get(f"/sites/{site}/mutations")
    ]


async def test_every_change_is_in_the_ledger_and_a_second_one_is_a_repeat(region: Simulator) -> None:
    kubectl = Kubectl(region, "edge-0001")
    await kubectl.ask("POST", PODS, POD)
    with pytest.raises(AssertionError, match="already exists"):
        await kubectl.ask("POST", PODS, POD)
    await kubectl.patch(f"{PODS}/a", {"metadata": {"labels": {"x": "y"}}})
    await kubectl.ask("DELETE", f"{PODS}/a")

    async def is_gone() -> bool:
        return await kubectl.names(PODS) == []

    await until(is_gone, "the pod's end")
    await kubectl.ask("POST", PODS, POD)
    assert await entries(region, "edge-0001") == [
        ("kubernetes.pods.create", "applied", False),
        ("kubernetes.pods.create", "refused", True),
        ("kubernetes.pods.patch", "applied", False),
        ("kubernetes.pods.delete", "applied", False),
        ("kubernetes.pods.create", "applied", False),
    ]


async def test_a_lost_answer_has_been_applied(region: Simulator) -> None:
    kubectl = Kubectl(region, "edge-0002")
    await region.fault("edge-0002", "kubernetes", "drop-after", mutating=True, times=1)
    with pytest.raises(httpx2.TransportError):
        await kubectl.ask("POST", PODS, POD)
    assert await kubectl.names(PODS) == ["a"]


async def test_nodes_are_the_hosts_that_have_been_unlocked(region: Simulator) -> None:
    kubectl = Kubectl(region, "edge-0003")
    assert await kubectl.names("/api/v1/nodes") == ["controller-0", "controller-1"]
    hosts = (await region.get("/sites/edge-0003"))["hosts"]
    nodes = (await kubectl.ask("GET", "/api/v1/nodes"))["items"]
    assert len({node["status"]["nodeInfo"]["systemUUID"] for node in nodes}) == len(hosts)


async def test_a_dark_site_has_no_api(region: Simulator) -> None:
    kubectl = Kubectl(region, "edge-0004")
    await kubectl.names(PODS)
    await region.fault("edge-0004", "site", "dark")
    with pytest.raises(httpx2.ConnectError):
        await kubectl.names(PODS)


async def test_a_watch_from_too_long_ago_is_told_to_list_again(region: Simulator) -> None:
    kubectl = Kubectl(region, "edge-0003")
    path = f"{DEFAULT}/configmaps"
    await kubectl.ask("POST", path, {"metadata": {"name": "a"}})
    async with kubectl.client() as client:
        for number in range(LOGGED):
            await client.patch(f"{path}/a", json={"data": {"x": str(number)}}, headers=MERGE)
    event = await kubectl.ask("GET", f"{path}?watch=true&resourceVersion=1&timeoutSeconds=5")
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


async def test_without_the_option_nobody_listens(tmp_path: Path) -> None:
    async with simulator(tmp_path, sites=1, options=("--no-bmcs",)) as region:
        (site,) = await region.get("/sites")
        async with httpx2.AsyncClient(verify=False) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"https://{site['address']}:6443/readyz")
        assert "kubernetes" not in region.inventory.read_text()


async def test_uids_are_the_same_for_the_same_seed() -> None:
    def made(seed: str) -> Any:
        return Store(seed).create(NAMESPACE, "", {"metadata": {"name": "a"}})["metadata"]["uid"]

    assert made("one") == made("one")
    assert made("one") != made("two")
