"""sysinv's REST API: routing, addressing by id, uuid or hostname, JSON patches, error envelope.

Only what a patch orchestration touches is served: systems, hosts with actions, applications, health, labels
read as empty. A known path asked in an unknown way is rejected as pecan rejects it.
"""

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.proof.ledger import Intent
from simulator.services.envelope import fault, routing_404
from simulator.services.service import require_token
from simulator.services.sysinv import systems, view
from simulator.services.sysinv.actions import LOCKS, SWACTS, UNLOCKS
from simulator.services.sysinv.changes import change
from simulator.services.sysinv.paging import next_page, paged
from simulator.wire.http import Json, Reply, Request, json_reply

_EMPTY = {
    "kube_upgrade": "kube_upgrades",
    "kube_rootca_update": "kube_rootca_updates",
    "storage_backend": "storage_backends",
    "labels": "labels",
    "service_parameter": "parameters",
    "device_images": "device_images",
}
_DESCRIPTION = (
    "Titanium Cloud System API allows for the management of physical servers.  This includes inventory "
    "collection and configuration of hosts, ports, interfaces, CPUs, disk, memory, and system "
    "configuration.  The API also supports alarms and fault collection for the cloud itself."
)
_QUERY = frozenset(["limit", "marker", "sort_key", "sort_dir", "personality", "isystem_uuid"])


class Sysinv:
    """The sysinv API of every cloud."""

    name = "sysinv"

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        if not request.mutating:
            return None
        parts = request.parts
        if parts[:2] == ["v1", "ihosts"] and len(parts) == 3:
            host = cloud.host(parts[2])
            name = host.name if host else parts[2]
            thing = f"host/{name}"
            if request.method == "DELETE":
                return Intent("sysinv.host.delete", thing, name)
            action = _action(request)
            if action:
                return _action_intent(action, thing, name)
            return Intent("sysinv.host.modify", thing, name, once=False)
        return Intent(f"sysinv.{request.method.lower()}", "sysinv", request.path, once=False)

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
        return self._route(cloud, request, parts[1], parts[2:])

    def _route(self, cloud: Cloud, request: Request, resource: str, rest: list[str]) -> Reply:
        if resource == "isystems":
            if len(rest) == 2 and rest[1] == "ihosts":
                return self._hosts(cloud, request, [])
            return systems.handle(cloud, request, rest)
        if resource == "ihosts":
            return self._hosts(cloud, request, rest)
        if resource == "apps" and request.method == "GET":
            if request.query:
                return fault(400, f'Unknown argument: "{next(iter(request.query))}"')
            return self._apps(cloud, rest)
        if resource == "health" and request.method == "GET":
            return json_reply(view.health(cloud))
        if resource == "restore" and request.method == "GET":
            return json_reply("Restore procedure is not in progress")
        if resource == "kube_versions" and request.method == "GET":
            return json_reply({"kube_versions": [_KUBE]})
        if resource in _EMPTY and request.method == "GET":
            return json_reply({_EMPTY[resource]: []})
        return routing_404()

    def _apps(self, cloud: Cloud, rest: list[str]) -> Reply:
        if not rest:
            return json_reply({"apps": [view.app(*item) for item in cloud.apps.status.items()]})
        status = cloud.apps.status.get(rest[0])
        if status is None:
            return fault(404, f"No application with name {rest[0]}.")
        return json_reply(view.app(rest[0], status))

    def _hosts(self, cloud: Cloud, request: Request, rest: list[str]) -> Reply:
        if rest in ([], ["detail"]):
            if request.method == "DELETE":
                return fault(400, 'Missing argument: "ihost_id"')
            if request.method != "GET":
                return fault(400, "Adding a host on a simplex system is not allowed.")
            unknown = [name for name in request.query if name not in _QUERY]
            if unknown:
                return fault(400, f'Unknown argument: "{unknown[0]}"')
            wanted = request.query.get("personality")
            rows = [host for host in cloud.hosts if wanted in (None, "", host.personality)]
            shown = paged(rows, request.query)
            body: Json = {"ihosts": [view.host(cloud, row, request.base) for row in shown]}
            if shown and len(shown) < len(rows):
                body["next"] = next_page(request, shown[-1])
            return json_reply(body)
        host = cloud.host(rest[0])
        if len(rest) > 2:
            return routing_404()
        if len(rest) > 1:
            return self._below(rest)
        if host is None:
            return fault(404, f"Server {rest[0]} could not be found.")
        if request.method == "GET":
            return json_reply(view.host(cloud, host, request.base, single=True))
        if request.method == "PATCH":
            change(cloud, host, request)
            return json_reply(view.host(cloud, host, request.base, reply=True))
        if request.method == "DELETE":
            return self._delete(cloud, host)
        return routing_404()

    def _below(self, rest: list[str]) -> Reply:
        ref, name = rest[0], rest[1]
        if len(ref) != 36:
            raise systems.not_a_uuid("uuid" if name == "labels" else "ihost_uuid", ref)
        return json_reply({name: []})

    def _delete(self, cloud: Cloud, host: Host) -> Reply:
        if cloud.simplex:
            return fault(400, f"Deleting {host.name} on a simplex system is not allowed.")
        if not host.locked:
            return fault(
                500,
                f"Unable to complete the action delete because Host {host.name} is in administrative state = "
                "unlocked.",
                "Server",
            )
        if host.invprovision == "unprovisioned":
            cloud.hosts.remove(host)
            return Reply(status=204, content_type=None)
        cloud.clock.later(30, lambda: cloud.hosts.remove(host) if host in cloud.hosts else None)
        return Reply(status=204, content_type=None)


_KUBE = {"version": "v1.32.2", "target": True, "state": "active", "upgrade_from": [], "downgrade_to": []}


def _action_intent(action: str, thing: str, name: str) -> Intent:
    marks = [f"sysinv.host.{one}" for one in (LOCKS if action in UNLOCKS else UNLOCKS)]
    undoes = tuple(marks) if action in (*LOCKS, *UNLOCKS) else ()
    base = "swact" if action in SWACTS else action
    return Intent(f"sysinv.host.{action}", thing, name, key=f"sysinv.host.{base}", undoes=undoes)


def _action(request: Request) -> str:
    """The action in a patch, read leniently: only to know what the request means."""
    try:
        body = request.json()
    except ValueError:
        return ""
    rows = body if isinstance(body, list) else []
    found = [row.get("value") for row in rows if isinstance(row, dict) and row.get("path") == "/action"]
    return str(found[0]) if found and found[0] not in (None, "", "none") else ""
