"""A node is emptied and given back, on the simulated API and under a real disruption controller."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import Worker

from activities.errors import Blocked
from activities.http import Rejected
from activities.kubernetes.client import Client
from activities.kubernetes.draining import KubernetesDrain
from activities.kubernetes.resources import NODES
from models.drain import CORDONED_BY, DrainLook, DrainRequest, EvictRequest, PodRef
from models.maintenance import PodPolicy
from models.timing import Timing
from tests.contract.kubernetes.test_acceptance import clusters
from tests.contract.kubernetes.test_pods import budget, evict, until_gone, until_phase
from tests.support.draining import DrainOnly, Order, Told, of
from tests.support.kubernetes_target import Target, pod
from tests.support.stack import until
from tests.workflows.paper_bmc import virtual_server
from workers.sandbox import sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUN = "0a1b2c3d-4e5f"
ALL = PodPolicy(bare="delete", within=timedelta(seconds=60))
APPS = "/apis/apps/v1/namespaces/{}/deployments"
SMALL: dict[str, Any] = {"cpu": "100m", "memory": "16Mi"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[WorkflowEnvironment]:
    async with virtual_server() as environment:
        yield environment


@pytest_asyncio.fixture(loop_scope="session")
async def drain(target: Target, tmp_path: Path) -> AsyncIterator[KubernetesDrain]:
    if not target.other:
        pytest.skip("nobody's node is emptied for a test")

    async def is_free() -> bool:
        pods = (await target.api.ask("GET", "/api/v1/pods"))["items"]
        return not any(each["metadata"]["namespace"].startswith("starflock-") for each in pods)

    await until(is_free, "what earlier tests have put there is gone")
    found = clusters(target, tmp_path)
    found.timing = Timing(request_timeout_s=20)
    yield KubernetesDrain(found)
    for node in (target.node, target.other):
        await mark(target, node, None)
    # A namespace takes its time; what its pods are made by, and they, go at once.
    for namespace in target.made:
        path = namespace.replace("/api/v1", "/apis/apps/v1")
        await target.api.ask("DELETE", f"{path}/deployments/x", may_fail=(404,))
        for each in (await target.api.ask("GET", f"{namespace}/pods"))["items"]:
            one = f"{namespace}/pods/{each['metadata']['name']}?gracePeriodSeconds=0"
            await target.api.ask("DELETE", one, may_fail=(404,))


async def mark(target: Target, node: str, cordon: bool | None, run: str | None = None) -> None:
    patch = {"metadata": {"annotations": {CORDONED_BY: run}}, "spec": {"unschedulable": cordon}}
    await target.api.ask("PATCH", f"/api/v1/nodes/{node}", patch)


@asynccontextmanager
async def draining(
    server: WorkflowEnvironment, drain: KubernetesDrain, order: Order
) -> AsyncIterator["WorkflowHandle[Any, Told]"]:
    """A run, with a worker of its own."""
    queue = f"drain-{uuid.uuid4().hex[:8]}"
    worker = Worker(
        server.client,
        task_queue=queue,
        workflows=[DrainOnly],
        activities=of(drain),
        workflow_runner=sandbox("tests"),
    )
    order = order.model_copy(update={"timing": drain.clusters.timing})
    async with worker:
        yield await server.client.start_workflow(DrainOnly.run, order, id=queue, task_queue=queue)


async def told(server: WorkflowEnvironment, drain: KubernetesDrain, order: Order) -> Told:
    async with draining(server, drain, order) as handle:
        return await handle.result()


async def deployed(target: Target, namespace: str, replicas: int, **spec: Any) -> None:
    """`app: x`, all ready."""
    labels = {"app": "x"}
    inside = pod("x", **SMALL)["spec"] | spec
    template = {"metadata": {"labels": labels}, "spec": inside}
    body = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    path = APPS.format(namespace)
    await target.api.ask("POST", path, {"metadata": {"name": "x"}, "spec": body})

    async def is_ready() -> bool:
        return bool((await target.api.ask("GET", f"{path}/x"))["status"].get("readyReplicas") == replicas)

    await until(is_ready, "the replicas")


def pods_of(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


async def names(target: Target, namespace: str, node: str) -> list[str]:
    found = await target.api.ask("GET", f"{pods_of(namespace)}?fieldSelector=spec.nodeName={node}")
    return [each["metadata"]["name"] for each in found["items"]]


async def look(drain: KubernetesDrain, target: Target, namespace: str) -> DrainLook:
    """Only what stands in this namespace."""
    request = DrainRequest(site="s", host=target.node, run_id=RUN)
    found: DrainLook = await ActivityEnvironment().run(drain.examine_drain, request)
    pods = tuple(each for each in found.pods if each.namespace == namespace)
    budgets = tuple(each for each in found.budgets if each.name.startswith(f"{namespace}/"))
    return found.model_copy(update={"pods": pods, "budgets": budgets})


async def cordon(target: Target, node: str) -> tuple[bool, str]:
    found = await target.api.ask("GET", f"/api/v1/nodes/{node}")
    return bool(found["spec"].get("unschedulable")), (found["metadata"].get("annotations") or {}).get(
        CORDONED_BY, ""
    )


@asynccontextmanager
async def least_healthy(target: Target, path: str) -> AsyncIterator[Callable[[], int]]:
    """The lowest count of a budget while this is open."""
    seen: list[int] = []

    async def sample() -> None:
        while True:
            seen.append((await target.api.ask("GET", path))["status"]["currentHealthy"])
            await asyncio.sleep(0.02)

    sampling = asyncio.create_task(sample())
    try:
        yield lambda: min(seen)
    finally:
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling


async def test_a_deployment_leaves_a_node_as_its_budget_allows_and_the_node_is_given_back(
    target: Target, drain: KubernetesDrain, server: WorkflowEnvironment
) -> None:
    namespace = await target.namespace()
    await mark(target, target.other, True)
    await deployed(target, namespace, 4)
    await mark(target, target.other, None)
    standing = await budget(target, pods_of(namespace), 3, 4)
    assert len(await names(target, namespace, target.node)) == 4
    async with (
        least_healthy(target, standing) as lowest,
        draining(server, drain, Order(host=target.node, policy=ALL, waits=True)) as handle,
    ):

        async def is_empty() -> bool:
            return await handle.query(DrainOnly.is_taken)

        await until(is_empty, "the node is empty")
        assert await names(target, namespace, target.node) == []
        assert len(await names(target, namespace, target.other)) == 4
        assert await cordon(target, target.node) == (True, handle.result_run_id)
        await handle.signal(DrainOnly.give_back)
        end = await handle.result()
        assert lowest() >= 3
    assert (end.outcome, end.left) == ("", ()), end
    assert end.steps[0] == f"cordon {target.node}"
    assert end.sent == 6
    assert await cordon(target, target.node) == (False, "")


async def test_a_budget_that_holds_until_the_deadline_is_named_and_the_node_takes_pods_again(
    target: Target, drain: KubernetesDrain, server: WorkflowEnvironment
) -> None:
    namespace = await target.namespace()
    # They fit nowhere else: once the first has gone, the second one is the last that is healthy.
    await deployed(target, namespace, 2, nodeSelector={"kubernetes.io/hostname": target.node})
    await budget(target, pods_of(namespace), 1, 2)
    policy = ALL.model_copy(update={"within": timedelta(seconds=6)})
    end = await told(server, drain, Order(host=target.node, policy=policy))
    assert end.outcome == "blocked"
    assert f"budgets hold: {namespace}/b (needs 1 healthy pods of" in end.reason, end
    assert f"still on {target.node} after 6s" in end.reason
    assert await cordon(target, target.node) == (False, "")


async def test_what_cannot_leave_is_named_before_anything_is_touched(
    target: Target, drain: KubernetesDrain, server: WorkflowEnvironment
) -> None:
    namespace = await target.namespace()
    await mark(target, target.other, True)
    await deployed(target, namespace, 2)
    await mark(target, target.other, None)
    await target.api.ask("POST", pods_of(namespace), pod("alone", target.node, **SMALL))
    await until_phase(target, f"{pods_of(namespace)}/alone", "Running")
    standing = await budget(target, pods_of(namespace), 2, 2)
    end = await told(server, drain, Order(host=target.node, policy=PodPolicy(local_data="delete")))
    assert f"{namespace}/alone" in end.blockers[0]
    assert f"never let a pod go: {namespace}/b (needs 2 healthy pods of 2, has 2)" in " ".join(end.blockers)
    assert (end.outcome, end.sent) == ("", 0)
    spec = (await target.api.ask("GET", standing))["spec"]
    kind = {"apiVersion": f"policy/{target.policy}", "kind": "PodDisruptionBudget"}
    await target.api.ask(
        "POST", standing.rsplit("/", 1)[0], {**kind, "metadata": {"name": "c"}, "spec": spec}
    )
    found = await look(drain, target, namespace)
    assert {len(each.budgets) for each in found.pods if each.controller} == {2}
    (refused,) = [each for each in found.pods if each.controller][:1]
    await mark(target, target.node, True)
    request = EvictRequest(site="s", host=target.node, pods=(_ref(refused),))
    step = await ActivityEnvironment().run(drain.evict_pods, request)
    assert (step.sent, [each.pod for each in step.never]) == (0, [str(refused)])


async def test_a_cordon_of_somebody_else_stays_and_one_of_a_run_that_died_goes(
    target: Target, drain: KubernetesDrain, server: WorkflowEnvironment
) -> None:
    await mark(target, target.node, True)
    end = await told(server, drain, Order(host=target.node, policy=ALL, take=False))
    assert f"{target.node} was cordoned by somebody else and stays so" in end.steps
    assert (end.left, end.sent) == ((), 0)
    assert await cordon(target, target.node) == (True, "")
    await mark(target, target.node, True, "a-run-that-was-terminated")
    end = await told(server, drain, Order(host=target.node, policy=ALL, take=False))
    assert (end.left, end.sent) == ((), 1)
    assert await cordon(target, target.node) == (False, "")


async def test_a_pod_that_a_finalizer_holds_is_named(
    target: Target, drain: KubernetesDrain, server: WorkflowEnvironment
) -> None:
    namespace = await target.namespace()
    held = pod("held", target.node, **SMALL)
    held["metadata"]["finalizers"] = ["example.com/held"]
    del held["spec"]["tolerations"]
    await target.api.ask("POST", pods_of(namespace), held)
    await until_phase(target, f"{pods_of(namespace)}/held", "Running")
    policy = ALL.model_copy(update={"within": timedelta(seconds=4)})
    end = await told(server, drain, Order(host=target.node, policy=policy))
    assert end.outcome == "blocked"
    assert f"stuck: {namespace}/held waits for example.com/held" in end.reason
    await target.api.ask("PATCH", f"{pods_of(namespace)}/held", {"metadata": {"finalizers": None}})
    await until_gone(target, f"{pods_of(namespace)}/held")


async def test_a_pod_of_the_same_name_is_not_taken_for_the_one_that_was_meant(
    target: Target, drain: KubernetesDrain
) -> None:
    namespace = await target.namespace()
    await target.api.ask("POST", pods_of(namespace), pod("a", target.node, **SMALL))
    await until_phase(target, f"{pods_of(namespace)}/a", "Running")
    another = str(uuid.uuid4())
    client = Client(target.account)
    try:
        with pytest.raises(Rejected) as refused:
            await client.evict(f"policy/{target.policy}", "a", namespace, another)
        assert refused.value.status == 409
        assert await client.eviction_version() == f"policy/{target.policy}"
    finally:
        await client.close()
    await mark(target, target.node, True)
    request = EvictRequest(
        site="s", host=target.node, pods=(PodRef(namespace=namespace, name="a", uid=another),)
    )
    assert (await ActivityEnvironment().run(drain.evict_pods, request)).sent == 0
    (there,) = (await look(drain, target, namespace)).pods
    assert (there.name, there.controller, there.leaving_s) == ("a", "", None)


async def test_nothing_is_evicted_from_a_node_that_somebody_has_uncordoned(
    target: Target, drain: KubernetesDrain
) -> None:
    request = EvictRequest(
        site="s", host=target.node, pods=(PodRef(namespace="default", name="a", uid=str(uuid.uuid4())),)
    )
    with pytest.raises(Blocked, match="somebody has uncordoned"):
        await ActivityEnvironment().run(drain.evict_pods, request)


async def test_a_stale_look_at_a_node_is_not_written_over(target: Target, drain: KubernetesDrain) -> None:
    client = Client(target.account)
    try:
        node = await client.find(NODES, target.node)
        assert node is not None
        await target.api.ask(
            "PATCH", f"/api/v1/nodes/{target.node}", {"metadata": {"labels": {"x": uuid.uuid4().hex}}}
        )
        stale = {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]}}
        with pytest.raises(Rejected) as refused:
            await client.patch(NODES, target.node, "", stale | {"spec": {"unschedulable": True}})
        assert refused.value.status == 409
    finally:
        await client.close()
    assert await cordon(target, target.node) == (False, "")


async def test_where_the_only_other_node_is_silent_nothing_is_evicted(
    target: Target, drain: KubernetesDrain, server: WorkflowEnvironment
) -> None:
    assert target.silence is not None
    namespace = await target.namespace()
    await mark(target, target.node, True)
    await deployed(target, namespace, 1)
    await mark(target, target.node, None)
    await mark(target, target.other, True)
    await target.api.ask("PATCH", f"{APPS.format(namespace)}/x", {"spec": {"replicas": 2}})

    async def is_spread() -> bool:
        here, there = [await names(target, namespace, node) for node in (target.node, target.other)]
        return len(here) == len(there) == 1

    await until(is_spread, "one pod on each node")
    await mark(target, target.other, None)
    await budget(target, pods_of(namespace), 1, 2)
    assert (await look(drain, target, namespace)).budgets[0].allowed == 1
    await target.silence(target.other, True)
    try:

        async def holds() -> bool:
            found = await look(drain, target, namespace)
            return found.takers == 0 and found.budgets[0].allowed == 0

        await until(holds, "the node is not ready, nor is its pod")
        end = await told(server, drain, Order(host=target.node, policy=ALL))
        assert f"no other node takes pods: {target.other}: not ready (NodeStatusUnknown)" in end.blockers
        assert end.sent == 0
        (name,) = await names(target, namespace, target.node)
        assert await evict(target, f"{pods_of(namespace)}/{name}") == (429, ["DisruptionBudget"])
    finally:
        await target.silence(target.other, False)

    async def takes() -> bool:
        found = await look(drain, target, namespace)
        return found.takers == 1 and found.budgets[0].allowed == 1

    await until(takes, "the node is back")


def _ref(pod: PodRef) -> PodRef:
    return PodRef(namespace=pod.namespace, name=pod.name, uid=pod.uid)
