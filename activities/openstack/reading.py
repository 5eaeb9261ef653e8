"""Nova's, Placement's and Neutron's answers as facts: servers with their needs, hosts with their room."""

from collections.abc import Iterable

from activities.openstack import nova
from activities.openstack.client import Client, Document
from models.compute import Compute, Group, Moving, Needs, Vm

HARD = ("affinity", "anti-affinity")
"""Policies that the scheduler does not break."""
OPEN = frozenset(
    {
        "accepted",
        "queued",
        "preparing",
        "running",
        "pre-migrating",
        "migrating",
        "post-migrating",
        "confirming",
        "reverting",
    }
)
"""Of migrations that are not over. `finished` waits for a person."""
NORMAL = ("normal", None)


def computes_of(client: Client, services: list[Document]) -> tuple[Compute, ...]:
    rows = [row for row in services if row["binary"] == "nova-compute"]
    named = {one["service"]["host"]: one for one in nova.hypervisors(client)}
    aggregates = nova.aggregates(client)
    return tuple(
        Compute(
            id=str(row["id"]),
            host=row["host"],
            up=row["state"] == "up",
            enabled=row["status"] == "enabled",
            reason=row.get("disabled_reason") or "",
            forced_down=bool(row.get("forced_down")),
            zone=row.get("zone") or "",
            aggregates=tuple(
                {str(key): str(value) for key, value in (one["metadata"] or {}).items()}
                for one in aggregates
                if row["host"] in one["hosts"]
            ),
            free=_free(client, named.get(row["host"])),
        )
        for row in rows
    )


def vms_of(client: Client, host: str, servers: list[Document], groups: tuple[Group, ...]) -> tuple[Vm, ...]:
    ports: dict[str, list[str]] = {}
    for port in nova.ports_on(client, host):
        if port.get("binding:vnic_type") not in NORMAL:
            ports.setdefault(str(port.get("device_id")), []).append(str(port["binding:vnic_type"]))
    images = {id: nova.image_properties(client, id) for id in sorted({_image(one) for one in servers} - {""})}
    return tuple(vm_of(one, images.get(_image(one), {}), ports.get(one["id"], ()), groups) for one in servers)


def vm_of(
    server: Document,
    image: Document | None = None,
    ports: Iterable[str] = (),
    groups: tuple[Group, ...] = (),
) -> Vm:
    return Vm(
        id=server["id"],
        name=server["name"],
        project=server["tenant_id"],
        status=server["status"],
        task=server["OS-EXT-STS:task_state"] or "",
        locked=bool(server.get("locked")),
        zone=server.get("OS-EXT-AZ:availability_zone") or "",
        metadata=server["metadata"] or {},
        needs=_needs(server, image or {}),
        ports=tuple(sorted(ports)),
        group=next((group.id for group in groups if server["id"] in group.hosts), ""),
    )


def groups_of(client: Client, servers: list[Document], here: list[Document]) -> tuple[Group, ...]:
    """Those whose policy binds a server that is here, with where all their members are."""
    hosts = {str(one["id"]): str(one["OS-EXT-SRV-ATTR:host"] or "") for one in servers}
    found: list[Group] = []
    for row in nova.groups(client):
        policy = row.get("policy") or next(iter(row.get("policies") or ()), "")
        if policy in HARD and any(one["id"] in row["members"] for one in here):
            most = int((row.get("rules") or {}).get("max_server_per_host", 1))
            members = {member: hosts[member] for member in row["members"] if hosts.get(member)}
            found.append(Group(id=row["id"], name=row["name"], policy=policy, most=most, hosts=members))
    return tuple(found)


def moving_of(migrations: list[Document]) -> tuple[Moving, ...]:
    return tuple(
        Moving(
            id=int(one["id"]),
            vm=one["instance_uuid"],
            kind=one["migration_type"],
            status=one["status"],
            source=one["source_compute"] or "",
            dest=one["dest_compute"] or "",
        )
        for one in migrations
        if one["status"] in OPEN
    )


def _free(client: Client, hypervisor: Document | None) -> dict[str, float]:
    if hypervisor is None:
        return {}
    found = nova.free_of(client, str(hypervisor["hypervisor_hostname"]))
    if found is not None:
        return found
    # Nova's own figures know no ratios; of memory there is hardly one.
    free = hypervisor.get("free_ram_mb")
    return {} if free is None else {"MEMORY_MB": float(free)}


def _needs(server: Document, image: Document) -> Needs:
    flavor = server["flavor"]
    disk = flavor.get("ephemeral", 0) + flavor.get("swap", 0) // 1024
    return Needs(
        vcpus=flavor.get("vcpus", 0),
        ram_mib=flavor.get("ram", 0),
        disk_gib=disk + (flavor.get("disk", 0) if _image(server) else 0),
        extra_specs={str(key): str(value) for key, value in (flavor.get("extra_specs") or {}).items()},
        image={key: str(value) for key, value in image.items() if key.startswith(("hw_", "trait:"))},
    )


def _image(server: Document) -> str:
    """Empty for one that boots from a volume."""
    image = server.get("image")
    return str(image["id"]) if image else ""
