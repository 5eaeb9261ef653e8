"""What an acceptance reads of a cluster: nodes, releases, attachments, Ceph; several looks, apart.

Of a node only what somebody asked about crosses to the workflow. A release counts as ready when its condition
Ready is true and speaks of its present generation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from activities.kubernetes.clusters import Clusters
from activities.kubernetes.errors import translated
from activities.kubernetes.resources import (
    ATTACHMENTS,
    CEPH_CLUSTERS,
    NODES,
    RELEASES,
    ClusterApi,
    Document,
)
from activities.waiting import Heartbeat, pause, seconds
from models.ceph import HealthCheck, RookCeph
from models.kubernetes import (
    NFD_PREFIX,
    ClusterFacts,
    ClusterLook,
    ClusterRequest,
    FoundNode,
    FoundThing,
    WantedCluster,
    WantedNode,
)

RESOURCE_OF_ATTACHMENT = "k8s.v1.cni.cncf.io/resourceName"
SHOWN = 200


@dataclass
class KubernetesLooks:
    clusters: Clusters

    @activity.defn
    async def examine_cluster(self, request: ClusterRequest) -> ClusterFacts:
        """Raises Refused where no cluster is declared, it does not accept us, or it is another one."""
        looks: list[ClusterLook] = []
        taken = 0
        async with Heartbeat() as heart, self.clusters.opened(request.site) as cluster:
            with translated():
                version = await cluster.version()
            while taken < request.samples:
                if taken:
                    await pause(seconds(self.clusters.timing.paced(request.apart)))
                with translated():
                    nodes = await cluster.list(NODES)
                    self.clusters.must_be(request.site, nodes)
                    look = await _look(cluster, nodes, request.wanted)
                if not looks or looks[-1] != look:
                    looks.append(look)
                taken += 1
                heart.tell(f"look {taken} of {request.samples}")
        return ClusterFacts(
            version=version, looks=tuple(looks), samples=taken, attempt=activity.info().attempt
        )


async def _look(cluster: ClusterApi, nodes: list[Document], wanted: WantedCluster) -> ClusterLook:
    by_name = {each.name: each for each in wanted.nodes}
    releases = await cluster.list(RELEASES) if wanted.releases else None
    attachments = await cluster.list(ATTACHMENTS) if wanted.attachments else None
    ceph = await cluster.list(CEPH_CLUSTERS) if wanted.ceph else None
    asked = {(each.namespace, each.name) for each in wanted.attachments}
    return ClusterLook(
        nodes=tuple(_node(each, by_name.get(each["metadata"]["name"])) for each in nodes),
        releases=None if releases is None else tuple(_release(each) for each in releases),
        attachments=None
        if attachments is None
        else tuple(_attachment(each) for each in attachments if _place(each) in asked),
        ceph=None if ceph is None else tuple(_ceph(each) for each in ceph),
    )


def _node(node: Document, wanted: WantedNode | None) -> FoundNode:
    status = node.get("status") or {}
    allocatable = status.get("allocatable") or {}
    labels = node["metadata"].get("labels") or {}
    return FoundNode(
        name=node["metadata"]["name"],
        ready=_readiness(node),
        allocatable=_of(allocatable, wanted.allocatable if wanted else {}),
        labels=_of(labels, wanted.labels if wanted else {}),
        features=sum(key.startswith(NFD_PREFIX) for key in labels),
    )


def _of(found: Document, asked: Mapping[str, object]) -> dict[str, str]:
    return {key: str(found[key]) for key in asked if key in found}


def condition(of: Document, kind: str) -> Document:
    """Empty where there is none."""
    found = (of.get("status") or {}).get("conditions") or ()
    return next((dict(each) for each in found if each.get("type") == kind), {})


def _readiness(node: Document) -> str:
    now = condition(node, "Ready")
    if now.get("status") != "True":
        return f"not ready: {now.get('reason') or 'no word of its kubelet'}"
    return "Ready, cordoned" if (node.get("spec") or {}).get("unschedulable") else "Ready"


def _release(release: Document) -> FoundThing:
    now = condition(release, "Ready")
    generation = release["metadata"].get("generation")
    observed = (release.get("status") or {}).get("observedGeneration")
    if now.get("status") == "True" and observed == generation:
        says = "ready"
    elif now.get("status") == "True":
        says = f"ready for generation {observed}, which is {generation} by now"
    else:
        told = ": ".join(str(now[key]) for key in ("reason", "message") if now.get(key))
        says = told[:SHOWN] or "says nothing yet"
    return FoundThing(name=_name(release), says=says)


def _attachment(found: Document) -> FoundThing:
    annotations = found["metadata"].get("annotations") or {}
    return FoundThing(name=_name(found), says=annotations.get(RESOURCE_OF_ATTACHMENT, ""))


def _ceph(found: Document) -> RookCeph:
    """Rook copies what is muted, too: where the health is good all the same, everything is."""
    status = found.get("status") or {}
    ceph = status.get("ceph") or {}
    health, details = str(ceph.get("health") or ""), ceph.get("details") or {}
    return RookCeph(
        name=_name(found),
        health=health,
        phase=str(status.get("phase") or ""),
        checks=tuple(
            HealthCheck(
                code=code,
                severity=str(each.get("severity") or ""),
                words=str(each.get("message") or "")[:SHOWN],
                muted=health == "HEALTH_OK",
            )
            for code, each in sorted(details.items())
        ),
        unchecked_min=_minutes_since(ceph.get("lastChecked")),
    )


def _minutes_since(moment: str | None) -> int | None:
    """By our clock; one that runs behind the site's makes it now."""
    try:
        at = datetime.fromisoformat(moment or "")
    except ValueError:
        return None
    return max(0, int((datetime.now(UTC) - at).total_seconds() // 60))


def _place(of: Document) -> tuple[str, str]:
    return of["metadata"].get("namespace", ""), of["metadata"]["name"]


def _name(of: Document) -> str:
    return "/".join(_place(of))
