"""What a request to Nova asks for: its microversion, its action, its place in the ledger.

An action stands in the body's only key. Each that changes something is an intent of the thing's life: a
second migration of a server from the same host, a second stop, a second disabling are repeats until what the
first one did is over.
"""

from collections.abc import Callable

from simulator.openstack.migrations import COLD, CONFIRM, MIGRATE
from simulator.openstack.servers import Server, Servers, life_of, thing_of
from simulator.proof.ledger import Intent
from simulator.wire.http import Json, Request

NOVA_MAX = (2, 95)
STOP, START = "openstack.servers.stop", "openstack.servers.start"
DISABLE, ENABLE = "openstack.services.disable", "openstack.services.enable"
ACTIONS = {
    "os-migrateLive": MIGRATE,
    "migrate": COLD,
    "confirmResize": CONFIRM,
    "os-stop": STOP,
    "os-start": START,
}


def microversion(request: Request) -> tuple[int, int]:
    asked = request.headers.get("X-OpenStack-Nova-API-Version", "2.1")
    if asked == "latest":
        return NOVA_MAX
    major, _, minor = asked.partition(".")
    return int(major), int(minor or 0)


def body_of(request: Request) -> Json:
    """Empty for what is no mapping."""
    try:
        found = request.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def intent_of(
    servers: Servers, services: Callable[[], list[Json]], request: Request, rest: list[str]
) -> Intent | None:
    """`rest` is the path behind /compute/v2.1."""
    if not request.mutating:
        return None
    if rest[:1] == ["os-services"]:
        return _of_service(request, services())
    if rest[:1] != ["servers"]:
        return None
    if request.method == "POST" and len(rest) == 1:
        name = _name_in(request)
        return Intent("openstack.servers.create", thing_of(name), target=name, begins=True)
    server = servers.known.get(rest[1]) if len(rest) > 1 else None
    name = server.name if server else "/".join(rest[1:])
    if len(rest) == 2:
        return Intent(f"openstack.servers.{request.method.lower()}", thing_of(name), target=name)
    life = life_of(server) if server else thing_of(name)
    if rest[2] == "metadata":
        return Intent("openstack.servers.mark", life, target=name, once=False)
    if rest[2] == "migrations":
        moved = f"abort {rest[3]}" if len(rest) > 3 else ""
        return Intent("openstack.servers.abort", life, target=name, key=moved)
    return _of_action(request, server, life, name)


def _of_service(request: Request, services: list[Json]) -> Intent:
    ref, enables = request.parts[-1], body_of(request).get("status") == "enabled"
    host = next((str(row["host"]) for row in services if row["id"] == ref), ref)
    thing = f"openstack/compute/{host}"
    if enables:
        return Intent(ENABLE, thing, target=host, undoes=(DISABLE,))
    return Intent(DISABLE, thing, target=host, undoes=(ENABLE,))


def _of_action(request: Request, server: Server | None, life: str, name: str) -> Intent:
    action = next(iter(body_of(request)), "")
    intent = ACTIONS.get(action, "openstack.servers.action")
    if intent in (MIGRATE, COLD, CONFIRM):
        source = server.host if server else ""
        return Intent(intent, life, target=name, key=f"{intent} from {source}")
    if intent == STOP:
        return Intent(STOP, life, target=name, undoes=(START,))
    if intent == START:
        return Intent(START, life, target=name, undoes=(STOP,))
    return Intent(intent, life, target=name, once=False)


def _name_in(request: Request) -> str:
    server = body_of(request).get("server")
    return str(server.get("name", "")) if isinstance(server, dict) else ""
