"""What the workflows that change a site have in common: what they say while they run, and how they end."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.journal.activities import JournalActivities
    from models import contracts
    from models.holds import SiteHold
    from models.outcome import Outcome
    from models.patch import CampaignRef
    from models.records import SiteRun
    from workflows.steps import policies
    from workflows.steps.progress import SiteProgress, StepLog
    from workflows.steps.site import Ended, Held, ended_by, filed_under, tell_campaign

Procedure = Callable[[], Coroutine[Any, Any, tuple[Outcome, str]]]
"""What a run does, to its outcome and reason."""
UNTOUCHED = frozenset({Outcome.BLOCKED, Outcome.UNREACHABLE})


class SiteProcedure:
    """Base of a workflow; `subject` is the site, or SITE/HOST."""

    def __init__(self, subject: str, what: str) -> None:
        self._subject = subject
        self._log = StepLog(f"{subject}: {what}")
        self._evidence: list[str] = []
        self._stop = False
        self._hold: SiteHold | None = None

    @workflow.query(name=contracts.PROGRESS_QUERY)
    def progress(self) -> SiteProgress:
        return SiteProgress(
            site=self._subject,
            step=self._log.step,
            why=self._log.why,
            began=workflow.info().start_time,
            stopping=self._stop,
            steps=tuple(self._log.steps),
            hosts=self._log.hosts,
        )

    def _heed_cancel(self) -> None:
        self._stop = self._log.stopping = True

    def _end_of(self, error: Ended | ActivityError) -> Ended:
        """How it ended; what speaks for that is kept."""
        end = error if isinstance(error, Ended) else ended_by(error)
        self._hold = end.hold if isinstance(end, Held) else None
        self._evidence += end.evidence
        return end

    def _said_truly(self, end: Ended, changed: int) -> tuple[Outcome, str]:
        """`blocked` and `unreachable` say that nothing was changed; after a change it is `failed`."""
        if changed and end.outcome in UNTOUCHED:
            return Outcome.FAILED, f"{end.reason}; changes were made before that"
        return end.outcome, end.reason

    async def _close(
        self,
        *,
        site: str,
        operation: str,
        target: str,
        region: str,
        campaign: CampaignRef | None,
        outcome: Outcome,
        reason: str,
        began: datetime,
        evidence: tuple[str, ...],
        **more: Any,
    ) -> None:
        """Records the run, files it where it is searched for, and tells its campaign; `more` is kept, too."""
        run = SiteRun(
            run_id=workflow.info().run_id,
            site=site,
            operation=operation,
            release=target,
            campaign=campaign.name if campaign else "",
            wave=campaign.wave if campaign else 0,
            region=region,
            outcome=outcome,
            reason=reason,
            began=began,
            ended=workflow.now(),
            steps=tuple(self._log.steps),
            retries=self._log.retries,
            evidence=evidence,
            **more,
        )
        await workflow.execute_activity_method(
            JournalActivities.record_site_run,
            run,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=policies.WAIT_RETRY,
            summary=f"record {outcome}",
        )
        workflow.upsert_search_attributes(filed_under(site, operation, target, outcome, region, campaign))
        await tell_campaign(campaign, site, outcome, self._hold)
