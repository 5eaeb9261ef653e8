"""The sites of a rehearsal's region, described from the inventory: `simulator/described.py` reads it."""

import uuid
from collections.abc import Mapping
from typing import Any

from inventory.load import Inventory
from models.campaign import CampaignSpec
from models.inventory import Host, Site, Topology
from models.operations import RestoreOperation
from workers.rehearsal_kinds import Setting
from workers.rehearsal_profiles import disks_of, ports_of, profile_of

HOSTS_OF: dict[Topology, tuple[str, ...]] = {
    "AIO-SX": ("controller-0",),
    "AIO-DX": ("controller-0", "controller-1"),
    "Standard": ("controller-0", "controller-1", "worker-0", "worker-1"),
}
"""Where the inventory names none."""
_ORDER = ("controller", "storage", "worker")


def described(
    site: Site, spec: CampaignSpec, inventory: Inventory, setting: Setting, runs: Mapping[str, str]
) -> dict[str, Any]:
    declared = sorted(site.hosts, key=lambda host: (_ORDER.index(host.personality), host.name))
    hosts = [_host(site, host, host.name, host.personality) for host in declared]
    if not hosts or hosts[0]["name"] != "controller-0":
        hosts = [_host(site, None, name, name.partition("-")[0]) for name in HOSTS_OF[site.topology]]
    if setting.has_profiles:
        profile = profile_of(site, inventory.file.site_profiles)
        for host in hosts:
            host["ports"] = ports_of(profile, host["personality"], setting)
            host["disks"] = disks_of(profile, host["personality"])
    before = replaced(site, spec)
    for host in hosts:
        if host["name"] == setting.blank_host:
            host["blank"] = True
        if host["name"] in before:
            host["mac"], _ = before[host["name"]]
    row: dict[str, Any] = {
        "site": site.name,
        "subcloud": site.subcloud_name,
        "region": _number(site, "region").hex,
        "topology": site.topology,
        "hosts": hosts,
    }
    if kind := _ceph(site, inventory, setting):
        row["ceph"] = kind
    return row | ({"runs": runs[site.name]} if site.name in runs else {})


def _ceph(site: Site, inventory: Inventory, setting: Setting) -> str:
    """A site in service has what is declared of it, or what its profile has it configured with."""
    if not has_ceph(setting):
        return ""
    if site.ceph is not None:
        return site.ceph.kind
    profile = profile_of(site, inventory.file.site_profiles) if setting.has_profiles else None
    if profile is None or profile.storage is None:
        return ""
    return "rook" if profile.storage.backend == "ceph-rook" else "bare-metal"


def has_ceph(setting: Setting) -> bool:
    """Its sites are in service, where it can be."""
    return not {"--bare", "--installed", "--bootstrapped"} & {*setting.options}


def replaced(site: Site, spec: CampaignSpec) -> dict[str, tuple[str, str]]:
    """By host, the MAC that it had and the one that it has now."""
    operation = spec.operation
    said = operation.sites.get(site.name) if isinstance(operation, RestoreOperation) else None
    found = {}
    for key, now in (said.replaced if said is not None else {}).items():
        for host in site.hosts:
            macs = {host.mac.lower()} if host.mac else set()
            if host.name == key:
                found[host.name] = (_mac(site, f"{host.name} before"), now.lower())
            elif macs & {key.lower(), now.lower()}:
                found[host.name] = (key.lower(), now.lower())
    return found


def _host(site: Site, declared: Host | None, name: str, personality: str) -> dict[str, Any]:
    mac = declared.mac.lower() if declared is not None and declared.mac else _mac(site, name)
    return {"name": name, "personality": personality, "mac": mac}


def _mac(site: Site, of: str) -> str:
    digits = _number(site, of).hex[:6]
    return f"02:00:5e:{digits[:2]}:{digits[2:4]}:{digits[4:]}"


def _number(site: Site, of: str) -> uuid.UUID:
    """The same in every rehearsal."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{site.system_controller}/{site.name}/{of}")
