"""Where backups go: a bucket of an S3 store or a directory, with which keys, how fast, for how long kept."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from models.base import Duration, Frozen, Name, SecretRef

Bucket = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
"""S3's own rule for names; shorter ones are refused by every store, by some without a word."""
StoreUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/[^\s]*)?$")]
Prefix = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")
]


class S3Store(Frozen):
    """A bucket that exists; Ceph's RGW is the reference."""

    endpoint: StoreUrl
    """e.g. https://rgw.example.com:7480; buckets are addressed by path."""
    bucket: Bucket
    region: str = "default"
    """RGW's zone group, or the region of AWS."""
    ca: str | None = None
    """PEM file, relative to the inventory, that signed the store's certificate. None: the system's CAs."""


class StoreCredential(Frozen):
    """Who Starflock is at an S3 store."""

    access_key: SecretRef
    secret_key: SecretRef


class ArchiveKey(Frozen):
    """One secret of 32 bytes; the keys of every backup and the signature of manifests are derived of it."""

    id: Name
    """Stands in every manifest that was made with it."""
    secret: SecretRef
    """Base64 or hexadecimal, such as `openssl rand -base64 32` says."""


class ObjectLock(Frozen):
    """The store itself refuses to delete for so long; the bucket has to be made with it."""

    mode: Literal["governance", "compliance"]
    keep: Duration
    """At least as long as the longest chain of increments is read."""


class Retention(Frozen):
    """Which backups of a site are kept; each kind of backup is counted by itself."""

    last: int = Field(default=7, ge=1)
    """The newest so many."""
    daily: int = Field(default=7, ge=0)
    """Of each of the last so many days that have one, the newest."""
    weekly: int = Field(default=4, ge=0)
    """Of each of the last so many ISO weeks that have one, the newest."""
    monthly: int = Field(default=12, ge=0)
    """Of each of the last so many months that have one, the newest."""
    unfinished: Duration = timedelta(days=7)
    """So long after its begin, what is left of a backup that never ended is taken away."""


class ArchiveTarget(Frozen):
    """A place for backups. The first whose labels fit is a site's."""

    name: Name
    labels: dict[str, str] = {}
    """It takes the sites that have all of these; none: every site."""
    s3: S3Store | None = None
    directory: str | None = None
    """Relative to the inventory; seen by every worker. For small sites and trials."""
    prefix: Prefix | None = None
    """Everything stands below it, where a bucket is shared."""
    credential: StoreCredential | None = None
    sender: StoreCredential | None = None
    """For what runs inside the sites and sends from there: may read and write, need not delete. `credential`
    where absent."""
    keys: tuple[ArchiveKey, ...] = Field(min_length=1)
    """The first makes new backups; the others read what was made before. An old one stays for as long as a
    backup of it."""
    bytes_per_second: int | None = Field(default=None, ge=1024)
    """The most that one site sends; None: as fast as it goes."""
    retention: Retention = Retention()
    stale_after: Duration = timedelta(days=2)
    """A site whose newest good backup is older is told as stale."""
    unverified_after: Duration = timedelta(days=30)
    """A site whose newest good backup was not verified for so long is told as unverified."""
    object_lock: ObjectLock | None = None
    read_only: bool = False
    """Nothing is written there, marks included: for who only looks and restores."""

    @model_validator(mode="after")
    def _is_one_place(self) -> "ArchiveTarget":
        if (self.s3 is None) == (self.directory is None):
            raise ValueError("expected one of s3 and directory")
        if self.s3 is not None and self.credential is None:
            raise ValueError("expected credential: {access_key: ..., secret_key: ...} for s3")
        if self.s3 is None and (self.credential or self.sender or self.object_lock):
            raise ValueError("credential, sender and object_lock mean something only with s3")
        return self
