"""A release brought into a cloud's USM from files that lie on its active controller."""

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import StringConstraints, model_validator

from models.base import Duration, Frozen, Name
from models.operations import ReleaseId

FilePath = Annotated[str, StringConstraints(pattern=r"^/[^\s\x00]+$")]
"""Absolute, on the active controller of the cloud."""


class UploadReleaseRequest(Frozen):
    site: Name
    """A system controller or a site."""
    release: ReleaseId
    """What the files hold; one that is there already is not uploaded again."""
    files: tuple[FilePath, ...]
    """One .patch, or an .iso with its .sig."""
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
