"""Nova's API below /v2.1: services, hypervisors, servers and what is done to them, migrations, groups.

Paths and fields are those of the API reference of 2023.1, whose highest microversion is 2.95.
"""

import re

from simulator.openstack import actions, capacity
from simulator.openstack.answers import listed, nova
from simulator.openstack.asking import NOVA_MAX, body_of, microversion
from simulator.openstack.catalogue import FLAVORS, NETWORKS, ZONE, flavor, image
from simulator.openstack.scheduling import Group
from simulator.openstack.servers import Server
from simulator.openstack.stack import Stack
from simulator.services.keystone import PROJECT
from simulator.wire.http import Json, Reply, Request, json_reply

PROJECT_ID = str(PROJECT["id"])


def handle(stack: Stack, request: Request, rest: list[str]) -> Reply:
    wanted = microversion(request)
    if wanted > NOVA_MAX:
        version = ".".join(map(str, wanted))
        return nova(406, "computeFault", f"Version {version} is not supported by the API.")
    kind, rest = (rest[0], rest[1:]) if rest else ("", [])
    if kind == "os-services":
        return _services(stack, request, rest)
    if kind == "os-hypervisors":
        return json_reply({"hypervisors": [_hypervisor(stack, name, wanted) for name in stack.computes()]})
    if kind == "os-aggregates":
        return json_reply({"aggregates": []})
    if kind == "os-migrations":
        return _migrations(stack, request)
    if kind == "os-server-groups":
        return _groups(stack, request, wanted)
    if kind == "flavors":
        return listed(request, "flavor", FLAVORS, [part for part in rest if part != "detail"])
    if kind == "servers":
        return _servers(stack, request, rest, wanted)
    return nova(404, "itemNotFound", "The resource could not be found.")


def _services(stack: Stack, request: Request, rest: list[str]) -> Reply:
    if request.method != "PUT":
        asked = request.query
        found = [
            row
            for row in stack.services()
            if asked.get("host") in (None, row["host"]) and asked.get("binary") in (None, row["binary"])
        ]
        return json_reply({"services": found})
    row = next((one for one in stack.services(quietly=True) if rest == [one["id"]]), None)
    if row is None:
        return nova(404, "itemNotFound", f"Service {'/'.join(rest)} not found.")
    body = body_of(request)
    if body.get("status") == "disabled":
        stack.disabled[row["host"]] = body.get("disabled_reason")
    elif body.get("status") == "enabled" and "disabled_reason" not in body:
        stack.disabled.pop(row["host"], None)
    else:
        return nova(400, "badRequest", "Missing argument 'status'. disabled_reason only goes with disabled.")
    row = next(one for one in stack.services(quietly=True) if rest == [one["id"]])
    return json_reply({"service": row})


def _hypervisor(stack: Stack, name: str, wanted: tuple[int, int]) -> Json:
    row = next(one for one in stack.services(quietly=True) if one["host"] == name)
    body: Json = {
        "id": row["id"].replace("-8000-", "-a000-"),
        "hypervisor_hostname": name,
        "hypervisor_type": "QEMU",
        "state": row["state"],
        "status": row["status"],
        "service": {"host": name, "id": row["id"], "disabled_reason": row["disabled_reason"]},
    }
    if wanted >= (2, 88):
        return body
    there, whole = stack.servers.on(name), capacity.inventories()
    used = capacity.usages(there)
    memory = whole["MEMORY_MB"]["total"]
    return body | {
        "vcpus": whole["VCPU"]["total"] + whole["PCPU"]["total"],
        "vcpus_used": used["VCPU"] + used["PCPU"],
        "memory_mb": memory,
        "memory_mb_used": used["MEMORY_MB"] + capacity.RESERVED_MIB,
        "free_ram_mb": memory - used["MEMORY_MB"] - capacity.RESERVED_MIB,
        "local_gb": capacity.DISK_GIB,
        "local_gb_used": used["DISK_GB"],
        "free_disk_gb": capacity.DISK_GIB - used["DISK_GB"],
        "running_vms": len(there),
    }


def _migrations(stack: Stack, request: Request) -> Reply:
    asked = request.query
    found = [
        one.view(PROJECT_ID)
        for one in reversed(stack.migrations.rows)
        if asked.get("instance_uuid") in (None, one.server)
        and asked.get("status") in (None, one.status)
        and asked.get("source_compute") in (None, one.source)
        and asked.get("host") in (None, one.source, one.dest)
    ]
    return json_reply({"migrations": found})


def _groups(stack: Stack, request: Request, wanted: tuple[int, int]) -> Reply:
    def view(group: Group) -> Json:
        members = [one.id for one in stack.servers.known.values() if one.group == group.id]
        return group.view(members, wanted)

    groups = stack.scheduler.groups
    if request.method != "POST":
        return json_reply({"server_groups": [view(one) for one in groups.values()]})
    asked = body_of(request).get("server_group") or {}
    policy = asked.get("policy") or next(iter(asked.get("policies") or ()), "")
    if not policy or "name" not in asked:
        return nova(400, "badRequest", "Invalid input received: server_group")
    most = (asked.get("rules") or {}).get("max_server_per_host", 1)
    made = Group(stack.cloud.new_uuid(), str(asked["name"]), policy, most)
    groups[made.id] = made
    return json_reply({"server_group": view(made)})


def _servers(stack: Stack, request: Request, rest: list[str], wanted: tuple[int, int]) -> Reply:
    known = stack.servers.known
    if not rest and request.method == "POST":
        return _create(stack, request)
    if rest in ([], ["detail"]):
        asked, name = request.query, re.compile(request.query.get("name", ""))
        shown = [
            each
            for each in known.values()
            if name.search(each.name) and asked.get("host") in (None, each.host)
        ]
        return json_reply({"servers": [each.view(PROJECT_ID, wanted) for each in shown]})
    server = known.get(rest[0])
    if server is None:
        return nova(404, "itemNotFound", f"Instance {rest[0]} could not be found.")
    if len(rest) == 1:
        if request.method == "DELETE":
            stack.servers.delete(server)
            return Reply(status=204, content_type=None)
        return json_reply({"server": server.view(PROJECT_ID, wanted)})
    if rest[1] == "action" and request.method == "POST":
        return actions.act(stack, request, server, wanted)
    if rest[1] == "metadata":
        return _metadata(server, request, rest[2:])
    if rest[1] == "migrations":
        return _of_server(stack, request, server, rest[2:])
    return nova(404, "itemNotFound", "The resource could not be found.")


def _metadata(server: Server, request: Request, rest: list[str]) -> Reply:
    if request.method == "DELETE":
        if not rest or rest[0] not in server.metadata:
            return nova(404, "itemNotFound", "Metadata item was not found")
        del server.metadata[rest[0]]
        return Reply(status=204, content_type=None)
    if request.method == "POST":
        given = body_of(request).get("metadata")
        if not isinstance(given, dict):
            return nova(400, "badRequest", "Malformed request body")
        server.metadata |= {str(key): str(value) for key, value in given.items()}
    return json_reply({"metadata": server.metadata})


def _of_server(stack: Stack, request: Request, server: Server, rest: list[str]) -> Reply:
    if request.method != "DELETE":
        live = [one for one in stack.migrations.of(server.id) if one.is_open and one.kind != "migration"]
        return json_reply({"migrations": [one.view(PROJECT_ID) for one in live]})
    found = stack.migrations.find(server.id, rest[0]) if rest else None
    if found is None:
        return nova(404, "itemNotFound", f"Migration {'/'.join(rest)} could not be found.")
    least = (2, 65) if found.status in ("queued", "preparing") else (2, 24)
    if found.kind != "live-migration" or found.status not in ("queued", "preparing", "running"):
        words = f"Migration {found.id} state of instance {server.id} is {found.status}. Cannot force_complete"
        return nova(400, "badRequest", words.replace("force_complete", "abort"))
    if microversion(request) < least:
        return nova(400, "badRequest", f"Migration {found.id} is {found.status}: cannot abort")
    stack.migrations.abort(found, server)
    return Reply(status=202, content_type=None)


def _create(stack: Stack, request: Request) -> Reply:
    asked = body_of(request).get("server")
    if not isinstance(asked, dict) or not asked.get("name"):
        return nova(400, "badRequest", "Invalid input received: server is a required property")
    chosen = flavor(str(asked.get("flavorRef")))
    if chosen is None:
        return nova(400, "badRequest", "Invalid flavorRef provided.")
    mapped = asked.get("block_device_mapping_v2")
    source = image(str(asked.get("imageRef")))
    if source is None and not mapped:
        return nova(400, "badRequest", "Can not find requested image")
    wanted = asked.get("networks") or ()
    places = [] if wanted in ("none", "auto") else list(wanted)
    networks = [each["uuid"] for each in places if "uuid" in each]
    for network in networks:
        if network not in [one["id"] for one in NETWORKS]:
            return nova(400, "badRequest", f"Network {network} could not be found.")
    ports = [stack.ports[each["port"]] for each in places if each.get("port") in stack.ports]
    hints = body_of(request).get("os:scheduler_hints") or {}
    zone, _, forced = str(asked.get("availability_zone") or "").partition(":")
    if zone not in ("", ZONE):
        return nova(400, "badRequest", "The requested availability zone is not available")
    made = Server(
        stack.cloud.new_uuid(),
        str(asked["name"]),
        chosen,
        source if not mapped else None,
        asked.get("metadata") or {},
        networks,
        ports=ports,
        group=hints.get("group"),
        wanted_host=str(asked.get("host") or forced),
    )
    stack.servers.create(made)
    href = f"{request.base}/compute/v2.1/servers/{made.id}"
    body = {"id": made.id, "links": [{"rel": "self", "href": href}], "OS-DCF:diskConfig": "MANUAL"}
    return json_reply({"server": body | {"adminPass": "simulated"}}, 202)
