"""PTP: instances, their interfaces and parameters, and what uses them (config, 2026-08).

Parameters are pairs `name=value` in a list without places, and so are the hosts of an instance and the ports
of an interface: a patch adds a member or removes one. Instances belong to the site. What was changed is in
force on hosts in service once it is applied, or with a host's next unlock.
"""

from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.rows import Interface
from simulator.cloud.site_rows import PtpInstance, PtpInterface
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import Resource, host_of
from simulator.wire.http import Json, Reply, Request, json_reply

SERVICES = ("ptp4l", "phc2sys", "ts2phc", "clock", "synce4l", "gnss-monitor", "dpll-mgr")
_PARAMETERS, INSTANCES, INTERFACES = "ptp_parameters/-", "/ptp_instances/-", "/ptp_interfaces/-"
_RUNTIME_SECONDS = 30.0


def create_instance(cloud: Cloud, body: Json) -> Json:
    """Make an instance."""
    name, service = body.get("name"), body.get("service")
    if service not in SERVICES:
        raise reject(
            f"Invalid input for field/attribute service. Value: '{service}'. Value should be one of: "
            f"{', '.join(sorted(SERVICES))}"
        )
    if cloud.tables.find(PtpInstance, name=name):
        raise reject(f"PTP instance with name '{name}' already exists.", 409)
    return _instance(cloud, cloud.tables.new(PtpInstance, name=name, service=service))


def create_interface(cloud: Cloud, body: Json) -> Json:
    """Make an interface of an instance."""
    instance = cloud.tables.get(PtpInstance, str(body.get("ptp_instance_uuid")))
    if body.get("name") is None:
        raise reject("No name assigned to PTP interface")
    if instance is None:
        raise reject(f"No PTP instance with id {body.get('ptp_instance_uuid')} found.", 404)
    if cloud.tables.find(PtpInterface, name=body["name"]):
        raise reject(f"PTP interface with name '{body['name']}' already exists.", 409)
    made = cloud.tables.new(
        PtpInterface,
        name=body["name"],
        ptp_instance_id=instance.id,
        ptp_instance_uuid=instance.uuid,
        ptp_instance_name=instance.name,
    )
    return _interface(cloud, made)


def patch_parameters(cloud: Cloud, request: Request, rest: list[str]) -> Reply | None:
    """Serve a patch of an instance or interface; None for anything else."""
    kinds: dict[str, type[PtpInstance | PtpInterface]] = {
        "ptp_instances": PtpInstance,
        "ptp_interfaces": PtpInterface,
    }
    if request.method != "PATCH" or len(rest) != 2:
        return None
    row: PtpInstance | PtpInterface | None = cloud.tables.get(kinds[rest[0]], rest[1])
    if row is None:
        return None
    for each in request.json() or []:
        pair = str(each.get("value"))
        if str(each.get("path")).lstrip("/") != _PARAMETERS:
            raise reject(f"Invalid patch format: {each}")
        if "=" not in pair:
            raise reject(f"Bad PTP parameter keypair: {pair}")
        if each.get("op") == "add":
            row.parameters.append(pair)
        elif pair in row.parameters:
            row.parameters.remove(pair)
        else:
            raise reject(f"No PTP parameter object found for {pair}")
    return json_reply(_instance(cloud, row) if isinstance(row, PtpInstance) else _interface(cloud, row))


def patch_host(cloud: Cloud, host: Host, request: Request) -> bool:
    """Assign instances to a host, where that is what a patch is about."""
    members = members_of(request, INSTANCES)
    for what, number in members:
        row = cloud.tables.find(PtpInstance, id=number)
        if row is None:
            raise reject("No PTP instance object")
        _move(row.host_uuids, what, host.uuid)
    return bool(members)


def patch_interface(cloud: Cloud, row: Interface, request: Request) -> bool:
    """Give a port to PTP interfaces, where that is what a patch is about."""
    members = members_of(request, INTERFACES)
    for what, number in members:
        found = cloud.tables.find(PtpInterface, id=number)
        if found is None:
            raise reject(f"No PTP interface object with id {number}")
        _move(found.interface_uuids, what, row.uuid)
    return bool(members)


def members_of(request: Request, path: str) -> list[tuple[str, Any]]:
    """The operations of a patch on a list without places."""
    try:
        body = request.json()
    except ValueError:
        return []
    rows = body if isinstance(body, list) else []
    return [
        (str(row.get("op")), row.get("value"))
        for row in rows
        if isinstance(row, dict) and row.get("path") == path
    ]


def _move(members: list[str], what: str, uuid: str) -> None:
    if what == "add" and uuid not in members:
        members.append(uuid)
    elif what == "remove" and uuid in members:
        members.remove(uuid)


def apply(cloud: Cloud) -> Reply:
    """Put what was changed in force on hosts in service."""
    cloud.out_of_date(_RUNTIME_SECONDS)
    return Reply(status=204, content_type=None)


def of_host(cloud: Cloud, name: str, host_uuid: str) -> Reply:
    """The instances of a host, or the interfaces that its ports belong to."""
    if name == "ptp_instances":
        found = [row for row in cloud.tables.of(PtpInstance) if host_uuid in row.host_uuids]
        return json_reply({name: [_instance(cloud, row) for row in found]})
    own = {row.uuid for row in cloud.tables.below(Interface, host_uuid)}
    used = [row for row in cloud.tables.of(PtpInterface) if own & set(row.interface_uuids)]
    return json_reply({name: [_interface(cloud, row) for row in used]})


def is_used_by(cloud: Cloud, host: Host) -> bool:
    return any(host.uuid in row.host_uuids for row in cloud.tables.of(PtpInstance))


def _instance(cloud: Cloud, row: PtpInstance) -> Json:
    hosts = [host_of(cloud, uuid) for uuid in row.host_uuids]
    return row.wire() | {
        "id": row.id,
        "parameters": {"global": list(row.parameters)} if row.parameters else {},
        "hostnames": [host.name for host in hosts if host is not None],
    }


def _interface(cloud: Cloud, row: PtpInterface) -> Json:
    found = [cloud.tables.get(Interface, uuid) for uuid in row.interface_uuids]
    ports = [(port, host_of(cloud, port.ihost_uuid)) for port in found if port is not None]
    there = [(port.ifname, host.name) for port, host in ports if host is not None]
    return row.wire() | {
        "id": row.id,
        "interface_names": [f"{host}/{port}" for port, host in there],
        "hostnames": [host for _, host in there],
    }


def remove_instance(cloud: Cloud, row: PtpInstance) -> None:
    if row.host_uuids:
        raise reject(f"PTP instance {row.uuid} is still associated with host(s)")
    for each in list(cloud.tables.matching(PtpInterface, ptp_instance_uuid=row.uuid)):
        cloud.tables.drop(each)
    cloud.tables.drop(row)


def remove_interface(cloud: Cloud, row: PtpInterface) -> None:
    cloud.tables.drop(row)


RESOURCES = (
    Resource(
        "ptp_instances", PtpInstance, create=create_instance, remove=remove_instance, show=_instance,
        missing="No PTP instance with id {} found.",
    ),
    Resource(
        "ptp_interfaces", PtpInterface, create=create_interface, remove=remove_interface, show=_interface,
        missing="No PTP interface with id {} found.",
    ),
)  # fmt: skip
