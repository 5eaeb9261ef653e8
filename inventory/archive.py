"""Which archive a site's backups go to, and what it is reached with. Secrets stay references here.

The first archive whose labels the site has takes it. A backup is looked for where its site's backups go now:
who moves sites to another archive keeps the labels of the old ones until their backups are gone.
"""

from dataclasses import dataclass
from pathlib import Path

from inventory.load import Inventory, NotDeclared
from models.archive_access import ArchiveTarget


@dataclass(frozen=True)
class DeclaredArchive:
    target: ArchiveTarget
    base: Path
    """Where references to files start."""
    directory: Path | None
    ca_bundle: str | None
    """Both absolute."""


def archive_of(inventory: Inventory, site_name: str) -> ArchiveTarget | None:
    """None where no archive takes the site. A system controller is a site without labels of its own
    where it is declared as none. Raises `NotDeclared` for a site that nobody declared."""
    controllers = {each.name for each in inventory.file.system_controllers}
    is_bare = site_name in controllers and site_name not in inventory
    labels = {} if is_bare else inventory.site(site_name).labels
    return next((each for each in inventory.file.archives if each.labels.items() <= labels.items()), None)


def declared_archive(inventory: Inventory, site_name: str) -> DeclaredArchive:
    """Raises `NotDeclared` in words."""
    target = archive_of(inventory, site_name)
    if target is None:
        raise NotDeclared(
            f"{inventory.path.name} has no archive that takes {site_name}: give archives: [{{name: ..., "
            "s3: {...}, keys: [...]}]"
        )
    return DeclaredArchive(
        target=target,
        base=inventory.path.parent,
        directory=inventory.resolve_path(target.directory) if target.directory else None,
        ca_bundle=str(inventory.resolve_path(target.s3.ca)) if target.s3 and target.s3.ca else None,
    )
