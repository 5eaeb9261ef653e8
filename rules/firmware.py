"""A host's firmware against a baseline: what differs, in which order it is updated, who may reboot."""

from collections.abc import Iterable
from graphlib import TopologicalSorter

from models.bmc import AddressAnswer, PowerState
from models.firmware import Compliance
from models.hardware import Firmware
from models.operations import FirmwareComponent
from models.site import Observation


def compliance(components: Iterable[FirmwareComponent], found: Iterable[Firmware]) -> tuple[Compliance, ...]:
    """By the name that the BMC gives a component, or by its id; letter case says nothing."""
    there = {each.name.lower(): each for each in found}
    return tuple(_compare(wanted, there.get(wanted.name.lower())) for wanted in components)


def _compare(wanted: FirmwareComponent, found: Firmware | None) -> Compliance:
    version = found.version if found else ""
    told = Compliance(name=wanted.name, wanted=wanted.version, found=version, state="differs")
    if found is None:
        return told.model_copy(update={"state": "absent"})
    if version == wanted.version:
        return told.model_copy(update={"state": "as declared"})
    return told.model_copy(update={"state": "not updateable"}) if found.updateable is False else told


def complaints(found: Iterable[Compliance]) -> list[str]:
    """What no update can mend."""
    words = {"absent": "there is no such component", "not updateable": "its BMC does not update it"}
    return [f"{each.name}: {words[each.state]}" for each in found if each.state in words]


def in_order(
    components: tuple[FirmwareComponent, ...], found: Iterable[Compliance]
) -> tuple[FirmwareComponent, ...]:
    """Those that differ: as declared, but each behind what it comes after."""
    sorter = TopologicalSorter({each.name: each.after for each in components})
    sorter.prepare()
    place = {each.name: number for number, each in enumerate(components)}
    differs = {each.name for each in found if each.state == "differs"}
    ordered: list[FirmwareComponent] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=place.__getitem__)
        name = ready.pop(0)
        sorter.done(name)
        if name in differs:
            ordered.append(components[place[name]])
    return tuple(ordered)


def in_service(host: str, seen: Observation, address: AddressAnswer | None, power: PowerState) -> str:
    """Why the host must not be rebooted; empty when it is out of service.

    sysinv's word counts where there is one. Without it only a host that is off is out of service: a site
    whose network is cut is as silent as a bare server, and carries its workloads all the same."""
    if seen.site is not None:
        for each in seen.site.hosts:
            if each.name == host:
                return "" if each.administrative == "locked" else f"sysinv says {each.says}"
    if power == "Off":
        return ""
    if address is not None and address.answers:
        return f"it answers at {address.address}"
    return f"it is {power}, and sysinv does not say that it is locked"
