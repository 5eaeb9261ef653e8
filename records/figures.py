"""The arithmetic of a report: percentiles, sites in flight, and the stretches that the log tells of.

The log is text for people. Its lines open with what happened (`Paused by ...`, `Soak after wave 1 ...`), and
that opening word is all that is read here: it turns the log into marks on the timeline. A line that opens
otherwise stays in the log and is not drawn, so a new kind of line can never break a report.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from models.records import CampaignEvent, SiteRun
from records.campaign_report import InFlight, Moment, Percentiles, Span, SpanKind


class Opening(NamedTuple):
    """What a line of the log does to the timeline, by how it opens."""

    pattern: re.Pattern[str]
    kind: SpanKind
    does: Literal["opens", "closes"]


def _opening(pattern: str, kind: SpanKind, does: Literal["opens", "closes"]) -> Opening:
    return Opening(re.compile(pattern, re.IGNORECASE), kind, does)


OPENINGS = (
    _opening(r"resume", "pause", "closes"),
    _opening(r"pause", "pause", "opens"),
    _opening(r"unfrozen|freeze lifted", "freeze", "closes"),
    _opening(r"frozen|freeze", "freeze", "opens"),
    _opening(r"approved", "approval", "closes"),
    _opening(r"wait(s|ing)? for approval", "approval", "opens"),
    _opening(r"soak.*\b(over|passed|ended|failed)\b", "soak", "closes"),
    _opening(r"soak", "soak", "opens"),
)
"""The first that fits counts."""
WAVE_BEGINS = re.compile(r"wave \d+ (begins|starts|began|started)", re.IGNORECASE)


def percentiles(seconds: Iterable[float]) -> Percentiles | None:
    """Nearest rank: the smallest value that at least so many per cent do not exceed."""
    ordered = sorted(seconds)
    if not ordered:
        return None

    def rank(percent: int) -> float:
        return ordered[math.ceil(percent * len(ordered) / 100) - 1]

    return Percentiles(count=len(ordered), p50_s=rank(50), p90_s=rank(90), p95_s=rank(95), max_s=ordered[-1])


def in_flight(runs: Sequence[SiteRun]) -> tuple[InFlight, ...]:
    """Each moment at which the number of sites in work changed. A run that ends as another begins frees
    its place first."""
    changes: Counter[datetime] = Counter()
    for run in runs:
        changes[run.began] += 1
        changes[run.ended] -= 1
    now = 0
    curve = []
    for at in sorted(changes):
        if changes[at]:
            now += changes[at]
            curve.append(InFlight(at=at, sites=now))
    return tuple(curve)


def spans(events: Sequence[CampaignEvent], until: datetime) -> tuple[Span, ...]:
    """Soaks, pauses, waits for approval and freezes; what nobody closed lasts `until`.

    A wave that begins ends the soak and the wait for approval before it.
    """
    open_now: dict[SpanKind, CampaignEvent] = {}
    found: list[Span] = []

    def close(kind: SpanKind, at: datetime, *, still_open: bool = False) -> None:
        opener = open_now.pop(kind, None)
        if opener:
            end = max(at, opener.at)
            found.append(Span(kind=kind, began=opener.at, ended=end, text=opener.text, open=still_open))

    for event in events:
        if WAVE_BEGINS.match(event.text):
            close("soak", event.at)
            close("approval", event.at)
        opening = next((o for o in OPENINGS if o.pattern.match(event.text)), None)
        if opening and opening.does == "opens":
            open_now.setdefault(opening.kind, event)
        elif opening:
            close(opening.kind, event.at)
    for kind in tuple(open_now):
        close(kind, until, still_open=True)
    return tuple(sorted(found, key=lambda span: (span.began, span.kind)))


def moments(events: Sequence[CampaignEvent]) -> tuple[Moment, ...]:
    """Approvals and aborts."""
    found = []
    for event in events:
        text = event.text.lower()
        if text.startswith("approved"):
            found.append(Moment(kind="approved", at=event.at, text=event.text))
        elif text.startswith("abort"):
            found.append(Moment(kind="aborted", at=event.at, text=event.text))
    return tuple(found)
