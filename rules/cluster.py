"""What a site's cluster shall show by its profile, and the checks of what it shows.

Resources are those that StarlingX's nodes offer: huge pages by size, isolated CPUs as
`windriver.com/isolcpus`, virtual functions as `intel.com/pci_sriov_net_<data network>` with `_` for `-`
(sysinv's puppet, kubernetes.py). A NUMA node of whose pages a profile says nothing counts as sysinv has it.
"""

from collections.abc import Iterable, Iterator

from models.acceptance import Check
from models.configuration import FoundHost
from models.inventory import Host
from models.kubernetes import (
    ClusterLook,
    FoundNode,
    FoundThing,
    WantedAttachment,
    WantedCluster,
    WantedNode,
)
from models.profile import RoleProfile, SiteProfile
from rules.acceptance import check, worst
from rules.ceph import rook_verdict
from rules.configuration.host import numbers

MIB, GIB = 2**20, 2**30
ISOLATED = "windriver.com/isolcpus"
FEATURES = "node-feature-discovery"
HEALTHY = "healthy"
UNITS = (("Gi", GIB), ("Mi", MIB), ("Ki", 2**10))
HUGE = "hugepages-"
PAGES = (("pages_1g", f"{HUGE}1Gi", GIB), ("pages_2m", f"{HUGE}2Mi", 2 * MIB))
PAUSE_SINCE = ((34, "3.10.1"), (31, "3.10"), (26, "3.9"), (25, "3.8"))
"""Of the platform's pause image by Kubernetes 1.x (kubeadm's constants)."""
PAUSE_BEFORE = "3.7"


def wanted_cluster(
    profile: SiteProfile, hosts: tuple[Host, ...], found: tuple[FoundHost, ...], applied: Iterable[str]
) -> WantedCluster:
    """`found` are the hosts as sysinv has them, with memory and CPUs; `applied` its applications."""
    known = {host.name: host for host in found}
    return WantedCluster(
        nodes=tuple(
            _node(profile, host.name, profile.role(host.personality), known.get(host.name))
            for host in hosts
            if host.personality != "storage"
        ),
        attachments=tuple(
            WantedAttachment(
                name=each.name,
                namespace=each.namespace,
                resource=sriov_resource(each.datanetwork) if each.datanetwork else "",
            )
            for each in profile.network_attachments
        ),
        features=FEATURES in applied,
        ceph=profile.storage is not None and profile.storage.backend == "ceph-rook",
        volumes=profile.storage is not None,
    )


def sriov_resource(datanetwork: str) -> str:
    return f"intel.com/pci_sriov_net_{datanetwork.replace('-', '_')}"


def _node(profile: SiteProfile, name: str, role: RoleProfile, found: FoundHost | None) -> WantedNode:
    pages = dict(_pages(role, found))
    isolated = _isolated(role, found)
    functions: dict[str, int] = {}
    if role.labels.get("sriovdp") == "enabled":
        for interface in role.interfaces:
            for network in interface.datanetworks if interface.ifclass == "pci-sriov" else ():
                resource = sriov_resource(network)
                functions[resource] = functions.get(resource, 0) + (interface.vfs or 0)
    return WantedNode(
        name=name,
        allocatable=pages | ({ISOLATED: isolated} if isolated is not None else {}) | functions,
        at_least=tuple(pages) if profile.system.vswitch == "ovs-dpdk" else (),
        labels=role.labels,
    )


def _pages(role: RoleProfile, found: FoundHost | None) -> Iterator[tuple[str, int]]:
    for field, resource, size in PAGES:
        declared = {each.node: getattr(each, field) for each in role.memory}
        if all(count is None for count in declared.values()):
            continue
        counts = {each.node: getattr(each, field) for each in (found.memory if found else None) or ()}
        counts |= {node: count for node, count in declared.items() if count is not None}
        yield resource, sum(counts.values()) * size


def _isolated(role: RoleProfile, found: FoundHost | None) -> int | None:
    """Logical CPUs; None where nothing is declared of them."""
    declared = next((each for each in role.cpus if each.function == "application-isolated"), None)
    if declared is None:
        return None
    if declared.cpulist:
        return len(numbers(declared.cpulist))
    cpus = (found.cpus if found else None) or ()
    threads = max((cpu.thread for cpu in cpus), default=0) + 1
    return sum(declared.cores) * threads


def cluster_checks(wanted: WantedCluster, looks: tuple[ClusterLook, ...]) -> tuple[Check, ...]:
    """Each check that fails in any look is shown as it failed."""
    return worst([tuple(_of_look(wanted, look)) for look in looks])


def _of_look(wanted: WantedCluster, look: ClusterLook) -> Iterator[Check]:
    known = {node.name: node for node in look.nodes}
    for node in wanted.nodes:
        yield from _of_node(node, known.get(node.name), features=wanted.features)
    extra = sorted(set(known) - {node.name for node in wanted.nodes})
    yield check("kubernetes", "nodes beyond the declared", ", ".join(extra) or "none", "none")
    attachments = {each.name: each.says for each in look.attachments or ()}
    for each in wanted.attachments:
        name = f"{each.namespace}/{each.name}"
        says = attachments.get(name)
        if says is None:
            found, good = "not there", each.resource or "there"
        else:
            found, good = (says or "no resource", each.resource) if each.resource else ("there", "there")
        yield check("kubernetes", f"network attachment {name}", found, good)
    yield from _things("applications", "Helm release", look.releases or (), "ready")
    if wanted.ceph and not look.ceph:
        yield check("storage", "Ceph cluster", "not there", HEALTHY)
    for ceph in look.ceph or ():
        verdict = rook_verdict(ceph)
        yield Check(
            name=f"Ceph cluster {ceph.name}",
            group="storage",
            passed=verdict.how == "good",
            found=": ".join(filter(None, (ceph.health, verdict.why))),
            wanted=HEALTHY,
        )


def _things(group: str, what: str, found: tuple[FoundThing, ...], good: str) -> Iterator[Check]:
    for each in found:
        yield check(group, f"{what} {each.name}", each.says, good)


def _of_node(wanted: WantedNode, found: FoundNode | None, *, features: bool) -> Iterator[Check]:
    name = wanted.name
    yield check("kubernetes", f"node {name}", found.ready if found else "not there", "Ready")
    for resource, amount in wanted.allocatable.items():
        text = found.allocatable.get(resource, "0") if found else "no node"
        have = quantity(text) if found else -1
        is_enough = have == amount or (resource in wanted.at_least and have > amount)
        words = in_words(resource, amount)
        yield Check(
            name=f"{name}: allocatable {resource}",
            group="kubernetes",
            passed=is_enough,
            found=text,
            wanted=f"at least {words}" if resource in wanted.at_least else words,
        )
    for key, value in wanted.labels.items():
        have_label = found.labels.get(key) if found else None
        shown = "no label" if have_label is None else have_label or "empty"
        yield check("kubernetes", f"{name}: node label {key}", shown, value or "empty")
    if features:
        has = "there" if found and found.features else "none"
        yield check("kubernetes", f"{name}: labels of {FEATURES}", has, "there")


def quantity(text: str) -> int:
    """`16Gi` in bytes, `8` as it is; -1 for what is no whole quantity."""
    unit = next(((name, size) for name, size in UNITS if text.endswith(name)), ("", 1))
    digits = text.removesuffix(unit[0])
    return int(digits) * unit[1] if digits.isdigit() else -1


def in_words(resource: str, amount: int) -> str:
    """As Kubernetes writes it."""
    if not resource.startswith(HUGE):
        return str(amount)
    return next((f"{amount // size}{name}" for name, size in UNITS if amount % size == 0), str(amount))


def pause_image(version: str) -> str:
    """The platform's own, which every node has."""
    minor = int("".join(filter(str.isdigit, version.split(".")[1])) or 0)
    tag = next((tag for since, tag in PAUSE_SINCE if minor >= since), PAUSE_BEFORE)
    return f"registry.local:9001/registry.k8s.io/pause:{tag}"


def probed(wanted: WantedCluster) -> WantedNode | None:
    """The node that offers most kinds of what a pod is to get; None where nothing is declared."""
    offering = [node for node in wanted.nodes if any(node.allocatable.values())]
    return max(offering, key=lambda node: len(node.allocatable), default=None)


PINNED = 2
"""CPUs of the probe: a whole core with both threads."""


def probe_resources(node: WantedNode | None) -> dict[str, str]:
    """One page of each size, one function of each data network, two CPUs: requests and limits alike, so that
    the pod is Guaranteed and a static CPU manager gives it CPUs of its own."""
    asked = {"cpu": str(PINNED), "memory": "256Mi"}
    for resource, amount in (node.allocatable if node else {}).items():
        if amount:
            asked[resource] = resource.removeprefix(HUGE) if resource.startswith(HUGE) else "1"
    return asked
