"""Which paths below /v1 serve rows of sysinv's tables, and in which words their requests are intents.

A row that is made, changed and removed is one thing for the ledger: by what names it (an interface and a
network, a host and a disk), not by its uuid, so that making it twice is a repeat and making it again after it
was removed is not. A patch is the same thing's same fields set to the same values.
"""

import json
from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.rows import Row
from simulator.cloud.site_rows import Certificate
from simulator.proof.ledger import Intent
from simulator.services.sysinv import (
    assignments,
    disks,
    filesystems,
    interfaces,
    labels,
    networks,
    osds,
    parameters,
    processors,
    ptp,
    settings,
    storage,
)
from simulator.services.sysinv.resource import Resource
from simulator.wire.http import Request

CATALOGUE: dict[str, Resource] = {
    one.path: one
    for one in (
        *interfaces.RESOURCES,
        *assignments.RESOURCES,
        *networks.RESOURCES,
        *labels.RESOURCES,
        *processors.RESOURCES,
        *disks.RESOURCES,
        *filesystems.RESOURCES,
        *storage.RESOURCES,
        *osds.RESOURCES,
        *settings.RESOURCES,
        *parameters.RESOURCES,
        *ptp.RESOURCES,
        Resource(
            "certificate", Certificate, key="certificates", missing="Certificate {} could not be found."
        ),
    )
}
BELOW_INTERFACES = ("ports", "addresses", "routes", "interface_networks", "interface_datanetworks")
BELOW_HOSTS = {name for name, one in CATALOGUE.items() if hasattr(one.kind, one.kind.owner)}


def intent(cloud: Cloud, request: Request, resource: Resource, rest: list[str]) -> Intent:
    """What a mutating request to a resource means."""
    base = f"sysinv.{resource.path}"
    row = cloud.tables.get(resource.kind, rest[0]) if rest else None
    if request.method == "POST":
        body = _body(request)
        if rest and isinstance(body, dict):
            # Labels are made below their host: `POST /labels/HOST {KEY: VALUE}`.
            body = {"host_uuid": rest[0], "label_key": ",".join(sorted(body))}
        thing = f"{resource.path}/{_identity(resource.kind, body)}"
        return Intent(f"{base}.add", thing, thing, undoes=(f"{base}.delete",))
    thing = f"{resource.path}/{row.identity if row is not None else ''.join(rest)}"
    if request.method == "DELETE":
        return Intent(f"{base}.delete", thing, thing, undoes=(f"{base}.add",))
    rows = _patches(request)
    fields = ",".join(sorted(str(one.get("path")) for one in rows))
    values = json.dumps(sorted((str(one.get("path")), str(one.get("value"))) for one in rows))
    return Intent(f"{base}.modify", f"{thing}:{fields}", thing, key=values, begins=True)


def _identity(kind: type[Row], body: Any) -> str:
    """The natural key of what a body would make; all of the body where it does not say."""
    if not isinstance(body, dict):
        return json.dumps(body)
    if isinstance(body.get("parameters"), dict):
        body = {**body, "name": ",".join(sorted(body["parameters"]))}
    if any(name not in body for name in kind.natural_key):
        return json.dumps(body, sort_keys=True)
    return "/".join(str(body[name]) for name in kind.natural_key)


def _body(request: Request) -> Any:
    try:
        return request.json()
    except ValueError:
        return None


def _patches(request: Request) -> list[dict[str, Any]]:
    body = _body(request)
    return [one for one in body if isinstance(one, dict)] if isinstance(body, list) else []
