"""What a client asks of a list: selectors on labels and fields, pages; and how a patch is merged."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from simulator.kubernetes.kinds import Resource
from simulator.kubernetes.words import refuse
from simulator.wire.http import Json

Wanted = Callable[[Json], bool]
_SET = re.compile(r"^\s*([^\s!=,()]+)\s+(in|notin)\s+\(([^)]*)\)\s*$")
_FIELDS = {
    "": ("metadata.name", "metadata.namespace"),
    "pods": ("spec.nodeName", "status.phase", "spec.schedulerName"),
    "events": ("involvedObject.name", "involvedObject.kind", "involvedObject.uid", "reason", "type"),
    "nodes": ("spec.unschedulable",),
}


def by_labels(selector: str) -> Wanted:
    """`a=b,c!=d,e,!f,g in (h,i)`."""
    tests = [_requirement(part) for part in _parts(selector)]

    def fits(of: Json) -> bool:
        labels = of["metadata"].get("labels") or {}
        return all(test(labels) for test in tests)

    return fits


def _parts(selector: str) -> list[str]:
    return [part for part in re.split(r",(?![^(]*\))", selector) if part.strip()]


def _requirement(part: str) -> Callable[[dict[str, str]], bool]:
    found = _SET.match(part)
    if found:
        key, verb, rest = found.groups()
        values = {value.strip() for value in rest.split(",")}
        if verb == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    text = part.strip()
    if "!=" in text:
        key, value = (each.strip() for each in text.split("!=", 1))
        return lambda labels: labels.get(key) != value
    if "=" in text:
        key, value = (each.strip() for each in re.split("==?", text, maxsplit=1))
        return lambda labels: labels.get(key) == value
    if text.startswith("!"):
        return lambda labels: text[1:] not in labels
    return lambda labels: text in labels


def selects(selector: Json, of: Json) -> bool:
    """A `LabelSelector` of an object; an empty one selects all."""
    labels = of["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for one in selector.get("matchExpressions") or ():
        key, values = one["key"], one.get("values") or ()
        good = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[one["operator"]]
        if not good:
            return False
    return True


def by_fields(of: Resource, selector: str) -> Wanted:
    """Raises: Refusal: 400 for a field that this kind cannot be selected by."""
    wanted: list[tuple[str, str, bool]] = []
    for part in _parts(selector):
        key, sign, value = re.split("(!=|==?)", part, maxsplit=1)
        if key not in (*_FIELDS[""], *_FIELDS.get(of.plural, ())):
            raise refuse(400, f"field label not supported: {key}")
        wanted.append((key, value, sign != "!="))

    def fits(one: Json) -> bool:
        return all((_at(one, key) == value) == equal for key, value, equal in wanted)

    return fits


def _at(of: Json, path: str) -> str:
    found: Any = of
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return "" if found is None else str(found)


def page(items: list[Json], query: dict[str, str], version: int) -> tuple[list[Json], Json]:
    """The items of this page and the list's metadata. Raises: Refusal: 400 for a token of nobody."""
    limit, token = int(query.get("limit") or 0), query.get("continue", "")
    begin = 0
    if token:
        try:
            begin, version = json.loads(base64.urlsafe_b64decode(token))
        except ValueError:
            raise refuse(400, "continue key is not valid") from None
    end = begin + limit if limit else len(items)
    meta: Json = {"resourceVersion": str(version)}
    if end < len(items):
        meta["continue"] = base64.urlsafe_b64encode(json.dumps([end, version]).encode()).decode()
        meta["remainingItemCount"] = len(items) - end
    return items[begin:end], meta


def merged(old: Any, patch: Any) -> Any:
    """RFC 7386. A strategic merge differs from it in lists of maps, which this does not know."""
    if not isinstance(patch, dict):
        return patch
    base = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            base.pop(key, None)
        else:
            base[key] = merged(base.get(key), value)
    return base
