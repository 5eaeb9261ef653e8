"""What is kept after a run: outcomes, durations, evidence and marks; and the port that keeps them."""

from datetime import datetime, timedelta
from typing import Protocol

from models.base import Frozen
from models.outcome import Outcome
from models.site import Alarm


class StepTime(Frozen):
    """One step of a run, as it stands in the report's timeline."""

    name: str
    began: datetime
    ended: datetime
    attempts: int = 1


class SiteRun(Frozen):
    """One run of one operation on one site; `run_id` is Temporal's and makes the record idempotent."""

    run_id: str
    site: str
    operation: str
    release: str
    campaign: str = ""
    wave: int = 0
    region: str = ""
    """Label `region` of the site, for grouping in reports."""
    outcome: Outcome
    reason: str
    began: datetime
    ended: datetime
    version_before: str = ""
    version_after: str = ""
    alarms_before: tuple[Alarm, ...] = ()
    alarms_after: tuple[Alarm, ...] = ()
    steps: tuple[StepTime, ...] = ()
    retries: int = 0
    strategy: str = ""
    evidence: tuple[str, ...] = ()
    """Lines for a person: what VIM, USM, hosts and alarms said."""


class Mark(Frozen):
    """Something that we made at a site and that must be known as ours after any crash."""

    site: str
    kind: str
    """vim-strategy, vim-apply, prestage, adopted, maintenance."""
    value: str
    """The uuid, or what identifies it."""
    release: str = ""
    run_id: str
    made: datetime


class CampaignRun(Frozen):
    """One execution chain of a campaign; `first_run_id` stays through continue-as-new."""

    first_run_id: str
    name: str
    spec_json: str
    inventory_hash: str
    members: int
    began: datetime
    ended: datetime | None = None
    aborted: bool = False
    reason: str = ""


class CampaignEvent(Frozen):
    """A line of the campaign's log: waves, pauses, approvals, by whom and why."""

    first_run_id: str
    sequence: int
    at: datetime
    text: str


class RunTime(Frozen):
    """How long one run that succeeded has taken, and what of."""

    site: str
    before: str
    """What was deployed there before."""
    release: str
    taken: timedelta


class Journal(Protocol):
    """Port of `records/` towards activities; every write is idempotent."""

    async def remember(self, mark: Mark) -> None: ...
    async def forget(self, site: str, kind: str, value: str) -> None: ...
    async def marks(self, site: str) -> tuple[Mark, ...]: ...
    async def record_site_run(self, run: SiteRun) -> None: ...
    async def record_campaign(self, run: CampaignRun) -> None: ...
    async def record_event(self, event: CampaignEvent) -> None: ...
    async def site_runs(self, campaign: str, sites: tuple[str, ...] = ()) -> tuple[SiteRun, ...]: ...
    async def campaign(self, name: str) -> CampaignRun | None: ...
    async def campaigns(self) -> tuple[CampaignRun, ...]: ...
    async def campaign_events(self, first_run_id: str) -> tuple[CampaignEvent, ...]: ...
    async def durations(self, operation: str) -> tuple[timedelta, ...]: ...
    async def run_times(self, operation: str) -> tuple[RunTime, ...]: ...
    async def versions(self) -> dict[str, str]: ...
