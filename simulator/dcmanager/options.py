"""/sw-update-options: how a subcloud's VIM strategies are to be made. Values are stored unchecked."""

from typing import Any

from simulator.cloud import clock
from simulator.dcmanager.errors import DcError, crash
from simulator.dcmanager.state import DEFAULT_OPTIONS, Database, Options
from simulator.wire.http import Json, Reply, Request, json_reply

_REGIONS = ("RegionOne", "SystemController")


def handle(db: Database, request: Request, rest: list[str]) -> Reply:
    if not rest:
        if request.method == "DELETE":
            raise crash()
        if request.method != "GET":
            return json_reply(None)
        rows = [view(row) for row in db.options if row.subcloud_id is not None]
        return json_reply({"sw-update-options": [_default(db), *rows]})
    if rest[0] in _REGIONS:
        return _on_default(db, request)
    subcloud = db.subcloud(rest[0])
    if subcloud is None:
        raise DcError(404, "Subcloud not found")
    row = next((one for one in db.options if one.subcloud_id == subcloud.id), None)
    if request.method == "POST":
        return json_reply(view(_store(db, row, subcloud.name, subcloud.id, _values(request))))
    if row is None:
        text = f"No options found for Subcloud with id {subcloud.id}, defaults will be used."
        raise DcError(404, text)
    if request.method == "GET":
        return json_reply(view(row))
    if request.method == "DELETE":
        db.options.remove(row)
    return json_reply(None)


def _on_default(db: Database, request: Request) -> Reply:
    row = next((one for one in db.options if one.subcloud_id is None), None)
    if request.method == "POST":
        db.default_options_deleted = False
        return json_reply(view(_store(db, row, "all clouds default", None, _values(request))))
    if request.method == "GET":
        return json_reply(_default(db))
    if request.method == "DELETE":
        if row is not None:
            db.options.remove(row)
        db.default_options_deleted = True
    return json_reply(None)


def values_for(db: Database, subcloud_id: int) -> dict[str, Any]:
    """What the orchestrator uses: the subcloud's own options, else the default."""
    for wanted in (subcloud_id, None):
        for row in db.options:
            if row.subcloud_id == wanted:
                return row.values
    return DEFAULT_OPTIONS


def view(row: Options) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "subcloud-id": row.subcloud_id,
        **row.values,
        "created-at": row.created_at,
        "updated-at": row.updated_at,
    }


def _default(db: Database) -> Json:
    row = next((one for one in db.options if one.subcloud_id is None), None)
    if row is not None:
        return view(row)
    bare: Json = {"name": "all clouds default", **DEFAULT_OPTIONS, "created-at": None, "updated-at": None}
    if db.default_options_deleted:
        return bare
    return {"id": 1, "name": bare.pop("name"), "subcloud-id": None, **bare}


def _values(request: Request) -> dict[str, Any]:
    """The five keys; the real API evaluates the body as Python, so JSON's true and null crash it."""
    try:
        body = request.json()
    except ValueError:
        raise crash() from None
    if not isinstance(body, dict) or any(name not in body for name in DEFAULT_OPTIONS):
        raise crash()
    if any(value is None or isinstance(value, bool) for value in body.values()):
        raise crash()
    return {name: body[name] for name in DEFAULT_OPTIONS}


def _store(
    db: Database, row: Options | None, name: str, subcloud_id: int | None, values: dict[str, Any]
) -> Options:
    if row is None:
        made = clock.spaced()
        row = Options(db.next_id(), name, subcloud_id, values, created_at=made)
        if subcloud_id is None:
            row.id, row.created_at, row.updated_at = 1, None, made
        db.options.append(row)
    else:
        row.values, row.updated_at = values, clock.spaced()
    return row
