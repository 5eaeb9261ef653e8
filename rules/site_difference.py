"""What differs between the record of a site and the site as it is now, fact by fact.

Both are flattened to paths and values: lists of things that have a name go by the name, others by the place.
Left out is what is another each time (the clock, tasks, who serves the APIs, when a host has booted) and what
is no fact of the site (its entry in the inventory). Alarms count only where a new one affects management.

Of what runs on the platform a VM or a claim that is gone is a difference, and so is a claim of another size,
class or volume: another volume holds other data. A VM on another host or in another state is a remark, as is
whatever came since: tenants do that.
"""

from collections.abc import Iterator
from typing import Any

from models.site_record import RecordedClaim, RecordedVm, SiteRecord, Tenants

NOT_COMPARED = frozenset({"at", "format", "declared", "alarms", "system_controller", "tenants"})
PASSING = frozenset({"task", "active_controller", "booted_lately", "active", "install_state"})
NAMES = ("name", "release", "uuid", "number", "node", "signature")
"""What a thing in a list goes by, the first of these that it has."""


def differences(before: SiteRecord, now: SiteRecord) -> tuple[tuple[str, ...], int]:
    """A line for each, and how many facts were compared."""
    if not before.macs:
        now = now.model_copy(update={"macs": {}})
    if before.groups is None:
        now = now.model_copy(update={"groups": None})
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
    of_tenants, count = _of_tenants(before.tenants or Tenants(), now.tenants or Tenants())
    return (*lines, *of_tenants), len(was.keys() | found.keys()) + count


def remarks(before: SiteRecord, now: SiteRecord) -> tuple[str, ...]:
    """What is else than recorded and no difference, and what could not be compared, a line each."""
    was, found = before.tenants or Tenants(), now.tenants or Tenants()
    lines: list[str] = []
    if was.vms is not None and found.vms is not None:
        lines += _moved({vm.id: vm for vm in was.vms}, {vm.id: vm for vm in found.vms})
    if was.claims is not None and found.claims is not None:
        known = {claim.name for claim in was.claims}
        lines += [f"claim {each.name}: new" for each in found.claims if each.name not in known]
    return (*lines, *_uncompared(before, was, found))


def _moved(was: dict[str, RecordedVm], found: dict[str, RecordedVm]) -> Iterator[str]:
    for id, vm in found.items():
        before = was.get(id)
        if before is None:
            yield f"VM {vm.says}: new, {vm.status} on {vm.host or 'no host'}"
        elif before.host != vm.host:
            yield f"VM {vm.says}: on {vm.host or 'no host'}, was on {before.host or 'no host'}"
        elif before.status != vm.status:
            yield f"VM {vm.says}: {vm.status}, was {before.status}"


def _uncompared(before: SiteRecord, was: Tenants, found: Tenants) -> Iterator[str]:
    for what, recorded, now in (("VMs", was.vms, found.vms), ("claims", was.claims, found.claims)):
        if (recorded is None) == (now is None):
            continue
        of, side = (before.tenants, "the record has none") if recorded is None else (found, "not asked now")
        said = (line for line in (of.not_recorded if of else ()) if line.startswith(f"{what}: "))
        why = next((line.removeprefix(f"{what}: ") for line in said), "it was made before records had them")
        yield f"{what} were not compared: {side} ({why})"


def _of_tenants(was: Tenants, found: Tenants) -> tuple[list[str], int]:
    """Where both sides were asked."""
    lines, count = [], 0
    if was.vms is not None and found.vms is not None:
        there = {vm.id for vm in found.vms}
        lines += [f"VM {vm.says}: {vm.host or 'no host'} -> none" for vm in was.vms if vm.id not in there]
        count += len(was.vms)
    if was.claims is not None and found.claims is not None:
        now = {claim.name: claim for claim in found.claims}
        for claim in was.claims:
            lines += _of_claim(claim, now.get(claim.name))
        count += len(was.claims)
    return lines, count


def _of_claim(was: RecordedClaim, now: RecordedClaim | None) -> Iterator[str]:
    if now is None:
        yield f"claim {was.name}: {was.size or 'there'} -> none"
        return
    for what, before, found in (
        ("size", was.size, now.size),
        ("class", was.storage_class, now.storage_class),
        ("volume", was.volume, now.volume),
    ):
        if before != found:
            yield f"claim {was.name} {what}: {before or 'none'} -> {found or 'none'}"


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
