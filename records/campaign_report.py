"""The report of a campaign as data: what `render_json` writes and what the page is drawn from.

Durations are seconds as numbers (`_s`), for the machines that read the JSON; times are UTC. A report of an
old campaign must open with today's Starflock, so the specification is kept as it was declared and not as
today's model understands it.
"""

from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from models.base import Frozen
from models.outcome import Outcome
from models.records import StepTime
from models.site import Alarm

MomentKind = Literal["approved", "aborted"]
SpanKind = Literal["soak", "pause", "approval", "freeze"]


class Percentiles(Frozen):
    """Nearest-rank percentiles: each is a duration that some site really took."""

    count: int
    p50_s: float
    p90_s: float
    p95_s: float
    max_s: float


class StepFigures(Frozen):
    """One step over the sites that succeeded, taken from the run that succeeded."""

    name: str
    duration: Percentiles
    """Time a site spent in the step; a step that ran once per host counts with its sum."""
    retries: int
    """Attempts beyond the first."""


class Group(Frozen):
    """Sites that belong together: a wave or a region."""

    name: str
    """`1` (wave) or the label's value (region); empty where a site has none."""
    sites: int
    """With a record."""
    counts: dict[Outcome, int]
    began: datetime
    ended: datetime


class Attempt(Frozen):
    """One run on a site, as recorded."""

    run_id: str
    outcome: Outcome
    reason: str
    began: datetime
    ended: datetime
    duration_s: float
    version_before: str
    version_after: str
    retries: int
    strategy: str
    steps: tuple[StepTime, ...]
    evidence: tuple[str, ...]


class SiteRow(Frozen):
    """A site: how its last run ended, and every run that led there."""

    site: str
    region: str
    wave: int
    outcome: Outcome
    reason: str
    began: datetime
    """Of the last run."""
    ended: datetime
    duration_s: float
    """Of the last run."""
    version_before: str
    """Before the first run."""
    version_after: str
    """After the last run."""
    alarms_new: tuple[Alarm, ...]
    """Raised after the last run and not before the first that read the site."""
    alarms_cleared: tuple[Alarm, ...]
    """Both are empty where the last run could not read the site's alarms at its end."""
    retries: int
    """Attempts of steps beyond their first, over all runs."""
    evidence: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    """All runs, oldest first; the last one is what the row tells."""


class InFlight(Frozen):
    """From this moment on, so many sites were in work."""

    at: datetime
    sites: int


class Span(Frozen):
    """A stretch in which the campaign held back: a soak, a pause, a wait for approval, a fleet freeze."""

    kind: SpanKind
    began: datetime
    ended: datetime
    text: str
    """The log's line that opened it."""
    open: bool = False
    """Not over when the report was made."""


class Moment(Frozen):
    """A point in the campaign's life worth a mark on its timeline."""

    kind: MomentKind
    at: datetime
    text: str


class Timeline(Frozen):
    began: datetime
    ended: datetime
    """End of the last run or of the campaign; of a running campaign, when the report was made."""
    in_flight: tuple[InFlight, ...]
    spans: tuple[Span, ...]
    moments: tuple[Moment, ...]


class LogLine(Frozen):
    at: datetime
    text: str


class BackupFinding(Frozen):
    site: str
    why: str


class BackupsFound(Frozen):
    """What the archives have of a backup campaign's sites, as they were asked when the report was made."""

    stale: tuple[BackupFinding, ...]
    """Sites whose newest good backup is older than their archive asks for, or that have none."""
    unverified: tuple[BackupFinding, ...]
    """Sites whose newest good backup nobody has read, or not for long."""
    sites: int
    """That were asked about."""


class CampaignReport(Frozen):
    name: str
    first_run_id: str
    release: str
    """What the campaign carries; empty where neither specification nor runs say it."""
    rehearsal: bool = False
    """Nothing in here has happened to a site of the fleet."""
    verdict: str
    """One sentence."""
    running: bool
    """No end is recorded: everything below is the state at `made`."""
    aborted: bool
    reason: str
    spec: JsonValue
    inventory_hash: str
    began: datetime
    ended: datetime | None
    made: datetime
    """When the report was made."""
    total: int
    without_record: int
    """Members of which no run has ended: not started, or still in work."""
    other_executions: int
    """Runs under this campaign's name that belong to another execution of it; not counted."""
    counts: dict[Outcome, int]
    needs_person: tuple[str, ...]
    """Sites, the worst outcomes first."""
    waves: tuple[Group, ...]
    regions: tuple[Group, ...]
    duration: Percentiles | None
    """Of the sites that succeeded, from begin to end of the run that succeeded."""
    steps: tuple[StepFigures, ...]
    retries: int
    runs: int
    peak_in_flight: int
    timeline: Timeline
    sites: tuple[SiteRow, ...]
    """By wave and name."""
    events: tuple[LogLine, ...]
    backups: BackupsFound | None = None
    """Of a backup campaign; None where the archives were not asked."""
