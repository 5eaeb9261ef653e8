"""Workloads of simulated sites: made anew elsewhere, held by budgets, down with their host, back after it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Region, Site, Start, until

OPTIONS = ("--kubernetes", "--pods", "2", "--bare-pod", "--no-bmcs", "--sites", "1")
DUPLEX = (*OPTIONS, "--topology", "aio-dx")
NAMESPACE = "/api/v1/namespaces/default"
REPLICATED, ALONE = ("pod/default/web-1", "pod/default/web-2"), ("pod/default/ledger", "pod/default/single")
ALL = {*REPLICATED, *ALONE, "pod/default/loner"}
MERGE = "application/merge-patch+json"


class Cluster:
    """Plain requests to a site's API server."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.url = region.document["sites"][0]["kubernetes"]["endpoint"]
        token = (Path(region.inventory).parent / "sim-kubernetes-token").read_text()
        self.headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        return await self.region.call(method, self.url + path, body, self.headers | {"Content-Type": kind})

    async def pods(self, of: str = "", node: str = "") -> list[dict[str, Any]]:
        """Of a controller, on a node; those that run and are not leaving."""
        query = f"?labelSelector=app%3D{of}" if of else ""
        items = (await self.ask("GET", f"{NAMESPACE}/pods{query}")).body["items"]
        return [
            pod
            for pod in items
            if "deletionTimestamp" not in pod["metadata"] and node in ("", pod["spec"].get("nodeName"))
        ]

    async def ready(self, of: str) -> int:
        """How many of its pods are."""
        return sum(_is_ready(pod) for pod in await self.pods(of))

    async def cordon(self, node: str, is_cordoned: bool) -> None:
        patch = {"spec": {"unschedulable": True if is_cordoned else None}}
        assert (await self.ask("PATCH", f"/api/v1/nodes/{node}", patch, MERGE)).status == 200

    async def evict(self, name: str) -> int:
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        answer = await self.ask("POST", f"{NAMESPACE}/pods/{name}/eviction", body)
        return int(answer.status)

    async def leaves(self, pod: dict[str, Any]) -> None:
        """As soon as its budget lets it go."""
        name = pod["metadata"]["name"]
        assert await until(lambda: self.evict(name), lambda status: status != 429) == 201


def _is_ready(of: dict[str, Any]) -> bool:
    conditions = of["status"].get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


async def settled(region: Region) -> tuple[Cluster, Site]:
    """All workloads are up."""
    cluster = Cluster(region)
    await until(lambda: outages(region), lambda found: set(found) == ALL)
    await all_ready(cluster, "web-1", 2)
    await all_ready(cluster, "web-2", 2)
    return cluster, await region.site()


async def outages(region: Region) -> dict[str, dict[str, Any]]:
    rows = (await region.admin("GET", "/sites/edge-0001/workloads")).body
    return {row["workload"]: row for row in rows}


async def drained(cluster: Cluster, node: str) -> None:
    """As an operator with kubectl would."""
    await cluster.cordon(node, True)
    for pod in await cluster.pods(node=node):
        if pod["metadata"].get("labels", {}).get("app") != "agent":
            await cluster.leaves(pod)


async def all_ready(cluster: Cluster, of: str, count: int) -> None:
    await until(lambda: cluster.ready(of), lambda ready: ready == count)


async def test_replicas_are_spread_and_a_daemon_is_everywhere(start: Start) -> None:
    cluster, _ = await settled(await start(*DUPLEX))
    for name in ("web-1", "web-2", "agent"):
        nodes = {pod["spec"]["nodeName"] for pod in await cluster.pods(name)}
        assert nodes == {"controller-0", "controller-1"}, name
    found = (await cluster.ask("GET", "/apis/apps/v1/namespaces/default/deployments/web-1")).body
    assert (found["status"]["replicas"], found["status"]["readyReplicas"]) == (2, 2)


async def test_what_is_evicted_is_made_anew_elsewhere_and_replicas_are_never_all_away(start: Start) -> None:
    region = await start(*DUPLEX)
    cluster, _ = await settled(region)
    (alone,) = await cluster.pods("single")
    node = alone["spec"]["nodeName"]
    await drained(cluster, node)
    for name, count in (("web-1", 2), ("web-2", 2), ("single", 1)):
        await all_ready(cluster, name, count)
        assert not await cluster.pods(name, node)
    assert await cluster.pods("agent", node)
    found = await outages(region)
    assert [found[name]["outage_s"] for name in REPLICATED] == [0, 0]
    assert found["pod/default/single"]["outage_s"] > 0
    assert found["pod/default/single"]["up"]
    assert await region.repeats() == 0


async def test_a_budget_counts_again_only_when_the_next_one_is_ready(start: Start) -> None:
    cluster, _ = await settled(await start(*DUPLEX))
    first, second = await cluster.pods("web-1")
    for node in ("controller-0", "controller-1"):
        await cluster.cordon(node, True)
    assert await cluster.evict(first["metadata"]["name"]) == 201
    assert await cluster.evict(second["metadata"]["name"]) == 429
    await cluster.cordon("controller-0", False)
    await all_ready(cluster, "web-1", 2)
    await cluster.leaves(second)


async def test_a_lock_without_a_drain_interrupts_what_has_one_replica(start: Start) -> None:
    region = await start(*DUPLEX)
    cluster, site = await settled(region)
    if (await cluster.pods("single"))[0]["spec"]["nodeName"] != "controller-1":
        await cluster.cordon("controller-0", True)
        await cluster.leaves((await cluster.pods("single"))[0])
        await all_ready(cluster, "single", 1)
        await cluster.cordon("controller-0", False)
    before = (await outages(region))["pod/default/single"]["outage_s"]
    assert (await site.act("controller-1", "lock")).status == 200
    await until(lambda: cluster.pods("single", "controller-0"), bool)
    await all_ready(cluster, "single", 1)
    assert (await outages(region))["pod/default/single"]["outage_s"] > before
    assert (await outages(region))["pod/default/web-1"]["outage_s"] == 0
    assert await until(lambda: cluster.pods("agent", "controller-1"), bool)


async def test_all_of_a_simplex_site_is_down_while_its_host_boots_and_comes_back(start: Start) -> None:
    region = await start(*OPTIONS)
    site = (await settled(region))[1]
    assert (await site.act("controller-0", "lock")).status == 200
    await until(lambda: outages(region), lambda found: not any(row["up"] for row in found.values()))
    await until(lambda: site.host("controller-0"), lambda host: host["administrative"] == "locked")
    assert (await site.act("controller-0", "unlock")).status == 200
    come_back = ALL - {"pod/default/loner"}
    await until(
        lambda: outages(region), lambda found: all(found[name]["up"] for name in come_back), within=60
    )
    found = await outages(region)
    assert all(found[name]["outage_s"] > 200 for name in ALL)
    assert not found["pod/default/loner"]["up"]


async def test_a_pod_with_a_finalizer_stays_until_it_is_taken_away(start: Start) -> None:
    cluster, _ = await settled(await start(*DUPLEX))
    meta = {"name": "held", "finalizers": ["example.com/held"]}
    held = {"metadata": meta, "spec": {"containers": [{"name": "one", "image": "i"}]}}
    path = f"{NAMESPACE}/pods"
    assert (await cluster.ask("POST", path, held)).status == 201

    async def state() -> Any:
        found = (await cluster.ask("GET", f"{path}/held")).body
        return found["status"].get("phase"), found["metadata"].get("deletionGracePeriodSeconds")

    await until(state, lambda found: found[0] == "Running")
    assert await cluster.evict("held") == 201
    await until(state, lambda found: found[1] == 0)
    await cluster.ask("PATCH", f"{path}/held", {"metadata": {"finalizers": None}}, MERGE)
    assert (await cluster.ask("GET", f"{path}/held")).status == 404


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--pods", "1"), b"--kubernetes"), (("--pods", "-1", "--kubernetes"), b"negative")],
)
async def test_options_that_cannot_be(tmp_path: Path, options: tuple[str, ...], words: bytes) -> None:
    command = (sys.executable, "-m", "simulator", "--inventory", str(tmp_path / "i.yaml"), *options)
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert words in said
