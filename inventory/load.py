"""The inventory as declared: one file, validated as a whole, with the look-ups that everybody needs.

`load_inventory` either returns an `Inventory` in which every reference holds, or raises one `FileErrors`
with all mistakes and their lines. The content hash names the exact bytes, so that a record made later can
say which version of the file a campaign was started from.
"""

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import Any

from inventory.inventory_checks import findings
from inventory.text import read_content
from inventory.validate import read_model
from inventory.words import did_you_mean
from models.inventory import InventoryFile, Site, SystemController


class NotDeclared(LookupError):
    """The inventory has no site or controller of this name."""


class Inventory:
    """A validated inventory file. Immutable; paths in it are relative to the file."""

    __slots__ = ("_by_subcloud", "_controllers", "_sites", "content_hash", "file", "path")

    file: InventoryFile
    path: Path
    """Absolute, so that it holds when the process changes its directory."""
    content_hash: str
    """The first 16 hexadecimal digits of the SHA-256 of the file's bytes."""
    _sites: dict[str, Site]
    _controllers: dict[str, SystemController]
    _by_subcloud: dict[tuple[str, str], Site]

    def __init__(self, file: InventoryFile, path: str | Path, content_hash: str = "") -> None:
        set_once = partial(object.__setattr__, self)
        set_once("file", file)
        set_once("path", Path(os.path.abspath(path)))
        set_once("content_hash", content_hash)
        set_once("_sites", {site.name: site for site in file.sites})
        set_once("_controllers", {controller.name: controller for controller in file.system_controllers})
        set_once("_by_subcloud", {(site.system_controller, site.subcloud_name): site for site in file.sites})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"an Inventory is immutable; {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an Inventory is immutable; {name} cannot be deleted")

    def __contains__(self, name: object) -> bool:
        """Whether a site of this name is declared."""
        return name in self._sites

    @property
    def sites(self) -> tuple[Site, ...]:
        """In file order."""
        return self.file.sites

    def site(self, name: str) -> Site:
        """Raises `NotDeclared` with words for a person."""
        try:
            return self._sites[name]
        except KeyError:
            near = did_you_mean(name, self._sites)
            raise NotDeclared(f"{self.path.name} has no site {name!r}{near}") from None

    def controller(self, name: str) -> SystemController:
        """Raises `NotDeclared` with words for a person."""
        try:
            return self._controllers[name]
        except KeyError:
            near = did_you_mean(name, self._controllers)
            raise NotDeclared(f"{self.path.name} has no system controller {name!r}{near}") from None

    def by_subcloud(self, controller: str, subcloud: str) -> Site | None:
        """The site that dcmanager of `controller` calls `subcloud`; None where nobody declared it."""
        return self._by_subcloud.get((controller, subcloud))

    def resolve_path(self, relative: str | Path) -> Path:
        """A path as the file means it: relative to the directory of the file; `~` is the home."""
        return self.path.parent / Path(relative).expanduser()


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def load_inventory(path: str | Path) -> Inventory:
    """Reads and validates `inventory.yaml`. Raises `FileErrors` with every problem of the file."""
    absolute = Path(os.path.abspath(Path(path).expanduser()))
    content = read_content(absolute, str(path))
    check = partial(findings, directory=absolute.parent)
    return Inventory(read_model(InventoryFile, content, str(path), check), absolute, hash_of(content))
