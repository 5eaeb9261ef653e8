"""A stand-in for PatchSite that costs the engine what PatchSite costs, and nothing else.

The same steps in the same order, each one activity, the same record, search attributes and word to the
campaign; but nobody is asked over HTTP: a step returns at once, or when its drawn duration is over. In
real time it sleeps, as a wait does. In virtual time it may not: the time-skipping server holds its clock
while an activity runs. There it fails its attempt with the remaining time as `next_retry_delay`, and the
server skips to the next one. How much remains is read off the server's own times, so that an attempt
that died with its worker is not mistaken for the time having passed.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.journal.activities import JournalActivities
    from activities.waiting import Heartbeat
    from models import contracts
    from models.base import Frozen
    from models.outcome import Outcome
    from models.patch import PatchSiteRequest, SiteResult
    from models.records import SiteRun
    from workflows.steps import policies
    from workflows.steps.site import refuse_unless_locked, tell_campaign

STEPS = ("gates", "create", "build", "apply", "deploy", "verify", "clear away")
"""PatchSite's, when nothing goes wrong; `build` and `deploy` are the waits."""
ATTEMPT_WITHIN = timedelta(seconds=10)
"""Virtual time: an attempt that died with its worker is noticed within this."""
GRAIN = timedelta(milliseconds=50)
RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=1))


class Step(Frozen):
    site: str
    name: str


class StepEnd(Frozen):
    attempt: int


class Durations(Frozen):
    """Seconds of each site's waits, by step."""

    virtual: bool
    sites: dict[str, dict[str, float]]


@dataclass
class StandInActivities:
    durations: Durations

    @activity.defn(name="stand_in_step")
    async def step(self, step: Step) -> StepEnd:
        info = activity.info()
        wanted = timedelta(seconds=self.durations.sites[step.site].get(step.name, 0.0))
        if not self.durations.virtual:
            async with Heartbeat():
                await asyncio.sleep(wanted.total_seconds())
        else:
            left = wanted - (info.started_time - info.scheduled_time)
            if left > GRAIN:
                raise ApplicationError("simulated time", next_retry_delay=left)
        return StepEnd(attempt=info.attempt)


@workflow.defn(name=contracts.PATCH_SITE)
class StandInPatchSite:
    @workflow.run
    async def run(self, request: PatchSiteRequest) -> SiteResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        for name in STEPS:
            await workflow.execute_activity_method(
                StandInActivities.step,
                Step(site=request.site, name=name),
                start_to_close_timeout=policies.LOOK,
                heartbeat_timeout=ATTEMPT_WITHIN,
                retry_policy=RETRY,
                summary=name,
            )
        result = SiteResult(
            site=request.site,
            outcome=Outcome.SUCCEEDED,
            reason="stood in for",
            release=request.operation.release,
            began=began,
            ended=workflow.now(),
        )
        await self._record(request, result)
        workflow.upsert_search_attributes(
            [
                contracts.SITE.value_set(request.site),
                contracts.OPERATION.value_set(request.operation.kind),
                contracts.RELEASE.value_set(result.release),
                contracts.OUTCOME.value_set(result.outcome),
            ]
        )
        await tell_campaign(request.campaign, request.site, result.outcome)
        return result

    async def _record(self, request: PatchSiteRequest, result: SiteResult) -> None:
        assert result.began is not None
        assert result.ended is not None
        await workflow.execute_activity_method(
            JournalActivities.record_site_run,
            SiteRun(
                run_id=workflow.info().run_id,
                site=result.site,
                operation=request.operation.kind,
                release=result.release,
                campaign=request.campaign.name if request.campaign else "",
                wave=request.campaign.wave if request.campaign else 0,
                outcome=result.outcome,
                reason=result.reason,
                began=result.began,
                ended=result.ended,
            ),
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=policies.WAIT_RETRY,
            summary=f"record {result.outcome}",
        )
