"""The hosts of a restore beside controller-0: which come back, in which order, and what each of them loses.

dcmanager's playbook restores controller-0 alone; the others are known to the restored sysinv and offline.
The second controller and the workers are installed anew over the network, storage hosts only where Ceph's
OSDs are wiped: otherwise they are left running and hold its data (StarlingX: restore platform system data).
OSDs are wiped where controller-0 carries any and is another machine now, and where every host that carries
any is one: what is on the disks of new hardware is not this site's, and what is on the old ones must not be
lost. Any other host that is another machine is deleted and comes in anew, as the site's profile says; data
is copied to it from those that were kept. Where all copies of some data were on replaced hosts, and other
data is left, nobody but a person can say that what is left may go, too. Which machine a host is, is said by
the MAC of its management interface: the record has the one that it had, the inventory the one that it has.
"""

from typing import Literal

from models.outcome import Outcome
from models.restore import BackupFacts, RecordedHost, RestoreSiteRequest, RestoreStep
from models.site import HostState
from rules.install import PASSED, Gate

FIRST = "controller-0"
INSTALLING = frozenset({"preinstall", "installing", "postinstall", "installed"})
FAILED = "failed"
USUAL_COPIES = 2
"""Of Ceph's data where a site has more than one host; for records that do not say."""
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
    return bool(_why_wiped(request, hosts))


def _why_wiped(request: RestoreSiteRequest, hosts: tuple[RecordedHost, ...]) -> str:
    """Empty: OSDs are kept, or there are none."""
    carriers, others = {host.name for host in hosts if host.osds}, replaced(request, hosts)
    if not carriers:
        return ""
    if FIRST in carriers and FIRST in others:
        return f"because {FIRST} was replaced"
    if carriers <= others.keys():
        return f"because all that carried them were replaced: {', '.join(sorted(carriers))}"
    return "because that was asked for (--wipe-osds)" if request.wipe_osds else ""


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
    wanted = [host for host in hosts if host.name not in request.leave_out]
    words = words or _untold([host for host in wanted if host.name not in others])
    for host in wanted:
        words = words or _complaint(host, others, backup.profiled)
    words = words or _osds_complaint(request, backup)
    return Gate(words, Outcome.REFUSED) if words else PASSED


def _untold(hosts: list[RecordedHost]) -> str:
    """All of them at once: each is an option of the next try."""
    found = [host for host in hosts if host.mac and host.declared_mac and host.mac != host.declared_mac]
    if not found:
        return ""
    said = ", ".join(f"{host.name} had MAC {host.mac}" for host in found)
    options = " ".join(f"--replaced {host.name}={host.declared_mac}" for host in found)
    return (
        f"{said} when the backup was made, and the inventory has otherwise: if that hardware was replaced, "
        f"say so ({options})"
    )


def _complaint(host: RecordedHost, others: dict[str, str], profiled: bool) -> str:
    new, declared = others.get(host.name), host.declared_mac
    if new is not None and declared and new != declared:
        return f"{host.name} is replaced by {new}, and the inventory gives it {declared}: correct one of them"
    if new is not None and host.name != FIRST and host.rook:
        return (
            f"{host.name} is replaced, and sysinv deletes no host that has OSDs or a monitor of rook-ceph: a "
            "person of Ceph takes them from it once the site is back"
            + ("; leave it out until then (--leave-out)" if host.personality == "worker" else "")
        )
    if new is not None and host.name != FIRST and not profiled:
        return (
            f"{host.name} is replaced: sysinv lets nobody change a host's MAC, so it comes in anew, and the "
            "inventory has no profile for the site to configure it by"
        )
    return ""


def _osds_complaint(request: RestoreSiteRequest, backup: BackupFacts) -> str:
    if request.wipe_osds and not any(host.osds for host in backup.hosts):
        return f"OSDs are to be wiped, and no host of {backup.backup} carries any"
    gone = () if wipes_osds(request, backup.hosts) else _without_a_copy(request, backup)
    if not gone:
        return ""
    return (
        f"{', '.join(gone)} were replaced, and no other host had a copy of what they alone held; the rest of "
        "Ceph's data is on hosts that were kept. A person of Ceph has to say: give it up as a whole "
        "(--wipe-osds), or rescue it first"
    )


def _without_a_copy(request: RestoreSiteRequest, backup: BackupFacts) -> tuple[str, ...]:
    """Replaced hosts that together had every copy of some data. Bare-metal Ceph keeps all copies within one
    replication group; of others it is known how often they keep data, each copy on another host."""
    carriers, others = [host for host in backup.hosts if host.osds], replaced(request, backup.hosts)
    replaced_ones = [host for host in carriers if host.name in others]
    for group in sorted({host.group for host in replaced_ones if host.group}):
        members = [host.name for host in carriers if host.group == group]
        if all(name in others for name in members):
            return tuple(members)
    ungrouped = tuple(host.name for host in replaced_ones if not host.group)
    return ungrouped if len(ungrouped) >= (backup.copies or USUAL_COPIES) else ()


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


def is_installed_anew(request: RestoreSiteRequest, host: RecordedHost, *, wipes: bool) -> bool:
    return host.personality != "storage" or wipes or bool(old_mac(request, host))


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
    wipes, others = wipe_said(request, backup), replaced(request, backup.hosts)
    if wipes is None or not carriers:
        return ()
    if not wipes:
        left = ", ".join(name for name in carriers if name not in others)
        return (RestoreStep(what=f"Ceph's OSDs of {left} are kept (wipe_ceph_osds false)"),)
    what = f"Ceph's OSDs are wiped (wipe_ceph_osds true), {_why_wiped(request, backup.hosts)}"
    return (RestoreStep(what=what, destroys=f"all data of Ceph, on {', '.join(carriers)}"),)


def renews_pools(request: RestoreSiteRequest, backup: BackupFacts) -> bool:
    """The wiped Ceph of bare metal is without pools until the application that makes them is removed and
    applied (StarlingX: restore platform system data)."""
    return bool(backup.pools_by) and wipes_osds(request, backup.hosts)


def pools_step(request: RestoreSiteRequest, backup: BackupFacts) -> tuple[RestoreStep, ...]:
    if not renews_pools(request, backup):
        return ()
    return (RestoreStep(what=f"{backup.pools_by} is removed and applied: it makes Ceph's pools anew"),)


def _step(request: RestoreSiteRequest, host: RecordedHost, *, wipes: bool) -> RestoreStep:
    by = "by its BMC" if host.has_bmc else "by hand"
    if old_mac(request, host):
        what = f"{host.name}, another machine now, is deleted, added and configured as the profile says"
        return RestoreStep(what=what, destroys=f"what sysinv knows of {host.name}, and the disks it has now")
    if is_installed_anew(request, host, wipes=wipes):
        what = f"{host.name} is booted from the network ({by}), installed anew and unlocked"
        return RestoreStep(what=what, destroys=f"the system disk of {host.name}, and whatever runs on it")
    return RestoreStep(what=f"{host.name} keeps its disks and its OSDs, and is unlocked, which reboots it")
