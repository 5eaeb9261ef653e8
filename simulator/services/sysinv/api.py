"""sysinv's REST API: routing, what requests mean, error envelope.

Systems, hosts, applications and the Kubernetes upgrade have modules of their own; rows of tables are served
by `resource`. A known path asked in an unknown way is rejected as pecan rejects it.
"""

from simulator.cloud.cloud import Cloud
from simulator.cloud.rows import Interface
from simulator.proof.ledger import Intent
from simulator.services.envelope import fault, routing_404
from simulator.services.service import require_token
from simulator.services.sysinv import (
    applications,
    catalogue,
    certificates,
    devices,
    filesystems,
    hosts,
    intents,
    kubernetes,
    labels,
    licenses,
    parameters,
    ptp,
    resource,
    restoring,
    systems,
    view,
)
from simulator.wire.http import Reply, Request, json_reply

_EMPTY = ("ptp_parameters", "pci_devices")
"""Lists that have no rows here."""
_DESCRIPTION = (
    "Titanium Cloud System API allows for the management of physical servers.  This includes inventory "
    "collection and configuration of hosts, ports, interfaces, CPUs, disk, memory, and system "
    "configuration.  The API also supports alarms and fault collection for the cloud itself."
)


class Sysinv:
    """The sysinv API of every cloud."""

    name = "sysinv"

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        return intents.intent(cloud, request) if request.mutating else None

    def refusal(self) -> Reply:
        return fault(400, "Operation Rejected: refused for this site. Wait a moment and then retry.")

    def failure(self) -> Reply:
        return fault(500, "Timeout while waiting on RPC response", "Server")

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        parts = request.parts
        if not parts:
            version = {"id": "v1", "links": [{"rel": "self", "href": f"{request.base}/v1/"}]}
            words = {"name": "Titanium SysInv API", "description": _DESCRIPTION}
            return json_reply(words | {"versions": [version], "default_version": version})
        if parts == ["v1"]:
            return json_reply({"id": "v1", "links": [{"rel": "self", "href": f"{request.base}/v1/"}]})
        require_token(cloud, request)
        if parts[0] != "v1":
            return routing_404()
        if request.mutating and cloud.stalled:
            return self.failure()
        return self._route(cloud, request, parts[1], parts[2:])

    def _route(self, cloud: Cloud, request: Request, path: str, rest: list[str]) -> Reply:
        if path == "isystems":
            if len(rest) == 2 and rest[1] == "ihosts":
                return hosts.handle(cloud, request, [])
            if rest[1:] == ["controller_fs", "update_many"] and request.method == "PUT":
                return filesystems.resize_controller_fs(cloud, request)
            return systems.handle(cloud, request, rest)
        if path == "ihosts":
            if len(rest) == 2 and rest[1] in kubernetes.HOST_STEPS and request.method == "POST":
                return kubernetes.upgrade_host(cloud, request, rest[0], rest[1])
            return hosts.handle(cloud, request, rest)
        if path == "ptp_instances" and rest == ["apply"] and request.method == "POST":
            return ptp.apply(cloud)
        if path in ("ptp_instances", "ptp_interfaces"):
            done = ptp.patch_parameters(cloud, request, [path, *rest])
            if done is not None:
                return done
        if path == "iinterfaces" and len(rest) == 1 and request.method == "PATCH":
            row = cloud.tables.get(Interface, rest[0])
            if row is not None and ptp.patch_interface(cloud, row, request):
                return json_reply(row.wire())
        if path == "labels" and request.method == "POST":
            return labels.assign(cloud, request, rest)
        if path == "service_parameter" and rest == ["apply"] and request.method == "POST":
            return parameters.apply(cloud, request)
        if path == "certificate" and len(rest) == 1 and rest[0] in certificates.PATHS:
            return certificates.handle(cloud, request, rest[0])
        if path in catalogue.CATALOGUE and len(rest) < 2:
            return resource.handle(cloud, request, catalogue.CATALOGUE[path], rest)
        if path == "iinterfaces" and len(rest) == 2 and rest[1] in catalogue.BELOW_INTERFACES:
            return resource.having(cloud, request, catalogue.CATALOGUE[rest[1]], interface_uuid=rest[0])
        if path == "clusters" and len(rest) == 2 and rest[1] == "storage_tiers":
            return resource.having(cloud, request, catalogue.CATALOGUE[rest[1]], cluster_uuid=rest[0])
        return self._others(cloud, request, path, rest)

    def _others(self, cloud: Cloud, request: Request, path: str, rest: list[str]) -> Reply:
        if path == "license":
            return licenses.handle(cloud, request, rest)
        if path == "apps":
            return applications.handle(cloud, request, rest)
        if path == "helm_charts":
            return applications.charts(cloud, request, rest)
        if path in kubernetes.PATHS:
            return kubernetes.handle(cloud, request, path, rest)
        if path in devices.PATHS:
            return devices.handle(cloud, request, path, rest)
        if path == "health" and request.method == "GET":
            return json_reply(view.health(cloud))
        if path in _EMPTY and request.method == "GET":
            return json_reply({path: []})
        if path == "restore" and not rest and request.method in ("GET", "PATCH"):
            return restoring.handle(cloud, request)
        return routing_404()
