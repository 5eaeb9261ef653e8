"""What must hold inside a site profile, and between it and the sites that use it.

The model has judged each value by itself, and whether it fits the hardware only the site can tell. Here is
what two values of the file say against each other: it would come to light at a locked host, at night.
"""

from collections.abc import Iterator
from typing import Any

from inventory.problems import Data, Finding, Path, entries
from inventory.words import did_you_mean, quoted

_ROLES_OF = {
    "AIO-SX": ("controller",),
    "AIO-DX": ("controller", "worker"),
    "Standard": ("controller", "worker", "storage"),
}


def profile_findings(data: Data) -> Iterator[Finding]:
    profiles = list(entries(data, "site_profiles"))
    yield from _twice(("site_profiles",), profiles, "name", "another site profile")
    for index, profile in profiles:
        at: Path = ("site_profiles", index)
        networks = list(entries(profile, "datanetworks"))
        yield from _twice((*at, "datanetworks"), networks, "name", "another data network")
        known = [network["name"] for _, network in networks if network.get("name")]
        yield from _servers(at, profile)
        yield from _applications(at, profile)
        yield from _certificates(at, profile)
        yield from _ptp(at, profile)
        yield from _attachments(at, profile, known)
        for personality, role in _roles(profile):
            path = (*at, "roles", personality)
            yield from _interfaces(path, role, known)
            yield from _once((*path, "cpus"), list(entries(role, "cpus")), "function")
            yield from _once((*path, "memory"), list(entries(role, "memory")), "node")
            yield from _storage(path, role, profile.get("storage"))
            yield from _routes(path, role)
    yield from _used({profile["name"]: profile for _, profile in profiles if profile.get("name")}, data)


def _servers(path: Path, profile: Data) -> Iterator[Finding]:
    for key in ("dns", "ntp"):
        servers = profile.get(key) or []
        for index, server in enumerate(servers):
            if server is not None and server in servers[:index]:
                yield Finding((*path, key, index), f"{server} stands twice")


def _applications(path: Path, profile: Data) -> Iterator[Finding]:
    """Plain names and mappings alike."""
    seen: dict[str, Path] = {}
    for index, each in enumerate(profile.get("applications") or ()):
        is_mapping = isinstance(each, dict)
        name = each.get("name") if is_mapping else each
        at: Path = (*path, "applications", index, *(("name",) if is_mapping else ()))
        if isinstance(name, str) and seen.setdefault(name, at) != at:
            yield Finding(at, f"{name!r} is already the name of another application", seen[name])


def _certificates(path: Path, profile: Data) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for index, each in entries(profile, "certificates"):
        kind, at = each.get("type"), (*path, "certificates", index, "type")
        if kind not in (None, "ssl_ca") and seen.setdefault(kind, at) != at:
            yield Finding(at, f"a site has one certificate of type {kind}", seen[kind])


def _ptp(path: Path, profile: Data) -> Iterator[Finding]:
    """Instances and their interfaces by name, and that roles name only those."""
    instances = list(entries(profile, "ptp"))
    yield from _twice((*path, "ptp"), instances, "name", "another PTP instance")
    names = [each["name"] for _, each in instances if each.get("name")]
    seen: dict[str, Path] = {}
    for index, instance in instances:
        for number, each in entries(instance, "interfaces"):
            name, at = each.get("name"), (*path, "ptp", index, "interfaces", number, "name")
            if name is not None and seen.setdefault(name, at) != at:
                yield Finding(at, f"{name!r} is already the name of another PTP interface", seen[name])
    for personality, role in _roles(profile):
        of_role: Path = (*path, "roles", personality)
        for number, name in enumerate(role.get("ptp") or ()):
            if name is not None and name not in names:
                message = f"the profile has no PTP instance {quoted(name)}{did_you_mean(name, names)}"
                yield Finding((*of_role, "ptp", number), message)
        if role.get("clock") == "ptp" and not role.get("ptp"):
            yield Finding((*of_role, "clock"), "a host whose clock is set by PTP runs an instance; give ptp")
        for index, each in entries(role, "interfaces"):
            for number, name in enumerate(each.get("ptp") or ()):
                if name is not None and name not in seen:
                    message = f"the profile has no PTP interface {quoted(name)}{did_you_mean(name, seen)}"
                    yield Finding((*of_role, "interfaces", index, "ptp", number), message)


def _attachments(at: Path, profile: Data, datanetworks: list[str]) -> Iterator[Finding]:
    for index, each in entries(profile, "network_attachments"):
        wanted = each.get("datanetwork")
        if wanted is not None and wanted not in datanetworks:
            message = f"the profile has no data network {quoted(wanted)}{did_you_mean(wanted, datanetworks)}"
            yield Finding((*at, "network_attachments", index, "datanetwork"), message)


def _roles(profile: Data) -> Iterator[tuple[str, Data]]:
    roles = profile.get("roles")
    if isinstance(roles, dict):
        yield from ((name, role) for name, role in roles.items() if isinstance(role, dict))


def _twice(path: Path, found: list[tuple[int, Data]], key: str, what: str) -> Iterator[Finding]:
    seen: dict[Any, Path] = {}
    for index, entry in found:
        at = (*path, index, key)
        value = entry.get(key)
        if value is not None and seen.setdefault(value, at) != at:
            yield Finding(at, f"{value!r} is already the {key} of {what}", seen[value])


def _once(path: Path, found: list[tuple[int, Data]], key: str) -> Iterator[Finding]:
    seen: dict[Any, Path] = {}
    for index, entry in found:
        at = (*path, index, key)
        value = entry.get(key)
        if value is not None and seen.setdefault(value, at) != at:
            yield Finding(at, f"{key} {value!r} stands twice in this role", seen[value])


def _interfaces(path: Path, role: Data, datanetworks: list[str]) -> Iterator[Finding]:
    found = list(entries(role, "interfaces"))
    at: Path = (*path, "interfaces")
    yield from _twice(at, found, "name", "another interface of this role")
    yield from _twice(at, found, "port", "another interface of this role")
    names = [each["name"] for _, each in found if each.get("name")]
    carriers: dict[str, str] = {}
    vlans: dict[tuple[str, int], str] = {}
    for index, each in found:
        name = each.get("name") or "this interface"
        for number, below in enumerate(each.get("over") or ()):
            if below is not None and below not in names:
                message = f"no interface of this role is named {below!r}{did_you_mean(below, names)}"
                yield Finding((*at, index, "over", number), message)
        for number, network in enumerate(each.get("networks") or ()):
            if network is not None and carriers.setdefault(network, name) != name:
                message = f"{network} is already on {carriers[network]}; a host has it once"
                yield Finding((*at, index, "networks", number), message)
        for number, wanted in enumerate(each.get("datanetworks") or ()):
            if wanted is not None and wanted not in datanetworks:
                message = (
                    f"the profile has no data network {quoted(wanted)}{did_you_mean(wanted, datanetworks)}"
                )
                yield Finding((*at, index, "datanetworks", number), message)
        if each.get("vlan") is not None and each.get("over"):
            tag = (each["over"][0], each["vlan"])
            if vlans.setdefault(tag, name) != name:
                yield Finding((*at, index, "vlan"), f"VLAN {tag[1]} over {tag[0]} is already {vlans[tag]}")


def _routes(path: Path, role: Data) -> Iterator[Finding]:
    seen: dict[tuple[Any, Any, Any], Path] = {}
    for index, each in entries(role, "routes"):
        route = (each.get("interface"), each.get("to"), each.get("gateway"))
        at: Path = (*path, "routes", index)
        if None not in route and seen.setdefault(route, at) != at:
            yield Finding(at, f"the route to {route[1]} by {route[2]} stands twice", seen[route])


def _storage(path: Path, role: Data, storage: Data | None) -> Iterator[Finding]:
    osds = role.get("osds") or []
    for index, device in enumerate(osds):
        if device is not None and device in osds[:index]:
            yield Finding((*path, "osds", index), f"{device} stands twice")
    if osds and not storage:
        yield Finding((*path, "osds"), "OSDs need storage in the profile, such as {backend: ceph-rook}")
    backend = (storage or {}).get("backend")
    if "ceph" in (role.get("filesystems") or {}) and backend != "ceph-rook":
        message = "a file system named ceph belongs to storage: {backend: ceph-rook}"
        yield Finding((*path, "filesystems", "ceph"), message)


def _used(profiles: dict[str, Data], data: Data) -> Iterator[Finding]:
    for index, site in entries(data, "sites"):
        name = site.get("profile")
        if name is None:
            continue
        profile = profiles.get(name)
        if profile is None:
            message = f"there is no site profile {name!r}{did_you_mean(name, list(profiles))}"
            yield Finding(("sites", index, "profile"), message)
            continue
        yield from _macs(("sites", index), site)
        topology = site.get("topology", "AIO-SX")
        odd = [role for role, _ in _roles(profile) if role not in _ROLES_OF.get(topology, (role,))]
        if odd:
            message = f"{topology} has no {odd[0]} hosts, and profile {name} says what they shall be"
            yield Finding(("sites", index, "profile"), message)
        trouble = _ceph_trouble(profile, topology, site)
        if trouble:
            yield Finding(("sites", index, "profile"), f"profile {name}: {trouble}")


def _macs(path: Path, site: Data) -> Iterator[Finding]:
    """sysinv takes them as they are, and waits for a machine that never comes."""
    for number, host in entries(site, "hosts"):
        mac = host.get("mac")
        if mac and (int(mac[:2], 16) & 1 or not mac.strip("0:")):
            yield Finding((*path, "hosts", number, "mac"), f"{mac} is no address of a port")


def _ceph_trouble(profile: Data, topology: str, site: Data) -> str:
    """Where this site has its monitors, and its OSDs; empty when both can be."""
    storage: Data = profile.get("storage") or {}
    if storage.get("floating_monitor_gib") and topology != "AIO-DX":
        return f"floating_monitor_gib is for AIO-DX; this site is {topology}"
    monitor, is_bare = storage.get("monitor"), storage.get("backend") == "ceph"
    if topology != "Standard":
        return f"monitor is for Standard; this site is {topology}" if monitor else ""
    hosts = [host for _, host in entries(site, "hosts")]
    stores = [host for host in hosts if host.get("personality") == "storage"]
    workers = [host["name"] for host in hosts if host.get("personality") == "worker" and host.get("name")]
    if monitor and stores:
        return f"storage-0 has the third monitor of this site, so {monitor} cannot"
    if monitor and monitor not in workers:
        return f"monitor: this site has no worker {quoted(monitor)}{did_you_mean(monitor, workers)}"
    gives = [role for role, found in _roles(profile) if found.get("osds")]
    if is_bare and stores and "controller" in gives:
        return "this site keeps its data on storage hosts, and OSDs of controllers cannot be beside them"
    if is_bare and not stores and not monitor and (workers or "controller" in gives):
        return "Ceph on controllers wants a third monitor; add monitor: WORKER to storage"
    return ""
