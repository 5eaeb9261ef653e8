"""Ceph's RBD volumes in a backup: which ones are declared, what is there, and chains of their changes.

A volume is kept as a chain of links: a full one, then what changed between two snapshots. Each snapshot that
we take carries the backup's mark in its name, and stays in the site as long as the next link needs it. A link
counts once its backup's manifest is sealed; the site's snapshots say what can still be compared.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from models.archive import BackupText, Manifest, ObjectEntry
from models.base import Duration, Frozen, Name
from models.ceph import CephSample

MARK = "starflock-"
"""Every snapshot of ours begins so; the backup's id without its site follows."""
PLAIN = r"[A-Za-z0-9][A-Za-z0-9._@+-]*"
PoolName = Annotated[str, StringConstraints(pattern=rf"^{PLAIN}$", max_length=128)]
IMAGE_PATTERN = rf"^{PLAIN}/{PLAIN}$"
ImageName = Annotated[str, StringConstraints(pattern=IMAGE_PATTERN, max_length=256)]
"""POOL/IMAGE, as an archive can name an object by it."""


def is_under_way(volume: str) -> bool:
    """An image that somebody restores into: no volume yet."""
    return f".{MARK}" in volume


class ClaimSelector(Frozen):
    """Volumes behind PersistentVolumeClaims."""

    labels: str = Field(min_length=1)
    """A label selector as kubectl takes it, e.g. backup=daily."""
    namespace: str = ""
    """Of the claims; all namespaces where empty."""

    def __str__(self) -> str:
        return f"{self.labels} in {self.namespace or 'all namespaces'}"


class ClaimedVolumes(Frozen):
    """What claims come to."""

    volumes: dict[str, str] = {}
    """POOL/IMAGE, with the claim's NAMESPACE/NAME."""
    missing: tuple[str, ...] = ()
    """In words."""


class VolumePolicy(Frozen):
    """Which of a site's volumes a backup has, and how they get to the store."""

    pools: tuple[PoolName, ...] = ()
    """All images of these pools."""
    images: tuple[ImageName, ...] = ()
    claims: tuple[ClaimSelector, ...] = ()
    links: int = Field(default=7, ge=1, le=100)
    """A full link is due again after so many in a chain: a restore has to read all of them."""
    full_every: Duration = timedelta(days=7)
    """Or when the chain's full link is this old."""
    job_image: str = ""
    """Container image with Starflock and the `rbd` program, as the site pulls it. It sends from the site."""
    namespace: str = Field(default="starflock", min_length=1)
    """In which its Jobs run; it has to be there."""
    within: Duration = timedelta(hours=6)
    """So long one volume may take."""
    quiesce: Literal["try", "require", "never"] = "try"
    """Whether guests of the site's `openstack` are still while snapshots of their volumes are taken. try:
    where one cannot be, its volumes are kept as after a power failure, and the backup says so; require: then
    nothing is kept."""
    frozen_at_most: Duration = timedelta(seconds=20)
    """So long a guest is frozen; it thaws by itself then."""
    libvirt_namespace: str = Field(default="openstack", min_length=1)
    """Of the pods of libvirt, through which guests are reached."""
    libvirt: str = Field(default="application=libvirt,component=libvirt", min_length=1)
    """Their labels, as openstack-helm's chart has them; one pod on each compute."""

    @field_validator("frozen_at_most")
    @classmethod
    def _short(cls, value: timedelta) -> timedelta:
        if not timedelta(seconds=1) <= value <= timedelta(minutes=2):
            raise ValueError("expected a time from 1s to 2m, such as 20s")
        return value


class Snapshot(Frozen):
    name: str
    size_bytes: int
    """The volume's when it was taken."""


class Volume(Frozen):
    """An RBD image as it is."""

    pool: str
    image: str
    id: str
    """RBD's own: an image that was made anew under the same name has another one."""
    size_bytes: int
    claim: str = ""
    """NAMESPACE/NAME of the claim that selected it."""
    snapshots: tuple[Snapshot, ...] = ()

    @property
    def spec(self) -> str:
        return f"{self.pool}/{self.image}"


class VolumeLink(Frozen):
    """One volume's part of one backup whose manifest is sealed."""

    volume: ImageName
    image_id: str
    snapshot: str
    """At its end."""
    parent: str = ""
    """The snapshot that it begins at; empty for a full link."""
    backup: BackupText
    at: datetime
    size_bytes: int
    """The volume's at that time."""
    claim: str = ""
    vm: str = ""
    """The VM that had it, by its name."""
    consistency: str = ""
    """How still it was: models.guests.Consistency; empty where nobody was asked."""
    why: str = ""
    """Why it was not stiller."""
    entry: ObjectEntry | None = None
    """The object, as the signed manifest has it."""
    key_id: str = ""
    """Of the archive's keys, the one that its backup was made with."""

    @classmethod
    def of(cls, manifest: Manifest, entry: ObjectEntry) -> "VolumeLink":
        """Raises ValueError for an object that was not written as a link."""
        return cls.model_validate(
            {**entry.about, "backup": manifest.backup, "entry": entry, "key_id": manifest.key_id}
        )


class LinkPlan(Frozen):
    """What one backup takes of one volume."""

    volume: Volume
    snapshot: str
    parent: str = ""
    why: str
    """Why it is full, or since when the changes are taken."""
    depth: int = 1
    """Its place in the chain, from 1."""
    still: dict[str, str] = {}
    """`vm`, `consistency` and `why` of its link, where guests are asked."""

    @property
    def name(self) -> str:
        """Of its object."""
        return f"volumes/{self.volume.spec}"

    def about(self, at: datetime) -> dict[str, str]:
        """What a link is made of again, from its manifest."""
        return {
            "volume": self.volume.spec,
            "image_id": self.volume.id,
            "snapshot": self.snapshot,
            "parent": self.parent,
            "at": at.isoformat(),
            "size_bytes": str(self.volume.size_bytes),
            "claim": self.volume.claim,
            **self.still,
        }


class KnownVolumesRequest(Frozen):
    site: Name
    backup: BackupText | None = None
    """The links of this one and of all that it leans on. None: those that a next one could lean on."""


class KnownVolumes(Frozen):
    links: tuple[VolumeLink, ...] = ()
    attempt: int = 1


class VolumeRef(Frozen):
    site: Name


class FoundVolumes(Frozen):
    """What the declared selection comes to."""

    policy: VolumePolicy | None = None
    """None: the inventory declares no volumes for the site, and nobody has looked."""
    cluster: CephSample | None = None
    """As it is; one that fills up takes no snapshots."""
    volumes: tuple[Volume, ...] = ()
    missing: tuple[str, ...] = ()
    """Declared by name, and not there; each in words."""
    asks_guests: bool = False
    """The site has declared guests, and the policy asks them."""
    attempt: int = 1


class SnapshotRequest(Frozen):
    site: Name
    fsid: str
    """Of the cluster that was looked at; another one is refused."""
    volume: ImageName
    image_id: str
    snapshot: str = Field(pattern=rf"^{MARK}")


class VolumeStep(Frozen):
    """What is true after a change: it is as it was asked for."""

    did: bool
    """Something was changed, in this attempt or one before."""
    attempt: int = 1


class TargetRequest(Frozen):
    """An image that a chain is restored into."""

    site: Name
    fsid: str
    """Of the cluster that was looked at; another one is refused."""
    volume: ImageName
    """Its name in the end."""
    mark: str = Field(pattern=rf"^{MARK}")
    """The snapshot that is restored."""
    snapshots: tuple[str, ...] = ()
    """That it has when it is complete, in their order."""

    @property
    def under_way(self) -> str:
        """Its name until then."""
        return f"{self.volume}.{self.mark}"


class TargetFound(Frozen):
    """What stands where a volume is to be restored."""

    taken: bool
    """An image has the volume's name."""
    begun: bool
    """A restore of this very snapshot has begun."""
    snapshots: tuple[str, ...] = ()
    """Of what was begun, in the order in which they were taken: the links that are in."""
    snapshots_of_volume: tuple[str, ...] = ()
    """Of the image that has the name."""
    attempt: int = 1


class BackUpClusterRequest(Frozen):
    site: Name
    backup: BackupText


class ClusterObjects(Frozen):
    """The cluster's own metadata, as it is in the archive."""

    entries: tuple[ObjectEntry, ...] = ()
    """None: the inventory declares no volumes for the site."""
    attempt: int = 1
