"""How a site is configured: sysinv's rows as our facts (sysinv-api, config master 2026-08).

A look reads only the sections that it is for: a whole host is twelve requests, and a single change needs one
to four of them again. Sub-collections of a host are addressed by its uuid; a name there answers 400.
"""

import asyncio
from collections.abc import Awaitable, Callable

from activities.errors import Refused
from activities.starlingx.session import Cloud
from activities.starlingx.sysinv import reading_services
from activities.starlingx.sysinv.reading_services import Row, table
from models.configuration import (
    OF_HOST,
    OF_SITE,
    FoundCpu,
    FoundDisk,
    FoundFilesystem,
    FoundHost,
    FoundInterface,
    FoundMemory,
    FoundParameter,
    FoundPort,
    FoundSystem,
    Section,
)

PLATFORM_GROUP = "cgts-vg"
GIB = 2**30


async def system(cloud: Cloud, sections: tuple[Section, ...] = OF_SITE) -> FoundSystem:
    """The isystem always; the rest as asked for. `networks` brings platform networks and data networks."""
    row = (await table(cloud, "/isystems", "isystems"))[0]
    capabilities = row.get("capabilities") or {}
    found: Row = {
        "uuid": row["uuid"],
        "region": row["region_name"],
        "standard": row.get("system_type") == "Standard",
        "description": row.get("description") or "",
        "location": row.get("location") or "",
        "contact": row.get("contact") or "",
        "timezone": row.get("timezone") or "",
        "vswitch": capabilities.get("vswitch_type") or "none",
    }
    parts = [_OF_SITE[section](cloud) for section in sections if section in _OF_SITE]
    for part in await asyncio.gather(*parts):
        found |= part
    return FoundSystem(**found)


async def host(cloud: Cloud, name: str, sections: tuple[Section, ...] = OF_HOST) -> FoundHost:
    """Raises Refused when the site has no such host."""
    hosts = await table(cloud, "/ihosts", "ihosts")
    row = next((each for each in hosts if each.get("hostname") == name), None)
    if row is None:
        raise Refused(f"sysinv has no host {name}")
    root = row.get("rootfs_device") or ""
    # Interfaces under their names are what routes and PTP refer to.
    needed = {*sections, "interfaces"} if {"routes", "ptp"} & set(sections) else sections
    readers = dict.fromkeys(_OF_HOST[section] for section in needed if section in _OF_HOST)
    found: Row = {}
    for part in await asyncio.gather(*(read(cloud, row["uuid"]) for read in readers)):
        found |= part
    if "disks" in found:
        found["disks"] = tuple(_as_root(disk, root) for disk in found["disks"])
    if "ptp_interfaces" in found:
        found["ptp_interfaces"] = _own(found["ptp_interfaces"], name)
    return FoundHost(
        uuid=row["uuid"],
        name=name,
        personality=row.get("personality") or "",
        locked=row.get("administrative") == "locked",
        clock=row.get("clock_synchronization") or "",
        active=(row.get("capabilities") or {}).get("Personality") == "Controller-Active",
        **found,
    )


def _names(joined: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (joined or "").split(",") if name.strip())


async def _dns(cloud: Cloud) -> Row:
    row = (await table(cloud, "/idns", "idnss"))[0]
    return {"dns_uuid": row["uuid"], "dns": _names(row.get("nameservers"))}


async def _ntp(cloud: Cloud) -> Row:
    row = (await table(cloud, "/intp", "intps"))[0]
    return {"ntp_uuid": row["uuid"], "ntp": _names(row.get("ntpservers"))}


async def _datanetworks(cloud: Cloud) -> Row:
    rows = await table(cloud, "/datanetworks", "datanetworks")
    return {"datanetworks": {row["name"]: (row["uuid"], row["network_type"], row["mtu"]) for row in rows}}


async def _networks(cloud: Cloud) -> Row:
    rows = await table(cloud, "/networks", "networks")
    return {"networks": {row["type"]: row["uuid"] for row in rows}} | await _datanetworks(cloud)


async def _parameters(cloud: Cloud) -> Row:
    rows = await table(cloud, "/service_parameter", "parameters")
    found = tuple(
        FoundParameter(
            uuid=row["uuid"],
            service=row["service"],
            section=row["section"],
            name=row["name"],
            value=str(row["value"]),
        )
        for row in rows
        if not row.get("personality") and not row.get("resource")
    )
    return {"parameters": found}


async def _storage(cloud: Cloud) -> Row:
    rows = await table(cloud, "/storage_backend", "storage_backends")
    kept = {row["backend"]: (row.get("capabilities") or {}).get("replication") or 0 for row in rows}
    return {
        "backends": {row["backend"]: row.get("state") or "" for row in rows},
        "replication": {row["backend"]: (row["uuid"], int(kept[row["backend"]])) for row in rows},
    }


async def _monitors(cloud: Cloud) -> Row:
    monitors, replicated = await asyncio.gather(
        table(cloud, "/ceph_mon", "ceph_mon"), table(cloud, "/controller_fs", "controller_fs")
    )
    return {
        "monitors": tuple(row["hostname"] for row in monitors),
        "replicated": {row["name"]: int(row["size"]) for row in replicated},
    }


async def _applications(cloud: Cloud) -> Row:
    rows = await table(cloud, "/apps", "apps")
    # An update leaves the version before it behind as inactive.
    return {"applications": {row["name"]: row["status"] for row in rows if row["status"] != "inactive"}}


async def _interfaces(cloud: Cloud, uuid: str) -> Row:
    interfaces, ports, networks, datanetworks = await asyncio.gather(
        table(cloud, f"/ihosts/{uuid}/iinterfaces", "iinterfaces"),
        table(cloud, f"/ihosts/{uuid}/ports", "ports"),
        table(cloud, f"/ihosts/{uuid}/interface_networks", "interface_networks"),
        table(cloud, f"/ihosts/{uuid}/interface_datanetworks", "interface_datanetworks"),
    )

    def assigned(rows: list[Row], interface: str, field: str) -> tuple[str, ...]:
        return tuple(row[field] for row in rows if row["ifname"] == interface)

    found = tuple(
        FoundInterface(
            uuid=row["uuid"],
            name=row["ifname"],
            type=row["iftype"],
            ifclass=row.get("ifclass") or "none",
            mtu=row.get("imtu") or 0,
            vfs=row.get("sriov_numvfs") or 0,
            vf_driver=row.get("sriov_vf_driver") or "",
            vlan=row.get("vlan_id"),
            mode=row.get("aemode") or "",
            over=tuple(row.get("uses") or ()),
            ports=tuple(port["name"] for port in ports if port.get("interface_uuid") == row["uuid"]),
            networks=assigned(networks, row["ifname"], "network_type"),
            datanetworks=assigned(datanetworks, row["ifname"], "datanetwork_name"),
        )
        for row in interfaces
    )
    known = tuple(FoundPort(name=row["name"], total_vfs=row.get("sriov_totalvfs") or 0) for row in ports)
    return {"interfaces": found, "ports": known}


async def _cpus(cloud: Cloud, uuid: str) -> Row:
    rows = await table(cloud, f"/ihosts/{uuid}/icpus", "icpus")
    found = tuple(
        FoundCpu(
            number=row["cpu"],
            core=row["core"],
            thread=row["thread"],
            node=row["numa_node"],
            function=(row.get("allocated_function") or "application").lower(),
        )
        for row in rows
    )
    return {"cpus": found}


async def _memory(cloud: Cloud, uuid: str) -> Row:
    rows = await table(cloud, f"/ihosts/{uuid}/imemorys", "imemorys")

    def pages(row: Row, size: str) -> int:
        pending = row.get(f"vm_hugepages_nr_{size}_pending")
        return int(pending if pending is not None else row.get(f"vm_hugepages_nr_{size}") or 0)

    found = tuple(
        FoundMemory(
            uuid=row["uuid"],
            node=row["numa_node"],
            total_mib=row["memtotal_mib"],
            platform_mib=row.get("platform_reserved_mib") or 0,
            minimum_platform_mib=row.get("minimum_platform_reserved_mib") or 0,
            pages_2m=pages(row, "2M"),
            pages_1g=pages(row, "1G"),
        )
        for row in rows
    )
    return {"memory": found}


async def _labels(cloud: Cloud, uuid: str) -> Row:
    rows = await table(cloud, f"/ihosts/{uuid}/labels", "labels")
    return {"labels": {row["label_key"]: row["label_value"] for row in rows}}


async def _kernel(cloud: Cloud, uuid: str) -> Row:
    row = (await cloud.get("sysinv", f"/ihosts/{uuid}/kernel")).json()
    return {"kernel": row["kernel_provisioned"]}


async def _filesystems(cloud: Cloud, uuid: str) -> Row:
    rows, groups = await asyncio.gather(
        table(cloud, f"/ihosts/{uuid}/host_fs", "host_fs"), table(cloud, f"/ihosts/{uuid}/ilvgs", "ilvgs")
    )
    found = tuple(
        FoundFilesystem(
            uuid=row["uuid"], name=row["name"], size_gib=int(row["size"]), state=row.get("state") or ""
        )
        for row in rows
    )
    group = next((row for row in groups if row["lvm_vg_name"] == PLATFORM_GROUP), {})
    extents, free = group.get("lvm_vg_total_pe") or 1, group.get("lvm_vg_free_pe") or 0
    free_bytes = (group.get("lvm_vg_size") or 0) * free // extents
    return {"filesystems": found, "free_gib": free_bytes // GIB}


def _own(by_ptp: dict[str, tuple[str, ...]], host: str) -> dict[str, tuple[str, ...]]:
    """`controller-0/oam0` as oam0, without the interfaces of other hosts."""
    begins = f"{host}/"
    return {
        name: tuple(each.removeprefix(begins) for each in interfaces if each.startswith(begins))
        for name, interfaces in by_ptp.items()
    }


def _as_root(disk: FoundDisk, root: str) -> FoundDisk:
    """`rootfs_device` is a path, or a node with or without /dev/."""
    is_root = root in (disk.path, disk.node, disk.node.removeprefix("/dev/"))
    return disk.model_copy(update={"used_by": "rootfs"}) if is_root else disk


async def _disks(cloud: Cloud, uuid: str) -> Row:
    rows = await table(cloud, f"/ihosts/{uuid}/idisks", "idisks")

    def use(row: Row) -> str:
        if (row.get("capabilities") or {}).get("stor_function") == "rootfs":
            return "rootfs"
        return "osd" if row.get("istor_uuid") else "pv" if row.get("ipv_uuid") else ""

    found = tuple(
        FoundDisk(
            uuid=row["uuid"],
            node=row["device_node"],
            path=row.get("device_path") or "",
            size_mib=row.get("size_mib") or 0,
            used_by=use(row),
        )
        for row in rows
    )
    return {"disks": found}


_OF_SITE: dict[Section, Callable[[Cloud], Awaitable[Row]]] = {
    "dns": _dns,
    "ntp": _ntp,
    "datanetworks": _datanetworks,
    "networks": _networks,
    "service parameters": _parameters,
    "storage": _storage,
    "monitors": _monitors,
    "applications": _applications,
    **reading_services.OF_SITE,
}
_OF_HOST: dict[Section, Callable[[Cloud, str], Awaitable[Row]]] = {
    "labels": _labels,
    "interfaces": _interfaces,
    "networks": _interfaces,
    "cpus": _cpus,
    "memory": _memory,
    "kernel": _kernel,
    "filesystems": _filesystems,
    "osds": _disks,
    **reading_services.OF_HOST,
}
