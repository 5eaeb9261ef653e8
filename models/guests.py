"""Guests of volumes: which VM writes to an RBD image, and how still it was when its snapshots were taken."""

from typing import Literal

from pydantic import Field

from models.archive import BackupText
from models.base import Duration, Frozen, Name
from models.volumes import MARK, ImageName

Consistency = Literal["quiesced", "stopped", "crash-consistent", "no VM"]
"""quiesced: the guest's file systems were frozen while the snapshots of all its volumes were taken; stopped:
the VM did not run; crash-consistent: as after a power failure; no VM: nobody in Nova has it attached."""


class Guest(Frozen):
    """A VM as Nova shows it now."""

    id: str
    """Nova's and libvirt's UUID of it."""
    name: str
    host: str = ""
    """Of Nova; empty where it is nowhere."""
    status: str = ""
    task: str = ""
    """What Nova does with it at the moment."""

    @property
    def is_stopped(self) -> bool:
        """Nothing writes to its volumes. A suspended one has still to write what is in its memory."""
        return self.status in ("SHUTOFF", "SHELVED", "SHELVED_OFFLOADED") and not self.task


class GuestVolumes(Frozen):
    """The declared volumes of one VM."""

    id: str
    name: str
    volumes: tuple[ImageName, ...]


class FindGuestsRequest(Frozen):
    site: Name
    volumes: tuple[ImageName, ...]
    required: bool
    """Without an answer nothing goes on; else after a few tries it does, in words."""


class FoundGuests(Frozen):
    guests: tuple[GuestVolumes, ...] = ()
    """Each volume at most once."""
    unclear: dict[str, str] = {}
    """Volumes that several VMs have, or nobody knows who, with why they are not quiesced."""
    trouble: str = ""
    """Why nobody can say it; empty where Nova has."""
    attempt: int = 1


class GuestVolume(Frozen):
    volume: ImageName
    image_id: str


class QuiesceRequest(Frozen):
    """Snapshots of all declared volumes of one VM, at one moment of its."""

    site: Name
    fsid: str
    """Of the cluster that was looked at; another one is refused."""
    backup: BackupText
    snapshot: str = Field(pattern=rf"^{MARK}")
    vm: str
    name: str
    volumes: tuple[GuestVolume, ...]
    required: bool
    frozen_at_most: Duration

    @property
    def specs(self) -> tuple[str, ...]:
        """POOL/IMAGE@SNAPSHOT."""
        return tuple(f"{each.volume}@{self.snapshot}" for each in self.volumes)


class Quiesced(Frozen):
    """The snapshots are there."""

    consistency: Consistency
    why: str = ""
    """Why it is no better."""
    left_frozen: bool = False
    """The guest may be frozen: nobody could thaw it, or see that it is thawed."""
    attempt: int = 1
