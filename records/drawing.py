"""The geometry of the report's drawings: where things stand, in the units of each SVG's viewBox.

Only numbers and texts are made here; the templates turn them into SVG, so that every text passes the same
escaping as the rest of the page. Coordinates are rounded to a tenth of a unit: at a thousand sites the
digits are most of the file.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from records.campaign_report import CampaignReport, Percentiles, SiteRow, Timeline
from records.wording import clock, length

WIDTH = 1080.0
LEFT, RIGHT = 44.0, 24.0
CHART_TOP, CHART_HEIGHT = 34.0, 150.0
GANTT_LEFT, GANTT_ROW = 130.0, 11.0
GANTT_SITES = 300
"""Above this many sites single bars say nothing any more."""
GANTT_CHUNK = 60
"""Sites a drawing, so that a printed page holds it whole."""
STEP_STYLES = 8
TICKS_S = (1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800)
BINS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)


class Tick(NamedTuple):
    at: float
    label: str


class Box(NamedTuple):
    x: float
    width: float
    style: str
    title: str


class Pin(NamedTuple):
    """A numbered mark above the chart; the number leads to the list below it."""

    x: float
    lane: int
    number: int
    kind: str
    title: str


class Chart(NamedTuple):
    """Sites in flight over time."""

    height: float
    top: float
    base: float
    area: str
    peak: int
    levels: tuple[Tick, ...]
    ticks: tuple[Tick, ...]
    waves: tuple[Tick, ...]
    spans: tuple[Box, ...]
    pins: tuple[Pin, ...]


class Bar(NamedTuple):
    site: str
    letter: str
    y: float
    end: float
    title: str
    runs: tuple[Box, ...]
    steps: tuple[Box, ...]


class Gantt(NamedTuple):
    height: float
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]


class Bin(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    title: str


class Histogram(NamedTuple):
    bins: tuple[Bin, ...]
    ticks: tuple[Tick, ...]
    lines: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    base: float
    height: float


class Scale(NamedTuple):
    """Time to x."""

    began: datetime
    seconds: float
    left: float

    def x(self, at: datetime) -> float:
        share = (at - self.began).total_seconds() / self.seconds
        return round(self.left + share * (WIDTH - RIGHT - self.left), 1)

    def box(self, began: datetime, ended: datetime, style: str, title: str, least: float = 0.5) -> Box:
        x = self.x(began)
        return Box(x=x, width=max(least, round(self.x(ended) - x, 1)), style=style, title=title)

    def ticks(self) -> tuple[Tick, ...]:
        step = next((step for step in TICKS_S if self.seconds / step <= 10), TICKS_S[-1])
        first = math.ceil(self.began.timestamp() / step) * step
        found = []
        for offset in range(int((self.began.timestamp() + self.seconds - first) // step) + 1):
            at = datetime.fromtimestamp(first + offset * step, tz=self.began.tzinfo)
            found.append(Tick(at=self.x(at), label=clock(at, seconds=step < 60, days=step >= 86_400)))
        return tuple(found)


def scale_of(timeline: Timeline, left: float) -> Scale:
    seconds = max(1.0, (timeline.ended - timeline.began).total_seconds())
    return Scale(began=timeline.began, seconds=seconds, left=left)


def chart(report: CampaignReport) -> Chart:
    timeline = report.timeline
    scale = scale_of(timeline, LEFT)
    top, base = CHART_TOP, CHART_TOP + CHART_HEIGHT
    levels = _levels(report.peak_in_flight)
    unit = CHART_HEIGHT / levels[-1]
    path = [f"M{scale.x(timeline.began)} {base}"]
    for point in timeline.in_flight:
        path.append(f"H{scale.x(point.at)}V{round(base - point.sites * unit, 1)}")
    path.append(f"H{scale.x(timeline.ended)}V{base}Z")
    return Chart(
        height=base + 22,
        top=top,
        base=base,
        area="".join(path),
        peak=report.peak_in_flight,
        levels=tuple(Tick(at=round(base - level * unit, 1), label=str(level)) for level in levels),
        ticks=scale.ticks(),
        waves=_waves(report, scale),
        spans=tuple(scale.box(s.began, s.ended, s.kind, s.text, least=2) for s in timeline.spans),
        pins=_pins(timeline, scale),
    )


def _waves(report: CampaignReport, scale: Scale) -> tuple[Tick, ...]:
    """Where the first site of a wave began; a label too near to the one before it is left out."""
    ticks: list[Tick] = []
    labelled = -math.inf
    for wave in sorted(report.waves, key=lambda wave: wave.began):
        x = scale.x(wave.began)
        ticks.append(Tick(at=x, label=f"wave {wave.name}" if x - labelled > 48 else ""))
        labelled = x if ticks[-1].label else labelled
    return tuple(ticks)


def _pins(timeline: Timeline, scale: Scale) -> tuple[Pin, ...]:
    """In two lanes, the freer one first, so that neighbours do not cover each other."""
    pins: list[Pin] = []
    last = [-math.inf, -math.inf]
    for number, (at, kind, text) in enumerate(marks_of(timeline), start=1):
        x = scale.x(at)
        lane = 0 if x - last[0] > 15 or last[0] <= last[1] else 1
        last[lane] = x
        pins.append(Pin(x=x, lane=lane, number=number, kind=kind, title=text))
    return tuple(pins)


def marks_of(timeline: Timeline) -> list[tuple[datetime, str, str]]:
    """Spans and moments in one sequence: the numbers on the chart and in the list below it."""
    marks: list[tuple[datetime, str, str]] = [(span.began, span.kind, span.text) for span in timeline.spans]
    marks += [(moment.at, moment.kind, moment.text) for moment in timeline.moments]
    return sorted(marks, key=lambda mark: (mark[0], mark[1]))


def _levels(peak: int) -> tuple[int, ...]:
    """Three or four round levels, the highest at or above the peak."""
    for size in (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1_000, 2_000, 2_500):
        if peak <= size * 4:
            return tuple(range(0, max(size, math.ceil(peak / size) * size) + 1, size))
    return (0, peak)


def gantts(report: CampaignReport, letters: dict[str, str]) -> tuple[Gantt, ...]:
    """Bars in the order in which sites began; nothing above `GANTT_SITES`. `letters`: of a site's outcome."""
    if len(report.sites) > GANTT_SITES:
        return ()
    scale = scale_of(report.timeline, GANTT_LEFT)
    fills = step_styles(report)
    styles = {name: fills[kind] for name, kind in _kinds(report).items()}
    rows = sorted(report.sites, key=lambda row: (row.attempts[0].began, row.site))
    found = []
    for start in range(0, len(rows), GANTT_CHUNK):
        chunk = rows[start : start + GANTT_CHUNK]
        bars = tuple(
            _bar(row, index * GANTT_ROW, scale, styles, letters[row.site]) for index, row in enumerate(chunk)
        )
        found.append(Gantt(height=len(chunk) * GANTT_ROW, ticks=scale.ticks(), bars=bars))
    return tuple(found)


def step_styles(report: CampaignReport) -> dict[str, int]:
    """A fill for each kind of step, in the order of the procedure; more kinds than fills share them."""
    kinds = dict.fromkeys(_kinds(report).values())
    return {kind: index % STEP_STYLES for index, kind in enumerate(kinds)}


def _kinds(report: CampaignReport) -> dict[str, str]:
    """By the step's name: `controller-0: lock` and `lock controller-1` are locks of whichever host."""
    names = dict.fromkeys(figures.name for figures in report.steps)
    for row in report.sites:
        names |= dict.fromkeys(step.name for attempt in row.attempts for step in attempt.steps)
    hosts = {host for host, parted, _ in (name.partition(": ") for name in names) if parted}
    kinds = {}
    for name in names:
        host, _, what = name.partition(": ")
        act, _, whom = name.rpartition(" ")
        kinds[name] = what if host in hosts and what else act if whom in hosts and act else name
    return kinds


def _bar(row: SiteRow, y: float, scale: Scale, styles: dict[str, int], letter: str) -> Bar:
    runs = tuple(scale.box(a.began, a.ended, row.outcome.value, "", least=1) for a in row.attempts)
    steps = tuple(
        scale.box(step.began, step.ended, f"st{styles[step.name]}", "")
        for attempt in row.attempts
        for step in attempt.steps
    )
    end = max(box.x + box.width for box in runs)
    title = (
        f"{row.site}: {row.outcome.value}, {length(row.duration_s)}, {clock(row.began)} to {clock(row.ended)}"
    )
    return Bar(site=row.site, letter=letter, y=y, end=round(end, 1), title=title, runs=runs, steps=steps)


def histogram(durations_s: Sequence[float], figures: Percentiles | None) -> Histogram | None:
    if not figures:
        return None
    low, high = min(durations_s), figures.max_s
    size = next((size for size in BINS_S if (high - low) / size <= 28), BINS_S[-1])
    first = math.floor(low / size)
    counts = [0] * (math.floor(high / size) - first + 1)
    for seconds in durations_s:
        counts[math.floor(seconds / size) - first] += 1
    left, right, top, tall = 36.0, 496.0, 30.0, 130.0
    levels = _levels(max(counts))
    column = (right - left) / len(counts)
    every = math.ceil(len(counts) / 7)

    def x(seconds: float) -> float:
        return round(left + (seconds / size - first) * column, 1)

    def y(count: float) -> float:
        return round(top + tall - count / levels[-1] * tall, 1)

    bins = []
    for index, count in enumerate(counts):
        began = timedelta(seconds=(first + index) * size).total_seconds()
        title = f"{count} sites took {length(began)} to {length(began + size)}"
        box = Bin(x(began) + 0.5, y(count), round(column - 1, 1), round(top + tall - y(count), 1), title)
        bins += [box] if count else []
    lines = [Tick(x(figures.p50_s), "p50"), Tick(x(figures.p95_s), "p95")]
    if lines[1].at - lines[0].at < 26:
        lines = [Tick(lines[0].at, "p50 p95")]
    return Histogram(
        bins=tuple(bins),
        ticks=tuple(
            Tick(x((first + i) * size), length((first + i) * size)) for i in range(0, len(counts) + 1, every)
        ),
        lines=tuple(lines),
        levels=tuple(Tick(y(level), str(level)) for level in levels),
        base=top + tall,
        height=top + tall + 20,
    )
