"""What a mutating request to sysinv means, for the ledger and the faults; nothing is changed by asking.

An action of a host is applied until the opposite one is, or until the state machine ends its life. A row that
is made, changed and removed is one thing, see `catalogue`; values of what is always there are said once until
others are. What may be said any number of times (a host's
patch without an action, an audit) is recorded and never a repeat.
"""

import json

from simulator.cloud.cloud import Cloud
from simulator.proof.ledger import Intent
from simulator.services.sysinv import addition, catalogue
from simulator.services.sysinv.actions import LOCKS, SWACTS, UNLOCKS
from simulator.wire.http import Request

THINGS = frozenset([*catalogue.CATALOGUE, "machine", "host", "application", "kube-upgrade", "values"])
"""What the things of sysinv begin with; all their lives end when a site is bootstrapped anew."""


def intent(cloud: Cloud, request: Request) -> Intent:
    """Of a mutating request."""
    parts = request.parts
    if parts[:2] == ["v1", "ihosts"]:
        found = _of_host(cloud, request, parts[2:])
        if found is not None:
            return found
    if parts[:2] == ["v1", "apps"] and len(parts) == 3 and request.method == "PATCH":
        directive = request.query.get("directive", "apply")
        thing = f"application/{parts[2]}"
        return Intent(f"sysinv.application.{directive}", thing, parts[2])
    if parts[:1] == ["v1"] and len(parts) in (2, 3) and parts[1] in catalogue.CATALOGUE and _is_row(parts):
        return catalogue.intent(cloud, request, catalogue.CATALOGUE[parts[1]], parts[2:])
    if parts[:1] == ["v1"] and (parts[1:2] == ["kube_upgrade"] or request.method in ("PUT", "PATCH")):
        return _stated(request)
    return Intent(f"sysinv.{request.method.lower()}", "sysinv", request.path, once=False)


def _stated(request: Request) -> Intent:
    """Wanted values, or a wanted state, of something that is always there: the same again is a repeat."""
    words = json.dumps(_body(request), sort_keys=True)
    thing = "kube-upgrade" if "kube_upgrade" in request.path else f"values/{request.path}"
    mark = f"{request.method} {words}"
    return Intent(f"sysinv.{request.method.lower()}", thing, request.path, key=mark, begins=True)


def _of_host(cloud: Cloud, request: Request, rest: list[str]) -> Intent | None:
    if not rest and request.method == "POST":
        body = _body(request)
        mac = str(body.get("mgmt_mac", "")) if isinstance(body, dict) else ""
        return Intent("sysinv.host.add", f"machine/{mac}", mac)
    if rest == ["bulk_add"] and request.method == "POST":
        macs = addition.macs_of(request)
        return Intent("sysinv.host.bulk-add", f"machine/{macs}", macs)
    if len(rest) != 1 or rest[0].startswith("bulk"):
        return None
    host = cloud.host(rest[0])
    name = (host.name if host else "") or rest[0]
    thing = f"host/{name}"
    if request.method == "DELETE":
        return Intent("sysinv.host.delete", thing, name)
    action = _action(request)
    if action:
        return _action_intent(action, thing, name)
    return Intent("sysinv.host.modify", thing, name, once=False)


def _is_row(parts: list[str]) -> bool:
    """Whether a request below a resource means a row: not a verb, nor the labels of a host."""
    verbs = (["apply"], ["certificate_install"])
    return parts[2:] not in verbs and not (parts[1] == "labels" and len(parts) == 2)


def _action_intent(action: str, thing: str, name: str) -> Intent:
    marks = [f"sysinv.host.{one}" for one in (LOCKS if action in UNLOCKS else UNLOCKS)]
    undoes = tuple(marks) if action in (*LOCKS, *UNLOCKS) else ()
    base = "swact" if action in SWACTS else action
    return Intent(f"sysinv.host.{action}", thing, name, key=f"sysinv.host.{base}", undoes=undoes)


def _action(request: Request) -> str:
    """The action in a patch, read leniently: only to know what the request means."""
    body = _body(request)
    rows = body if isinstance(body, list) else []
    found = [row.get("value") for row in rows if isinstance(row, dict) and row.get("path") == "/action"]
    return str(found[0]) if found and found[0] not in (None, "", "none") else ""


def _body(request: Request) -> object:
    try:
        found: object = request.json()
    except ValueError:
        return None
    return found
