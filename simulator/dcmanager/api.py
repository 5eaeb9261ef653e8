"""Routing of dcmanager's API, and what each request means.

An unsupported method on a collection mostly answers 200 `null`; the collection's path without its slash
crashes. `Accept: text/html` alone is 406 even where the answer would have been good.
"""

from collections.abc import Callable

from simulator.cloud.cloud import Cloud
from simulator.dcmanager import backup, deploy, groups, options, subclouds, updates
from simulator.dcmanager.availability import alarm_summary
from simulator.dcmanager.backing_up import Backups
from simulator.dcmanager.deployer import Deployer
from simulator.dcmanager.errors import DcError, crash
from simulator.dcmanager.multipart import lenient_form
from simulator.dcmanager.state import Database
from simulator.proof.ledger import Intent
from simulator.services.service import token_is_good
from simulator.wire.http import Refusal, Reply, Request, json_reply

Handler = Callable[[Database, Request, list[str]], Reply]
_HANDLERS: dict[str, Handler] = {
    "subcloud-groups": groups.handle,
    "sw-update-options": options.handle,
    "sw-update-strategy": updates.handle,
}
_OF_A_SUBCLOUD = ("subclouds", "phased-subcloud-deploy", "sw-update-options")
_ONCE = ("install", "bootstrap", "enroll", "configure", "complete", "abort")
"""Verbs of a deployment that are a repeat when they come twice in the life of what they have begun."""
_EMPTY = {
    "system-peers": "system_peers",
    "subcloud-peer-groups": "subcloud_peer_groups",
    "peer-group-associations": "peer_group_associations",
}


class Dcmanager:
    """The API of one system controller's dcmanager."""

    name = "dcmanager"

    def __init__(self, db: Database, deployer: Deployer, backups: Backups) -> None:
        self.db, self.deployer, self.backups = db, deployer, backups

    def site_of(self, cloud: Cloud, request: Request) -> Cloud:
        """The cloud that a request concerns: the subcloud that its path names, else the controller."""
        parts = request.parts[1:]
        if parts and parts[0] == "subcloud-backup" and request.mutating:
            row = backup.named(self.db, request)
            return row.cloud if row is not None else cloud
        if not parts or parts[0] not in _OF_A_SUBCLOUD:
            return cloud
        ref = parts[1] if len(parts) > 1 else ""
        if not ref and request.method == "POST":
            ref = deploy.name_in(lenient_form(request))
        return self.db.cloud_of(ref) or cloud

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        parts = request.parts[1:]
        if not request.mutating or not parts:
            return None
        resource, rest = parts[0], parts[1:]
        if resource in ("subclouds", "phased-subcloud-deploy"):
            return self._subcloud_intent(request, resource, rest)
        if resource == "subcloud-backup":
            return backup.intent(self.db, request, rest)
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
        if resource == "subclouds":
            return subclouds.handle(self.db, self.deployer, request, rest)
        if resource == "phased-subcloud-deploy":
            return deploy.handle(self.db, self.deployer, request, rest)
        if resource in _HANDLERS:
            return _HANDLERS[resource](self.db, request, rest)
        if resource == "alarms":
            rows = [alarm_summary(row) for row in self.db.subclouds]
            return json_reply({"alarm_summary": rows} if request.method == "GET" else None)
        if resource == "notifications":
            return self._notify(request)
        if resource in _EMPTY:
            return json_reply({_EMPTY[resource]: []} if request.method == "GET" else None)
        if resource == "subcloud-backup":
            return backup.handle(self.db, self.backups, request, rest)
        if resource == "subcloud-deploy":
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

    def _subcloud_intent(self, request: Request, resource: str, rest: list[str]) -> Intent | None:
        if not rest:
            if request.method != "POST":
                return None
            name = deploy.name_in(lenient_form(request))
            verb = "dcmanager.subcloud.add" if resource == "subclouds" else "dcmanager.deploy.create"
            return Intent(verb, f"subcloud/{name}", name, begins=True, ended_by="dcmanager.subcloud.delete")
        row = self.db.subcloud(rest[0])
        name, verb = row.name if row else rest[0], rest[1] if len(rest) > 1 else ""
        thing = f"subcloud/{name}"
        if request.method == "DELETE":
            return Intent("dcmanager.subcloud.delete", thing, name)
        if resource == "phased-subcloud-deploy":
            return _phase(name, verb)
        if verb == "prestage":
            return Intent("dcmanager.prestage", "prestage", name)
        if verb:
            return Intent(f"dcmanager.{verb}", thing, name, once=verb == "redeploy")
        return _change(name, request)

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


def _change(name: str, request: Request) -> Intent:
    """PATCH of the subcloud itself."""
    thing, body = f"subcloud/{name}", request.body
    for state, other in (("unmanaged", "managed"), ("managed", "unmanaged")):
        if b'"management-state"' in body and f"\r\n{state}\r\n".encode() in body:
            names = {"managed": "dcmanager.manage", "unmanaged": "dcmanager.unmanage"}
            return Intent(names[state], thing, name, undoes=(names[other],))
    return Intent("dcmanager.update", thing, name, once=False)


def _phase(name: str, verb: str) -> Intent:
    """A phase counts until it has failed or was aborted; a resume says whatever is left to do."""
    return Intent(f"dcmanager.deploy.{verb}", f"subcloud/{name}", name, once=verb in _ONCE)
