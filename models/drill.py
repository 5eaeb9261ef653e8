"""A drill: what was proven of a backup without its site, what was not, and the mark that says so."""

from datetime import datetime
from typing import Literal

from pydantic import Field, field_validator

from models.archive import BackupText
from models.base import Frozen
from models.campaign import Selector
from models.inventory import Topology

DrillStep = Literal["whole", "asked for", "readable", "simulated", "restored", "as recorded", "accepted"]
"""In the order in which they are proven; none is tried after one that failed.

whole: every byte read, decrypted, held against the signed manifest, with all that it leans on. asked for: the
backup has what a restore asks for, and is of the site as it is declared. readable: the platform's archive has
the structure of one. simulated: there is a twin of its release. restored: the twin was wiped, installed and
restored from it. as recorded: the restored twin is what the record says; not asked of a real platform, which
nothing boots. accepted: and it is well."""


class DrillCheck(Frozen):
    name: DrillStep
    passed: bool
    found: str
    """In words."""


class Drill(Frozen):
    """The outcome of one drill. Kept beside the backup's manifest, signed as that is."""

    backup: BackupText
    at: datetime
    """When it began."""
    ended: datetime
    checks: tuple[DrillCheck, ...]
    not_proven: tuple[str, ...] = ()
    """What it says nothing about."""

    @property
    def good(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def why(self) -> str:
        """Of one that failed; empty otherwise."""
        return next((f"{check.name}: {check.found}" for check in self.checks if not check.passed), "")


class TwinHost(Frozen):
    name: str
    personality: str
    mac: str


class Twin(Frozen):
    """A site by its record, as the simulator takes it (`--twin`)."""

    site: str
    subcloud: str
    region: str
    topology: Topology
    hosts: tuple[TwinHost, ...]


class Content(Frozen):
    """What the platform's archive looks like from inside."""

    kind: Literal["platform", "simulated", "encrypted", "unreadable"]
    """platform: a compressed tar, as backup.yml makes it; simulated: a simulated site's."""
    members: int = 0
    words: str = ""


class DrillSpec(Frozen):
    """Which backups are to be drilled, one after the other: the newest of those sites that have been without
    a drill for longest."""

    select: Selector = Selector(all=True)
    count: int = Field(default=1, ge=1, le=100)
    """So many sites; a drill takes a minute or two, and more of a large archive."""

    @field_validator("select")
    @classmethod
    def _nobody_is_asked(cls, select: Selector) -> Selector:
        if select.groups:
            raise ValueError("expected labels, names or all: dcmanager is not asked for groups here")
        return select


class DrillCandidate(Frozen):
    """A site that has an archive."""

    site: str
    backup: str = ""
    """Its newest; empty: none has a manifest."""
    drilled: datetime | None = None
    """When any backup of it was drilled last."""
    trouble: str = ""
    """In words, why nothing can be said of it."""


class DrillCandidates(Frozen):
    candidates: tuple[DrillCandidate, ...]
    polled: bool
    """Somebody takes drills."""


class DrillBackupRequest(Frozen):
    site: str
    backup: BackupText
    since: datetime
    """What was drilled later was drilled for this request."""


class DrillEnd(Frozen):
    site: str
    backup: str
    good: bool
    why: str = ""
    """Of one that is not."""


class DrillsResult(Frozen):
    drills: tuple[DrillEnd, ...]
    left_out: tuple[str, ...] = ()
    """Sites that nothing could be drilled of, and why."""
