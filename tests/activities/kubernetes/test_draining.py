"""Cordon, eviction, uncordon when answers are lost: each intent arrives once, and its effect decides."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import ActivityEnvironment

from activities.errors import Refused, Transient
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.draining import KubernetesDrain
from inventory.load import load_inventory
from models.drain import AwaitEvictedRequest, CordonStep, DrainLook, DrainRequest, EvictRequest, PodRef
from models.timing import Timing
from tests.support.cluster import DEFAULT, Kubectl
from tests.support.simulator import Simulator, simulator
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST, BARE = "controller-1", "edge-0001"
SITES = 8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--kubernetes", "--pods", "1", "--topology", "aio-dx", "--no-bmcs")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=SITES, options=options) as running:
        yield running


@pytest.fixture
def drain(region: Simulator) -> KubernetesDrain:
    found = load_inventory(region.inventory)
    return KubernetesDrain(Clusters(lambda: found, Timing(pace=240, request_timeout_s=5)))


async def run(activity: Callable[..., Any], request: Any) -> Any:
    return await ActivityEnvironment().run(activity, request)


def of(site: str) -> DrainRequest:
    return DrainRequest(site=site, host=HOST, run_id="a-run")


async def looked(drain: KubernetesDrain, site: str) -> DrainLook:
    """Once the site's workloads run."""

    async def is_settled() -> DrainLook | None:
        found: DrainLook = await run(drain.examine_drain, of(site))
        is_counted = any(budget.healthy == 2 for budget in found.budgets)
        return found if is_counted and all(pod.is_running for pod in found.pods) else None

    found = await until(is_settled, "the site's pods")
    assert found is not None
    return found


async def arrived(region: Simulator, site: str) -> list[tuple[str, str]]:
    entries = await region.get(f"/sites/{site}/mutations")
    return [(each["intent"].removeprefix("kubernetes."), each["outcome"]) for each in entries]


def web(look: DrainLook) -> PodRef:
    pod = next(each for each in look.pods if each.budgets)
    return PodRef(namespace=pod.namespace, name=pod.name, uid=pod.uid)


async def test_a_lost_answer_to_a_cordon_is_told_by_the_node(
    region: Simulator, drain: KubernetesDrain
) -> None:
    site = "edge-0001"
    await region.fault(site, "kubernetes", "drop-after", mutating=True, times=1)
    step: CordonStep = await run(drain.cordon_node, of(site))
    assert (step.did, step.cordon) == (True, "ours")
    again: CordonStep = await run(drain.cordon_node, of(site))
    assert (again.did, again.cordon) == (False, "ours")
    await region.fault(site, "kubernetes", "drop-after", mutating=True, times=1)
    back: CordonStep = await run(drain.uncordon_node, of(site))
    assert (back.did, back.cordon) == (True, "")
    assert not (await run(drain.uncordon_node, of(site))).did
    assert await arrived(region, site) == [("nodes.cordon", "applied"), ("nodes.uncordon", "applied")]


async def test_a_cordon_that_never_arrived_is_tried_again_after_its_settle_time(
    region: Simulator, drain: KubernetesDrain
) -> None:
    site = "edge-0002"
    await region.fault(site, "kubernetes", "drop-before", mutating=True, times=1)
    with pytest.raises(Transient, match="no answer to cordon controller-1, and no effect of it"):
        await run(drain.cordon_node, of(site))
    assert (await run(drain.cordon_node, of(site))).did
    applied = [entry for entry in await arrived(region, site) if entry[1] == "applied"]
    assert applied == [("nodes.cordon", "applied")]


async def test_a_lost_answer_to_an_eviction_is_told_by_the_pod(
    region: Simulator, drain: KubernetesDrain
) -> None:
    site = "edge-0003"
    pod = web(await looked(drain, site))
    await run(drain.cordon_node, of(site))
    await region.fault(site, "kubernetes", "drop-after", mutating=True, times=1)
    request = EvictRequest(site=site, host=HOST, pods=(pod,))
    assert (await run(drain.evict_pods, request)).sent == 1
    assert (await run(drain.evict_pods, request)).sent == 0
    assert (await arrived(region, site))[1:] == [("pods.evict", "applied")]


async def test_an_eviction_that_failed_is_no_promise(region: Simulator, drain: KubernetesDrain) -> None:
    site = "edge-0004"
    pod = web(await looked(drain, site))
    await run(drain.cordon_node, of(site))
    await region.fault(site, "kubernetes", "fail", mutating=True, times=1)
    request = EvictRequest(site=site, host=HOST, pods=(pod,))
    with pytest.raises(Transient, match="no effect of it"):
        await run(drain.evict_pods, request)
    assert (await run(drain.evict_pods, request)).sent == 1
    assert await region.repeats() == 0


async def test_who_shares_a_budget_that_holds_is_not_asked(region: Simulator, drain: KubernetesDrain) -> None:
    site = "edge-0005"
    await looked(drain, site)
    kubectl = Kubectl(region, site)
    pods = (await kubectl.ask("GET", f"{DEFAULT}/pods?labelSelector=app=web-1"))["items"]
    there = next(each for each in pods if each["spec"]["nodeName"] != HOST)["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": there}}
    await kubectl.patch("/api/v1/nodes/controller-0", {"spec": {"unschedulable": True}})
    await kubectl.ask("POST", f"{DEFAULT}/pods/{there}/eviction", body)

    async def is_crowded() -> DrainLook | None:
        found: DrainLook = await run(drain.examine_drain, of(site))
        return found if sum(bool(each.budgets) for each in found.pods) == 2 else None

    await until(is_crowded, "both replicas on one node")
    found = await looked(drain, site)
    await kubectl.patch("/api/v1/nodes/controller-0", {"spec": {"unschedulable": None}})
    # The spare one goes; from then on the budget holds.
    await kubectl.patch(
        "/apis/policy/v1/namespaces/default/poddisruptionbudgets/web-1", {"spec": {"minAvailable": 2}}
    )

    async def holds() -> bool:
        now: DrainLook = await run(drain.examine_drain, of(site))
        return not now.budgets[0].allowed

    await until(holds, "the budget's count")
    await run(drain.cordon_node, of(site))
    both = tuple(
        PodRef(namespace=pod.namespace, name=pod.name, uid=pod.uid) for pod in found.pods if pod.budgets
    )
    before = len(await arrived(region, site))
    step = await run(drain.evict_pods, EvictRequest(site=site, host=HOST, pods=both))
    assert (step.sent, len(step.held)) == (0, 1)
    assert "needs 2 healthy pods" in step.held[0].words
    assert (await arrived(region, site))[before:] == [("pods.evict", "refused")]


async def test_a_wait_outlives_an_api_that_is_away_and_ends_with_its_time(
    region: Simulator, drain: KubernetesDrain
) -> None:
    site = "edge-0006"
    pod = web(await looked(drain, site))
    await region.fault(site, "kubernetes", "drop-before", times=2)
    request = AwaitEvictedRequest(
        site=site, host=HOST, run_id="a-run", pods=(pod,), after_s=7200, within=timedelta(minutes=20)
    )
    end = await run(drain.await_evicted, request)
    assert (end.how, [each.uid for each in end.look.pods if each.uid == pod.uid]) == ("late", [pod.uid])
    request = request.model_copy(update={"after_s": 0})
    assert (await run(drain.await_evicted, request)).how == "room"
    await region.fault(site, "site", "dark")
    end = await run(drain.await_evicted, request.model_copy(update={"within": timedelta(minutes=2)}))
    assert end.how == "silent"
    assert "Cannot connect" in end.words


async def test_another_cluster_than_the_sites_is_not_touched(
    region: Simulator, drain: KubernetesDrain
) -> None:
    found = load_inventory(region.inventory)
    own, foreign = found.site("edge-0007"), found.site("edge-0008")
    hosts = tuple(
        host.model_copy(update={"uuid": "4c4c4544-0051-3610-8053-b7c04f4b4e32"}) for host in own.hosts
    )
    sites = tuple(
        each.model_copy(update={"kubernetes": foreign.kubernetes, "hosts": hosts}) if each is own else each
        for each in found.sites
    )
    wrong = type(found)(found.file.model_copy(update={"sites": sites}), found.path)
    mistaken = KubernetesDrain(Clusters(lambda: wrong, drain.clusters.timing))
    for activity in (mistaken.examine_drain, mistaken.cordon_node, mistaken.uncordon_node):
        with pytest.raises(Refused, match="nothing was sent"):
            await run(activity, of("edge-0007"))
    assert await arrived(region, "edge-0008") == []


async def test_a_site_without_kubernetes_is_left_alone(region: Simulator, drain: KubernetesDrain) -> None:
    found = load_inventory(region.inventory)
    sites = tuple(each.model_copy(update={"kubernetes": None}) for each in found.sites)
    bare = type(found)(found.file.model_copy(update={"sites": sites}), found.path)
    nothing = KubernetesDrain(Clusters(lambda: bare, drain.clusters.timing))
    assert not (await run(nothing.examine_drain, of(BARE))).is_declared
    assert not (await run(nothing.uncordon_node, of(BARE))).did
