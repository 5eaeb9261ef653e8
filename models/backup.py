"""Requests and results of `BackupSite`, and of what it asks of dcmanager and of the site."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import model_validator

from models.archive import BackupText
from models.base import Duration, Frozen, Name
from models.deploy import SubcloudFacts
from models.operations import check_images
from models.outcome import Outcome
from models.patch import CampaignRef

RECORD, PLATFORM = "record/site.json", "platform/backup.tgz"
"""Names of the objects of a backup."""


class BackupSiteRequest(Frozen):
    """Back up a site's platform through its dcmanager, with a record of what the site is."""

    site: Name
    local: bool = False
    """The archive stays on the site itself, on a partition that an installation leaves alone; otherwise its
    system controller keeps it."""
    registry_images: bool = False
    """With the images of the site's registry; only where the archive stays on the site."""
    user_images: bool = False
    """With the images that users have put into the registry; only with `playbook`."""
    playbook: bool = False
    """By the site's own backup.yml, over SSH: a standalone site, or a system controller."""
    remove: bool = False
    """Once they are in the archive, remove the playbook's archives from the host."""
    verify: bool = False
    """Read it back from the archive in the end, and succeed only where all of it is as it was put."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long an offline site is waited for before it is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy or gated site is waited for before it is `blocked`."""
    backed_up_within: Duration = timedelta(hours=2)
    """dcmanager's playbook takes three to four minutes on an idle site, longer with images."""
    campaign: CampaignRef | None = None

    @model_validator(mode="after")
    def _images_stay(self) -> "BackupSiteRequest":
        if not self.playbook:
            check_images(self.local, self.registry_images)
            if self.user_images or self.remove:
                raise ValueError("user_images and remove go with playbook")
        elif self.local:
            raise ValueError("playbook and local exclude each other: its archives go into the store")
        elif self.registry_images and self.user_images:
            raise ValueError(
                "registry_images and user_images exclude each other: one restore takes one of them"
            )
        return self


class BackupResult(Frozen):
    site: str
    outcome: Outcome
    reason: str
    backup: str = ""
    """Its id in the archive."""
    archive: str = ""
    platform: str = ""
    """Where the platform's archive lies."""
    release: str = ""
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None


# -- activities


class BeginBackupRequest(Frozen):
    site: Name
    region: str
    local: bool
    registry_images: bool
    since: datetime | None
    """When the last good backup had ended as this was decided."""
    status: str
    """`backup-status` as this was decided."""


class AwaitBackupRequest(Frozen):
    site: Name
    region: str
    within: Duration
    silence: Duration = timedelta(minutes=30)
    """The longest stretch without an answer of dcmanager."""


class BackupEnd(Frozen):
    how: Literal["ended", "gone", "silent", "late"]
    """ended: nothing is under way any more, well or not."""
    facts: SubcloudFacts | None = None
    words: str = ""
    attempt: int = 1


class RecordRequest(Frozen):
    """Read what the site is and put it into the backup."""

    backup: BackupText
    site: Name
    region: str
    taken: datetime
    """When the platform's archive was made; dcmanager's is known by it."""
    local: bool
    own: bool = False
    """The site's own backup.yml has made it."""
    registry_images: bool

    @property
    def place(self) -> str:
        if self.own:
            return "own"
        return "local" if self.local else "central"


class CompareRequest(Frozen):
    """Read what the site is and hold it against the record of a backup."""

    backup: BackupText
    site: Name


class Comparison(Frozen):
    """What differs, as a person reads it."""

    recorded: datetime
    differences: tuple[str, ...] = ()
    """The first of them, one a line."""
    remarks: tuple[str, ...] = ()
    """What is else than recorded and no difference, or could not be compared; the first of it."""
    count: int = 0
    compared: int = 0
    """How many facts were held against each other."""
    attempt: int = 1
