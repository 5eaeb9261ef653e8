"""How one site's Ceph is reached: where the `ceph` program runs, as whom, and who lets us in there.

Rook's toolbox is reached through the site's declared Kubernetes API. Bare-metal Ceph is asked on the active
controller over SSH; what `ceph` does not say of that is what `bootstrap` says. Secrets stay references.
"""

from dataclasses import dataclass
from pathlib import Path as FilePath

from inventory.deploy_checks import FIRST, host_of
from inventory.load import Inventory, NotDeclared
from models.bootstrap_files import SshCredential
from models.ceph_access import CephAccess
from models.inventory import Site

SSH_PORT = 22


@dataclass(frozen=True)
class DeclaredLogin:
    """To the controller of bare-metal Ceph."""

    host: str
    port: int
    credential: SshCredential
    host_key: str | None
    known_hosts: FilePath | None
    base: FilePath
    """Where references to files start."""


@dataclass(frozen=True)
class DeclaredCeph:
    site: str
    access: CephAccess
    login: DeclaredLogin | None
    """None: through Kubernetes."""


def declared_ceph(inventory: Inventory, site_name: str) -> DeclaredCeph:
    """Raises `NotDeclared` in words."""
    site = inventory.site(site_name)
    access = site.ceph
    if access is None:
        raise NotDeclared(f"{inventory.path.name} declares no ceph for {site_name}: give ceph: {{kind: ...}}")
    if access.kind == "rook":
        return DeclaredCeph(site_name, access, None)
    return DeclaredCeph(site_name, access, _login(inventory, site, access))


def is_alone(inventory: Inventory, site_name: str) -> bool:
    """One host is the whole site."""
    return inventory.site(site_name).topology == "AIO-SX"


def _login(inventory: Inventory, site: Site, access: CephAccess) -> DeclaredLogin:
    before, name = site.bootstrap, inventory.path.name
    oam = next((host.oam for host in site.hosts if host.name == FIRST), None)
    text = access.address or (before.address if before else None) or oam
    credential = access.credential or (before.credential if before else None)
    host_key, known_hosts = access.host_key, access.known_hosts
    if host_key is None and known_hosts is None and before is not None:
        host_key, known_hosts = before.host_key, before.known_hosts
    if text is None or credential is None or (host_key is None and known_hosts is None):
        raise NotDeclared(
            f"{name} does not say how the controller of {site.name} is logged in to for its Ceph: give "
            "ceph: {address: ..., credential: ..., host_key: ...}, or bootstrap"
        )
    host = host_of(text)
    tail = text.removeprefix(f"[{host}]" if text.startswith("[") else host)
    return DeclaredLogin(
        host=host,
        port=int(tail.removeprefix(":") or SSH_PORT),
        credential=credential,
        host_key=host_key,
        known_hosts=inventory.resolve_path(known_hosts) if known_hosts else None,
        base=inventory.path.parent,
    )
