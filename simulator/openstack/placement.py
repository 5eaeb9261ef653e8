"""Placement: a resource provider for each host, what it has and what is taken of it."""

from simulator.openstack import capacity
from simulator.openstack.answers import not_found
from simulator.openstack.stack import Stack
from simulator.wire.http import Json, Reply, Request, json_reply


def handle(stack: Stack, request: Request, rest: list[str]) -> Reply:
    names = stack.computes()
    if rest == ["resource_providers"]:
        wanted = request.query.get("name")
        shown = [name for name in names if wanted in (None, name)]
        return json_reply({"resource_providers": [_provider(names, name) for name in shown]})
    if len(rest) != 3 or rest[0] != "resource_providers":
        return not_found()
    name = next((one for one in names if _uuid(names, one) == rest[1]), None)
    if name is None:
        return not_found()
    if rest[2] == "inventories":
        return json_reply({"inventories": capacity.inventories(), "resource_provider_generation": 7})
    if rest[2] == "usages":
        used = capacity.usages(stack.servers.on(name))
        return json_reply({"usages": used, "resource_provider_generation": 7})
    return not_found()


def _provider(names: list[str], name: str) -> Json:
    return {"uuid": _uuid(names, name), "name": name, "generation": 7, "parent_provider_uuid": None}


def _uuid(names: list[str], name: str) -> str:
    return f"00000000-0000-4000-b000-{names.index(name) + 1:012d}"
