"""What makes pods anew: owners, names, nodes, ends; on the simulated API and under the real controllers."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.kubernetes.test_pods import evict, until_phase
from tests.support.kubernetes_target import Target, pod
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

APPS = "/apis/apps/v1/namespaces/{}/{}"


async def made(target: Target, plural: str, **spec: Any) -> str:
    """`x` of that kind in a namespace of its own; returns the namespace."""
    namespace = await target.namespace()
    labels = {"app": "x"}
    template = {"metadata": {"labels": labels}, "spec": pod("x", cpu="100m", memory="16Mi")["spec"]}
    body = {"selector": {"matchLabels": labels}, "template": template} | spec
    await target.api.ask("POST", APPS.format(namespace, plural), {"metadata": {"name": "x"}, "spec": body})
    return namespace


async def running(target: Target, namespace: str, count: int) -> list[dict[str, Any]]:
    async def are_there() -> list[dict[str, Any]] | None:
        found = (await target.api.ask("GET", f"/api/v1/namespaces/{namespace}/pods"))["items"]
        ready = [each for each in found if each["status"].get("phase") == "Running"]
        return ready if len(found) == len(ready) == count else None

    return await until(are_there, f"{count} pods that run") or []


def owner(of: dict[str, Any]) -> tuple[str, str, bool]:
    (found,) = of["metadata"]["ownerReferences"]
    return found["kind"], found["name"], found["controller"]


async def gone(look: Callable[[], Awaitable[Any]], what: str) -> None:
    async def is_empty() -> bool:
        return not await look()

    await until(is_empty, what)


async def test_a_deployment_makes_a_set_that_makes_pods_and_takes_both_with_it(target: Target) -> None:
    namespace = await made(target, "deployments", replicas=2)
    pods = await running(target, namespace, 2)
    path = APPS.format(namespace, "replicasets")
    (between,) = (await target.api.ask("GET", path))["items"]
    assert owner(between) == ("Deployment", "x", True)
    name, digest = between["metadata"]["name"], between["metadata"]["labels"]["pod-template-hash"]
    assert name == f"x-{digest}"
    for each in pods:
        assert owner(each) == ("ReplicaSet", name, True)
        assert each["metadata"]["name"].startswith(f"{name}-")
        assert each["metadata"]["labels"] == {"app": "x", "pod-template-hash": digest}
    deployment = APPS.format(namespace, "deployments/x")

    async def is_counted() -> bool:
        found = (await target.api.ask("GET", deployment))["status"]
        return bool(found.get("readyReplicas") == found.get("availableReplicas") == 2)

    await until(is_counted, "the status")
    await target.api.ask("PATCH", deployment, {"spec": {"replicas": 1}})
    await running(target, namespace, 1)
    await target.api.ask("DELETE", deployment)

    async def left() -> list[Any]:
        sets = (await target.api.ask("GET", path))["items"]
        return [*sets, *(await target.api.ask("GET", f"/api/v1/namespaces/{namespace}/pods"))["items"]]

    await gone(left, "what it made is gone")


async def test_a_number_comes_back_as_another_pod(target: Target) -> None:
    namespace = await made(target, "statefulsets", replicas=2, serviceName="x")
    first, second = sorted(each["metadata"]["name"] for each in await running(target, namespace, 2))
    assert (first, second) == ("x-0", "x-1")
    path = f"/api/v1/namespaces/{namespace}/pods/x-1"
    before = await target.api.ask("GET", path)
    assert owner(before) == ("StatefulSet", "x", True)
    assert (await evict(target, path))[0] == 201

    async def is_another() -> bool:
        answer = await target.api.send("GET", path)
        return answer.status == 200 and answer.body["metadata"]["uid"] != before["metadata"]["uid"]

    await until(is_another, "x-1 once more")
    await running(target, namespace, 2)
    await target.api.ask("DELETE", APPS.format(namespace, "statefulsets/x"))


async def test_a_daemon_is_on_a_cordoned_node_too_and_comes_back_to_it(target: Target) -> None:
    if not target.other:
        pytest.skip("nobody's node is cordoned for a test")
    node = f"/api/v1/nodes/{target.node}"
    await target.api.ask("PATCH", node, {"spec": {"unschedulable": True}})
    try:
        namespace = await made(target, "daemonsets")
        pods = await running(target, namespace, 2)
        assert {each["spec"]["nodeName"] for each in pods} == {target.node, target.other}
        (here,) = [each for each in pods if each["spec"]["nodeName"] == target.node]
        assert owner(here) == ("DaemonSet", "x", True)
        name = here["metadata"]["name"]
        assert (await evict(target, f"/api/v1/namespaces/{namespace}/pods/{name}"))[0] == 201

        async def is_another() -> bool:
            names = {each["metadata"]["name"] for each in await running(target, namespace, 2)}
            return name not in names

        await until(is_another, "another one on the same node")
    finally:
        await target.api.ask("PATCH", node, {"spec": {"unschedulable": None}})
    await target.api.ask("DELETE", APPS.format(namespace, "daemonsets/x"))


async def test_when_a_deleted_pod_ends_is_said_with_its_grace(target: Target) -> None:
    namespace = await target.namespace()
    path = f"/api/v1/namespaces/{namespace}/pods"
    held = pod("a", target.node, cpu="100m", memory="16Mi")
    held["metadata"]["finalizers"] = ["example.com/held"]
    held["spec"]["terminationGracePeriodSeconds"] = 3600
    await target.api.ask("POST", path, held)
    await until_phase(target, f"{path}/a", "Running")
    shown = (await target.api.ask("DELETE", f"{path}/a"))["metadata"]
    assert shown["deletionGracePeriodSeconds"] == 3600
    ahead_s = (datetime.fromisoformat(shown["deletionTimestamp"]) - datetime.now(UTC)).total_seconds()
    # The simulated kubelet's hour is one of its own clock's.
    assert ahead_s > (0 if target.name == "simulator" else 3000)

    async def has_ended() -> bool:
        found = await target.api.ask("GET", f"{path}/a")
        return bool(found["metadata"]["deletionGracePeriodSeconds"] == 0)

    await until(has_ended, "the kubelet's word")
    await target.api.ask("PATCH", f"{path}/a", {"metadata": {"finalizers": None}})
    assert await target.api.refusal("GET", f"{path}/a") == (404, "NotFound")
