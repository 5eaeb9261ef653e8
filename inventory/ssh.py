"""How a system controller's or a site's own active controller is reached by SSH. Secrets stay references."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from inventory.bootstrap import SSH_PORT
from inventory.deploy_checks import FIRST, host_of
from inventory.load import Inventory, NotDeclared
from inventory.text import refused
from models.bootstrap_files import SshAccess


@dataclass(frozen=True)
class DeclaredShell:
    name: str
    """Whose host it is."""
    access: SshAccess
    host: str
    port: int
    known_hosts: Path | None
    base: Path
    """Where references to files start."""


def declared_shell(
    inventory: Inventory, site_name: str, door: Literal["controller", "site"]
) -> DeclaredShell:
    """Raises `NotDeclared` and `FileErrors`. A system controller is a site of its own, by its name."""
    controllers = {each.name: each for each in inventory.file.system_controllers}
    if door == "site" and site_name in inventory:
        site = inventory.site(site_name)
        oam = next((host.oam for host in site.hosts if host.name == FIRST), None)
        access, name = site.ssh, site.name
        if access is None and site.is_controller:
            access = controllers[site.name].ssh
    else:
        controller = controllers.get(site_name) or inventory.controller(
            inventory.site(site_name).system_controller
        )
        access, name = controller.ssh, controller.name
        oam = None
    if access is None:
        raise NotDeclared(
            f"{inventory.path.name} declares no ssh for {name}: give "
            "ssh: {credential: {password: ...}, host_key: ...}"
        )
    if name in controllers:
        oam = oam or urlsplit(controllers[name].auth_url).hostname
    text = access.address or oam
    if text is None:
        raise NotDeclared(
            f"{inventory.path.name} says nowhere how {name} is reached by SSH: give ssh: {{address: ...}}"
        )
    known_hosts = inventory.resolve_path(access.known_hosts) if access.known_hosts else None
    if known_hosts is not None and not known_hosts.is_file():
        raise refused(inventory.path.name, f"{name}: ssh.known_hosts: there is no {known_hosts}")
    host, port = address_of(text)
    return DeclaredShell(name, access, host, port, known_hosts, inventory.path.parent)


def address_of(text: str) -> tuple[str, int]:
    """Of HOST[:PORT]."""
    host = host_of(text)
    tail = text.removeprefix(f"[{host}]" if text.startswith("[") else host)
    return host, int(tail.removeprefix(":") or SSH_PORT)
