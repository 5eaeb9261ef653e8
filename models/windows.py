"""When sites may be worked on: windows and blackouts as declared, and what a campaign is told of them.

Declared is a recurrence (an RRULE of RFC 5545) in each site's own time. A campaign's workflow must decide
alike whenever it is replayed, and rules about daylight saving change, so it never computes one: an activity
does, and tells it the next stretches as plain moments in UTC. Sites that share windows, zone and blackouts
share one `Calendar`; those that also need as long share one `WindowGroup`; a site costs one small number.
"""

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from models.base import Duration, Frozen, Name

FREQUENCIES = ("MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY")
_ENDLESS = ("COUNT", "UNTIL", "DTSTART")
_DAYS = {"WEEKLY": ("BYDAY",), "MONTHLY": ("BYDAY", "BYMONTHDAY")}
EXAMPLE = "such as FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=22"


def rrule_parts(rrule: str) -> dict[str, str]:
    """`{"FREQ": "WEEKLY", "BYDAY": "MO,TU"}`. Raises ValueError for what is no list of NAME=VALUE."""
    parts: dict[str, str] = {}
    for part in rrule.upper().removeprefix("RRULE:").split(";"):
        key, equals, value = part.partition("=")
        if not (key and equals and value) or key in parts:
            raise ValueError(f"expected an RRULE {EXAMPLE}")
        parts[key] = value
    return parts


def _checked(rrule: str) -> str:
    """Its occurrences must follow from the rule alone, so it may not lean on the day that it began."""
    from dateutil.rrule import rrulestr

    parts = rrule_parts(rrule)
    frequency = parts.get("FREQ", "")
    if frequency not in FREQUENCIES:
        raise ValueError(f"expected FREQ={', '.join(FREQUENCIES[:-1])} or {FREQUENCIES[-1]}")
    if bound := next((key for key in _ENDLESS if key in parts), ""):
        raise ValueError(f"a window recurs without end: leave {bound} out")
    days = _DAYS.get(frequency, ())
    if days and not any(key in parts for key in days):
        raise ValueError(f"expected {' or '.join(days)} with FREQ={frequency}, {EXAMPLE}")
    if "INTERVAL" in parts and frequency in ("MINUTELY", "HOURLY"):
        raise ValueError("INTERVAL goes with FREQ=DAILY, WEEKLY or MONTHLY")
    try:
        rrulestr(rrule, dtstart=datetime(2001, 1, 1))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"expected an RRULE {EXAMPLE} ({error})") from None
    return rrule


Rrule = Annotated[str, StringConstraints(min_length=5, max_length=400), AfterValidator(_checked)]


def _within_bounds(duration: timedelta) -> timedelta:
    if not timedelta(seconds=1) <= duration <= timedelta(days=7):
        raise ValueError("expected a duration from 1s to 7d")
    return duration


WindowLength = Annotated[Duration, AfterValidator(_within_bounds)]


class MaintenanceWindow(Frozen):
    """When changes may be made at a site, in its own time."""

    name: Name
    rrule: Rrule
    """When it opens, RFC 5545, e.g. FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=22;BYMINUTE=30."""
    duration: WindowLength
    """For how long. Where the clocks change meanwhile, it closes by the clock or after this time, whichever
    comes first."""
    labels: dict[str, str] = {}
    """The sites that have all of these, unless a site says otherwise; none: all sites."""


class Blackout(Frozen):
    """Days on which nothing is begun that could still be under way, in each site's own time."""

    first: date
    last: date
    """Included."""
    reason: str = Field(min_length=1)
    labels: dict[str, str] = {}
    """The sites that have all of these; none: all sites."""

    @model_validator(mode="after")
    def _in_order(self) -> "Blackout":
        if self.last < self.first:
            raise ValueError(f"expected last on or after first, {self.first}; found {self.last}")
        return self


class ForcedWindows(Frozen):
    """A deliberate disregard of windows and blackouts; it stands in the campaign's log."""

    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class WindowPolicy(Frozen):
    """How a campaign judges whether a site can still finish before its window closes."""

    quantile: float = Field(default=0.95, gt=0, le=1)
    """Of the recorded durations: this share of them was at most as long as what is reckoned with."""
    at_least: Duration = timedelta(minutes=10)
    """Never reckoned with less, whatever the records say."""
    unknown: Duration = timedelta(hours=2)
    """Reckoned with where too few runs of the kind are recorded."""
    force: ForcedWindows | None = None
    """Windows and blackouts do not hold this campaign."""


class Opening(Frozen):
    """A stretch of time in which a site may be worked on."""

    begins: datetime
    ends: datetime
    words: str
    """`Mon 2026-11-23 22:00 CET`: when it begins, in the site's own time."""


class Calendar(Frozen):
    """The next openings of sites that share windows, blackouts and time zone."""

    words: str
    """`weeknights, Europe/Berlin`."""
    openings: tuple[Opening, ...]

    @property
    def longest(self) -> timedelta:
        return max((each.ends - each.begins for each in self.openings), default=timedelta(0))


class WindowGroup(Frozen):
    """Sites that share a calendar and need as long."""

    calendar: int
    """Its position in `SiteWindows.calendars`."""
    need: timedelta
    """A site is started only if this much of its window is left."""
    need_from: str
    """What the need rests on, in words."""


class SiteWindows(Frozen):
    """What holds a campaign's sites by the clock, as the inventory and the records say it now."""

    sites: tuple[str, ...]
    group_of: tuple[int, ...]
    """For each of `sites` its position in `groups`; -1: at any time."""
    groups: tuple[WindowGroup, ...]
    calendars: tuple[Calendar, ...]
    read: datetime


class ForceWindowsRequest(Frozen):
    """Let sites that wait start outside of their windows."""

    sites: tuple[Name, ...] = Field(min_length=1)
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
