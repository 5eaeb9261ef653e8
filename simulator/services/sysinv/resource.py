"""Rows of sysinv's tables over REST: lists, one, POST, PATCH and DELETE of any kind of row.

A kind is served as its `Resource` says: under which key lists come, in which words one is missing, and which
functions check and make, change and remove a row. A kind without such a function answers as sysinv does where
nothing may be changed: 403. Lists below a host take a uuid only, and an unknown uuid has an empty list.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.rows import Row
from simulator.services.envelope import fault, reject
from simulator.services.sysinv import view
from simulator.services.sysinv.paging import next_page, paged
from simulator.services.sysinv.patches import changes_of
from simulator.wire.http import Json, Refusal, Reply, Request, json_reply

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NO_CONTENT = 204

Create = Callable[[Cloud, Json], Json]
"""Checks a body and makes what it asks for; gives the reply."""
Change = Callable[[Cloud, Any, Json], None]
Remove = Callable[[Cloud, Any], None]
Show = Callable[[Cloud, Any], Json]


def _as_stored(_: Cloud, row: Row) -> Json:
    return row.wire()


def _any(_: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Resource:
    """How one kind of row is served."""

    path: str
    kind: type[Row]
    key: str = ""
    """Of lists; the path when empty."""
    missing: str = "Server {} could not be found."
    status: int = 404
    argument: str = "uuid"
    """What sysinv calls the uuid in the path."""
    create: Create | None = None
    change: Change | None = None
    remove: Remove | None = None
    show: Show = _as_stored
    chosen: Callable[[Any], bool] = _any
    """Which rows of the kind are this resource."""
    fields: tuple[str, ...] = ()
    """What a body may name beyond the row's own fields."""
    alone: bool = True
    """False where a list is only served below a host."""


def handle(cloud: Cloud, request: Request, resource: Resource, rest: list[str]) -> Reply:
    """Serve a request to `/v1/<path>[/<uuid>]`.

    Raises:
        Refusal: sysinv's own words and status.
    """
    if not rest or rest == ["detail"]:
        return _collection(cloud, request, resource)
    ref = rest[0]
    if not is_uuid(ref):
        raise not_a_uuid(resource.argument, ref)
    row = cloud.tables.get(resource.kind, ref)
    if row is None or not resource.chosen(row):
        raise reject(resource.missing.format(ref), resource.status)
    if request.method == "GET":
        return json_reply(_shown(cloud, resource, row, request.base))
    if request.method == "PATCH" and resource.change is not None:
        changes = changes_of(request)
        _known(resource, row, changes)
        changes.pop("action", None)
        resource.change(cloud, row, changes)
        return json_reply(_shown(cloud, resource, row, request.base))
    if request.method == "DELETE" and resource.remove is not None:
        resource.remove(cloud, row)
        return Reply(status=NO_CONTENT, content_type=None)
    raise forbidden()


def below(cloud: Cloud, request: Request, resource: Resource, host_uuid: str) -> Reply:
    """The rows of one host."""
    rows = [row for row in cloud.tables.below(resource.kind, host_uuid) if resource.chosen(row)]
    return _list(cloud, request, resource, rows)


def having(cloud: Cloud, request: Request, resource: Resource, **values: str) -> Reply:
    """The rows that have these values: what hangs on an interface, or a cluster."""
    return _list(cloud, request, resource, list(cloud.tables.matching(resource.kind, **values)))


def _collection(cloud: Cloud, request: Request, resource: Resource) -> Reply:
    if request.method == "GET":
        if not resource.alone and not request.query.get("ihost"):
            raise reject("Invalid ihost None")
        rows = [row for row in cloud.tables.of(resource.kind) if resource.chosen(row)]
        return _list(cloud, request, resource, rows)
    if request.method == "POST" and resource.create is not None:
        return json_reply(resource.create(cloud, body_of(request)))
    if request.method == "DELETE" and resource.remove is not None:
        return fault(400, f'Missing argument: "{resource.argument}"')
    raise forbidden()


def _list(cloud: Cloud, request: Request, resource: Resource, rows: list[Row]) -> Reply:
    shown = paged(rows, request.query)
    body: Json = {
        resource.key or resource.path: [_shown(cloud, resource, row, request.base) for row in shown]
    }
    if shown and len(shown) < len(rows) and request.query.get("limit"):
        body["next"] = next_page(request, resource.path, shown[-1].uuid)
    return json_reply(body)


def _shown(cloud: Cloud, resource: Resource, row: Row, base: str) -> Json:
    return resource.show(cloud, row) | {
        "created_at": view.LONG_AGO,
        "updated_at": None,
        "links": view.links(base, resource.path, row.uuid),
    }


def _known(resource: Resource, row: Row, changes: Json) -> None:
    """A patch can only replace what is there."""
    for name in changes:
        if not hasattr(row, name) and name not in resource.fields:
            given = [{"path": f"/{one}", "op": "replace", "value": value} for one, value in changes.items()]
            raise reject(
                f"Couldn't apply patch '{given}'. Reason: can't replace non-existent object '{name}'"
            )


def body_of(request: Request) -> Json:
    """The object of a POST.

    Raises:
        Refusal: 400; it is none.
    """
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise reject("Request is not in valid JSON format")
    return body


def forbidden() -> Refusal:
    return Refusal(fault(403, "Operation not permitted."))


def is_uuid(text: object) -> bool:
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def not_a_uuid(name: str, value: str) -> Refusal:
    return reject(
        f"Invalid input for field/attribute {name}. Value: '{value}'. unable to convert to uuid. "
        f"Error: Expected a uuid but received {value}."
    )


def host_of(cloud: Cloud, host_uuid: object) -> Host | None:
    return next((host for host in cloud.hosts if host.uuid == host_uuid), None)


def must_be_locked(host: Host) -> None:
    """Raises: Refusal."""
    if not host.locked:
        raise reject("Host must be locked.")


def check_mtu(value: Any) -> int:
    """Raises: Refusal."""
    if not str(value).isdigit():
        raise reject("MTU is an integer value.")
    if not 576 <= int(value) <= 9216:
        raise reject("MTU must be between 576 and 9216 bytes.")
    return int(value)
