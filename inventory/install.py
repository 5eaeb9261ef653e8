"""How one host is installed: the values of host, site and system controller, and where its image is made.

Install values are taken one by one from the nearest that says them, a request before all; where images are
made is taken as a whole. What does not fit together is refused in words, before anything is touched.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from inventory.bmc import declared_host
from inventory.install_checks import complaints
from inventory.load import Inventory, NotDeclared
from models.install_values import InstallValues
from models.inventory import Host
from models.operations import Proof


@dataclass(frozen=True)
class DeclaredInstall:
    site: str
    host: Host
    values: InstallValues
    base: Path
    directory: Path
    url: str
    """The directory, as BMCs reach it; without a slash at its end."""

    def __str__(self) -> str:
        return f"{self.site}/{self.host.name}"


def declared_install(
    inventory: Inventory, site_name: str, host_name: str, said: InstallValues, proof: Proof
) -> DeclaredInstall:
    """Raises `NotDeclared` in words: no such host, nowhere to make images, or values that do not fit."""
    site = inventory.site(site_name)
    host = declared_host(inventory, site, host_name)
    controller = inventory.controller(site.system_controller)
    images = site.boot_images or controller.boot_images
    path = f"{site_name}/{host_name}"
    if images is None:
        raise NotDeclared(
            f"{inventory.path.name} declares no boot_images for {path}, neither at {site_name} nor at "
            f"{controller.name}: declare them, or name an image"
        )
    values = said.over(host.install.over(site.install.over(controller.install)))
    wrong = [f"{key}: {words}" for key, words in complaints(values.model_dump())]
    if wrong:
        raise NotDeclared(f"{path} cannot be installed so: {'; '.join(wrong)}")
    if proof == "ssh":
        _refuse_another_address(path, values, host)
    return DeclaredInstall(
        site=site_name,
        host=host,
        values=values,
        base=inventory.resolve_path(images.base),
        directory=inventory.resolve_path(images.directory),
        url=images.url.rstrip("/"),
    )


def _refuse_another_address(path: str, values: InstallValues, host: Host) -> None:
    """It would install itself, and nobody would answer where an answer is waited for."""
    address = oam_address(host)
    if address is None or values.bootstrap_address in (None, str(address)):
        return
    raise NotDeclared(
        f"{path}: bootstrap_address is {values.bootstrap_address}, and what is installed is to answer by SSH "
        f"at its oam {address}: make them the same, or have it proved by phone-home or sysinv"
    )


def oam_address(host: Host) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None where none is declared, or a name."""
    text = host.oam or ""
    bare = text[1 : text.index("]")] if text.startswith("[") else text.partition(":")[0]
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        return None
