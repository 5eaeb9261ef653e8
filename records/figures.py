"""The arithmetic of a report: percentiles, sites in flight, and the stretches that the log tells of.

The log is text for people. Whenever a campaign's phase changes, a line of it opens with the new phase
(`paused by ...`, `waiting for approval ...`, `wave 2 of 3: ...`), and that opening is all that is read here:
a stretch lasts from the line that tells of its phase to the first that tells of another. A line that opens
otherwise stays in the log and is not drawn, so a new kind of line can never break a report.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from models.records import CampaignEvent, SiteRun
from records.campaign_report import InFlight, Moment, MomentKind, Percentiles, Span, SpanKind


class Phase(NamedTuple):
    """How a line opens that tells of a phase; `kind` is None where sites are being started, or no longer."""

    opening: re.Pattern[str]
    kind: SpanKind | None


def _phase(opening: str, kind: SpanKind | None) -> Phase:
    return Phase(re.compile(opening, re.IGNORECASE), kind)


PHASES = (
    _phase(r"paused", "pause"),
    _phase(r"frozen", "freeze"),
    _phase(r"waiting for approval", "approval"),
    _phase(r"wave \d+ of \d+: .*ended; soak", "soak"),
    _phase(r"waiting for a window, ", None),
    _phase(r"wave \d+ of \d+: ", None),
    _phase(r"(resumed|aborted|done)\b", None),
)
"""The first that fits counts."""
MOMENTS: tuple[tuple[re.Pattern[str], MomentKind], ...] = (
    (re.compile(r"after-wave-\d+ is approved by", re.IGNORECASE), "approved"),
    (re.compile(r"aborted\b", re.IGNORECASE), "aborted"),
)


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
    """Soaks, pauses, waits for approval and freezes, in order; one that nothing ended lasts `until`."""
    found: list[Span] = []
    for event in events:
        phase = next((phase for phase in PHASES if phase.opening.match(event.text)), None)
        if phase is None:
            continue
        current = found[-1] if found and found[-1].open else None
        if current and current.kind == phase.kind:
            continue
        if current:
            ended = max(current.began, event.at)
            found[-1] = current.model_copy(update={"ended": ended, "open": False})
        if phase.kind:
            end = max(until, event.at)
            found.append(Span(kind=phase.kind, began=event.at, ended=end, text=event.text, open=True))
    return tuple(found)


def moments(events: Sequence[CampaignEvent]) -> tuple[Moment, ...]:
    """Approvals and the abort, each where the log first tells of it."""
    found: list[Moment] = []
    for event in events:
        kind = next((kind for opening, kind in MOMENTS if opening.match(event.text)), None)
        if kind == "approved" or (kind and kind not in {moment.kind for moment in found}):
            found.append(Moment(kind=kind, at=event.at, text=event.text))
    return tuple(found)
