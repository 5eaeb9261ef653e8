"""Nodes and pods: what fits where, what is refused, and who may be evicted."""

from typing import Any

import pytest

from tests.support.kubernetes_target import Target, pod
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SRIOV = "intel.com/pci_sriov_net_physnet0"


async def pods(target: Target) -> str:
    return f"/api/v1/namespaces/{await target.namespace()}/pods"


async def until_phase(target: Target, path: str, phase: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        found = await target.api.ask("GET", path)
        return found if found["status"].get("phase") == phase else None

    found = await until(reached, f"{path} {phase}")
    assert found is not None
    return found


async def until_gone(target: Target, path: str) -> None:
    async def is_gone() -> bool:
        return (await target.api.send("GET", path)).status == 404

    await until(is_gone, f"{path} gone")


def condition(of: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(each for each in of["status"]["conditions"] if each["type"] == kind)


async def unschedulable(target: Target, path: str) -> str:
    async def said() -> str | None:
        found = await target.api.ask("GET", path)
        for each in found["status"].get("conditions", []):
            if each["type"] == "PodScheduled" and each["status"] == "False":
                assert each["reason"] == "Unschedulable"
                return str(each["message"])
        return None

    return await until(said, "the scheduler's words") or ""


async def test_a_node_says_what_it_offers(target: Target) -> None:
    node = await target.api.ask("GET", f"/api/v1/nodes/{target.node}")
    allocatable, labels = node["status"]["allocatable"], node["metadata"]["labels"]
    assert condition(node, "Ready")["status"] == "True"
    assert {"cpu", "memory", "pods"} <= set(allocatable)
    assert labels["kubernetes.io/hostname"] == target.node
    if target.is_ours:
        assert allocatable[SRIOV] == "8"
        assert labels["zone"] == "berlin"


async def test_a_cordoned_node_takes_no_pods(target: Target) -> None:
    path = await pods(target)
    node = f"/api/v1/nodes/{target.node}"
    await target.api.ask("PATCH", node, {"spec": {"unschedulable": True}})
    try:
        held = pod("a", target.node)
        del held["spec"]["tolerations"]
        await target.api.ask("POST", path, held)
        assert "unschedulable" in await unschedulable(target, f"{path}/a")
    finally:
        await target.api.ask("PATCH", node, {"spec": {"unschedulable": None}})
    await until_phase(target, f"{path}/a", "Running")


async def test_a_pod_runs_where_it_fits_and_says_its_class(target: Target) -> None:
    path = await pods(target)
    await target.api.ask("POST", path, pod("a", target.node, cpu="2", memory="64Mi"))
    found = await until_phase(target, f"{path}/a", "Running")
    assert found["spec"]["nodeName"] == target.node
    assert found["status"]["qosClass"] == "Guaranteed"
    assert condition(found, "Ready")["status"] == "True"
    here = await target.api.ask("GET", f"{path}?fieldSelector=spec.nodeName={target.node}")
    assert [each["metadata"]["name"] for each in here["items"]] == ["a"]
    running = await target.api.ask("GET", f"{path}?fieldSelector=status.phase=Running")
    assert len(running["items"]) == 1


async def test_what_is_taken_is_not_given_again(target: Target) -> None:
    resource = "example.com/starflock-one"
    await target.offer(resource, 1)
    path = await pods(target)
    wanted = {"cpu": "100m", "memory": "16Mi", resource: "1"}
    await target.api.ask("POST", path, pod("first", target.node, **wanted))
    await until_phase(target, f"{path}/first", "Running")
    await target.api.ask("POST", path, pod("second", target.node, **wanted))
    assert f"Insufficient {resource}" in await unschedulable(target, f"{path}/second")
    waiting = await target.api.ask("GET", f"{path}/second")
    assert waiting["status"]["phase"] == "Pending"
    assert "nodeName" not in waiting["spec"]
    uid = waiting["metadata"]["uid"]
    events = path.replace("/pods", f"/events?fieldSelector=involvedObject.uid={uid}")

    async def told() -> bool:
        found = (await target.api.ask("GET", events))["items"]
        return any(each["reason"] == "FailedScheduling" and each["type"] == "Warning" for each in found)

    await until(told, "the event")
    await target.api.ask("DELETE", f"{path}/first?gracePeriodSeconds=1")
    await until_phase(target, f"{path}/second", "Running")


async def test_pages_are_requested_as_they_are_limited(target: Target) -> None:
    path = await pods(target)
    uneven = pod("a", target.node, cpu="1", memory="1Gi")
    resources = uneven["spec"]["containers"][0]["resources"]
    resources["limits"]["hugepages-1Gi"] = "2Gi"
    resources["requests"]["hugepages-1Gi"] = "1Gi"
    assert await target.api.refusal("POST", path, uneven) == (422, "Invalid")
    alone = pod("a", target.node, **{"hugepages-1Gi": "1Gi"})
    assert await target.api.refusal("POST", path, alone) == (422, "Invalid")


async def test_a_pod_leaves_with_grace_and_an_unplaced_one_at_once(target: Target) -> None:
    path = await pods(target)
    await target.api.ask("POST", path, pod("a", target.node, cpu="100m", memory="16Mi"))
    await until_phase(target, f"{path}/a", "Running")
    left = await target.api.ask("DELETE", f"{path}/a")
    assert left["metadata"]["deletionGracePeriodSeconds"] == 30
    await until_gone(target, f"{path}/a")
    nowhere = pod("b", "no-such-node")
    await target.api.ask("POST", path, nowhere)
    await unschedulable(target, f"{path}/b")
    await target.api.ask("DELETE", f"{path}/b")
    assert await target.api.refusal("GET", f"{path}/b") == (404, "NotFound")


async def evict(target: Target, path: str) -> tuple[int, list[str]]:
    """Status, and the causes of a refusal. As kubectl does, in the version that discovery tells."""
    name = path.rsplit("/", 1)[1]
    body = {"apiVersion": f"policy/{target.policy}", "kind": "Eviction", "metadata": {"name": name}}
    answer = await target.api.send("POST", f"{path}/eviction", body)
    causes = (answer.body.get("details") or {}).get("causes") or ()
    return answer.status, [each["reason"] for each in causes]


async def budget(target: Target, path: str, least: int, counted: int) -> str:
    """A budget over `app: x`, once the disruption controller has counted so many healthy pods."""
    budgets = path.replace("/api/v1", f"/apis/policy/{target.policy}").replace(
        "/pods", "/poddisruptionbudgets"
    )
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": "x"}}}
    body = {
        "apiVersion": f"policy/{target.policy}",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b"},
        "spec": spec,
    }
    await target.api.ask("POST", budgets, body)

    async def is_counted() -> bool:
        found = (await target.api.ask("GET", f"{budgets}/b")).get("status") or {}
        return bool(found.get("observedGeneration") == 1 and found.get("currentHealthy") == counted)

    await until(is_counted, "the budget")
    return f"{budgets}/b"


async def test_the_version_of_evictions_is_discovered(target: Target) -> None:
    resources = (await target.api.ask("GET", "/api/v1"))["resources"]
    eviction = next(each for each in resources if each["name"] == "pods/eviction")
    assert (eviction["group"], eviction["version"], eviction["kind"]) == ("policy", target.policy, "Eviction")


async def test_a_budget_lets_go_what_it_can_spare(target: Target) -> None:
    path = await pods(target)
    for name in "ab":
        await target.api.ask("POST", path, pod(name, target.node, {"app": "x"}, cpu="100m", memory="16Mi"))
    for name in "ab":
        await until_phase(target, f"{path}/{name}", "Running")
    standing = await budget(target, path, 1, 2)
    assert (await target.api.ask("GET", standing))["status"]["disruptionsAllowed"] == 1
    assert await evict(target, f"{path}/a") == (201, [])
    assert await evict(target, f"{path}/b") == (429, ["DisruptionBudget"])
    await until_gone(target, f"{path}/a")
    assert await evict(target, f"{path}/a") == (404, [])
    await target.api.ask("DELETE", standing)
    assert (await evict(target, f"{path}/b"))[0] == 201


async def test_a_pod_that_does_not_run_is_let_go_whatever_its_budget_says(target: Target) -> None:
    path = await pods(target)
    await target.api.ask("POST", path, pod("a", "no-such-node", {"app": "x"}))
    await unschedulable(target, f"{path}/a")
    await budget(target, path, 1, 0)
    assert await evict(target, f"{path}/a") == (201, [])
    await until_gone(target, f"{path}/a")


async def test_two_budgets_for_one_pod_are_a_servers_error(target: Target) -> None:
    path = await pods(target)
    await target.api.ask("POST", path, pod("a", target.node, {"app": "x"}, cpu="100m", memory="16Mi"))
    await until_phase(target, f"{path}/a", "Running")
    first = await budget(target, path, 0, 1)
    spec = (await target.api.ask("GET", first))["spec"]
    body = {
        "apiVersion": f"policy/{target.policy}",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "c"},
        "spec": spec,
    }
    await target.api.ask("POST", first.rsplit("/", 1)[0], body)
    assert (await evict(target, f"{path}/a"))[0] == 500
