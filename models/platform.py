"""Platform archives on a host, on their way into the store and back: what is asked of the host, and what it
says.

The names are those of StarlingX's `backup.yml`: `HOST_platform_backup_STAMP.tgz`, with the registry's images
(`_image_registry_backup_`) or the users' own (`_user_images_backup_`), a system controller's vault
(`_dc_vault_backup_`) and others beside it; `.gpg` at the end where the playbook has encrypted it.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from models.archive import BackupText, Manifest, ObjectKind, ObjectName, Sha256
from models.base import Frozen, Name

Door = Literal["controller", "site"]
"""Whose host: the system controller's, with dcmanager's vault; or the site's own."""
FileName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*_backup_[A-Za-z0-9._@+-]+\.tgz(\.gpg)?$"),
]
Folder = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._@+-]+)+$")]
VAULT, PARTITION = "/opt/dc-vault/backups", "/opt/platform-backup/backups"
"""dcmanager's, central and local."""
OWN = "/opt/backups"
"""Of a playbook that a person or Starflock runs."""
FOLDER_OF_STORE = "platform/"
_KINDS: tuple[tuple[str, ObjectKind], ...] = (
    ("_image_registry_backup_", "registry"),
    ("_user_images_backup_", "images"),
)
PLATFORM_MARK = "_platform_backup_"


class PlatformFile(Frozen):
    """One archive on a host, measured there."""

    folder: Folder
    name: FileName
    size: int = Field(ge=1)
    """Bytes."""
    sha256: Sha256
    changed: datetime
    """By the host's clock."""

    @property
    def kind(self) -> ObjectKind:
        return next((kind for mark, kind in _KINDS if mark in self.name), "platform")

    @property
    def is_platform(self) -> bool:
        """And no companion of one."""
        return PLATFORM_MARK in self.name

    @property
    def object(self) -> ObjectName:
        return FOLDER_OF_STORE + self.name

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}"


class OwnArchive(Frozen):
    """One archive of a backup that the site's own backup.yml has made."""

    name: ObjectName
    """In the backup."""
    file: FileName
    """As the playbook has named it, and as it has to be named where it is restored."""
    size: int
    """Bytes."""

    @property
    def holds(self) -> Literal["platform", "registry", "user images", "vault", "another"]:
        """vault: dcmanager's, of a system controller; another: what no step of a restore takes."""
        return next((kind for mark, kind in _HOLDS if mark in self.file), "another")

    @property
    def is_encrypted(self) -> bool:
        """By the playbook, with a passphrase of its own."""
        return self.file.endswith(".gpg")


_HOLDS: tuple[tuple[str, Literal["platform", "registry", "user images", "vault"]], ...] = (
    (PLATFORM_MARK, "platform"),
    ("_image_registry_backup_", "registry"),
    ("_user_images_backup_", "user images"),
    ("_dc_vault_backup_", "vault"),
)


def own_archives(manifest: Manifest) -> tuple[OwnArchive, ...]:
    """Empty where dcmanager has made the backup: what it keeps on a site lies in another folder."""
    return tuple(
        OwnArchive(name=each.name, file=each.about["file"], size=each.size)
        for each in manifest.objects
        if each.about.get("folder") == OWN
    )


class FindPlatformRequest(Frozen):
    site: Name
    door: Door
    folder: Folder
    since: datetime | None = None
    """Only what was written from then on, by the host's clock."""


class FoundPlatform(Frozen):
    files: tuple[PlatformFile, ...] = ()
    """The oldest first."""
    host: str = ""
    """USER@HOST:PORT"""
    attempt: int = 1


class TakePlatformRequest(Frozen):
    """Bring one archive into the backup, as it was measured."""

    backup: BackupText
    site: Name
    door: Door
    file: PlatformFile


class PutPlatformBackRequest(Frozen):
    """Bring one object of a backup back to where it was taken."""

    backup: BackupText
    site: Name
    door: Door
    folder: Folder
    name: ObjectName


class PlatformPut(Frozen):
    """Of a host, after something was put there or taken away."""

    words: str
    attempt: int = 1


class DropPlatformRequest(Frozen):
    """Remove archives that are in the store, where they are still the same."""

    site: Name
    door: Door
    files: tuple[PlatformFile, ...]
