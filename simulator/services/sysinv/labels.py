"""Kubernetes node labels of hosts (config, 2026-08). Those that decide on scheduling need a locked host."""

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.rows import Label
from simulator.services.envelope import fault, reject
from simulator.services.sysinv import view
from simulator.services.sysinv.resource import Resource, host_of, is_uuid, not_a_uuid
from simulator.wire.http import Reply, Request, json_reply

NEED_LOCK = (
    "openstack-control-plane",
    "openstack-compute-node",
    "disable-nohz-full",
    "openvswitch",
    "remote-storage",
    "sriovdp",
    "sriovdp-isrdma",
    "sriovdp-vhostnet",
    "kube-topology-mgr-policy",
    "kube-cpu-mgr-policy",
    "kube-memory-mgr-policy",
)
_POLICIES = {
    "kube-topology-mgr-policy": ("none", "best-effort", "restricted", "single-numa-node"),
    "kube-cpu-mgr-policy": ("static",),
    "kube-memory-mgr-policy": ("none", "static"),
}


def assign(cloud: Cloud, request: Request, rest: list[str]) -> Reply:
    """POST /v1/labels/<host uuid>?overwrite=: the labels that the body names.

    Raises:
        Refusal: 400, or 500 for a body that is no object, with sysinv's text.
    """
    if not rest:
        return fault(400, 'Missing argument: "host_uuid"')
    if not is_uuid(rest[0]):
        raise not_a_uuid("host_uuid", rest[0])
    host = host_of(cloud, rest[0])
    if host is None:
        raise reject(f"Server {rest[0]} could not be found.", 404)
    body = request.json()
    if not isinstance(body, dict):
        raise reject(f"'{type(body).__name__}' object has no attribute 'items'", 500, "Server")
    for name, value in body.items():
        if value is None:
            raise reject(f"Null input detected for Label {name} for host {host.name}. Input invalid.")
    _check_locked(host, list(body))
    for name, value in body.items():
        allowed = _POLICIES.get(name)
        if allowed is not None and str(value).casefold() not in allowed:
            raise reject(f"Invalid value for {name} label.")
    overwrite = request.query.get("overwrite", "").lower() == "true"
    for name in body:
        if not overwrite and cloud.tables.find(Label, host_uuid=host.uuid, label_key=name):
            raise reject(
                f"Label {name} exists for host {host.name}. Use overwrite option to assign a new value."
            )
    rows = [_put(cloud, host, name, str(value)) for name, value in body.items()]
    links = [row.wire() | {"links": view.links(request.base, "labels", row.uuid)} for row in rows]
    return json_reply({"labels": links})


def _put(cloud: Cloud, host: Host, name: str, value: str) -> Label:
    row = cloud.tables.find(Label, host_uuid=host.uuid, label_key=name)
    if row is None:
        return cloud.tables.new(Label, label_key=name, label_value=value, host_uuid=host.uuid)
    row.label_value = value
    return row


def remove(cloud: Cloud, row: Label) -> None:
    host = host_of(cloud, row.host_uuid)
    assert host is not None
    _check_locked(host, [row.label_key])
    cloud.tables.drop(row)


def _check_locked(host: Host, names: list[str]) -> None:
    found = [name for name in names if name in NEED_LOCK]
    if found and not host.locked:
        raise reject(f"Host {host.name} must be locked for label(s)={found}.")


RESOURCES = (
    Resource("labels", Label, missing="No label entry found for {}", status=400, remove=remove),
)  # fmt: skip
