"""Where backups lie: the system controller's vault, and each site's own platform-backup partition.

Both keep one backup of a release, which the next good one replaces; the vault has a folder for each subcloud
and release (`/opt/dc-vault/backups/NAME/RELEASE`), the partition outlives an installation. A local backup
may have the registry's images beside it, a central one never has.
"""

from dataclasses import dataclass, field
from typing import Protocol

VAULT = "/opt/dc-vault/backups"
PARTITION = "/opt/platform-backup/backups"


@dataclass
class Archive:
    """One backup of one site."""

    name: str
    release: str
    content: bytes
    taken: str
    local: bool
    has_images: bool = False


class Shelf(Protocol):
    """A host's folder with the central archives, where one is simulated."""

    def put(self, subcloud: str, release: str, name: str, content: bytes) -> None: ...
    def get(self, subcloud: str, release: str) -> bytes | None: ...
    def drop(self, subcloud: str, release: str) -> object: ...


@dataclass
class Vault:
    shelf: Shelf | None = None
    _kept: dict[tuple[str, str, bool], Archive] = field(default_factory=dict)

    def put(self, subcloud: str, archive: Archive) -> None:
        if self.shelf is not None and not archive.local:
            self.shelf.put(subcloud, archive.release, archive.name, archive.content)
        self._kept[(subcloud, archive.release, archive.local)] = archive

    def get(self, subcloud: str, release: str, *, local: bool) -> Archive | None:
        if self.shelf is not None and not local:
            content = self.shelf.get(subcloud, release)
            # dcmanager restores what lies there, whoever has put it there.
            return Archive("", release, content, "", local) if content is not None else None
        return self._kept.get((subcloud, release, local))

    def drop(self, subcloud: str, release: str, *, local: bool) -> bool:
        if self.shelf is not None and not local:
            self.shelf.drop(subcloud, release)
        return self._kept.pop((subcloud, release, local), None) is not None

    def path(self, subcloud: str, archive: Archive) -> str:
        if archive.local:
            return f"{PARTITION}/{archive.release}/{archive.name}"
        return f"{VAULT}/{subcloud}/{archive.release}/{archive.name}"

    def of(self, subcloud: str) -> list[dict[str, object]]:
        """For whoever looks behind the APIs."""
        return [
            {
                "path": self.path(name, each),
                "release": each.release,
                "local": each.local,
                "taken": each.taken,
                "images": each.has_images,
            }
            for (name, _, _), each in self._kept.items()
            if name == subcloud
        ]
