"""/v1/ihosts: lists, one, adding, changing, deleting, and what hangs below a host (config, 2026-08).

A host is found by id, uuid or hostname, but what hangs below one by uuid only (its interfaces by any name);
there an unknown uuid has an empty list. Deleting a provisioned host answers before it is gone.
"""

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.site_rows import StorageBackend
from simulator.cloud.storage_rows import HostFilesystem, Stor
from simulator.services.envelope import fault, reject, routing_404
from simulator.services.sysinv import addition, catalogue, filesystems, processors, ptp, resource, view
from simulator.services.sysinv.changes import change
from simulator.services.sysinv.paging import next_page, paged
from simulator.wire.http import Json, Reply, Request, json_reply

_QUERY = frozenset(["limit", "marker", "sort_key", "sort_dir", "personality", "isystem_uuid"])
_DELETE_SECONDS = 30.0
_WITHOUT_TABLE = frozenset(
    ["isensors", "isensorgroups", "pci_devices", "lldp_agents", "lldp_neighbours", "kube_update_ca",
     "device_images"]
)  # fmt: skip
"""Lists below a host that are always empty here."""


def handle(cloud: Cloud, request: Request, rest: list[str]) -> Reply:
    """Serve /v1/ihosts and what is below it.

    Raises:
        Refusal: sysinv's own words and status.
    """
    if rest in ([], ["detail"]):
        return _collection(cloud, request)
    if rest == ["bulk_add"] and request.method == "POST":
        return json_reply(addition.bulk_add(cloud, request))
    if rest == ["bulk_export"] and request.method == "GET":
        return json_reply(addition.bulk_export(cloud))
    if rest == ["mgmt_ip"] and request.method == "GET":
        return _management_address(cloud, request)
    if len(rest) > 1:
        return _below(cloud, request, rest)
    host = cloud.host(rest[0])
    if host is None:
        return fault(404, f"Server {rest[0]} could not be found.")
    if request.method == "GET":
        return json_reply(view.host(cloud, host, request.base, single=True))
    if request.method == "PATCH":
        if not ptp.patch_host(cloud, host, request):
            change(cloud, host, request)
        return json_reply(view.host(cloud, host, request.base, reply=True))
    if request.method == "DELETE":
        return _delete(cloud, host)
    return routing_404()


def _collection(cloud: Cloud, request: Request) -> Reply:
    if request.method == "DELETE":
        return fault(400, 'Missing argument: "ihost_id"')
    if request.method == "POST":
        return json_reply(addition.create(cloud, _new(request)))
    unknown = [name for name in request.query if name not in _QUERY]
    if unknown:
        return fault(400, f'Unknown argument: "{unknown[0]}"')
    wanted = request.query.get("personality")
    rows = [host for host in cloud.hosts if wanted in (None, "", host.personality)]
    shown = paged(rows, request.query)
    body: Json = {"ihosts": [view.host(cloud, row, request.base) for row in shown]}
    if shown and len(shown) < len(rows):
        body["next"] = next_page(request, "ihosts", shown[-1].uuid)
    return json_reply(body)


def _new(request: Request) -> Json:
    if "xml" in request.headers.get("Content-Type", ""):
        try:
            request.json()
        except ValueError as error:
            raise reject(str(error), 500, "Server") from None
    return resource.body_of(request)


def _management_address(cloud: Cloud, request: Request) -> Reply:
    """What the installer asks for by MAC."""
    host = next((one for one in cloud.hosts if one.mac == request.query.get("mac")), None)
    if host is None:
        return fault(404, f"Server {request.query.get('mac')} could not be found.")
    return json_reply(
        {
            "hostname": host.name,
            "netmask": "24",
            "subnet": "192.168.204.0/24",
            "address": host.mgmt_ip,
            "floating": "192.168.204.2",
        }
    )


def _below(cloud: Cloud, request: Request, rest: list[str]) -> Reply:
    ref, name = rest[0], rest[1]
    if request.method == "PUT" and rest[1:] == ["state", "host_cpus_modify"]:
        return json_reply(processors.modify(cloud, ref, request))
    if request.method == "PUT" and rest[1:] == ["host_fs", "update_many"]:
        return filesystems.resize_host_fs(cloud, ref, request)
    if len(rest) > 2:
        return routing_404()
    if request.method == "POST" and name in ("upgrade", "downgrade"):
        return fault(500, "This API is deprecated.", "Server")
    if request.method == "POST" and name == "vim":
        return _audit(cloud, request, ref)
    if name == "kernel" and request.method in ("GET", "PATCH"):
        return json_reply(processors.kernel(cloud, ref, request))
    if name == "iinterfaces" and not resource.is_uuid(ref):
        host = cloud.host(ref)
        if host is None:
            raise reject(f"Invalid ihost {ref}")
        ref = host.uuid
    if not resource.is_uuid(ref):
        raise resource.not_a_uuid(_ARGUMENTS.get(name, "ihost_uuid"), ref)
    if request.method != "GET":
        return routing_404()
    if name in ("ptp_instances", "ptp_interfaces"):
        return ptp.of_host(cloud, name, ref)
    if name in catalogue.BELOW_HOSTS:
        return resource.below(cloud, request, catalogue.CATALOGUE[name], ref)
    return json_reply({name: []}) if name in _WITHOUT_TABLE else routing_404()


_ARGUMENTS = {"labels": "uuid", "kube_update_ca": "host_uuid"}
"""What sysinv calls a host's uuid, where it is not `ihost_uuid`."""


def _audit(cloud: Cloud, request: Request, ref: str) -> Reply:
    """POST .../vim: have the VIM look at a host again."""
    event = resource.body_of(request).get("vim_event")
    if event != "host-audit":
        raise reject(f"Unsupported action: {event}, only host-audit action is supported")
    host = cloud.host(ref)
    if host is None:
        return fault(404, f"Server {ref} could not be found.")
    host.vim_progress_status = "services-disabled" if host.locked else "services-enabled"
    return json_reply(view.host(cloud, host, request.base, reply=True))


def _refuse_part_of_rook(cloud: Cloud, host: Host) -> None:
    """A host file system stands for OSDs that were there before anybody looked, too."""
    if cloud.known_tables is None or cloud.tables.find(StorageBackend, backend="ceph-rook") is None:
        return
    functions = ["osd"] if cloud.tables.below(Stor, host.uuid) else []
    for row in cloud.tables.below(HostFilesystem, host.uuid):
        functions += row.capabilities.get("functions", []) if row.name == "ceph" else []
    if functions:
        raise reject(
            "host-delete rejected: not allowed when the host has host-fs ceph in In-Use state with functions "
            f"{sorted(set(functions))}"
        )


def _delete(cloud: Cloud, host: Host) -> Reply:
    if cloud.simplex:
        return fault(400, f"Deleting {host.name} on a simplex system is not allowed.")
    if not host.locked:
        return fault(
            500,
            f"Unable to complete the action delete because Host {host.name} is in administrative state = "
            "unlocked.",
            "Server",
        )
    _refuse_part_of_rook(cloud, host)
    if host.invprovision in ("unprovisioned", None):
        cloud.arrivals.leave(host)
    else:
        cloud.clock.later(_DELETE_SECONDS, lambda: cloud.arrivals.leave(host))
    return Reply(status=204, content_type=None)
