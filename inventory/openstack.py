"""How one site's OpenStack is reached: its Keystone, as whom, by which CA; and what a test VM is made of.

It is not the platform's Keystone: the application stx-openstack brings one of its own, at the addresses that
its `endpoint_domain` gives, with users of its own. Secrets stay references; the client resolves them.
"""

from dataclasses import dataclass

from inventory.load import Inventory, NotDeclared
from models.inventory import Host, OpenstackAccess


@dataclass(frozen=True)
class DeclaredOpenstack:
    site: str
    hosts: tuple[Host, ...]
    access: OpenstackAccess
    ca_bundle: str | None
    """Absolute."""


def declared_openstack(inventory: Inventory, site_name: str) -> DeclaredOpenstack:
    """Raises `NotDeclared` in words."""
    site = inventory.site(site_name)
    access = site.openstack
    if access is None:
        raise NotDeclared(
            f"{inventory.path.name} declares no openstack for {site_name}: give its Keystone as "
            "openstack: {auth_url: ..., credential: {password: ...}}"
        )
    bundle = str(inventory.resolve_path(access.ca_bundle)) if access.ca_bundle else None
    return DeclaredOpenstack(site_name, site.hosts, access, bundle)
