"""/subcloud-groups (distcloud 8ae01823, 2026-08). Numbers are compared, not typed: "7" and 2.5 are stored."""

from typing import Any

from simulator.cloud import clock
from simulator.dcmanager.availability import member
from simulator.dcmanager.errors import DcError, crash
from simulator.dcmanager.state import Database, Group
from simulator.wire.http import Json, Reply, Request, json_reply


def view(row: Group, count: int | None = None) -> Json:
    body: Json = {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "update_apply_type": row.update_apply_type,
        "max_parallel_subclouds": row.max_parallel_subclouds,
        "created-at": row.created_at,
        "updated-at": row.updated_at,
    }
    return body if count is None else body | {"subcloud_count": count}


def handle(db: Database, request: Request, rest: list[str]) -> Reply:
    if not rest:
        return _on_collection(db, request)
    row = db.group(rest[0])
    if row is None:
        raise DcError(404, "Subcloud Group not found")
    if request.method == "GET":
        if rest[1:] == ["subclouds"]:
            members = [one for one in db.subclouds if one.group_id == row.id]
            return json_reply({"subclouds": [member(one, db.controller) for one in members]})
        return json_reply(view(row))
    if request.method == "PATCH":
        return _update(db, row, _body(request))
    if request.method == "DELETE":
        if row.id == 1:
            raise DcError(400, "Default Subcloud Group may not be deleted")
        if any(one.group_id == row.id for one in db.subclouds):
            raise DcError(400, "Subcloud Group not empty")
        db.groups.remove(row)
    return json_reply(None)


def _on_collection(db: Database, request: Request) -> Reply:
    if request.method == "POST":
        return _create(db, _body(request))
    if request.method == "DELETE":
        raise crash()
    if request.method != "GET":
        return json_reply(None)
    counts: dict[int, int] = {}
    for one in db.subclouds:
        counts[one.group_id] = counts.get(one.group_id, 0) + 1
    return json_reply({"subcloud_groups": [view(row, counts.get(row.id, 0)) for row in db.groups]})


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        raise DcError(400, "Request body is malformed.") from None
    if not body:
        raise DcError(400, "Body required")
    if not isinstance(body, dict):
        raise crash()
    return body


def _create(db: Database, body: dict[str, Any]) -> Reply:
    name, words = body.get("name"), body.get("description")
    kind, most = body.get("update_apply_type"), body.get("max_parallel_subclouds")
    if not _good_name(name) or db.group(str(name)) is not None:
        raise DcError(400, "Invalid group name")
    if not _good_words(words):
        raise DcError(400, "Invalid group description")
    if kind not in ("parallel", "serial"):
        raise DcError(400, "Invalid group update_apply_type")
    if not _good_most(most):
        raise DcError(400, "Invalid group max_parallel_subclouds")
    row = Group(db.next_id(), str(name), str(words), str(kind), most, created_at=clock.spaced())
    db.groups.append(row)
    return json_reply(view(row))


def _update(db: Database, row: Group, body: dict[str, Any]) -> Reply:
    known = ("name", "description", "update_apply_type", "max_parallel_subclouds")
    given = {name: body[name] for name in known if body.get(name)}
    if not given:
        raise DcError(400, "nothing to update")
    if "name" in given:
        if not _good_name(given["name"]):
            raise DcError(400, "Invalid group name")
        if row.id == 1:
            raise DcError(400, "Default group name cannot be changed")
        taken = db.group(given["name"])
        if taken is not None and taken is not row:
            raise DcError(500, "Unable to update subcloud group")
    if "description" in given and not _good_words(given["description"]):
        raise DcError(400, "Invalid group description")
    if given.get("update_apply_type", "parallel") not in ("parallel", "serial"):
        raise DcError(400, "Invalid group update_apply_type")
    if "max_parallel_subclouds" in given and not _good_most(given["max_parallel_subclouds"]):
        raise DcError(400, "Invalid group max_parallel_subclouds")
    for name, value in given.items():
        setattr(row, name, value)
    row.updated_at = clock.spaced()
    return json_reply(view(row))


def _good_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) < 255 and not value.isdigit() and value.lower() != "none"


def _good_words(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) < 255


def _good_most(value: Any) -> bool:
    try:
        return 1 <= int(value) <= 5000
    except (TypeError, ValueError):
        return False
