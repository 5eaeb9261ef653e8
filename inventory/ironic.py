"""How one host is reached through Ironic: which service, which node, and what Ironic is told of its BMC.

The nearest service wins as a whole. A node's name is SITE~HOST: `~` is legal in Ironic's names and in none
of ours, so no two hosts share one. Secrets stay references; whoever enrolls resolves them.
"""

from dataclasses import dataclass

from inventory.bmc import declared_bmc, declared_host
from inventory.load import Inventory, NotDeclared
from models.inventory import BmcCredential, Host, IronicService


@dataclass(frozen=True)
class DeclaredNode:
    site: str
    host: Host
    service: IronicService
    ca_bundle: str | None
    """Of the service; absolute."""
    address: str | None
    """Of the BMC, with scheme; None where the hardware type has none."""
    credential: BmcCredential | None
    verify: bool | str
    """How the conductors verify the BMC: a path of theirs, by their own CAs, or not at all."""
    system: str | None

    @property
    def name(self) -> str:
        return f"{self.site}~{self.host.name}"

    def __str__(self) -> str:
        return f"{self.site}/{self.host.name}"


def declared_node(inventory: Inventory, site_name: str, host_name: str) -> DeclaredNode:
    """Raises `NotDeclared` in words: no Ironic, no host, no BMC, or a trust that Ironic cannot keep."""
    site = inventory.site(site_name)
    host = declared_host(inventory, site, host_name)
    service = site.ironic or inventory.controller(site.system_controller).ironic
    if service is None:
        raise NotDeclared(
            f"{inventory.path.name} declares no ironic for {site_name}, neither there nor at "
            f"{site.system_controller}"
        )
    bundle = str(inventory.resolve_path(service.ca_bundle)) if service.ca_bundle else None
    if service.driver == "fake-hardware":
        return DeclaredNode(site_name, host, service, bundle, None, None, False, None)
    bmc = declared_bmc(inventory, site_name, host_name)
    if bmc.fingerprint:
        raise NotDeclared(
            f"{inventory.path.name} pins the certificate of the BMC of {site_name}/{host_name}, which "
            "Ironic cannot: give its conductors the CA as ironic: {bmc_ca_bundle: ...}"
        )
    verify = False if bmc.unverified else service.bmc_ca_bundle or True
    return DeclaredNode(site_name, host, service, bundle, bmc.url, bmc.credential, verify, bmc.system)
