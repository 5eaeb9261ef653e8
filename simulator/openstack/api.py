"""Keystone, Nova, Placement, Neutron, Cinder and Glance of one site behind one port, each below its own path.

Served is what an acceptance, its test VM and a host's maintenance need, with the version documents by which
openstacksdk finds its way (API references of 2023.1). The platform's tokens are worth nothing here. Until
sysinv has applied stx-openstack, the ingress in front answers 503.
"""

from collections.abc import Callable

from simulator.cloud.cloud import Cloud
from simulator.openstack import compute, placement, rows
from simulator.openstack.answers import listed, not_found, nova
from simulator.openstack.asking import NOVA_MAX, body_of, intent_of
from simulator.openstack.catalogue import IMAGES, NETWORKS
from simulator.openstack.compute import PROJECT_ID
from simulator.openstack.stack import Stack
from simulator.proof.ledger import Intent
from simulator.services.keystone import Keystone, entry
from simulator.services.service import is_good
from simulator.wire.http import Json, Reply, Request, json_reply, text_reply

APPLICATION = "stx-openstack"
REGION = "RegionOne"
_PATHS = {
    "identity": ("keystone", "/identity/v3"),
    "compute": ("nova", "/compute/v2.1"),
    "placement": ("placement", "/placement"),
    "network": ("neutron", "/networking"),
    "volumev3": ("cinderv3", "/volume/v3"),
    "image": ("glance", "/image"),
}


class Openstack:
    """Those of all sites."""

    name = "openstack"

    def __init__(
        self,
        username: str,
        password: str,
        scheme: str,
        port: int,
        strikes: Callable[[Cloud, str, str], bool],
    ) -> None:
        self._scheme, self._port, self._strikes = scheme, port, strikes
        self._stacks: dict[str, Stack] = {}
        self._identity = Keystone(
            username,
            password,
            catalog=self._catalog,
            regions=lambda cloud: [REGION],
            tokens=lambda cloud: self.stack(cloud).tokens,
            prefix="/identity",
        )

    def stack(self, cloud: Cloud, vms: int = 0) -> Stack:
        found = self._stacks.get(cloud.name)
        if found is None:
            found = Stack(cloud, lambda point, does: self._strikes(cloud, point, does), vms)
            self._stacks[cloud.name] = found
        return found

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        if request.parts[:2] != ["compute", "v2.1"]:
            return None
        stack = self.stack(cloud)
        return intent_of(stack.servers, lambda: stack.services(quietly=True), request, request.parts[2:])

    def refusal(self) -> Reply:
        return nova(403, "forbidden", "Policy doesn't allow os_compute_api:servers to be performed.")

    def failure(self) -> Reply:
        return nova(
            500, "computeFault", "Unexpected API Error. <class 'oslo_db.exception.DBConnectionError'>"
        )

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        if cloud.apps.status.get(APPLICATION) != "applied":
            return text_reply("503 Service Temporarily Unavailable", 503, "text/html")
        parts = request.parts
        service, rest = (parts[0], parts[1:]) if parts else ("", [])
        if service == "identity":
            return self._identity.handle(cloud, request)
        found = _versions(service, rest, request)
        if found is not None:
            return found
        stack = self.stack(cloud)
        if not is_good(stack.tokens, request.token):
            reply = text_reply("Authentication required", 401, "text/html; charset=UTF-8")
            reply.headers["WWW-Authenticate"] = f'Keystone uri="{request.base}/identity"'
            return reply
        if service == "compute" and rest[:1] == ["v2.1"]:
            return compute.handle(stack, request, rest[1:])
        if service == "placement":
            return placement.handle(stack, request, rest)
        if service == "networking" and rest[:1] == ["v2.0"]:
            return _network(stack, request, rest[1:])
        if service == "volume" and rest == ["v3", PROJECT_ID, "os-services"]:
            return json_reply({"services": rows.volume_services(stack.failing)})
        if service == "volume" and rest == ["v3", PROJECT_ID, "volumes", "detail"]:
            return json_reply({"volumes": rows.volumes(stack.servers.known.values())})
        if service == "image" and rest[:1] == ["v2"]:
            return listed(request, "image", IMAGES, rest[1:], bare=True)
        return not_found()

    def _catalog(self, cloud: Cloud) -> list[Json]:
        base = f"{self._scheme}://{cloud.identity.address}:{self._port}"
        entries = []
        for kind, (name, path) in _PATHS.items():
            url = f"{base}{path}" + (f"/{PROJECT_ID}" if kind == "volumev3" else "")
            entries.append(entry(name, kind, [REGION], lambda _, to=url: to))  # type: ignore[misc]
        return entries


def _versions(service: str, rest: list[str], request: Request) -> Reply | None:
    """The version documents, which take no token."""
    if service == "compute" and rest in ([], ["v2.1"]):
        highest = ".".join(str(part) for part in NOVA_MAX)
        one = _version(request, "v2.1", "compute/v2.1/", status="CURRENT", version=highest, min_version="2.1")
        return json_reply({"version": one} if rest else {"versions": [one]})
    if service == "placement" and not rest:
        one = _version(request, "v1.0", "placement", status="CURRENT", max_version="1.39", min_version="1.0")
        return json_reply({"versions": [one]})
    if service == "networking" and not rest:
        return json_reply({"versions": [_version(request, "v2.0", "networking/v2.0/", status="CURRENT")]})
    if service == "volume" and rest in ([], ["v3"]):
        one = _version(request, "v3.0", "volume/v3/", status="CURRENT", version="3.70", min_version="3.0")
        return json_reply({"versions": [one]}, 200 if rest else 300)
    if service == "image" and not rest:
        return json_reply({"versions": [_version(request, "v2.16", "image/v2/", status="CURRENT")]}, 300)
    return None


def _version(request: Request, name: str, path: str, **more: str) -> Json:
    return {"id": name, "links": [{"rel": "self", "href": f"{request.base}/{path}"}]} | more


def _network(stack: Stack, request: Request, rest: list[str]) -> Reply:
    if rest == ["agents"]:
        return json_reply({"agents": rows.agents(stack.cloud, stack.failing)})
    if rest == ["ports"]:
        return _ports(stack, request)
    if rest[:1] == ["networks"]:
        return listed(request, "network", NETWORKS, rest[1:])
    return not_found()


def _ports(stack: Stack, request: Request) -> Reply:
    """Those that somebody made, with the host and the server that they are bound to."""
    if request.method == "POST":
        asked = body_of(request).get("port") or {}
        made = {
            "id": stack.cloud.new_uuid(),
            "network_id": asked.get("network_id"),
            "binding:vnic_type": asked.get("binding:vnic_type", "normal"),
        }
        stack.ports[made["id"]] = made
        return json_reply({"port": made}, 201)
    wanted = request.query.get("binding:host_id")
    shown = [
        port | {"device_id": server.id, "device_owner": "compute:nova", "binding:host_id": server.host}
        for server in stack.servers.known.values()
        for port in server.ports
        if wanted in (None, server.host)
    ]
    return json_reply({"ports": shown})
