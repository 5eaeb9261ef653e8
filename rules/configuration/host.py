"""What differs between a role profile and a host, apart from its interfaces and from what it gives to Ceph.

A section that was not read (None) shows no difference. File systems only grow: sysinv has no way back that
keeps the data.
"""

from collections.abc import Callable, Iterator

from models.configuration import Change, FoundDisk, FoundHost, FoundMemory, FoundSystem, Section
from models.edits import (
    AddFilesystem,
    Edit,
    GrowFilesystem,
    SetCpus,
    SetKernel,
    SetLabel,
    SetMemory,
)
from models.profile import Cpus, Memory, RoleProfile
from rules.configuration import ptp
from rules.configuration.interfaces import interfaces, networks
from rules.configuration.routes import routes

LOCKED_LABELS = (
    "sriovdp",
    "kube-cpu-mgr-policy",
    "kube-topology-mgr-policy",
    "kube-memory-mgr-policy",
    "openvswitch",
    "remote-storage",
    "disable-nohz-full",
    "openstack-",
    "power-management",
    "max-cpu-mhz-configured",
)
"""Beginnings of labels that sysinv changes on a locked host only: what the host runs depends on them."""
Difference = Callable[[RoleProfile, FoundHost, FoundSystem], Iterator[Edit]]


def labels(role: RoleProfile, host: FoundHost, _: FoundSystem) -> Iterator[Edit]:
    if host.labels is None:
        return
    for key, wanted in role.labels.items():
        now = host.labels.get(key)
        if now != wanted:
            change = Change(
                section="labels",
                host=host.name,
                subject=key,
                found=now or "",
                wanted=wanted,
                needs_lock=key.startswith(LOCKED_LABELS),
            )
            yield SetLabel(change, host.uuid, key, wanted, overwrite=now is not None)


def cpus(role: RoleProfile, host: FoundHost, _: FoundSystem) -> Iterator[Edit]:
    if host.cpus is None:
        return
    wrong = [each for each in role.cpus if _found_cpus(each, host) != _wanted_cpus(each)]
    if wrong:
        change = Change(
            section="cpus",
            host=host.name,
            subject="functions",
            found=", ".join(f"{each.function} {_found_cpus(each, host)}" for each in wrong),
            wanted=", ".join(f"{each.function} {_wanted_cpus(each)}" for each in wrong),
            needs_lock=True,
        )
        yield SetCpus(change, host.uuid, tuple(wrong))


def memory(role: RoleProfile, host: FoundHost, _: FoundSystem) -> Iterator[Edit]:
    by_node = {each.node: each for each in host.memory or ()}
    for wanted in role.memory:
        now = by_node.get(wanted.node)
        if now is None:
            continue
        fields = {
            name: value
            for name in ("platform_mib", "pages_2m", "pages_1g")
            if (value := getattr(wanted, name)) is not None and value != getattr(now, name)
        }
        if fields:
            change = Change(
                section="memory",
                host=host.name,
                subject=f"node {wanted.node}",
                found=_memory_words(now, fields),
                wanted=_memory_words(wanted, fields),
                needs_lock=True,
            )
            yield SetMemory(
                change, now.uuid, fields.get("platform_mib"), fields.get("pages_2m"), fields.get("pages_1g")
            )


def kernel(role: RoleProfile, host: FoundHost, _: FoundSystem) -> Iterator[Edit]:
    if role.kernel is not None and host.kernel is not None and host.kernel != role.kernel:
        change = Change(
            section="kernel",
            host=host.name,
            subject="provisioned",
            found=host.kernel,
            wanted=role.kernel,
            needs_lock=True,
        )
        yield SetKernel(change, host.uuid, role.kernel)


def filesystems(role: RoleProfile, host: FoundHost, _: FoundSystem) -> Iterator[Edit]:
    if host.filesystems is None:
        return
    known = {each.name: each for each in host.filesystems}
    for name, size in role.filesystems.items():
        now = known.get(name)
        if now is not None and now.size_gib >= size:
            continue
        change = Change(
            section="filesystems",
            host=host.name,
            subject=name,
            found=f"{now.size_gib} GiB" if now else "",
            wanted=f"{size} GiB",
        )
        make = GrowFilesystem if now else AddFilesystem
        yield make(change, host.uuid, name, size)


def disk_of(disks: tuple[FoundDisk, ...], device: str) -> FoundDisk | None:
    return next((disk for disk in disks if device in (disk.node, disk.path)), None)


def _found_cpus(wanted: Cpus, host: FoundHost) -> str:
    mine = [cpu for cpu in host.cpus or () if cpu.function == wanted.function]
    if wanted.cpulist:
        return ranges(cpu.number for cpu in mine)
    counts = {
        node: sum(cpu.node == node and cpu.thread == 0 for cpu in mine)
        for node in {cpu.node for cpu in mine} | set(range(len(wanted.cores)))
    }
    return _by_socket(counts)


def _wanted_cpus(wanted: Cpus) -> str:
    return ranges(numbers(wanted.cpulist)) if wanted.cpulist else _by_socket(dict(enumerate(wanted.cores)))


def _by_socket(counts: dict[int, int]) -> str:
    return " ".join(f"{node}:{count}" for node, count in sorted(counts.items()) if count) or "none"


def numbers(cpulist: str) -> list[int]:
    """`4-6,9` as 4, 5, 6, 9."""
    found: list[int] = []
    for part in cpulist.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def ranges(found: Iterator[int] | list[int]) -> str:
    """4, 5, 6, 9 as `4-6,9`; `none` for nothing."""
    parts: list[list[int]] = []
    for number in sorted(set(found)):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts) or "none"


def _memory_words(of: FoundMemory | Memory, fields: dict[str, int]) -> str:
    words = {"platform_mib": "{} MiB platform", "pages_2m": "{} x 2M", "pages_1g": "{} x 1G"}
    return ", ".join(words[name].format(getattr(of, name)) for name in fields)


DIFFERENCE: dict[Section, Difference] = {
    "labels": labels,
    "interfaces": interfaces,
    "networks": networks,
    "routes": routes,
    "ptp": ptp.of_host,
    "cpus": cpus,
    "memory": memory,
    "kernel": kernel,
    "filesystems": filesystems,
}
