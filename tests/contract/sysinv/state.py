"""Puts a cloud into the state in which an exchange was recorded, and fills in placeholders.

The recording's hosts are small: four ports with eight virtual functions, one NUMA node of eight processors,
three disks. Their rows are made by the simulator's own code from a kit of that size, then given the names,
networks and sizes that the state tells.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any

from simulator.cloud import agent, wiring
from simulator.cloud import platform as site
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.kit import DiskKit, Kit, PortKit
from simulator.cloud.kubernetes import Upgrade, Version
from simulator.cloud.rows import (
    Cpu,
    Interface,
    InterfaceNetwork,
    Label,
    Memory,
    Port,
)
from simulator.cloud.site_rows import (
    Certificate,
    Cluster,
    ControllerFilesystem,
    DataNetwork,
    Dns,
    ExternalOam,
    Network,
    Ntp,
    Ptp,
    ServiceParameter,
    StorageBackend,
    Tier,
)
from simulator.cloud.storage_rows import (
    READY,
    Disk,
    HostFilesystem,
    Partition,
    PhysicalVolume,
    Stor,
    VolumeGroup,
)
from simulator.cloud.tables import Tables
from simulator.region import Region

_PLAIN = (
    "administrative",
    "operational",
    "availability",
    "invprovision",
    "vim_progress_status",
    "subfunction_oper",
    "subfunction_avail",
    "inv_state",
    "install_state",
    "bm_type",
    "bm_username",
    "ihost_action",
    "config_status",
)
_SYSTEM = ("name", "description", "location", "contact", "timezone", "security_feature", "capabilities")
_BUS = "/dev/disk/by-path/pci-0000:00:0d.0"
_NAMES = ("oam0", "mgmt0", "cluster0", "data0")


def set_state(region: Region, state: dict[str, Any]) -> Cloud:
    """The cloud that now is the recorded system; a field that is missing in a host was null."""
    simplex = state["system"]["mode"] == "simplex"
    cloud = next(one for one in region.sites.values() if one.simplex is simplex)
    cloud.identity.standard = state["system"]["type"] == "Standard"
    cloud.hosts = [_host(given) for given in state["hosts"]]
    cloud.apps.status = {app["name"]: app["status"] for app in state.get("apps", [])}
    system = state.get("isystem", {})
    cloud.system.update({name: system[name] for name in _SYSTEM if name in system})
    for host in cloud.hosts:
        if host.config_status:
            cloud.alarms.raise_("250.001", f"host={host.name}", host=host.name)
    cloud.use_tables(_tables(cloud, state))
    _kubernetes(cloud, state)
    _peers(cloud, state.get("peers", {}))
    return cloud


def _kubernetes(cloud: Cloud, state: dict[str, Any]) -> None:
    told = state.get("kube_versions")
    if told:
        states = {told["active"]: "active"} | dict.fromkeys(told["available"], "available")
        cloud.kubernetes.versions = [
            Version(version, states.get(version, "unavailable"), told["upgrade_from"].get(version, []))
            for version in sorted({*states, *told["upgrade_from"]})
        ]
    for one in state.get("kube_upgrade", []):
        cloud.kubernetes.upgrade = Upgrade(
            cloud.new_uuid(), one["from_version"], one["to_version"], one["state"]
        )


def _peers(cloud: Cloud, peers: dict[str, Any]) -> None:
    """How maintenance and the VIM answer."""
    if "mtce_host_modify_reply" in peers:
        reply = peers["mtce_host_modify_reply"]
        cloud.mtce.refusal = f"{reply['reason']}. {reply['action']}." if reply else "no response. retry."
    cloud.mtce.vim_is_silent = peers.get("vim_host_action") == "raises an exception"


def _host(given: dict[str, Any]) -> Host:
    row = Host(
        id=given["id"],
        uuid=str(uuid.UUID(int=given["id"])),
        name=given.get("hostname") or "",
        personality=given.get("personality") or "",
        bmc=given.get("bm_ip"),
        mac=given["mgmt_mac"],
        mgmt_ip=given.get("mgmt_ip") or "",
        active=given.get("role") == "active",
        subfunctions=given.get("subfunctions") or "",
    )
    for name in _PLAIN:
        setattr(row, name, given.get(name))
    row.task = given.get("task", "")
    if row.task in ("Locking", "Unlocking"):
        row.moving = row.ihost_action
    return row


def _tables(cloud: Cloud, state: dict[str, Any]) -> Tables:
    tables = Tables(cloud.identity.system_uuid)
    site.fill(cloud, tables)
    for kind in (Certificate, DataNetwork):
        tables.clear(kind)
    for network in tables.of(Network):
        network.name = None
    for given, host in zip(state["hosts"], cloud.hosts, strict=True):
        if given.get("hostname"):
            _inventory(tables, host, given)
    for one in state.get("datanetworks", []):
        tables.new(DataNetwork, name=one["name"], network_type=one["network_type"])
    if "service_parameters" in state:
        tables.clear(ServiceParameter)
        for one in state["service_parameters"]:
            tables.new(ServiceParameter, **one)
    for backend in state.get("storage_backends", []):
        _backend(cloud, tables, backend)
    for given, host in zip(state["hosts"], cloud.hosts, strict=True):
        for one in given.get("istors", []):
            _stor(tables, host, one)
    return tables


def _inventory(tables: Tables, host: Host, given: dict[str, Any]) -> None:
    agent.report(tables, host, _kit(host, given))
    own = tables.below(Interface, host.uuid)
    told = given["interfaces"]
    for row, name in zip(own, _NAMES, strict=True):
        row.ifname = name
        if name not in told:
            tables.drop(row)
            continue
        kind, _, network = told[name].partition(":")
        row.ifclass = None if kind == "none" else kind
        if network:
            wiring.carry(tables, row, network)
    if not given["lvgs"]:
        for volume in tables.below(PhysicalVolume, host.uuid):
            tables.drop(volume)
    for disk in tables.below(Disk, host.uuid):
        disk.available_mib = given["disks"][disk.device_node][1]
    for row in tables.below(HostFilesystem, host.uuid):
        row.state = "In-Use"
    for part in given.get("partitions", [])[1:]:
        _partition(tables, host, part)
    names = {row.name for row in tables.below(HostFilesystem, host.uuid)}
    states = {one["name"]: one["state"] for one in given.get("host_fs_not_in_use", [])}
    for name, size in given.get("host_fs", {}).items():
        if name not in names:
            tables.new(
                HostFilesystem,
                name=name,
                size=size,
                logical_volume=f"{name}-lv",
                ihost_uuid=host.uuid,
                state=states.get(name, "In-Use"),
            )
    for name, value in given.get("labels", {}).items():
        tables.new(Label, label_key=name, label_value=value, host_uuid=host.uuid)
    for row in tables.below(Memory, host.uuid):
        row.minimum_platform_reserved_mib = 6200
    for cpu in tables.below(Cpu, host.uuid):
        cpu.core = 999


def _kit(host: Host, given: dict[str, Any]) -> Kit:
    return Kit(
        ports=tuple(
            PortKit(f"eth{place}", f"00:00:5e:00:53:{0x80 + 4 * host.id + place:02x}", f"0000:00:0{place}.0",
                    "Vendor", "Model", "ice", 10_000, 8)
            for place in range(4)
        ),
        disks=tuple(
            DiskKit(node, f"{_BUS}-ata-{place}.0", size, f"SYN-{node[-1].upper()}", "SSD")
            for place, (node, (size, _)) in enumerate(given["disks"].items(), start=1)
        ),
        cpu_model="Intel(R) Core(TM)",
        numa_nodes=1,
        cores=sum(given.get("cpus", {"of no concern": 2}).values()),
        threads=1,
        memory_mib=68_000,
    )  # fmt: skip


def _partition(tables: Tables, host: Host, part: dict[str, Any]) -> None:
    disk = tables.find(Disk, ihost_uuid=host.uuid, device_node=part["device_node"][:-1])
    assert disk is not None
    tables.new(
        Partition,
        start_mib=1,
        end_mib=1 + part["size_mib"],
        size_mib=part["size_mib"],
        device_node=part["device_node"],
        device_path=f"{disk.device_path}-part1",
        type_guid=agent.LVM_TYPE,
        idisk_uuid=disk.uuid,
        status=READY,
        ihost_uuid=host.uuid,
    )


def _backend(cloud: Cloud, tables: Tables, given: dict[str, Any]) -> None:
    small = cloud.simplex
    row = tables.new(
        StorageBackend,
        backend=given["backend"],
        name=given["name"],
        state=given["state"],
        isystem_uuid=cloud.identity.system_uuid,
        task=given["task"],
        services="block,filesystem",
        capabilities={
            "deployment_model": "controller",
            "failure_domain": "osd" if small else "host",
            "replication": "1" if small else "2",
            "min_replication": "1",
        },
    )
    cluster = tables.new(Cluster, name="ceph_cluster", cluster_uuid=cloud.new_uuid())
    tables.new(Tier, name="storage", backend_uuid=row.uuid, cluster_uuid=cluster.uuid)


def _stor(tables: Tables, host: Host, given: dict[str, Any]) -> None:
    disk = tables.find(Disk, ihost_uuid=host.uuid, device_node="/dev/sdb")
    tier = tables.the(Tier)
    assert disk is not None
    row = tables.new(
        Stor,
        function=given["function"],
        state=given["state"],
        ihost_uuid=host.uuid,
        idisk_uuid=disk.uuid,
        journal_size_mib=400,
        journal_path=f"{disk.device_path}-part2",
        journal_node=f"{disk.device_node}2",
        fortierid=tier.id,
        tier_uuid=tier.uuid,
        tier_name=tier.name,
    )
    row.journal_location = disk.istor_uuid = row.uuid
    tier.stors.append(row.uuid)


def filled(value: Any, cloud: Cloud) -> Any:
    """The value with placeholders such as `{host:NAME}` replaced by what they stand for here.

    A row that is not there yet (what a POST makes) matches any uuid.
    """
    if isinstance(value, dict):
        return {name: filled(one, cloud) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, cloud) for one in value]
    if not isinstance(value, str):
        return value
    return re.sub(
        r"\{(\w+):?((?:[\w./-]|:(?=[\w./-]))*)\}", lambda match: _standing(cloud, match) or match[0], value
    )


def _standing(cloud: Cloud, match: re.Match[str]) -> str | None:
    kind, name = match[1], match[2]
    if kind == "base":
        return f"http://{cloud.identity.address}:6386"
    if kind == "sw_version":
        return cloud.dialect.version
    if kind == "isystem":
        return cloud.identity.system_uuid
    if kind == "host_mac":
        return next((host.uuid for host in cloud.hosts if host.mac == name), None)
    if kind in ("host", "hostid"):
        host = cloud.host(name) or next((one for one in cloud.hosts if one.mac == name), None)
        if host is None:
            return "{uuid}"
        return host.uuid if kind == "host" else str(host.id)
    find = _ROWS.get(kind)
    if find is None or (not name and kind not in _ALONE):
        return None
    row = find(cloud, *name.split(":", 1)) if name else find(cloud)
    return row.uuid if row is not None else "{uuid}"


def _of(kind: Any, field: str) -> Callable[..., Any]:
    """A row of a host by one of its fields."""

    def find(cloud: Cloud, host: str, name: str) -> Any:
        found = cloud.host(host)
        assert found is not None
        owner = {kind.owner: found.uuid}
        return cloud.tables.find(kind, **owner, **{field: int(name) if field == "cpu" else name})

    return find


def _nth(kind: Any) -> Callable[..., Any]:
    def find(cloud: Cloud, host: str, place: str = "0") -> Any:
        found = cloud.host(host)
        assert found is not None
        rows = cloud.tables.below(kind, found.uuid)
        return rows[int(place)] if int(place) < len(rows) else None

    return find


def _carried(cloud: Cloud, host: str, name: str) -> Any:
    found = cloud.host(host)
    assert found is not None
    return cloud.tables.find(InterfaceNetwork, ihost_uuid=found.uuid, ifname=name)


_ALONE = ("idns", "intp", "ptp", "iextoam")
"""Placeholders without a name."""
_ROWS: dict[str, Callable[..., Any]] = {
    "if": _of(Interface, "ifname"),
    "ifnet": _carried,
    "disk": _of(Disk, "device_node"),
    "mem": _nth(Memory),
    "cpu": _of(Cpu, "cpu"),
    "lvg": _of(VolumeGroup, "lvm_vg_name"),
    "pv": _of(PhysicalVolume, "lvm_vg_name"),
    "part": _nth(Partition),
    "stor": _nth(Stor),
    "hostfs": _of(HostFilesystem, "name"),
    "label": _of(Label, "label_key"),
    "port": _of(Port, "name"),
    "net": lambda cloud, name: cloud.tables.find(Network, type=name),
    "dnet": lambda cloud, name: cloud.tables.find(DataNetwork, name=name),
    "backend": lambda cloud, name: cloud.tables.find(StorageBackend, name=name),
    "cfs": lambda cloud, name: cloud.tables.find(ControllerFilesystem, name=name),
    "param": lambda cloud, name: cloud.tables.find(ServiceParameter, name=name),
    "idns": lambda cloud: cloud.tables.the(Dns),
    "intp": lambda cloud: cloud.tables.the(Ntp),
    "ptp": lambda cloud: cloud.tables.the(Ptp),
    "iextoam": lambda cloud: cloud.tables.the(ExternalOam),
}
