"""How one host's BMC is reached: the declarations of host, site and system controller put together.

Credential and trust are each taken as a whole from the nearest that declares any; a host that pins its own
certificate is not also measured by its site's CA. Where nobody says anything the system's CAs are asked. The
password stays a reference; whoever logs in resolves it.
"""

from dataclasses import dataclass

from inventory.load import Inventory, NotDeclared
from inventory.words import did_you_mean
from models.inventory import BmcAccess, BmcCredential, HardwareProfile, Host, Site


@dataclass(frozen=True)
class DeclaredBmc:
    site: str
    host: Host
    url: str
    """Scheme, host and port."""
    credential: BmcCredential
    ca_bundle: str | None
    """Absolute."""
    fingerprint: str | None
    unverified: bool
    system: str | None
    profile: HardwareProfile | None


def declared_host(inventory: Inventory, site: Site, name: str) -> Host:
    """Raises `NotDeclared` with words for a person."""
    for host in site.hosts:
        if host.name == name:
            return host
    near = did_you_mean(name, [host.name for host in site.hosts])
    raise NotDeclared(f"{inventory.path.name} has no host {name!r} at {site.name}{near}")


def declared_bmc(inventory: Inventory, site_name: str, host_name: str) -> DeclaredBmc:
    """Raises `NotDeclared` when there is no such host, no BMC or no credential for it."""
    site = inventory.site(site_name)
    host = declared_host(inventory, site, host_name)
    bmc = host.bmc
    if bmc is None:
        raise NotDeclared(f"{inventory.path.name} declares no bmc for {site_name}/{host_name}")
    nearest: tuple[BmcAccess, ...] = (bmc, site.bmc, inventory.controller(site.system_controller).bmc)
    credential = next((each.credential for each in nearest if each.credential), None)
    if credential is None:
        raise NotDeclared(
            f"{inventory.path.name} declares no credential for the BMC of {site_name}/{host_name}: give one "
            f"at the host, at {site_name} or at {site.system_controller}, as bmc: {{credential: ...}}"
        )
    trust = next((each for each in nearest if each.has_trust), BmcAccess())
    return DeclaredBmc(
        site=site_name,
        host=host,
        url=bmc.url,
        credential=credential,
        ca_bundle=str(inventory.resolve_path(trust.ca_bundle)) if trust.ca_bundle else None,
        fingerprint=trust.fingerprint,
        unverified=trust.unverified,
        system=bmc.system,
        profile=next((each for each in inventory.file.hardware_profiles if each.name == host.hardware), None),
    )
