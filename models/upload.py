"""A release brought into a cloud's USM from files on its active controller, and those files brought there."""

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from models.base import Duration, Frozen, Name, Rate
from models.operations import ReleaseId

FilePath = Annotated[str, StringConstraints(pattern=r"^/[^\s\x00]+$")]
"""Absolute: on the active controller of the cloud, or on the workers where Starflock sends it."""


class Sending(Frozen):
    """The files are on the workers' machines, and are brought to the controller by SSH first."""

    folder: FilePath | None = None
    """Where on the controller; the home of the user who logs in where absent. They lie in `starflock-RELEASE`
    below it until USM has them."""
    rate: Rate | None = None
    """The most a second; as fast as it goes where absent."""
    within: Duration = timedelta(hours=12)
    """All of them."""


class UploadReleaseRequest(Frozen):
    site: Name
    """A system controller or a site."""
    release: ReleaseId
    """What the files hold; one that is there already is not uploaded again."""
    files: tuple[FilePath, ...]
    """One .patch, or an .iso with its .sig."""
    send: Sending | None = None
    """Absent: the files are on the active controller already."""
    ready_within: Duration = timedelta(minutes=30)
    """How long a busy, silent or frozen cloud is waited for before the run is `blocked` or `unreachable`."""
    by: str = ""
    """Who asked."""

    @model_validator(mode="after")
    def _belong_together(self) -> "UploadReleaseRequest":
        kinds = sorted(PurePosixPath(file).suffix for file in self.files)
        if kinds not in ([".patch"], [".iso", ".sig"]):
            said = ", ".join(kinds) or "none"
            raise ValueError(f"files are one .patch, or one .iso with its .sig; found {said}")
        return self


class MeasureFilesRequest(Frozen):
    files: tuple[FilePath, ...]


class MeasuredFile(Frozen):
    """A file on a worker's machine as it was when it was measured."""

    path: FilePath
    size: int = Field(ge=1)
    """Bytes."""
    sha256: str
    changed_ns: int
    """Since the epoch, by that machine."""

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


class MeasuredFiles(Frozen):
    files: tuple[MeasuredFile, ...]
    attempt: int = 1


class CarryFileRequest(Frozen):
    """Go on with a file for a while, or until it is there."""

    site: Name
    release: str
    file: MeasuredFile
    folder: FilePath | None
    rate: Rate | None
    lasting: Duration
    """Of real time; whoever asked is told then how far it is."""


class Carried(Frozen):
    """How far a file is on its way to the controller."""

    at: int
    """Bytes that lie there."""
    sent: int = 0
    """Bytes that this attempt sent."""
    path: str = ""
    """There, once it is whole and has the hash of the one that was measured."""
    attempt: int = 1


class DropCarriedRequest(Frozen):
    site: Name
    release: str
    folder: FilePath | None


class DroppedFiles(Frozen):
    words: str
    attempt: int = 1


class SendUploadRequest(Frozen):
    site: Name
    region: str
    release: str
    files: tuple[str, ...]


class AwaitUploadRequest(Frozen):
    site: Name
    release: str
    within: Duration


class UploadStep(Frozen):
    """How the release stands in USM."""

    state: str
    """uploading, available, upload-failed ...; empty where USM does not know it."""
    did: bool = False
    words: str = ""
    attempt: int = 1
