"""When windows are open: recurrences in a site's own time, less its blackouts, as moments in UTC.

A window opens when its RRULE says so on the site's clocks. An hour that the clocks skip in spring moves the
opening to the first moment after it; an hour that comes twice in autumn opens it the first time. It closes by
the clock or after its duration, whichever comes first: with "22:00 for 6 h" nobody is promised more than six
hours, and nobody finds work under way after 04:00. A window that lies within the skipped hour does not come
that day.

Windows that touch or overlap are one stretch, and what a blackout covers is cut away. An RRULE without
INTERVAL depends on nothing but itself; one with INTERVAL is counted from Monday, 2001-01-01.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from models.windows import Blackout, MaintenanceWindow, Opening, rrule_parts

HORIZON = timedelta(days=400)
"""No opening is looked for beyond."""
COUNTED_FROM = datetime(2001, 1, 1)


class Stretch(NamedTuple):
    begins: datetime
    ends: datetime


def openings(
    windows: Sequence[MaintenanceWindow],
    blackouts: Sequence[Blackout],
    timezone: str,
    now: datetime,
    limit: int,
) -> tuple[Opening, ...]:
    """The first `limit` stretches that end after `now`; no windows: whatever the blackouts leave."""
    zone = ZoneInfo(timezone)
    until = now + HORIZON
    if windows:
        found: Iterator[Stretch] = iter(merge(*(_occurrences(each, zone, now, until) for each in windows)))
    else:
        found = iter([Stretch(now, until)])
    black = sorted(_days(blackout, zone) for blackout in blackouts)
    kept = [
        Opening(begins=stretch.begins, ends=stretch.ends, words=local(stretch.begins, zone))
        for stretch in _first(_without(_joined(found), black), now, limit)
    ]
    return tuple(kept)


def local(moment: datetime, zone: ZoneInfo) -> str:
    """`Mon 2026-11-23 22:00 CET`."""
    there = moment.astimezone(zone)
    return f"{there:%a %Y-%m-%d %H:%M} {there.tzname()}"


def _first(stretches: Iterator[Stretch], now: datetime, limit: int) -> Iterator[Stretch]:
    for stretch in stretches:
        if limit <= 0:
            return
        if stretch.ends > now:
            limit -= 1
            yield stretch


def _occurrences(
    window: MaintenanceWindow, zone: ZoneInfo, now: datetime, until: datetime
) -> Iterator[Stretch]:
    """In order, from one that may be open now."""
    earliest = (now.astimezone(zone) - window.duration - timedelta(days=1)).replace(tzinfo=None)
    midnight = datetime.combine(earliest.date(), time())
    is_counted = rrule_parts(window.rrule).get("INTERVAL", "1") != "1"
    rule = rrulestr(window.rrule, dtstart=COUNTED_FROM if is_counted else midnight)
    last = until.astimezone(zone).replace(tzinfo=None)
    for begins in takewhile(lambda begins: begins <= last, rule.xafter(midnight, inc=True)):
        stretch = _stretch(begins, window.duration, zone)
        if stretch.begins < stretch.ends:
            yield stretch


def _stretch(begins: datetime, duration: timedelta, zone: ZoneInfo) -> Stretch:
    opens = _moment(begins, zone)
    return Stretch(opens, min(opens + duration, _moment(begins + duration, zone)))


def _moment(on_the_clock: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the site's clocks show this, or would have."""
    return on_the_clock.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _days(blackout: Blackout, zone: ZoneInfo) -> Stretch:
    return Stretch(_midnight(blackout.first, zone), _midnight(blackout.last + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return _moment(datetime.combine(day, time()), zone)


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    current: Stretch | None = None
    for stretch in stretches:
        if current is None:
            current = stretch
        elif stretch.begins <= current.ends:
            current = Stretch(current.begins, max(current.ends, stretch.ends))
        else:
            yield current
            current = stretch
    if current is not None:
        yield current


def _without(stretches: Iterable[Stretch], black: Sequence[Stretch]) -> Iterator[Stretch]:
    for stretch in stretches:
        begins = stretch.begins
        for out in black:
            if out.ends <= begins or out.begins >= stretch.ends:
                continue
            if begins < out.begins:
                yield Stretch(begins, out.begins)
            begins = out.ends
        if begins < stretch.ends:
            yield Stretch(begins, stretch.ends)
