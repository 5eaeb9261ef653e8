"""What differs in PTP: instances with their parameters and interfaces, and which hosts and ports use them.

An instance belongs to the site, its assignments to hosts. A parameter that is declared with another value
takes the place of that one; what nobody declared stays. What is changed is in force once sysinv has applied
PTP, or with the host's next unlock.
"""

from collections.abc import Iterator

from models.configuration import Change, FoundHost, FoundPtpInstance, FoundSystem
from models.edits import AddPtpInstance, AddPtpInterface, AssignPtp, Edit, SetClock, SetPtpParameters
from models.profile import RoleProfile, SiteProfile
from rules.configuration.interfaces import found_interface


def of_site(profile: SiteProfile, found: FoundSystem) -> Iterator[Edit]:
    known = found.ptp or {}
    for wanted in profile.ptp:
        now = known.get(wanted.name)
        if now is None:
            change = Change(section="ptp", subject=wanted.name, found="", wanted=wanted.service)
            yield AddPtpInstance(change, wanted.name, wanted.service)
        path = f"/ptp_instances/{now.uuid if now else ''}"
        yield from _parameters(wanted.name, wanted.parameters, now.parameters if now else {}, path)
        for each in wanted.interfaces:
            name = f"{wanted.name} {each.name}"
            there = now.interfaces.get(each.name) if now else None
            if there is None:
                change = Change(section="ptp", subject=name, found="", wanted="an interface")
                yield AddPtpInterface(change, each.name, now.uuid if now else "")
            path = f"/ptp_interfaces/{there.uuid if there else ''}"
            yield from _parameters(name, each.parameters, there.parameters if there else {}, path)


def of_host(role: RoleProfile, host: FoundHost, site: FoundSystem) -> Iterator[Edit]:
    if host.ptp is None:
        return
    known = site.ptp or {}
    for name in role.ptp:
        if name not in host.ptp:
            change = _assigned(host, name)
            yield AssignPtp(change, f"/ihosts/{host.uuid}", "ptp_instances", _id(known, name))
    for wanted in role.interfaces:
        now = found_interface(wanted, host)
        for name in wanted.ptp:
            if wanted.name not in (host.ptp_interfaces or {}).get(name, ()):
                change = _assigned(host, f"{name} on {wanted.name}")
                uuid = now.uuid if now is not None else ""
                yield AssignPtp(change, f"/iinterfaces/{uuid}", "ptp_interfaces", _interface_id(known, name))
    if role.clock is not None and role.clock != host.clock:
        change = Change(
            section="ptp", host=host.name, subject="clock", found=host.clock or "ntp", wanted=role.clock
        )
        yield SetClock(change, host.uuid, role.clock)


def _parameters(of: str, wanted: dict[str, str], found: dict[str, str], path: str) -> Iterator[Edit]:
    for name, value in wanted.items():
        now = found.get(name)
        if now != value:
            change = Change(section="ptp", subject=f"{of} {name}", found=now or "", wanted=value)
            removed = (f"{name}={now}",) if now is not None else ()
            yield SetPtpParameters(change, path, removed, (f"{name}={value}",))


def _assigned(host: FoundHost, subject: str) -> Change:
    return Change(section="ptp", host=host.name, subject=subject, found="", wanted="assigned")


def _id(known: dict[str, FoundPtpInstance], name: str) -> int:
    return known[name].id if name in known else 0


def _interface_id(known: dict[str, FoundPtpInstance], name: str) -> int:
    return next((each.interfaces[name].id for each in known.values() if name in each.interfaces), 0)
