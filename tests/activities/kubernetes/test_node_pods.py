"""What a drain reads out of a node's pods: who makes them, what covers them, what they would lose."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.kubernetes.node_pods import by_scale, look_of
from models.drain import CORDONED_BY, DrainLook

Document = dict[str, Any]
HOST = "controller-1"
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def node(name: str, *taints: str, status: Document | None = None, **spec: Any) -> Document:
    spec["taints"] = [{"key": key, "effect": "NoSchedule"} for key in taints]
    return {"metadata": {"name": name}, "spec": spec, "status": READY if status is None else status}


def pod(name: str = "web-1", owner: str = "ReplicaSet", **more: Any) -> Document:
    owners = [{"kind": owner, "name": "web", "uid": "u-web", "controller": True}] if owner else []
    meta: Document = {"namespace": "default", "name": name, "uid": f"u-{name}"}
    meta["labels"] = {"app": "web", "tier": "a"}
    spec = {"nodeName": HOST, **more.pop("spec", {})}
    meta |= {"ownerReferences": owners} | more.pop("meta", {})
    return {"metadata": meta, "spec": spec, "status": {"phase": "Running", **more}}


def budget(selector: Any, allowed: int = 1, expected: int = 2, **meta: Any) -> Document:
    status = {"disruptionsAllowed": allowed, "expectedPods": expected, "observedGeneration": 1}
    status |= {"currentHealthy": expected, "desiredHealthy": expected - allowed}
    named = {"namespace": "default", "name": "b", "generation": 1, **meta}
    return {"metadata": named, "spec": {"selector": selector}, "status": status}


def look(*pods: Document, budgets: tuple[Document, ...] = (), version: str = "v1") -> DrainLook:
    return look_of(HOST, [node(HOST), node("controller-0")], list(pods), list(budgets), version)


def test_daemons_mirrors_and_finished_pods_are_only_counted() -> None:
    mirror = {"annotations": {"kubernetes.io/config.mirror": "x"}}
    found = look(
        pod("daemon", "DaemonSet"), pod("static", "Node", meta=mirror), pod("over", phase="Succeeded"), pod()
    )
    assert ([str(each) for each in found.pods], found.skipped) == (["default/web-1"], 3)


def test_who_makes_a_pod_and_what_it_would_lose() -> None:
    volumes = {"volumes": [{"name": "cache", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {}}]}
    (found,) = look(pod(spec=volumes)).pods
    assert (found.controller, found.local_data, found.leaving_s) == ("ReplicaSet/web", ("cache",), None)
    assert look(pod(owner="")).pods[0].controller == ""


def test_when_a_deleted_pod_should_be_gone() -> None:
    at = (datetime.now(UTC) - timedelta(seconds=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    (found,) = look(pod(meta={"deletionTimestamp": at, "finalizers": ["example.com/held"]})).pods
    assert found.leaving_s is not None
    assert 85 <= found.leaving_s <= 300
    assert found.finalizers == ("example.com/held",)


@pytest.mark.parametrize(
    ("selector", "covers"),
    [
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "other"}}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
        (None, False),
    ],
)
def test_which_pods_a_selector_covers(selector: Any, covers: bool) -> None:
    (found,) = look(pod(), budgets=(budget(selector),)).pods
    assert (found.budgets == ("default/b",)) is covers


def test_an_empty_selector_is_all_or_none_by_the_version() -> None:
    assert look(pod(), budgets=(budget({}),)).pods[0].budgets == ("default/b",)
    assert look(pod(), budgets=(budget({}),), version="v1beta1").pods[0].budgets == ()


def test_a_budget_of_another_namespace_covers_nothing() -> None:
    assert look(pod(), budgets=(budget({}, namespace="other"),)).budgets == ()


def test_a_budget_that_is_behind_its_spec_is_said_so() -> None:
    (found,) = look(pod(), budgets=(budget({}, generation=2),)).budgets
    assert not found.is_counted


def test_while_a_pod_is_made_anew_its_budget_is_told_by_the_scale_of_its_controller() -> None:
    found = look(pod(), budgets=(budget({}, allowed=0, expected=1),))
    assert found.budgets[0].expected == 1
    owners = [{"metadata": {"uid": "u-web"}, "spec": {"replicas": 2}}]
    assert by_scale(found, [pod()], owners)[0].expected == 2
    assert by_scale(found, [pod()], [])[0].expected == 1


def test_only_nodes_without_taints_of_their_own_can_take_pods() -> None:
    away = {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]}
    nodes = [
        node(HOST),
        node("dedicated", "node-role.kubernetes.io/control-plane"),
        node("silent", "node.kubernetes.io/unreachable", status=away),
        node("cordoned", "node.kubernetes.io/unschedulable", unschedulable=True),
        node("good"),
    ]
    found = look_of(HOST, nodes, [], [], "v1")
    assert (found.others, found.takers) == (3, 1)
    assert found.away == ("silent: not ready (NodeStatusUnknown)", "cordoned: cordoned")


def test_whose_cordon_it_is() -> None:
    ours = node(HOST, unschedulable=True)
    ours["metadata"]["annotations"] = {CORDONED_BY: "a-run"}
    left = node(HOST)
    left["metadata"]["annotations"] = {CORDONED_BY: "a-run"}
    cordons = [
        look_of(HOST, [one], [], [], "v1").cordon
        for one in (node(HOST), ours, node(HOST, unschedulable=True), left)
    ]
    assert cordons == ["", "ours", "foreign", ""]


def test_a_host_that_is_no_node_has_nothing_to_drain() -> None:
    assert not look_of("storage-0", [node(HOST)], [], [], "v1").is_node


@pytest.mark.parametrize(
    ("toleration", "ignores"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}, False),
    ],
)
def test_who_ignores_a_cordon(toleration: Document, ignores: bool) -> None:
    (found,) = look(pod(spec={"tolerations": [toleration]})).pods
    assert found.ignores_cordon is ignores
