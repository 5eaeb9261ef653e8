"""What an acceptance reads and puts into a cluster, on the simulated API and on real ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.errors import Busy, Refused
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.looks import KubernetesLooks
from activities.kubernetes.probing import KubernetesProbes
from inventory.load import Inventory
from models.ceph import HealthCheck, RookCeph
from models.inventory import InventoryFile
from models.kubernetes import (
    AwaitGoneRequest,
    AwaitProbeRequest,
    ClusterFacts,
    ClusterRequest,
    FoundThing,
    Leftover,
    LeftoversRequest,
    ProbeEnd,
    ProbeRequest,
    RemoveRequest,
    WantedAttachment,
    WantedCluster,
    WantedNode,
)
from models.timing import Timing
from tests.support.kubernetes_target import Target
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SRIOV = "intel.com/pci_sriov_net_physnet0"
FLUX, CNI, ROOK = "helm.toolkit.fluxcd.io", "k8s.cni.cncf.io", "ceph.rook.io"
ATTACHMENTS = "network-attachment-definitions"


def clusters(target: Target, folder: Path, machine: str | None = None) -> Clusters:
    """As an inventory that declares this cluster has them; one host is its node."""
    if not target.account.token:
        pytest.skip("this cluster knows us by a certificate")
    token = folder / "token"
    token.write_text(target.account.token)
    token.chmod(0o600)
    (folder / "ca.pem").write_text(target.account.ca or "")
    access = {"endpoint": target.api.url, "token": "file:token", "ca_bundle": "ca.pem"}
    host = {"name": target.node, "personality": "controller", **({"uuid": machine} if machine else {})}
    document = {
        "system_controllers": [{"name": "c", "auth_url": "https://a", "credential": {"password": "env:X"}}],
        "sites": [{"name": "s", "system_controller": "c", "hosts": [host], "kubernetes": access}],
    }
    inventory = Inventory(InventoryFile.model_validate(document), folder / "inventory.yaml")
    return Clusters(lambda: inventory, Timing(pace=1, request_timeout_s=20))


async def run(activity: Callable[..., Any], request: Any) -> Any:
    return await ActivityEnvironment().run(activity, request)


def probe(namespace: str, kind: Any = "resources", **more: Any) -> ProbeRequest:
    resources = more.pop("resources", {"cpu": "1", "memory": "64Mi"})
    return ProbeRequest(
        site="s",
        run_id="0a1b2c3d-4e5f",
        kind=kind,
        namespace=namespace,
        image="registry.k8s.io/pause:3.10",
        resources=resources,
        **more,
    )


async def ended(probes: KubernetesProbes, of: ProbeRequest, within_s: float = 60) -> ProbeEnd:
    request = AwaitProbeRequest(probe=of, within=timedelta(seconds=within_s))
    found: ProbeEnd = await run(probes.await_probe, request)
    return found


async def leftovers(probes: KubernetesProbes, namespace: str) -> list[Leftover]:
    found = await run(probes.find_leftovers, LeftoversRequest(site="s"))
    return [each for each in found.found if each.namespace == namespace]


async def removed(probes: KubernetesProbes, what: Leftover) -> ProbeEnd:
    assert (await run(probes.remove_probe, RemoveRequest(site="s", leftover=what))).did
    request = AwaitGoneRequest(site="s", leftover=what, within=timedelta(seconds=60))
    found: ProbeEnd = await run(probes.await_gone, request)
    return found


async def test_a_probe_runs_is_found_by_its_mark_and_goes(target: Target, tmp_path: Path) -> None:
    probes = KubernetesProbes(clusters(target, tmp_path))
    namespace = await target.namespace()
    one = probe(namespace, node=target.node)
    step = await run(probes.create_probe, one)
    assert (step.did, bool(step.uid)) == (True, True)
    end = await ended(probes, one)
    assert (end.how, end.node, end.quality) == ("so", target.node, "Guaranteed"), end
    again = await run(probes.create_probe, one)
    assert (again.did, again.uid) == (False, step.uid)
    (left,) = await leftovers(probes, namespace)
    assert (left.kind, left.name, left.uid) == ("pods", one.name, step.uid)
    assert (await removed(probes, left)).how == "so"
    assert await leftovers(probes, namespace) == []
    once_more = await run(probes.remove_probe, RemoveRequest(site="s", leftover=left))
    assert not once_more.did


async def test_a_probe_that_fits_nowhere_says_what_no_node_has(target: Target, tmp_path: Path) -> None:
    probes = KubernetesProbes(clusters(target, tmp_path))
    resource = "example.com/starflock-none"
    await target.offer(resource, 0)
    wanted = {"cpu": "1", "memory": "64Mi", resource: "1"}
    one = probe(await target.namespace(), node=target.node, resources=wanted)
    await run(probes.create_probe, one)
    end = await ended(probes, one, 4)
    assert end.how == "late"
    assert f"Insufficient {resource}" in end.words


async def test_a_claim_without_a_class_waits_and_says_so(target: Target, tmp_path: Path) -> None:
    if not target.is_ours or target.name == "k3s":
        pytest.skip("this cluster has a storage class")
    probes = KubernetesProbes(clusters(target, tmp_path))
    namespace = await target.namespace()
    claim = probe(namespace, "claim")
    await run(probes.create_probe, claim)
    end = await ended(probes, claim, 4)
    assert end.how == "late"
    assert "no storage class is set" in end.words
    (left,) = await leftovers(probes, namespace)
    assert left.kind == "persistentvolumeclaims"
    assert (await removed(probes, left)).how == "so"


async def test_somebody_elses_thing_is_left_alone(target: Target, tmp_path: Path) -> None:
    probes = KubernetesProbes(clusters(target, tmp_path))
    namespace = await target.namespace()
    one = probe(namespace, "claim")
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    made = await target.api.ask("POST", path, {"metadata": {"name": one.name}, "spec": spec})
    with pytest.raises(Busy, match="not of this run"):
        await run(probes.create_probe, one)
    foreign = Leftover(
        kind="persistentvolumeclaims", namespace=namespace, name=one.name, uid=made["metadata"]["uid"]
    )
    with pytest.raises(Refused, match="no mark of ours"):
        await run(probes.remove_probe, RemoveRequest(site="s", leftover=foreign))
    assert (await target.api.send("GET", f"{path}/{one.name}")).status == 200


async def test_another_machine_is_another_cluster(target: Target, tmp_path: Path) -> None:
    wrong = "00000000-0000-4000-8000-000000000000"
    probes = KubernetesProbes(clusters(target, tmp_path, wrong))
    namespace = await target.namespace()
    with pytest.raises(Refused, match=f"declared is {wrong}; nothing was sent"):
        await run(probes.create_probe, probe(namespace))
    pods = await target.api.ask("GET", f"/api/v1/namespaces/{namespace}/pods")
    assert pods["items"] == []


async def _define(target: Target, group: str, version: str, plural: str, kind: str) -> None:
    """Unless the cluster knows it: as the operator that owns it would, without its schema."""
    if (await target.api.send("GET", f"/apis/{group}/{version}/{plural}")).status == 200:
        return
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    status = {} if plural == ATTACHMENTS else {"subresources": {"status": {}}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [served | status]}
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    head = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    await target.api.ask(
        "POST", definitions, {**head, "metadata": {"name": f"{plural}.{group}"}, "spec": spec}
    )

    async def is_served() -> bool:
        return (await target.api.send("GET", f"/apis/{group}/{version}/{plural}")).status == 200

    await until(is_served, plural)


async def _put(target: Target, path: str, kind: str, name: str, **more: Any) -> None:
    group = path.split("/")
    status = more.pop("status", None)
    meta = {"name": name, **more.pop("metadata", {})}
    body = {"apiVersion": f"{group[2]}/{group[3]}", "kind": kind, "metadata": meta, "spec": {"x": 1}, **more}
    await target.api.ask("POST", path, body)
    if status is not None:
        await target.api.ask("PATCH", f"{path}/{name}/status", {"status": status})


async def test_a_look_reads_nodes_releases_attachments_and_ceph(target: Target, tmp_path: Path) -> None:
    if not target.is_ours:
        pytest.skip("custom resources of others are not defined on an operator's cluster")
    namespace = await target.namespace()
    for group, version, plural, kind in (
        (FLUX, "v2", "helmreleases", "HelmRelease"),
        (CNI, "v1", ATTACHMENTS, "NetworkAttachmentDefinition"),
        (ROOK, "v1", "cephclusters", "CephCluster"),
    ):
        await _define(target, group, version, plural, kind)
    releases = f"/apis/{FLUX}/v2/namespaces/{namespace}/helmreleases"
    good, bad = {"type": "Ready", "status": "True"}, {"type": "Ready", "status": "False", "reason": "Failed"}
    await _put(target, releases, "HelmRelease", "a", status={"conditions": [good], "observedGeneration": 1})
    await _put(target, releases, "HelmRelease", "b", status={"conditions": [bad], "observedGeneration": 1})
    await _put(target, releases, "HelmRelease", "c", status={"conditions": [good], "observedGeneration": 1})
    await target.api.ask("PATCH", f"{releases}/c", {"spec": {"x": 2}})
    attachments = f"/apis/{CNI}/v1/namespaces/{namespace}/{ATTACHMENTS}"
    annotations = {"k8s.v1.cni.cncf.io/resourceName": SRIOV}
    await _put(target, attachments, "NetworkAttachmentDefinition", "n", metadata={"annotations": annotations})
    ceph = f"/apis/{ROOK}/v1/namespaces/{namespace}/cephclusters"
    details = {"OSD_DOWN": {"severity": "HEALTH_WARN", "message": "1 osds down"}}
    asked = datetime.now(UTC) - timedelta(minutes=7)
    health = {"health": "HEALTH_WARN", "details": details, "lastChecked": f"{asked:%Y-%m-%dT%H:%M:%SZ}"}
    await _put(target, ceph, "CephCluster", "k", status={"phase": "Ready", "ceph": health})
    node = WantedNode(name=target.node, allocatable={SRIOV: 8}, labels={"zone": "berlin"})
    wanted = WantedCluster(
        nodes=(node,),
        attachments=(WantedAttachment(name="n", namespace=namespace, resource=SRIOV),),
        ceph=True,
    )
    facts: ClusterFacts = await run(
        KubernetesLooks(clusters(target, tmp_path)).examine_cluster,
        ClusterRequest(site="s", wanted=wanted, samples=2, apart=timedelta(milliseconds=10)),
    )
    assert facts.version.startswith("v1.")
    look = facts.looks[-1]
    found = next(each for each in look.nodes if each.name == target.node)
    assert (found.ready, found.allocatable, found.labels) == ("Ready", {SRIOV: "8"}, {"zone": "berlin"})
    assert found.features == 1
    here = {
        each.name.removeprefix(f"{namespace}/"): each.says
        for each in look.releases or ()
        if each.name.startswith(namespace)
    }
    assert here == {
        "a": "ready",
        "b": "Failed",
        "c": "ready for generation 1, which is 2 by now",
    }
    assert next(each for each in look.ceph or () if each.name.startswith(namespace)) == RookCeph(
        name=f"{namespace}/k",
        health="HEALTH_WARN",
        phase="Ready",
        checks=(HealthCheck(code="OSD_DOWN", words="1 osds down"),),
        unchecked_min=7,
    )
    assert look.attachments == (FoundThing(name=f"{namespace}/n", says=SRIOV),)
