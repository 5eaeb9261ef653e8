"""Where backups lie: the system controller's vault, and each site's own platform-backup partition.

Both keep one backup of a release, which the next good one replaces; the vault has a folder for each subcloud
and release (`/opt/dc-vault/backups/NAME/RELEASE`), the partition outlives an installation. A local backup
may have the registry's images beside it, a central one never has.
"""

from dataclasses import dataclass, field

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


@dataclass
class Vault:
    _kept: dict[tuple[str, str, bool], Archive] = field(default_factory=dict)

    def put(self, subcloud: str, archive: Archive) -> None:
        self._kept[(subcloud, archive.release, archive.local)] = archive

    def get(self, subcloud: str, release: str, *, local: bool) -> Archive | None:
        return self._kept.get((subcloud, release, local))

    def drop(self, subcloud: str, release: str, *, local: bool) -> bool:
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
