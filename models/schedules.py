"""Schedules as declared (`schedules.yaml`), and what Temporal is asked to start at their times."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from models.base import Duration, Frozen
from models.campaign import CampaignSpec
from models.drill import DrillSpec

TIME_FORM = "%Y%m%dT%H%M%SZ"
"""What the campaign's name gets for the time at which it was due, in UTC."""
ScheduleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,45}$")]
"""Shorter than other names: the campaigns that it starts add the time."""
Overlap = Literal["skip", "buffer-one", "buffer-all", "cancel-other", "allow-all"]

_FIELDS = r"(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/\d+)?"
_LIST = rf"{_FIELDS}(,{_FIELDS})*"
Cron = Annotated[str, StringConstraints(pattern=rf"^{_LIST}( {_LIST}){{4}}$")]
"""Minute, hour, day of month, month, day of week; Temporal itself judges the values."""


def _not_nothing(every: timedelta) -> timedelta:
    if every < timedelta(minutes=1):
        raise ValueError("expected a duration of at least 1m")
    return every


class ScheduleEntry(Frozen):
    """One schedule."""

    name: ScheduleName
    campaign: Annotated[str, Field(min_length=1)] | None = None
    """The campaign file, relative to this one. Its name gives way to the schedule's, with the time."""
    drill: DrillSpec | None = None
    """Instead: drills of backups, by workers of the queue `starflock-drills`."""
    cron: tuple[Cron, ...] = ()
    """When, e.g. 0 22 * * MON-THU; several are one schedule."""
    every: Annotated[Duration, AfterValidator(_not_nothing)] | None = None
    """Instead or as well: this often."""
    timezone: str = "UTC"
    """IANA name, for cron."""
    overlap: Overlap = "skip"
    """What happens if the campaign before still runs; allow-all: both do."""
    catch_up: Duration = timedelta(minutes=10)
    """Times missed while Temporal was down are made up for if they are no older."""
    jitter: Duration = timedelta(0)
    """Each start is put off by a random part of this."""
    paused: bool = False
    """When it is made; afterwards it is paused and resumed by people."""
    note: str = ""
    """For people; shown beside it."""


class SchedulesFile(Frozen):
    schedules: tuple[ScheduleEntry, ...] = ()


class ScheduledCampaignRequest(Frozen):
    """What a schedule starts: the campaign as it was declared when the schedule was applied."""

    schedule: ScheduleEntry
    campaign: CampaignSpec


class ScheduledDrillRequest(Frozen):
    """What a schedule of drills starts. Without a schedule: what a person starts."""

    drill: DrillSpec
    schedule: ScheduleEntry | None = None


ScheduledRequest = ScheduledCampaignRequest | ScheduledDrillRequest


class ScheduleChange(Frozen):
    """What `apply` did about one schedule."""

    name: str
    did: Literal["created", "updated", "unchanged", "deleted", "left"]
    why: str = ""


class ScheduleStatus(Frozen):
    """A schedule of ours as Temporal has it."""

    name: str
    operation: str
    """`patch to starlingx-26.03.1`."""
    when: str
    overlap: Overlap
    paused: bool
    note: str
    """The declared one, or why it is paused."""
    next: tuple[datetime, ...]
    running: tuple[str, ...]
    """Campaigns that it has started and that run."""
    recent: tuple[datetime, ...]
    missed: int
    """Times that were missed beyond `catch_up`."""
    skipped: int
    """Times that `overlap` skipped."""
    declared: ScheduleEntry
