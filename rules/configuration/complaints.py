"""What of a profile cannot be for this very site: said before the first change, all of it at once.

sysinv would refuse most of this at some point, when half of the rest is done; some of it (an OSD on a disk
that holds something) it would take.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from models.configuration import FoundHost, FoundSystem
from models.profile import Interface, RoleProfile, SiteProfile
from rules.configuration.host import disk_of, numbers
from rules.configuration.interfaces import found_interface
from rules.configuration.routes import found_route

MIB_OF_PAGE = {"2m": 2, "1g": 1024}
SHOWN = 12
OF_SYSTEM_CONTROLLER = "system-controller"
"""How the names of its address pools begin on a subcloud."""


def of_site(profile: SiteProfile, found: FoundSystem) -> Iterator[str]:
    backends = found.backends or {}
    wanted = profile.storage
    other = next((each for each in backends if each.startswith("ceph")), None)
    if wanted is not None and other is not None and other != wanted.backend:
        yield f"storage: the site has {other}, and it cannot be exchanged for {wanted.backend}"
    for instance in profile.ptp:
        there = (found.ptp or {}).get(instance.name)
        if there is not None and there.service != instance.service:
            yield f"ptp: {instance.name} is of {there.service}, and it cannot become {instance.service}"
    for network in profile.datanetworks:
        known = (found.datanetworks or {}).get(network.name)
        if known is not None and known[1] != network.type:
            yield f"data network {network.name} is of type {known[1]}, and it cannot become {network.type}"

    for role in profile.roles.values():
        for route in role.routes:
            yield from _overlaps(ip_network(route.to), found)


def _overlaps(to: IPv4Network | IPv6Network, found: FoundSystem) -> Iterator[str]:
    """A default route leads everywhere and is meant to; the system controller is reached by routes, too."""
    for name, subnet in (found.subnets or {}).items():
        if name.startswith(OF_SYSTEM_CONTROLLER):
            continue
        other = ip_network(subnet, strict=False)
        if to.prefixlen and to.version == other.version and to.overlaps(other):
            yield f"routes: {to} overlaps the site's own network {name} ({other})"


def of_host(role: RoleProfile, host: FoundHost) -> Iterator[str]:
    for each in role.interfaces:
        yield from _interface(each, role, host)
    yield from _cpus(role, host)
    yield from _memory(role, host)
    yield from _filesystems(role, host)
    yield from _disks(role, host)
    yield from _routes(role, host)


def _interface(wanted: Interface, role: RoleProfile, host: FoundHost) -> Iterator[str]:
    if host.interfaces is None or host.ports is None:
        return
    if wanted.type != "ethernet":
        names = {each.name for each in host.interfaces} | {each.name for each in role.interfaces}
        missing = [each for each in wanted.over if each not in names]
        if missing:
            yield f"{host.name}: {wanted.name} is over {', '.join(missing)}, which it does not have"
        return
    port = next((each for each in host.ports if each.name == wanted.port), None)
    if port is None:
        has = ", ".join(each.name for each in host.ports[:SHOWN]) or "none"
        yield f"{host.name}: there is no port {wanted.port} for {wanted.name}; it has {has}"
        return
    if wanted.vfs and wanted.vfs > port.total_vfs:
        most = f"at most {port.total_vfs}" if port.total_vfs else "none"
        yield f"{host.name}: {wanted.vfs} virtual functions on {port.name}; it offers {most}"
    now = found_interface(wanted, host)
    if now is None:
        over = next((each.name for each in host.interfaces if wanted.port in each.ports), "another interface")
        yield f"{host.name}: port {wanted.port} is part of {over}, so {wanted.name} cannot be made of it"


def _cpus(role: RoleProfile, host: FoundHost) -> Iterator[str]:
    if host.cpus is None:
        return
    cores: dict[int, int] = {}
    for cpu in host.cpus:
        if cpu.thread == 0:
            cores[cpu.node] = cores.get(cpu.node, 0) + 1
    asked: dict[int, int] = {}
    known = {cpu.number for cpu in host.cpus}
    for each in role.cpus:
        for node, count in enumerate(each.cores):
            asked[node] = asked.get(node, 0) + count
        if each.cpulist and not set(numbers(each.cpulist)) <= known:
            last = max(known, default=0)
            yield f"{host.name}: {each.function} cores {each.cpulist}; its logical cores end at {last}"
    for node, count in sorted(asked.items()):
        if count > cores.get(node, 0):
            yield f"{host.name}: {count} cores of socket {node} are given away; it has {cores.get(node, 0)}"


def _memory(role: RoleProfile, host: FoundHost) -> Iterator[str]:
    if host.memory is None:
        return
    by_node = {each.node: each for each in host.memory}
    for wanted in role.memory:
        now = by_node.get(wanted.node)
        if now is None:
            has = ", ".join(str(node) for node in sorted(by_node))
            yield f"{host.name}: there is no NUMA node {wanted.node}; it has {has}"
            continue
        platform = now.platform_mib if wanted.platform_mib is None else wanted.platform_mib
        small = now.pages_2m if wanted.pages_2m is None else wanted.pages_2m
        large = now.pages_1g if wanted.pages_1g is None else wanted.pages_1g
        if platform < now.minimum_platform_mib:
            yield (
                f"{host.name}: {platform} MiB for the platform on node {wanted.node}; sysinv wants at least "
                f"{now.minimum_platform_mib}"
            )
        # sysinv's total is what it can give away; the platform's share is not part of it.
        pages = small * MIB_OF_PAGE["2m"] + large * MIB_OF_PAGE["1g"]
        free = now.total_mib + now.platform_mib - platform
        if pages > free:
            yield (
                f"{host.name}: {small} x 2M and {large} x 1G are {pages} MiB of huge pages on node "
                f"{wanted.node}; {free} MiB are there for them"
            )


def _filesystems(role: RoleProfile, host: FoundHost) -> Iterator[str]:
    if host.filesystems is None:
        return
    sizes = {each.name: each.size_gib for each in host.filesystems}
    growth = sum(max(size - sizes.get(name, 0), 0) for name, size in role.filesystems.items())
    if growth > host.free_gib:
        yield f"{host.name}: file systems grow by {growth} GiB; cgts-vg has {host.free_gib} GiB left"


def _routes(role: RoleProfile, host: FoundHost) -> Iterator[str]:
    if host.routes is None or host.interfaces is None:
        return
    names = {each.name for each in host.interfaces} | {each.name for each in role.interfaces}
    for wanted in role.routes:
        if wanted.interface not in names:
            yield f"{host.name}: there is no interface {wanted.interface} for the route to {wanted.to}"
        now = found_route(wanted, host)
        if now is not None and now.metric != wanted.metric:
            yield (
                f"{host.name}: the route to {wanted.to} by {wanted.gateway} has metric {now.metric}, and "
                f"sysinv does not change it to {wanted.metric}: delete the route first"
            )


def _disks(role: RoleProfile, host: FoundHost) -> Iterator[str]:
    if host.disks is None:
        return
    for device in role.osds:
        disk = disk_of(host.disks, device)
        if disk is None:
            has = ", ".join(each.node for each in host.disks[:SHOWN]) or "none"
            yield f"{host.name}: there is no disk {device} for an OSD; it has {has}"
        elif disk.used_by == "rootfs":
            yield f"{host.name}: {device} is the root disk; an OSD cannot be made of it"
        elif disk.used_by and disk.used_by != "osd":
            yield f"{host.name}: {device} is in use ({disk.used_by}); an OSD cannot be made of it"
