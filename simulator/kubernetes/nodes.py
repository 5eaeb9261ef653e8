"""Nodes as the kubelets register them, out of what sysinv has made real of its hosts.

Huge pages, isolated CPUs, SR-IOV functions (with the label `sriovdp`) and labels come into a node when its
host has been unlocked with them. A node is written when something of that has changed, and only then: what
an outsider does to its status meanwhile, such as a device plugin that lost a function, stays.
"""

import uuid
from typing import TYPE_CHECKING, Any

from simulator.cloud.hosts import Host
from simulator.cloud.rows import Cpu, Interface, InterfaceDatanetwork, Label, Memory, Port
from simulator.kubernetes.kinds import NODE
from simulator.kubernetes.store import moment
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster

NFD = "node-feature-discovery"
PODS = 110
_ROLE = "node-role.kubernetes.io/control-plane"
_DEDICATED = {"key": _ROLE, "effect": "NoSchedule"}
"""On controllers that run no workloads."""
_SERVICES_DISABLED = {"key": "services", "value": "disabled", "effect": "NoExecute"}
"""What the VIM puts on the node of a locked host."""


def refresh(cluster: "Cluster") -> None:
    """Every node as its host is now, and no other nodes."""
    hosts = {host.name: host for host in cluster.cloud.hosts if _is_node(host)}
    for name, host in hosts.items():
        derived = _derived(cluster, host)
        before = cluster.derived.get(name)
        if before == derived:
            continue
        cluster.derived[name] = derived
        if cluster.store.find(NODE, "", name) is None:
            cluster.store.create(NODE, "", {"metadata": {"name": name}, "spec": {}, "status": {}})
        cluster.store.act(
            NODE,
            "",
            name,
            lambda node, now=derived, old=before: _apply(node, now, old),  # type: ignore[misc]
        )
    for name in set(cluster.derived) - set(hosts):
        del cluster.derived[name]
        cluster.store.drop(NODE, "", name)


def _is_node(host: Host) -> bool:
    return host.personality in ("controller", "worker") and host.invprovision == "provisioned"


def _apply(node: Json, now: Json, before: Json | None) -> None:
    """Labels that a client has added are the client's; those that went with sysinv's go."""
    labels = node["metadata"].get("labels") or {}
    for key in (before or {}).get("labels", {}):
        labels.pop(key, None)
    node["metadata"]["labels"] = labels | now["labels"]
    # A host that is locked and unlocked, or bound to a reboot, keeps what its plugins last said.
    if before is None or before["status"] != now["status"]:
        conditions = node.get("status", {}).get("conditions")
        node["status"] = now["status"] | {"conditions": conditions or []}
    if before is None or before["ready"] != now["ready"]:
        node["status"]["conditions"] = [_condition(now["ready"])]
    old = (before or {}).get("taints", [])
    taints = [taint for taint in node["spec"].get("taints", []) if taint not in old]
    node["spec"]["taints"] = taints + now["taints"]


def _condition(ready: bool) -> Json:
    now = moment()
    words = ("True", "KubeletReady", "kubelet is posting ready status")
    if not ready:
        words = ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    status, reason, message = words
    return {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }


def _derived(cluster: "Cluster", host: Host) -> Json:
    tables = cluster.cloud.tables
    cpus = tables.below(Cpu, host.uuid)
    memory = tables.below(Memory, host.uuid)
    by_function: dict[str, int] = {}
    for cpu in cpus:
        by_function[cpu.allocated_function] = by_function.get(cpu.allocated_function, 0) + 1
    isolated = by_function.get("Application-isolated", 0)
    own = by_function.get("Platform", 0) + by_function.get("Vswitch", 0) + isolated
    capacity: dict[str, Any] = {
        "cpu": str(len(cpus)),
        "memory": f"{sum(one.memtotal_mib for one in memory) * 1024}Ki",
        "pods": str(PODS),
        "hugepages-2Mi": f"{2 * sum(one.vm_hugepages_nr_2M for one in memory)}Mi",
        "hugepages-1Gi": f"{sum(one.vm_hugepages_nr_1G for one in memory)}Gi",
    }
    if isolated:
        capacity["windriver.com/isolcpus"] = str(isolated)
    labels = {row.label_key: row.label_value for row in tables.below(Label, host.uuid)}
    if labels.get("sriovdp") == "enabled":
        capacity |= _functions(cluster, host)
    pages = 1024 * sum(2 * one.vm_hugepages_nr_2M + 1024 * one.vm_hugepages_nr_1G for one in memory)
    total = sum(one.memtotal_mib for one in memory) * 1024
    allocatable = capacity | {"cpu": str(len(cpus) - own), "memory": f"{total - pages}Ki"}
    labels |= {"kubernetes.io/hostname": host.name, "kubernetes.io/os": "linux"}
    if host.personality == "controller":
        labels[_ROLE] = ""
    if cluster.cloud.apps.status.get(NFD) == "applied":
        labels |= _features(cluster, host, cpus)
    version = cluster.version
    return {
        "labels": labels,
        "ready": host.operational == "enabled" or (host.locked and host.availability == "online"),
        "taints": [
            *([_SERVICES_DISABLED] if host.locked else []),
            *([_DEDICATED] if cluster.cloud.identity.standard and host.personality == "controller" else []),
        ],
        "status": {
            "capacity": capacity,
            "allocatable": allocatable,
            "addresses": [
                {"type": "InternalIP", "address": host.mgmt_ip},
                {"type": "Hostname", "address": host.name},
            ],
            "nodeInfo": {
                "systemUUID": cluster.machine_of(host),
                "machineID": uuid.UUID(host.uuid).hex,
                "kubeletVersion": version,
                "kernelVersion": f"6.12.0-{1 if host.kernel_running == 'standard' else 2}-amd64",
                "osImage": "Debian GNU/Linux 11 (bullseye)",
                "containerRuntimeVersion": "containerd://1.7.27",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


def _functions(cluster: "Cluster", host: Host) -> dict[str, str]:
    """The virtual functions of each data network, as the SR-IOV device plugin counts them."""
    tables = cluster.cloud.tables
    found: dict[str, int] = {}
    for interface in tables.below(Interface, host.uuid):
        if interface.ifclass != "pci-sriov":
            continue
        functions = sum(port.sriov_numvfs for port in tables.matching(Port, interface_uuid=interface.uuid))
        for row in tables.matching(InterfaceDatanetwork, interface_uuid=interface.uuid):
            name = f"intel.com/pci_sriov_net_{row.datanetwork_name.replace('-', '_')}"
            found[name] = found.get(name, 0) + functions
    return {name: str(count) for name, count in found.items()}


def _features(cluster: "Cluster", host: Host, cpus: list[Cpu]) -> dict[str, str]:
    prefix = "feature.node.kubernetes.io"
    threads = any(cpu.thread for cpu in cpus)
    ports = cluster.cloud.tables.matching(Port, host_uuid=host.uuid)
    return {
        f"{prefix}/cpu-hardware_multithreading": str(threads).lower(),
        f"{prefix}/network-sriov.capable": str(any(port.sriov_totalvfs for port in ports)).lower(),
        f"{prefix}/system-os_release.ID": "debian",
    }
