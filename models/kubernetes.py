"""What a site's Kubernetes shall show, what it shows, and the probes that an acceptance may put into it.

Facts are small: of a node only what somebody declared something about. Quantities are Kubernetes' own words
(`16Gi`, `8`), so that a report says what `kubectl` says.
"""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name
from models.ceph import RookCeph

NFD_PREFIX = "feature.node.kubernetes.io/"
MANAGED = "app.kubernetes.io/managed-by"
PROBE_OF = "starflock.io/probe-of"
"""Labels of everything that we create: by whom, and for which run."""
OURS = "starflock"


class WantedNode(Frozen):
    """What is declared of one host, as its node shall show it."""

    name: str
    allocatable: dict[str, int] = {}
    """By resource: huge pages in bytes, everything else by count."""
    at_least: tuple[str, ...] = ()
    """Resources of which more may be there: OVS-DPDK's huge pages count among the node's."""
    labels: dict[str, str] = {}


class WantedAttachment(Frozen):
    """A NetworkAttachmentDefinition."""

    name: str
    namespace: str
    resource: str = ""
    """The device plugin's resource that its annotation names; empty where nothing is asked of it."""


class WantedCluster(Frozen):
    """What is declared, for one look at a cluster."""

    nodes: tuple[WantedNode, ...]
    attachments: tuple[WantedAttachment, ...] = ()
    features: bool = False
    """node-feature-discovery is applied: its labels are on every node."""
    releases: bool = True
    """Flux's HelmReleases must be ready."""
    ceph: bool = False
    """Rook's cluster must be healthy."""
    volumes: bool = False
    """There is storage for claims."""


class ClusterRequest(Frozen):
    site: Name
    wanted: WantedCluster
    samples: int = Field(default=3, ge=1, le=20)
    apart: Duration = timedelta(seconds=30)


class FoundNode(Frozen):
    name: str
    ready: str
    """`Ready`, or the condition's words."""
    allocatable: dict[str, str] = {}
    """Of the resources that were asked for."""
    labels: dict[str, str] = {}
    """Of the keys that were asked for."""
    features: int = 0
    """How many labels of node-feature-discovery it has."""


class FoundThing(Frozen):
    """A release or an attachment."""

    name: str
    """NAMESPACE/NAME"""
    says: str
    """`ready`, its resource; else the cluster's own words."""


class ClusterLook(Frozen):
    """One look. What was not asked for is None."""

    nodes: tuple[FoundNode, ...]
    releases: tuple[FoundThing, ...] | None = None
    attachments: tuple[FoundThing, ...] | None = None
    ceph: tuple[RookCeph, ...] | None = None


class ClusterFacts(Frozen):
    version: str
    looks: tuple[ClusterLook, ...]
    """Those that differ from the one before."""
    samples: int
    attempt: int = 1


ProbeKind = Literal["resources", "claim", "volume"]
"""A pod with the declared resources; a claim; a pod that writes to it."""


class ProbeRequest(Frozen):
    """One thing to create, or to remove again."""

    site: Name
    run_id: str
    """Of the workflow: part of the name and in our mark."""
    kind: ProbeKind
    namespace: str = "default"
    image: str = ""
    shell: bool = False
    """The image has `sh` and `grep`: a probe may do something and say it."""
    node: str = ""
    resources: dict[str, str] = {}
    """Requests and limits alike."""
    storage_class: str = ""
    """Empty: the cluster's default."""

    @property
    def name(self) -> str:
        return f"starflock-probe-{self.kind}-{self.run_id[:8]}"


class AwaitProbeRequest(Frozen):
    probe: ProbeRequest
    within: Duration


class ProbeEnd(Frozen):
    """How a probe came out."""

    how: Literal["so", "failed", "late", "gone", "silent"]
    words: str = ""
    """The cluster's own: the pod's conditions and events."""
    node: str = ""
    quality: str = ""
    """Class of service, e.g. Guaranteed."""
    cpus: str = ""
    """That the container was allowed, as a list; empty where it could not say."""
    attempt: int = 1


class Leftover(Frozen):
    """Something with our mark, of a run that did not clear up."""

    kind: Literal["pods", "persistentvolumeclaims"]
    namespace: str
    name: str
    uid: str


class LeftoversRequest(Frozen):
    site: Name


class Leftovers(Frozen):
    found: tuple[Leftover, ...]
    attempt: int = 1


class RemoveRequest(Frozen):
    site: Name
    leftover: Leftover


class AwaitGoneRequest(Frozen):
    site: Name
    leftover: Leftover
    within: Duration


class ProbeStep(Frozen):
    did: bool
    uid: str = ""
    attempt: int = 1
