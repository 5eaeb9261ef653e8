"""How one site's Kubernetes API is reached: where, by which CA, as whom.

Either a bearer token with an endpoint, or a kubeconfig that has it all. An endpoint that nobody gives is the
OAM address of the site's first controller with port 6443, which on AIO-SX is the site's; a duplex site's
floating address stands in no host, so it is given. Secrets stay references; the client resolves them.
"""

from dataclasses import dataclass

from inventory.load import Inventory, NotDeclared
from models.inventory import Host, KubernetesAccess

PORT = 6443


@dataclass(frozen=True)
class DeclaredCluster:
    site: str
    hosts: tuple[Host, ...]
    access: KubernetesAccess
    endpoint: str
    """Empty where the kubeconfig has it."""
    ca_bundle: str | None
    """Absolute."""


def declared_cluster(inventory: Inventory, site_name: str) -> DeclaredCluster:
    """Raises `NotDeclared` in words."""
    site = inventory.site(site_name)
    access = site.kubernetes
    if access is None:
        raise NotDeclared(
            f"{inventory.path.name} declares no kubernetes for {site_name}: give a token or a kubeconfig"
        )
    endpoint = access.endpoint or ("" if access.kubeconfig else _by_oam(site.hosts))
    if not endpoint and not access.kubeconfig:
        raise NotDeclared(
            f"{inventory.path.name} says neither where the Kubernetes API of {site_name} is (kubernetes: "
            "{endpoint: https://OAM:6443}) nor the oam of its first controller"
        )
    bundle = str(inventory.resolve_path(access.ca_bundle)) if access.ca_bundle else None
    return DeclaredCluster(site_name, site.hosts, access, endpoint.rstrip("/"), bundle)


def _by_oam(hosts: tuple[Host, ...]) -> str:
    oam = next((host.oam for host in hosts if host.personality == "controller" and host.oam), None)
    if oam is None:
        return ""
    host, colon, port = oam.rpartition(":")
    return f"https://{host if colon and port.isdigit() else oam}:{PORT}"
