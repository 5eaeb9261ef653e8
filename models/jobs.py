"""A Job in a site that carries bytes between its storage and a store, without passing here.

What a Job needs to know is in a Secret of its own name; a request says in names what goes into it, and the
activity that creates it fills in the secrets.
"""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from models.archive import BackupText, ChainLink, ObjectEntry, ObjectName
from models.base import Duration, Frozen, Name
from models.volumes import ImageName, PoolName

JOB_OF = "starflock.io/job-of"
"""Label of a Job and its Secret: the run that made them."""


class LinkCarriage(Frozen):
    """What one Job carries: one link of one volume's chain."""

    way: Literal["send", "receive"]
    """send: from the volume into the store."""
    backup: BackupText
    """To which the object belongs."""
    name: ObjectName
    volume: ImageName
    """The image as it is called now: that of a restore under way has another name than the volume."""
    snapshot: str
    """At the link's end."""
    parent: str = ""
    """At its beginning; empty for a full one."""
    leans_on: ChainLink | None = None
    """The parent's object."""
    about: dict[str, str] = {}
    """What the manifest says of the object."""
    entry: ObjectEntry | None = None
    """receive: as a signed manifest has it."""
    key_id: str = ""
    """receive: of the archive's keys, the one that the backup was made with."""

    @property
    def pool(self) -> PoolName:
        return self.volume.split("/")[0]


class JobRequest(Frozen):
    site: Name
    run_id: str
    """Of the workflow: part of the name, and in our mark."""
    number: int = Field(ge=0)
    """Of the Jobs of this run."""
    namespace: str
    image: str
    carriage: LinkCarriage
    within: Duration = timedelta(hours=6)
    """After that Kubernetes ends it."""

    @property
    def name(self) -> str:
        return f"starflock-volume-{self.run_id[:8]}-{self.number}"


class JobStep(Frozen):
    did: bool
    uid: str = ""
    attempt: int = 1


class AwaitJobRequest(Frozen):
    job: JobRequest
    uid: str


class JobEnd(Frozen):
    """How a Job came out."""

    how: Literal["so", "failed", "late", "gone", "silent"]
    words: str = ""
    """Its own, or the cluster's: what it ended with, or waits for."""
    entry: ObjectEntry | None = None
    """send: what is in the store, as the program has vouched for it."""
    attempt: int = 1


class FoundJob(Frozen):
    """One with our mark."""

    namespace: str
    name: str
    uid: str
    run_id: str


class JobsRequest(Frozen):
    site: Name
    namespace: str


class FoundJobs(Frozen):
    found: tuple[FoundJob, ...]
    attempt: int = 1


class RemoveJobRequest(Frozen):
    site: Name
    job: FoundJob
