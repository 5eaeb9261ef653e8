"""A site in a rehearsal: it takes as long as sites before it took, and ends as the dice say.

One workflow stands in for every kind of operation, under the site's own id, so that the campaign's starts,
locks and signals are the real ones. How a site fares is drawn from the seed and its name alone: neither the
order of starts nor another campaign changes it. Its run goes to the rehearsal's own records at once, with
the times that it will have.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from models.base import Frozen
    from models.outcome import Outcome
    from models.patch import CampaignRef
    from models.records import Journal, SiteRun
    from models.rehearsal import RehearsalFaults
    from workflows.steps import policies
    from workflows.steps.site import refuse_unless_locked, tell_campaign

STARTS = timedelta(seconds=30)
"""For the one activity, which takes milliseconds."""


class RehearsedRequest(Frozen):
    """What the requests of all kinds of operation have in common."""

    model_config = {**Frozen.model_config, "extra": "ignore"}

    site: str
    campaign: CampaignRef


class Begun(Frozen):
    site: str
    run_id: str
    campaign: CampaignRef
    began: datetime


class Fate(Frozen):
    duration: timedelta
    outcome: Outcome


Drawn = Callable[[str, random.Random], timedelta]
"""How long a site takes, by its name and its own dice."""


@dataclass
class RehearsalActivities:
    journal: Journal
    operation: str
    release: str
    durations: Drawn
    faults: RehearsalFaults
    seed: int

    @activity.defn
    async def begin_rehearsed_site(self, begun: Begun) -> Fate:
        dice = random.Random(f"{self.seed} {begun.site} {begun.campaign.wave}")  # noqa: S311
        roll = dice.random()
        outcome = Outcome.SUCCEEDED
        if roll < self.faults.failed:
            outcome = Outcome.FAILED
        elif roll < self.faults.failed + self.faults.unreachable:
            outcome = Outcome.UNREACHABLE
        fate = Fate(duration=self.durations(begun.site, dice), outcome=outcome)
        await self.journal.record_site_run(
            SiteRun(
                run_id=begun.run_id,
                site=begun.site,
                operation=self.operation,
                release=self.release,
                campaign=begun.campaign.name,
                wave=begun.campaign.wave,
                outcome=outcome,
                reason="rehearsed",
                began=begun.began,
                ended=begun.began + fate.duration,
            )
        )
        return fate


@workflow.defn(dynamic=True)
class RehearsedSite:
    @workflow.run
    async def run(self, given: Sequence[RawValue]) -> dict[str, Any]:
        request: RehearsedRequest = workflow.payload_converter().from_payload(
            given[0].payload, RehearsedRequest
        )
        refuse_unless_locked(request.site)
        fate = await workflow.execute_activity_method(
            RehearsalActivities.begin_rehearsed_site,
            Begun(
                site=request.site,
                run_id=workflow.info().run_id,
                campaign=request.campaign,
                began=workflow.now(),
            ),
            start_to_close_timeout=STARTS,
            retry_policy=policies.WAIT_RETRY,
            summary=request.site,
        )
        await workflow.sleep(fate.duration)
        await tell_campaign(request.campaign, request.site, fate.outcome)
        return {"outcome": fate.outcome}
