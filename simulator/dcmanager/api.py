"""Routing of dcmanager's API, and what each request means.

An unsupported method on a collection mostly answers 200 `null`; the collection's path without its slash
crashes. `Accept: text/html` alone is 406 even where the answer would have been good.
"""

from collections.abc import Callable

from simulator.cloud.cloud import Cloud
from simulator.dcmanager import groups, options, subclouds, updates
from simulator.dcmanager.availability import alarm_summary
from simulator.dcmanager.errors import DcError, crash
from simulator.dcmanager.state import Database
from simulator.proof.ledger import Intent
from simulator.services.service import token_is_good
from simulator.wire.http import Refusal, Reply, Request, json_reply

Handler = Callable[[Database, Request, list[str]], Reply]
_HANDLERS: dict[str, Handler] = {
    "subclouds": subclouds.handle,
    "subcloud-groups": groups.handle,
    "sw-update-options": options.handle,
    "sw-update-strategy": updates.handle,
}
_EMPTY = {
    "system-peers": "system_peers",
    "subcloud-peer-groups": "subcloud_peer_groups",
    "peer-group-associations": "peer_group_associations",
}


class Dcmanager:
    """The API of one system controller's dcmanager."""

    name = "dcmanager"

    def __init__(self, db: Database) -> None:
        self.db = db

    def site_of(self, cloud: Cloud, request: Request) -> Cloud:
        """The cloud that a request concerns: the subcloud that its path names, else the controller."""
        parts = request.parts[1:]
        if parts[:1] in (["subclouds"], ["sw-update-options"]) and len(parts) > 1:
            row = self.db.subcloud(parts[1])
            return row.cloud if row else cloud
        return cloud

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        parts = request.parts[1:]
        if not request.mutating or not parts:
            return None
        resource, rest = parts[0], parts[1:]
        if resource == "subclouds" and rest:
            return _subcloud_intent(request, rest)
        if resource == "sw-update-strategy":
            if request.method == "POST" and rest == ["actions"]:
                action = updates.action_of(request)
                return Intent(f"dcmanager.strategy.{action}", "strategy")
            if request.method == "DELETE":
                return Intent("dcmanager.strategy.delete", "strategy")
            return Intent(
                "dcmanager.strategy.create", "strategy", begins=True, ended_by="dcmanager.strategy.delete"
            )
        verb = {"POST": "create", "DELETE": "delete", "PATCH": "update"}.get(request.method, "put")
        return Intent(f"dcmanager.{resource}.{verb}", resource, "/".join(rest), once=False)

    def refusal(self) -> Reply:
        return DcError(422, "Bad subcloud request: refused by the manager.").reply("application/json")

    def failure(self) -> Reply:
        return DcError(500, "Unable to process the request.").reply("application/json")

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        accept = request.headers.get("Accept")
        try:
            reply = self._route(cloud, request)
        except DcError as refused:
            return refused.reply(accept)
        if accept is not None and accept.strip() == "text/html":
            return DcError(406, "").reply(accept)
        return reply

    def _route(self, cloud: Cloud, request: Request) -> Reply:
        parts = request.parts
        if not parts:
            if request.method == "POST":
                raise DcError(406, "")
            links = [{"rel": "self", "href": f"{request.base}/v1.0/"}]
            version = {"status": "CURRENT", "links": links, "id": "v1.0", "updated": "2017-10-2"}
            return json_reply({"versions": [version]})
        if parts == ["v1.0"] and not request.path.endswith("/"):
            raise crash()
        self._authenticate(cloud, request)
        if parts[0] != "v1.0" or len(parts) < 2:
            raise DcError(404, "")
        resource, rest = parts[1], parts[2:]
        if resource in _HANDLERS:
            return _HANDLERS[resource](self.db, request, rest)
        if resource == "alarms":
            rows = [alarm_summary(row) for row in self.db.subclouds]
            return json_reply({"alarm_summary": rows} if request.method == "GET" else None)
        if resource == "notifications":
            return self._notify(request)
        if resource in _EMPTY:
            return json_reply({_EMPTY[resource]: []} if request.method == "GET" else None)
        if resource in ("phased-subcloud-deploy", "subcloud-backup", "subcloud-deploy"):
            return json_reply(None)
        raise DcError(404, "")

    def _authenticate(self, cloud: Cloud, request: Request) -> None:
        if "OIDC-Token" in request.headers:
            raise DcError(401, "Failed to validate access token: OIDC token is invalid")
        if not token_is_good(cloud, request.token):
            refused = DcError(401, "The request you have made requires authentication.")
            reply = refused.reply(request.headers.get("Accept"))
            reply.headers["WWW-Authenticate"] = "Keystone"
            raise Refusal(reply)

    def _notify(self, request: Request) -> Reply:
        if request.method != "POST":
            return json_reply(None)
        try:
            body = request.json()
        except ValueError:
            raise crash() from None
        if body is None:
            raise crash()
        if not isinstance(body, dict) or "events" not in body:
            raise DcError(400, "Missing required notification events")
        if isinstance(body["events"], int):
            raise crash()
        return json_reply(None)


def _subcloud_intent(request: Request, rest: list[str]) -> Intent:
    ref, verb = rest[0], rest[1] if len(rest) > 1 else ""
    if request.method == "DELETE":
        return Intent("dcmanager.subcloud.delete", f"subcloud/{ref}", ref)
    if verb == "prestage":
        return Intent("dcmanager.prestage", "prestage", ref)
    if verb:
        return Intent(f"dcmanager.{verb}", f"subcloud/{ref}", ref, once=False)
    body = request.body
    for state, other in (("unmanaged", "managed"), ("managed", "unmanaged")):
        if b'"management-state"' in body and f"\r\n{state}\r\n".encode() in body:
            names = {"managed": "dcmanager.manage", "unmanaged": "dcmanager.unmanage"}
            return Intent(names[state], f"subcloud/{ref}", ref, undoes=(names[other],))
    return Intent("dcmanager.update", f"subcloud/{ref}", ref, once=False)
