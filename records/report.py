"""From the journal's rows to a report, and from a report to JSON, JUnit and a page.

`build_report` is pure: it takes what the store returned and sets it in order. A site is told by the run that
ended last; every earlier run of it is kept beside that as an attempt. Runs are filed under the campaign's
name, and a name can be used again: a run belongs to this execution when it began while this execution
lasted, and the others are counted but not told.

The records know a site when its run has ended. Of a campaign that is still running, the sites in work are
therefore not in the report, and it says how many have no record yet.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from models.archive import Holding
from models.outcome import Outcome
from models.records import CampaignEvent, CampaignRun, SiteRun
from models.site import Alarm
from records.campaign_report import (
    Attempt,
    BackupFinding,
    BackupsFound,
    CampaignReport,
    Group,
    LogLine,
    SiteRow,
    StepFigures,
    Timeline,
)
from records.figures import in_flight, moments, percentiles, spans
from records.junit import render_junit
from records.page import render_html
from records.words import ORDER, goal, needs_person, verdict

__all__ = ["CampaignReport", "build_report", "render_html", "render_json", "render_junit"]

CLOCK_SLACK = timedelta(seconds=5)
"""Between the clocks that stamp a campaign and its runs; runs are told from another execution's by time."""


def build_report(
    campaign: CampaignRun,
    events: Sequence[CampaignEvent],
    runs: Sequence[SiteRun],
    *,
    made: datetime | None = None,
    holdings: Sequence[Holding] | None = None,
    rehearsal: bool = False,
) -> CampaignReport:
    """`runs`: every run under the campaign's name (`Store.site_runs`). `made`: now, unless a test says so.
    `holdings`: of a backup campaign, what the archives have of its sites. `rehearsal`: nobody's site was
    touched."""
    made = made or datetime.now(UTC)
    ours = sorted((run for run in runs if _belongs(run, campaign)), key=lambda run: (run.ended, run.run_id))
    log = sorted(events, key=lambda event: event.sequence)
    by_site: dict[str, list[SiteRun]] = defaultdict(list)
    for run in ours:
        by_site[run.site].append(run)
    rows = sorted((_row(its_runs) for its_runs in by_site.values()), key=lambda row: (row.wave, row.site))
    counts = Counter(row.outcome for row in rows)
    troubled = sorted((row for row in rows if needs_person(row.outcome)), key=lambda row: ORDER[row.outcome])
    total = max(campaign.members, len(rows))
    running = campaign.ended is None
    spec = _spec(campaign)
    release = _release(spec, ours)
    last_runs = [its_runs[-1] for its_runs in by_site.values()]
    good_runs = [run for run in last_runs if run.outcome is Outcome.SUCCEEDED]
    timeline = _timeline(campaign, log, ours, made)
    words = verdict(counts, total, goal(_kind(spec), release), running=running, aborted=campaign.aborted)
    return CampaignReport(
        name=campaign.name,
        first_run_id=campaign.first_run_id,
        release=release,
        rehearsal=rehearsal,
        verdict=f"Rehearsal, no site was touched: {words}" if rehearsal else words,
        running=running,
        aborted=campaign.aborted,
        reason=campaign.reason,
        spec=spec,
        inventory_hash=campaign.inventory_hash,
        began=campaign.began,
        ended=campaign.ended,
        made=made,
        total=total,
        without_record=total - len(rows),
        other_executions=len(runs) - len(ours),
        counts={outcome: counts[outcome] for outcome in ORDER},
        needs_person=tuple(row.site for row in troubled),
        waves=_groups(rows, lambda row: str(row.wave)),
        regions=_groups(sorted(rows, key=lambda row: row.region), lambda row: row.region),
        duration=percentiles(_seconds(run) for run in good_runs),
        steps=_steps(good_runs),
        retries=sum(run.retries for run in ours),
        runs=len(ours),
        peak_in_flight=max((point.sites for point in timeline.in_flight), default=0),
        timeline=timeline,
        sites=tuple(rows),
        events=tuple(LogLine(at=event.at, text=event.text) for event in log),
        backups=_backups(holdings) if holdings is not None else None,
    )


def _backups(holdings: Sequence[Holding]) -> BackupsFound:
    return BackupsFound(
        stale=tuple(BackupFinding(site=each.site, why=each.stale) for each in holdings if each.stale),
        unverified=tuple(
            BackupFinding(site=each.site, why=each.unverified) for each in holdings if each.unverified
        ),
        sites=len(holdings),
    )


def render_json(report: CampaignReport) -> str:
    """The whole report; nothing is left out of it."""
    return report.model_dump_json(indent=2) + "\n"


def _belongs(run: SiteRun, campaign: CampaignRun) -> bool:
    if run.began < campaign.began - CLOCK_SLACK:
        return False
    return campaign.ended is None or run.began <= campaign.ended + CLOCK_SLACK


def _seconds(timed: SiteRun) -> float:
    return (timed.ended - timed.began).total_seconds()


def _row(its_runs: Sequence[SiteRun]) -> SiteRow:
    """`its_runs`: of one site, oldest first."""
    last = its_runs[-1]
    raised, cleared = _alarms(its_runs)
    return SiteRow(
        site=last.site,
        region=last.region,
        wave=last.wave,
        outcome=last.outcome,
        reason=last.reason,
        began=last.began,
        ended=last.ended,
        duration_s=_seconds(last),
        version_before=next((run.version_before for run in its_runs if run.version_before), ""),
        version_after=last.version_after,
        alarms_new=raised,
        alarms_cleared=cleared,
        retries=sum(run.retries for run in its_runs),
        evidence=last.evidence,
        attempts=tuple(_attempt(run) for run in its_runs),
    )


def _alarms(its_runs: Sequence[SiteRun]) -> tuple[tuple[Alarm, ...], tuple[Alarm, ...]]:
    """New and cleared. A run that read the site knows its version; one that did not knows no alarms either,
    and its empty list must not pass for a quiet site."""
    first = next((run for run in its_runs if run.version_before or run.alarms_before), None)
    last = its_runs[-1]
    if first is None or not (last.version_after or last.alarms_after):
        return (), ()
    before = {alarm.key for alarm in first.alarms_before}
    after = {alarm.key for alarm in last.alarms_after}
    return (
        tuple(alarm for alarm in last.alarms_after if alarm.key not in before),
        tuple(alarm for alarm in first.alarms_before if alarm.key not in after),
    )


def _attempt(run: SiteRun) -> Attempt:
    told = run.model_dump(include=set(Attempt.model_fields) - {"steps"})
    return Attempt(**told, duration_s=_seconds(run), steps=run.steps)


def _groups(rows: Sequence[SiteRow], name_of: Callable[[SiteRow], str]) -> tuple[Group, ...]:
    """In the order in which the rows bring them."""
    grouped: dict[str, list[SiteRow]] = defaultdict(list)
    for row in rows:
        grouped[name_of(row)].append(row)
    return tuple(
        Group(
            name=name,
            sites=len(members),
            counts=Counter(row.outcome for row in members),
            began=min(attempt.began for row in members for attempt in row.attempts),
            ended=max(row.ended for row in members),
        )
        for name, members in grouped.items()
    )


def _steps(good_runs: Sequence[SiteRun]) -> tuple[StepFigures, ...]:
    """In the order of a run: by the latest place that a step has in any."""
    spent: dict[str, list[float]] = defaultdict(list)
    retries: Counter[str] = Counter()
    place: dict[str, int] = {}
    for run in good_runs:
        seconds: dict[str, float] = defaultdict(float)
        for step in run.steps:
            seconds[step.name] += (step.ended - step.began).total_seconds()
            retries[step.name] += step.attempts - 1
        for index, name in enumerate(seconds):
            place[name] = max(place.get(name, 0), index)
        for name, total in seconds.items():
            spent[name].append(total)
    figures = []
    for name in sorted(spent, key=lambda name: (place[name], name)):
        duration = percentiles(spent[name])
        if duration:
            figures.append(StepFigures(name=name, duration=duration, retries=retries[name]))
    return tuple(figures)


def _timeline(
    campaign: CampaignRun, log: Sequence[CampaignEvent], ours: Sequence[SiteRun], made: datetime
) -> Timeline:
    known = [campaign.began, *(run.ended for run in ours), *(event.at for event in log)]
    ended = max([campaign.ended or made, *known])
    return Timeline(
        began=min([campaign.began, *(run.began for run in ours)]),
        ended=ended,
        in_flight=in_flight(ours),
        spans=spans(log, until=ended),
        moments=moments(log),
    )


def _spec(campaign: CampaignRun) -> JsonValue:
    try:
        spec: JsonValue = json.loads(campaign.spec_json)
    except ValueError:
        return campaign.spec_json
    return spec


def _kind(spec: JsonValue) -> str:
    """Campaigns of old have none, and are patches."""
    operation = spec.get("operation") if isinstance(spec, dict) else None
    return str(operation.get("kind", "patch")) if isinstance(operation, dict) else "patch"


def _release(spec: JsonValue, ours: Sequence[SiteRun]) -> str:
    operation = spec.get("operation") if isinstance(spec, dict) else None
    declared = operation.get("release") if isinstance(operation, dict) else None
    return declared if isinstance(declared, str) else next((run.release for run in ours), "")
