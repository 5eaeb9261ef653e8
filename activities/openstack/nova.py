"""The requests of a host's maintenance to Nova, with the microversion that each one wants.

| request                        | microversion | why                                                        |
|--------------------------------|--------------|------------------------------------------------------------|
| reads                          | 2.87         | flavors in servers (2.47), room of hypervisors (to 2.87)   |
| os-migrateLive                 | 2.68         | no host is forced; checks come after the answer (2.34)     |
| migrate (cold)                 | 2.56         | a host may be named                                        |
| DELETE .../migrations/ID       | 2.65         | also what is queued                                        |
| PUT /os-services/ID            | 2.53         | by id                                                      |

An older Nova gets its own highest: from 2.25 to 2.33 a live migration is checked before the answer, which may
take minutes, and up to 2.29 a named host would not be checked at all, so none is named there. openstacksdk's
own live migration always asks at 2.30 and is not used. (nova: REST API version history, 2026.1)
"""

from typing import Any

from activities.http import Rejected
from activities.openstack.client import NO_ENDPOINT, Client, Document, Microversion
from models.compute import MoveKind

LEAST: Microversion = (2, 53)
"""Pike: services and hypervisors have ids."""
READ: Microversion = (2, 87)
SERVICE: Microversion = (2, 53)
LIVE: Microversion = (2, 68)
CHECKED_TARGET: Microversion = (2, 30)
COLD: Microversion = (2, 56)
ABORT: Microversion = (2, 65)
PAGE = "500"
"""Of migrations the newest come first, and those that are open are among them."""
KINDS: dict[MoveKind, str] = {"live": "live-migration", "cold": "migration"}


def services(client: Client) -> list[Document]:
    found: list[Document] = client.nova("GET", "/os-services", READ)["services"]
    return found


def servers(client: Client) -> list[Document]:
    """Of all projects and hosts."""
    found: list[Document] = []
    query = {"all_tenants": "1", "limit": PAGE}
    while True:
        page: list[Document] = client.nova("GET", "/servers/detail", READ, **query)["servers"]
        found += page
        if len(page) < int(PAGE):
            return found
        query["marker"] = page[-1]["id"]


def server(client: Client, id: str) -> Document | None:
    found = _or_none(lambda: client.nova("GET", f"/servers/{id}", READ))
    return None if found is None else dict(found["server"])


def migrations_at(client: Client, host: str) -> list[Document]:
    """From the host and to it; the newest first."""
    return _migrations(client, host=host, limit=PAGE)


def migrations_of(client: Client, vm: str) -> list[Document]:
    return _migrations(client, instance_uuid=vm)


def hypervisors(client: Client) -> list[Document]:
    found: list[Document] = client.nova("GET", "/os-hypervisors/detail", READ)["hypervisors"]
    return found


def aggregates(client: Client) -> list[Document]:
    found: list[Document] = client.nova("GET", "/os-aggregates", READ)["aggregates"]
    return found


def groups(client: Client) -> list[Document]:
    found: list[Document] = client.nova("GET", "/os-server-groups", READ, all_projects="1")["server_groups"]
    return found


def free_of(client: Client, hypervisor: str) -> dict[str, float] | None:
    """By resource class, as Placement counts; None where it does not say."""
    listed = _or_none(lambda: client.placement("/resource_providers", name=hypervisor))
    providers = listed["resource_providers"] if listed else []
    if not providers:
        return None
    path = f"/resource_providers/{providers[0]['uuid']}"
    whole: dict[str, Any] = client.placement(f"{path}/inventories")["inventories"]
    used: dict[str, int] = client.placement(f"{path}/usages")["usages"]
    return {
        name: (one["total"] - one["reserved"]) * one["allocation_ratio"] - used.get(name, 0)
        for name, one in whole.items()
    }


def ports_on(client: Client, host: str) -> list[Document]:
    """None where the catalog has no Neutron."""
    found = _or_none(lambda: client.neutron("/ports", **{"binding:host_id": host}))
    return list(found["ports"]) if found else []


def image_properties(client: Client, id: str) -> Document:
    """Empty for an image that is not there any more."""
    return _or_none(lambda: client.image_properties(id)) or {}


def set_service(client: Client, service: str, *, enabled: bool, reason: str = "") -> None:
    body = {"status": "enabled"} if enabled else {"status": "disabled", "disabled_reason": reason}
    client.nova("PUT", f"/os-services/{service}", SERVICE, body)


def migrate(client: Client, vm: str, kind: MoveKind, target: str) -> None:
    if kind == "cold":
        client.nova("POST", f"/servers/{vm}/action", COLD, {"migrate": {"host": target} if target else None})
        return
    checked = client.newest() >= CHECKED_TARGET
    body = {"host": target if target and checked else None, "block_migration": "auto"}
    client.nova("POST", f"/servers/{vm}/action", LIVE, {"os-migrateLive": body})


def abort(client: Client, vm: str, migration: int) -> None:
    client.nova("DELETE", f"/servers/{vm}/migrations/{migration}", ABORT)


def act(client: Client, vm: str, action: str) -> None:
    client.nova("POST", f"/servers/{vm}/action", READ, {action: None})


def mark(client: Client, vm: str, key: str, value: str) -> None:
    client.nova("POST", f"/servers/{vm}/metadata", READ, {"metadata": {key: value}})


def unmark(client: Client, vm: str, key: str) -> None:
    client.nova("DELETE", f"/servers/{vm}/metadata/{key}", READ)


def _migrations(client: Client, **query: str) -> list[Document]:
    found: list[Document] = client.nova("GET", "/os-migrations", READ, **query)["migrations"]
    return found


def _or_none(ask: Any) -> Document | None:
    """None for what is not there, or is nobody's to see."""
    try:
        found: Document = ask()
        return found
    except Rejected as error:
        if error.status in (403, 404) or error.words == NO_ENDPOINT:
            return None
        raise
