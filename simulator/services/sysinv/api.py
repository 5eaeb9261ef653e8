"""sysinv's REST API: routing, addressing by id, uuid or hostname, JSON patches, error envelope.

Only what a patch orchestration touches is served: systems, hosts with actions, applications, health, labels
read as empty. A known path asked in an unknown way is rejected as pecan rejects it.
"""

from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.proof.ledger import Intent
from simulator.services.envelope import fault, reject, routing_404
from simulator.services.service import require_token
from simulator.services.sysinv import view
from simulator.services.sysinv.actions import LOCKS, SWACTS, UNLOCKS, act
from simulator.wire.http import Refusal, Reply, Request, json_reply

_EMPTY = {
    "kube_upgrade": "kube_upgrades",
    "kube_rootca_update": "kube_rootca_updates",
    "storage_backend": "storage_backends",
    "labels": "labels",
    "service_parameter": "parameters",
    "device_images": "device_images",
}
_RESTRICTED = frozenset(
    [
        "administrative",
        "operational",
        "availability",
        "task",
        "ihost_action",
        "subfunction_oper",
        "subfunction_avail",
        "vim_progress_status",
        "invprovision",
        "mtce_info",
        "uptime",
        "mgmt_mac",
        "mgmt_ip",
        "uuid",
        "reserved",
    ]
)
_INSTALL_PARAMETERS = frozenset(
    ["boot_device", "rootfs_device", "console", "install_output", "hw_settle", "tboot"]
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
            return json_reply(
                {
                    "name": "Titanium Cloud System API",
                    "description": "Titanium Cloud System API",
                    "versions": [{"id": "v1", "links": [{"rel": "self", "href": f"{request.base}/v1/"}]}],
                    "default_version": {
                        "id": "v1",
                        "links": [{"rel": "self", "href": f"{request.base}/v1/"}],
                    },
                }
            )
        if parts == ["v1"]:
            return json_reply({"id": "v1", "links": [{"rel": "self", "href": f"{request.base}/v1/"}]})
        require_token(cloud, request)
        if parts[0] != "v1":
            return routing_404()
        return self._route(cloud, request, parts[1], parts[2:])

    def _route(self, cloud: Cloud, request: Request, resource: str, rest: list[str]) -> Reply:
        if resource == "isystems":
            return self._systems(cloud, request, rest)
        if resource == "ihosts":
            return self._hosts(cloud, request, rest)
        if resource == "apps" and request.method == "GET":
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

    def _systems(self, cloud: Cloud, request: Request, rest: list[str]) -> Reply:
        if request.method != "GET":
            return fault(400, "The simulated system cannot be changed.")
        if rest == ["region_id"]:
            return json_reply({"region_name": cloud.identity.region})
        if not rest:
            return json_reply({"isystems": [view.system(cloud, request.base)]})
        if rest[0] == cloud.identity.system_uuid:
            if rest[1:] == ["ihosts"]:
                return self._hosts(cloud, request, [])
            return json_reply(view.system(cloud, request.base))
        return fault(404, f"System {rest[0]} could not be found.")

    def _apps(self, cloud: Cloud, rest: list[str]) -> Reply:
        if not rest:
            return json_reply({"apps": [view.app(*item) for item in cloud.apps.status.items()]})
        status = cloud.apps.status.get(rest[0])
        if status is None:
            return fault(404, f"Application {rest[0]} could not be found.")
        return json_reply(view.app(rest[0], status))

    def _hosts(self, cloud: Cloud, request: Request, rest: list[str]) -> Reply:
        if rest in ([], ["detail"]):
            if request.method != "GET":
                return fault(400, "Adding a host on a simplex system is not allowed.")
            unknown = [name for name in request.query if name not in _QUERY]
            if unknown:
                return fault(400, f'Unknown argument: "{unknown[0]}"')
            wanted = request.query.get("personality")
            rows = [host for host in cloud.hosts if wanted in (None, "", host.personality)]
            return json_reply({"ihosts": [view.host(cloud, row, request.base) for row in rows]})
        host = cloud.host(rest[0])
        if len(rest) > 1:
            return self._below(rest)
        if host is None:
            return fault(404, f"Server {rest[0]} could not be found.")
        if request.method == "GET":
            return json_reply(view.host(cloud, host, request.base, single=True))
        if request.method == "PATCH":
            return self._patch(cloud, request, host)
        if request.method == "DELETE":
            return self._delete(cloud, host)
        return routing_404()

    def _below(self, rest: list[str]) -> Reply:
        ref, name = rest[0], rest[1]
        if len(ref) != 36:
            return fault(
                400,
                "Invalid input for field/attribute ihost_uuid. "
                f"Value: '{ref}'. Expected a uuid but received {ref}.",
            )
        return json_reply({name: []})

    def _patch(self, cloud: Cloud, request: Request, host: Host) -> Reply:
        changes = _changes(request)
        restricted = sorted(
            name for name in set(changes) & _RESTRICTED if changes[name] != getattr(host, name, None)
        )
        if restricted:
            listed = "{" + ", ".join(repr(name) for name in restricted) + "}"
            return fault(400, f"Change {list(changes)} contains restricted {listed}.")
        fixed = {"hostname": host.name, "personality": host.personality, "subfunctions": host.subfunctions}
        if any(name in changes and changes[name] != value for name, value in fixed.items()):
            return fault(
                400,
                f"The following fields can not be modified because this host {host.name} has been "
                "configured: hostname, personality, subfunctions",
            )
        if not host.locked and set(changes) & _INSTALL_PARAMETERS:
            return fault(400, "Host must be locked before updating installation parameters.")
        for name in changes:
            if name not in _PATCHABLE:
                return fault(400, f"Patching Error: can't replace non-existent object '{name}'")
        act(cloud, host, str(changes.get("action", "")))
        return json_reply(view.host(cloud, host, request.base, reply=True))

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
        cloud.clock.later(30, lambda: cloud.hosts.remove(host) if host in cloud.hosts else None)
        return Reply(status=204, content_type=None)


_PATCHABLE = frozenset(
    [
        "action",
        "location",
        "boot_device",
        "rootfs_device",
        "console",
        "install_output",
        "hw_settle",
        "tboot",
        "bm_type",
        "bm_ip",
        "bm_username",
        "bm_password",
        "clock_synchronization",
        "hostname",
        "personality",
        "serialid",
        "id",
        "created_at",
        "install_state",
        "config_target",
        "sw_version",
        *_RESTRICTED,
    ]
)
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


def _changes(request: Request) -> dict[str, Any]:
    """A JSON patch as {field: value}.

    Raises:
        Refusal: sysinv's 400 for what is not a patch.
    """
    try:
        body = request.json()
    except ValueError:
        raise reject("Invalid input for field/attribute patch.") from None
    if body is None:
        raise reject("Request is not in valid JSON format")
    if not isinstance(body, list):
        raise _bad_patch(body)
    changes: dict[str, Any] = {}
    for row in body:
        if not isinstance(row, dict) or "op" not in row or "path" not in row:
            raise reject(f"Invalid patch format: {row}")
        if row["op"] not in ("add", "replace", "remove"):
            raise reject(f"Operation not supported: {row['op']}")
        path = str(row["path"])
        if not path.startswith("/"):
            raise reject(f"Invalid path: {path}")
        changes[path.removeprefix("/")] = row.get("value")
    return changes


def _bad_patch(body: Any) -> Refusal:
    return reject(f"Invalid input for field/attribute patch. Value: '{body}'. Value not a valid list: {body}")
