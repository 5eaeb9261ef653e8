"""The report as one HTML file that needs nothing else: no network, no script to be read, no font.

The page quotes foreign systems, so nothing in it is trusted. Every text passes Jinja's escaping; the content
security policy allows no source at all but inline styles and the one script below, which it names by its
hash, so that a script that came in by whatever way would not run. That script sorts and filters the table of
sites; without it the table is complete and in order.

Size is held by shares, not by luck. Evidence can be 25 kB a site, and a thousand sites must stay a file that
opens at once: the sites that need a person are served first, and what no longer fits says how many lines
the JSON report has beside it.
"""

import base64
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from models.outcome import Outcome
from models.site import Alarm
from records import drawing, wording
from records.campaign_report import Attempt, CampaignReport, LogLine, SiteRow
from records.words import SIGNS, needs_person

TEMPLATES = Path(__file__).parent / "templates"
TEXT_CHARS = 700_000
"""For all reasons and evidence together; with markup and drawings a page of 1,000 sites stays below 3 MB."""
REASON_CHARS = 600
SHORT_REASON_CHARS = 160
TROUBLE_LINES = 12
"""Lines of evidence for a site that needs a person."""
QUIET_LINES = 4
LINE_CHARS = 300
ALARMS_SHOWN = 6
MOST_RETRIED = 15
LOG_LINES = 500
ROWS_WITHOUT_FILTER = 12


class Evidence(NamedTuple):
    lines: tuple[str, ...]
    left_out: int


class Trouble(NamedTuple):
    number: int
    row: SiteRow
    reason: str
    evidence: Evidence


class Line(NamedTuple):
    """A row of the table of sites."""

    number: int
    row: SiteRow
    reason: str
    evidence: Evidence
    earlier: tuple[Attempt, ...]


class AlarmChange(NamedTuple):
    alarm_id: str
    severity: str
    new: int
    cleared: int
    sites: str


class Share:
    """What is left of the page's characters for quoted text."""

    def __init__(self, chars: int) -> None:
        self.left = chars

    def text(self, text: str, limit: int) -> str:
        limit = min(limit, max(self.left, 40))
        kept = text if len(text) <= limit else text[: limit - 1] + "…"
        self.left -= len(escape(kept))
        return kept

    def evidence(self, lines: Sequence[str], most: int) -> Evidence:
        kept = []
        for line in lines[:most]:
            if self.left <= 0:
                break
            kept.append(self.text(line, LINE_CHARS))
        return Evidence(tuple(kept), len(lines) - len(kept))


def render_html(report: CampaignReport, *, version: str = "") -> str:
    """`version`: Starflock's, for the footer."""
    script = (TEMPLATES / "sites.js").read_text().strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    share = Share(TEXT_CHARS)
    number = {row.site: index for index, row in enumerate(report.sites, start=1)}
    by_site = {row.site: row for row in report.sites}
    troubles = [_trouble(number[site], by_site[site], share) for site in report.needs_person]
    page = environment().get_template("report.html.j2")
    return page.render(
        report=report,
        version=version,
        script=Markup(script),  # noqa: S704  (ours, and named by its hash)
        script_hash=f"sha256-{digest}",
        troubles=troubles,
        lines=[_line(number[row.site], row, share) for row in report.sites],
        grid=[(wave, [row for row in report.sites if str(row.wave) == wave.name]) for wave in report.waves],
        number=number,
        chart=drawing.chart(report),
        marks=drawing.marks_of(report.timeline),
        open_marks={(span.began, span.kind): span for span in report.timeline.spans},
        gantts=drawing.gantts(report, {row.site: SIGNS[row.outcome].letter for row in report.sites}),
        step_styles=drawing.step_styles(report),
        histogram=drawing.histogram(
            [row.duration_s for row in report.sites if row.outcome is Outcome.SUCCEEDED], report.duration
        ),
        retried=_retried(report.sites),
        versions=Counter((row.version_before, row.version_after) for row in report.sites).most_common(),
        alarms=_alarm_changes(report.sites),
        log=_log(report.events, share),
        log_left_out=max(0, len(report.events) - LOG_LINES),
        spec=json.dumps(report.spec, indent=2, ensure_ascii=False),
        filterable=len(report.sites) > ROWS_WITHOUT_FILTER,
    )


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(SIGNS=SIGNS, ALARMS_SHOWN=ALARMS_SHOWN, GANTT_SITES=drawing.GANTT_SITES)
    made.filters.update(moment=wording.moment, clock=wording.clock, took=wording.length, alarm=_alarm_text)
    return made


def _trouble(number: int, row: SiteRow, share: Share) -> Trouble:
    reason = share.text(row.reason, REASON_CHARS)
    return Trouble(number, row, reason, share.evidence(row.evidence, TROUBLE_LINES))


def _line(number: int, row: SiteRow, share: Share) -> Line:
    """The evidence of a site that needs a person stands above, in its own table."""
    told_above = needs_person(row.outcome)
    evidence = Evidence((), 0) if told_above else share.evidence(row.evidence, QUIET_LINES)
    return Line(number, row, share.text(row.reason, SHORT_REASON_CHARS), evidence, row.attempts[:-1])


def _retried(rows: Iterable[SiteRow]) -> list[SiteRow]:
    found = [row for row in rows if row.retries or len(row.attempts) > 1]
    return sorted(found, key=lambda row: (-len(row.attempts), -row.retries, row.site))[:MOST_RETRIED]


def _alarm_changes(rows: Iterable[SiteRow]) -> list[AlarmChange]:
    """By alarm id: on how many sites it is new, on how many it cleared. New ones first."""
    new: dict[str, list[str]] = defaultdict(list)
    cleared: dict[str, set[str]] = defaultdict(set)
    severity: dict[str, str] = {}
    for row in rows:
        for alarm_id in {alarm.alarm_id for alarm in row.alarms_new}:
            new[alarm_id].append(row.site)
        for alarm in row.alarms_cleared:
            cleared[alarm.alarm_id].add(row.site)
        severity |= {alarm.alarm_id: alarm.severity for alarm in (*row.alarms_cleared, *row.alarms_new)}
    changes = []
    for alarm_id in severity:
        sites = new[alarm_id]
        named = ", ".join(sites[:5]) + (f" and {len(sites) - 5} more" if len(sites) > 5 else "")
        changes.append(AlarmChange(alarm_id, severity[alarm_id], len(sites), len(cleared[alarm_id]), named))
    return sorted(changes, key=lambda change: (-change.new, -change.cleared, change.alarm_id))


def _alarm_text(alarm: Alarm) -> str:
    return f"{alarm.alarm_id} {alarm.severity}"


def _log(events: Sequence[LogLine], share: Share) -> list[tuple[LogLine, str]]:
    """The last lines, where there are more than a page can hold: the end is what explains the state."""
    return [(event, share.text(event.text, REASON_CHARS)) for event in events[-LOG_LINES:]]
