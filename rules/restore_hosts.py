"""The hosts of a restore beside controller-0: which come back, in which order, and what each of them loses.

dcmanager's playbook restores controller-0 alone; the others are known to the restored sysinv and offline.
The second controller and the workers are installed anew over the network, storage hosts only where Ceph's
OSDs are wiped: otherwise they are left running and hold its data (StarlingX: restore platform system data).
OSDs are wiped if and only if controller-0 carries any and is another machine now: what is on the disks of new
hardware is not this site's, and what is on the old ones must not be lost. Another controller or a worker that
is another machine is deleted and comes in anew, as the site's profile says; data is copied to it again. Which
machine a host is, is said by the MAC of its management interface: the record has the one that it had, the
inventory the one that it has.
"""

from typing import Literal

from models.outcome import Outcome
from models.restore import BackupFacts, RecordedHost, RestoreSiteRequest, RestoreStep
from models.site import HostState
from rules.install import PASSED, Gate

FIRST = "controller-0"
INSTALLING = frozenset({"preinstall", "installing", "postinstall", "installed"})
FAILED = "failed"
HostStep = Literal["nothing", "unlock", "wait", "install", "switch on"]
"""What comes next for a host; `wait` is for an installation or a boot that is under way."""


def replaced(request: RestoreSiteRequest, hosts: tuple[RecordedHost, ...]) -> dict[str, str]:
    """Host to its new MAC, of those that the record has."""
    found = {}
    for said, mac in request.replaced.items():
        host = next((each for each in hosts if said.lower() in (each.name, each.mac)), None)
        if host is not None:
            found[host.name] = mac.lower()
    return found


def wipes_osds(request: RestoreSiteRequest, hosts: tuple[RecordedHost, ...]) -> bool:
    return any(host.osds and host.name == FIRST for host in hosts) and FIRST in replaced(request, hosts)


def wipe_said(request: RestoreSiteRequest, backup: BackupFacts) -> bool | None:
    """What dcmanager is told of `wipe_ceph_osds`: nothing where there is but one host, and the same one."""
    wipes = wipes_osds(request, backup.hosts)
    return wipes if wipes or len(backup.hosts) > 1 else None


def hosts_gate(request: RestoreSiteRequest, backup: BackupFacts) -> Gate:
    """What is said of hosts must be true of those that the record has."""
    hosts, words = backup.hosts, ""
    names = ", ".join(host.name for host in hosts)
    others = replaced(request, hosts)
    for said in request.replaced:
        if not any(said.lower() in (host.name, host.mac) for host in hosts):
            words = words or f"replaced names {said}, and {backup.backup} has {names}"
    for name in request.leave_out:
        left = next((host for host in hosts if host.name == name), None)
        if left is None:
            words = words or f"{name} is to be left out, and {backup.backup} has {names}"
        elif left.personality != "worker":
            words = words or f"{name} is a {left.personality}: only workers can be left out"
    for host in hosts:
        if host.name not in request.leave_out:
            words = words or _complaint(host, others, backup.profiled)
    return Gate(words, Outcome.REFUSED) if words else PASSED


def _complaint(host: RecordedHost, others: dict[str, str], profiled: bool) -> str:
    new, declared = others.get(host.name), host.declared_mac
    if new is not None and declared and new != declared:
        return f"{host.name} is replaced by {new}, and the inventory gives it {declared}: correct one of them"
    if new is None and host.mac and declared and host.mac != declared:
        return (
            f"{host.name} had MAC {host.mac} when the backup was made, and the inventory gives it "
            f"{declared}: if its hardware was replaced, say so (--replaced {host.name}={declared})"
        )
    if new is not None and host.name != FIRST and host.personality == "storage":
        return f"{host.name} is replaced: a storage host's data is on its disks; a person of Ceph has to say"
    if new is not None and host.name != FIRST and not profiled:
        return (
            f"{host.name} is replaced: sysinv lets nobody change a host's MAC, so it comes in anew, and the "
            "inventory has no profile for the site to configure it by"
        )
    return ""


def old_mac(request: RestoreSiteRequest, host: RecordedHost) -> str:
    """Of a host that comes in anew because it is another machine; empty for every other."""
    return host.mac if host.name != FIRST and host.name in replaced(request, (host,)) else ""


def further(request: RestoreSiteRequest, hosts: tuple[RecordedHost, ...]) -> tuple[RecordedHost, ...]:
    """Those that are brought back after controller-0, in order: controllers, storage hosts, workers."""
    order = ("controller", "storage", "worker")
    wanted = [host for host in hosts if host.name != FIRST and host.name not in request.leave_out]
    known = [host for host in wanted if host.personality in order]
    return tuple(sorted(known, key=lambda host: (order.index(host.personality), _number(host.name))))


def _number(name: str) -> tuple[int, str]:
    """worker-10 after worker-9."""
    digits = name.rpartition("-")[2]
    return (int(digits) if digits.isdigit() else 0, name)


def is_installed_anew(host: RecordedHost, *, wipes: bool) -> bool:
    return host.personality != "storage" or wipes


def next_step(state: HostState, *, reinstall: bool) -> HostStep:
    """From how the restored sysinv shows it; an installation that is under way is never begun again."""
    if state.in_service:
        return "nothing"
    if state.administrative != "locked":
        return "unlock"
    if state.install_state in INSTALLING:
        return "wait"
    if state.availability == "online" and state.inv_state == "inventoried":
        return "unlock"
    return "install" if reinstall else "switch on"


def steps(request: RestoreSiteRequest, backup: BackupFacts) -> tuple[RestoreStep, ...]:
    """Of a plan, after controller-0 is back; empty where the site has but that."""
    if len(backup.hosts) < 2:
        return ()
    wipes = wipes_osds(request, backup.hosts)
    told = [_step(request, host, wipes=wipes) for host in further(request, backup.hosts)]
    told += [RestoreStep(what=f"{name} is left out: it stays locked") for name in request.leave_out]
    return tuple(told)


def osds_step(request: RestoreSiteRequest, backup: BackupFacts) -> tuple[RestoreStep, ...]:
    """What becomes of Ceph's data; empty where nothing is said to dcmanager."""
    carriers = [host.name for host in backup.hosts if host.osds]
    wipes = wipe_said(request, backup)
    if wipes is None or not carriers:
        return ()
    if not wipes:
        kept = f"Ceph's OSDs of {', '.join(carriers)} are kept (wipe_ceph_osds false)"
        return (RestoreStep(what=kept),)
    what = f"Ceph's OSDs are wiped (wipe_ceph_osds true), because {FIRST} was replaced"
    return (RestoreStep(what=what, destroys=f"all data of Ceph, on {', '.join(carriers)}"),)


def _step(request: RestoreSiteRequest, host: RecordedHost, *, wipes: bool) -> RestoreStep:
    by = "by its BMC" if host.has_bmc else "by hand"
    if old_mac(request, host):
        what = f"{host.name}, another machine now, is deleted, added and configured as the profile says"
        return RestoreStep(what=what, destroys=f"what sysinv knows of {host.name}, and the disks it has now")
    if is_installed_anew(host, wipes=wipes):
        what = f"{host.name} is booted from the network ({by}), installed anew and unlocked"
        return RestoreStep(what=what, destroys=f"the system disk of {host.name}, and whatever runs on it")
    return RestoreStep(what=f"{host.name} keeps its disks and its OSDs, and is unlocked, which reboots it")
