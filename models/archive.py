"""A backup in the archive: its id, its objects, the manifest that makes it one, and what is known of it.

A backup is begun, its objects are put one by one, and the signed manifest is written last; what has no
manifest is no backup. Its id holds the run that makes it, so that two writers never share one: the store is
asked for no lock and no conditional write. Each object may lean on an object of an earlier backup (an
incremental difference on what it is a difference to).
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from models.base import Duration, Frozen, Name

BackupKind = Literal["full", "platform", "volumes", "controller"]
"""full: platform and volumes; controller: of a system controller itself."""
ObjectKind = Literal[
    "platform", "registry", "images", "record", "volume", "ceph-map", "ceph-auth", "ceph-config"
]
ObjectName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*(/[A-Za-z0-9][A-Za-z0-9._@+-]*)*$", max_length=400
    ),
]
"""Within its backup, e.g. platform/backup.tgz or volumes/rbd/vm-17."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
BACKUP_PATTERN = (
    r"^(?P<site>[A-Za-z0-9][A-Za-z0-9._-]{0,62})/"
    r"(?P<began>\d{8}T\d{6}Z)-(?P<kind>[a-z]+)-(?P<run>[0-9a-f]{8})$"
)
BackupText = Annotated[str, StringConstraints(pattern=BACKUP_PATTERN)]
"""A BackupId as people and stores write it: edge-0001/20261122T013417Z-full-1a2b3c4d."""
STAMP = "%Y%m%dT%H%M%SZ"


class BackupId(Frozen):
    site: Name
    began: datetime
    """UTC, to the second."""
    kind: BackupKind
    run: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
    """The first eight digits of the workflow run that makes it."""

    @field_validator("began")
    @classmethod
    def _to_the_second(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("expected a time with its zone")
        return value.astimezone(UTC).replace(microsecond=0)

    @classmethod
    def of(cls, site: str, began: datetime, kind: BackupKind, run_id: str) -> "BackupId":
        return cls(site=site, began=began, kind=kind, run=run_id[:8])

    @classmethod
    def parse(cls, text: str) -> "BackupId":
        """Raises ValueError."""
        found = re.fullmatch(BACKUP_PATTERN, text)
        if found is None:
            raise ValueError(
                f"expected a backup such as edge-0001/20261122T013417Z-full-1a2b3c4d, found {text!r}"
            )
        fields: dict[str, Any] = found.groupdict()
        fields["began"] = datetime.strptime(fields["began"], STAMP).replace(tzinfo=UTC)
        return cls.model_validate(fields)

    @property
    def folder(self) -> str:
        """Without the site."""
        return f"{self.began:{STAMP}}-{self.kind}-{self.run}"

    def __str__(self) -> str:
        return f"{self.site}/{self.folder}"


class ChainLink(Frozen):
    """The object of another backup, without which this one says nothing."""

    backup: BackupText
    name: ObjectName
    sha256: Sha256
    """Of its plaintext."""


class ObjectEntry(Frozen):
    """One object as it stands in the store."""

    name: ObjectName
    kind: ObjectKind
    size: int = Field(ge=0)
    """Bytes before encryption."""
    sha256: Sha256
    """Of these bytes."""
    stored_size: int = Field(ge=0)
    stored_sha256: Sha256
    """Of the bytes as they are stored, so that damage is found without a key."""
    parts: int = Field(ge=1)
    parent: ChainLink | None = None
    about: dict[str, str] = {}
    """What a restore has to know, by the writer's own names, e.g. pool, image, snapshot."""


class Elsewhere(Frozen):
    """Something that belongs to the backup and is kept by others: named, but under no hash of ours."""

    name: ObjectName
    kind: ObjectKind
    where: str
    """In words, e.g. `dcmanager of sc-1, /opt/dc-vault/backups/subcloud1/24.09`."""


class Origin(Frozen):
    """What was backed up, so that a restore can tell that it is the wrong one."""

    region: str
    """sysinv's name of the site's region."""
    system_controller: str
    release: str
    """The site's software, e.g. 24.09.300."""
    topology: str
    """AIO-SX, AIO-DX or Standard."""
    what: str = ""
    """In words for a person."""


class Manifest(Frozen):
    """All of a backup. What it says is true for the store only as far as its signature holds."""

    format: Literal[1] = 1
    backup: BackupText
    origin: Origin
    began: datetime
    ended: datetime
    key_id: Name
    objects: tuple[ObjectEntry, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    locked_until: datetime | None = None
    """The store's own object lock."""

    @property
    def id(self) -> BackupId:
        return BackupId.parse(self.backup)

    @property
    def stored_size(self) -> int:
        return sum(each.stored_size for each in self.objects)

    def entry(self, name: str) -> ObjectEntry:
        """Raises KeyError."""
        for each in self.objects:
            if each.name == name:
                return each
        raise KeyError(name)


Complaint = Literal[
    "no manifest",
    "not signed by a known key",
    "of another place",
    "missing",
    "other size",
    "damaged",
    "not decryptable",
    "chain broken",
]


class Fault(Frozen):
    """What is wrong with a backup, and with which of its objects."""

    complaint: Complaint
    name: str = ""
    """The object; empty for the manifest."""
    words: str


class Verification(Frozen):
    """What a look at a whole backup found. Kept beside its manifest, signed as that is."""

    backup: BackupText
    at: datetime
    deep: bool
    """Decrypted and held against the hashes of the plaintext, and with it all that it leans on."""
    objects: int
    stored_size: int
    faults: tuple[Fault, ...] = ()

    @property
    def good(self) -> bool:
        return not self.faults


class CatalogueEntry(Frozen):
    """A backup as the listing of its store shows it; whether it is sound only `verify` says."""

    backup: BackupText
    archive: Name
    state: Literal["good", "unverified", "bad", "unfinished", "expiring"]
    """good, bad: as its last verification found it; unverified: has a manifest; unfinished: has none;
    expiring: somebody deletes it, or died over it."""
    size: int = 0
    """Stored bytes, of everything in it."""
    objects: int = 0
    verified: datetime | None = None
    """When it was looked at last, whatever was found."""
    drilled: datetime | None = None
    """When its last drill ended."""
    drill: Literal["", "good", "bad"] = ""
    """How that ended."""
    in_use: tuple[str, ...] = ()
    """Run ids of the restores that hold it."""
    legal_hold: bool = False

    @property
    def id(self) -> BackupId:
        return BackupId.parse(self.backup)

    @property
    def is_sound(self) -> bool:
        """As far as anybody has looked."""
        return self.state in ("good", "unverified")


class RetentionFact(Frozen):
    """What the rule of retention has to know of one backup."""

    entry: CatalogueEntry
    has_manifest: bool
    leans_on: tuple[BackupText, ...] | None = ()
    """Other backups, on whose objects its own do; None: its manifest cannot be read."""
    locked_until: datetime | None = None


class RetentionVerdict(Frozen):
    backup: BackupText
    goes: bool
    why: str


class OpenBackupRequest(Frozen):
    backup: BackupId


class OpenedBackup(Frozen):
    backup: BackupText
    archive: Name
    key_id: Name
    bytes_per_second: int | None = None


class PutDocumentRequest(Frozen):
    """A small object whose content is at hand; large ones are put by the activity that reads them."""

    backup: BackupText
    name: ObjectName
    kind: ObjectKind
    text: str
    about: dict[str, str] = {}


class PutObject(Frozen):
    entry: ObjectEntry
    attempt: int = 1


class SealRequest(Frozen):
    backup: BackupText
    origin: Origin
    ended: datetime
    objects: tuple[ObjectEntry, ...] = ()
    """As they were returned when they were put; each is looked at in the store before anything is signed."""
    elsewhere: tuple[Elsewhere, ...] = ()


class BackupRef(Frozen):
    backup: BackupText


class VerifyBackupRequest(Frozen):
    backup: BackupText | Name
    """A site stands for its newest backup."""
    deep: bool = False
    """Decrypt, too."""


class HoldRequest(Frozen):
    """A restore that uses a backup, from before its first step until after its last."""

    backup: BackupText
    run_id: Name
    why: str


class LegalHoldRequest(Frozen):
    """A person keeps a backup whatever the retention says, or lets it go."""

    backup: BackupText
    hold: bool
    owner: str
    reason: str


class CatalogueRequest(Frozen):
    sites: tuple[str, ...] = ()
    """None: all that are declared."""
    every: bool = False
    """Each backup of them, and not the newest only."""


class Holding(Frozen):
    """What the archive has of one site."""

    site: str
    archive: str
    """Empty: none takes it."""
    newest: CatalogueEntry | None = None
    """Of those with a manifest."""
    backups: int = 0
    """With a manifest."""
    unfinished: int = 0
    size: int = 0
    entries: tuple[CatalogueEntry, ...] = ()
    """Where every one was asked for, newest first."""
    trouble: str = ""
    """In words, why nothing can be said of it."""
    older_good: CatalogueEntry | None = None
    """The newest that no verification found bad, where `newest` is none."""
    stale_after: Duration | None = None
    unverified_after: Duration | None = None
    """As its archive is declared."""
    stale: str = ""
    unverified: str = ""
    """In words, why it is; empty: it is not."""

    @property
    def good(self) -> CatalogueEntry | None:
        """The newest good one."""
        return self.newest if self.newest is not None and self.newest.is_sound else self.older_good


class Catalogue(Frozen):
    holdings: tuple[Holding, ...]


class SiteNames(Frozen):
    sites: tuple[str, ...]


class Expired(Frozen):
    site: str
    verdicts: tuple[RetentionVerdict, ...] = ()
    """Of every backup; what goes is gone unless only a plan was asked for."""
    trouble: str = ""
    """In words, why nothing was decided."""


class ExpireBackupsRequest(Frozen):
    sites: tuple[str, ...] = ()
    """None: all that are declared."""
    plan: bool = False
    """Say what would go."""


class ExpiredBackups(Frozen):
    sites: tuple[Expired, ...]
    """Where something goes, would go, or could not be decided; all that were named."""
    looked_at: int = 0
