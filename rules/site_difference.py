"""What differs between the record of a site and the site as it is now, fact by fact.

Both are flattened to paths and values: lists of things that have a name go by the name, others by the place.
Left out is what is another each time (the clock, tasks, who serves the APIs, when a host has booted) and what
is no fact of the site (its entry in the inventory). Alarms count only where a new one affects management.
"""

from collections.abc import Iterator
from typing import Any

from models.site_record import SiteRecord

NOT_COMPARED = frozenset({"at", "format", "declared", "alarms", "system_controller"})
PASSING = frozenset({"task", "active_controller", "booted_lately", "active", "install_state"})
NAMES = ("name", "release", "uuid", "number", "node", "signature")
"""What a thing in a list goes by, the first of these that it has."""


def differences(before: SiteRecord, now: SiteRecord) -> tuple[tuple[str, ...], int]:
    """A line for each, and how many facts were compared."""
    if not before.macs:
        now = now.model_copy(update={"macs": {}})
    was, found = _facts(before), _facts(now)
    lines = [
        f"{path}: {_said(was.get(path))} -> {_said(found.get(path))}"
        for path in sorted(was.keys() | found.keys())
        if was.get(path) != found.get(path)
    ]
    known = {alarm.key for alarm in before.alarms}
    lines += [
        f"alarm {alarm.key}: none -> {alarm.severity}"
        for alarm in now.alarms
        if alarm.mgmt_affecting and alarm.key not in known
    ]
    return tuple(lines), len(was.keys() | found.keys())


def _facts(record: SiteRecord) -> dict[str, Any]:
    document = record.model_dump(mode="json", exclude=set(NOT_COMPARED))
    return dict(_flat("", document))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key not in PASSING:
                yield from _flat(f"{path}.{key}" if path else str(key), one)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for place, one in enumerate(value):
            yield from _flat(f"{path}[{_name(one, place)}]", one)
    else:
        yield path, value


def _name(one: Any, place: int) -> str:
    found = next((one[key] for key in NAMES if key in one), place) if isinstance(one, dict) else place
    return str(found)


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None or value == "" else str(value)
