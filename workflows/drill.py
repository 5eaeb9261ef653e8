"""DrillBackups: the newest backups of the sites that have been without a drill for longest, one by one.

    ask the archives which sites have backups, and when each was drilled last
    for each of the first so many: drill it, by a worker that takes drills

No site is asked for anything, so no site's lock is needed. A backup that does not hold is no reason to leave
the next one out; the workflow fails in the end, so that a schedule shows it.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.archive.drills import DrillActivities
    from models import contracts
    from models.drill import DrillBackupRequest, DrillCandidate, DrillEnd, DrillsResult
    from models.outcome import Outcome
    from models.schedules import ScheduledDrillRequest
    from rules.drill import longest_undrilled, no_drill
    from workflows.inspect import A_PERSON_WAITS
    from workflows.steps import policies

LISTING = timedelta(hours=1)
"""One listing of each site of a large fleet, over a slow link."""
DRILLING = timedelta(hours=6)
"""Every byte of the backup is read, at the store's speed; the heartbeat tells a dead worker."""
QUEUED = timedelta(hours=12)
"""Other drills come first, and whoever takes them may be away for a while."""
TRIES = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=5)
"""A worker that is lost each time is not lost by chance."""


@workflow.defn(name=contracts.DRILL_BACKUPS)
class DrillBackups:
    @workflow.run
    async def run(self, request: ScheduledDrillRequest) -> DrillsResult:
        found = await workflow.execute_activity_method(
            DrillActivities.drill_candidates,
            request.drill,
            start_to_close_timeout=LISTING,
            heartbeat_timeout=policies.FIRST_LOOK_HEARTBEAT,
            retry_policy=A_PERSON_WAITS,
            summary="which sites have backups, and when each was drilled",
        )
        if not found.polled:
            raise ApplicationError(
                f"no worker takes drills: start one with STARFLOCK_QUEUES={contracts.DRILL_TASK_QUEUE} on a "
                "machine that has the extra `embedded`, the inventory and the archives' keys",
                type=Outcome.BLOCKED,
                non_retryable=True,
            )
        chosen = longest_undrilled(found.candidates, request.drill.count)
        drills: list[DrillEnd] = []
        for each in chosen:
            words = f"{len(drills)} of {len(chosen)} drilled, {each.site} is next"
            workflow.set_current_details(words)
            drills.append(await self._drilled(each))
        result = DrillsResult(drills=tuple(drills), left_out=no_drill(found.candidates))
        bad = [f"{each.backup}: {each.why}" for each in drills if not each.good]
        if bad:
            raise ApplicationError(
                f"{len(bad)} of {len(drills)} drilled backups did not hold: {'; '.join(bad)}",
                result,
                type=Outcome.FAILED,
                non_retryable=True,
            )
        return result

    async def _drilled(self, chosen: DrillCandidate) -> DrillEnd:
        try:
            return await workflow.execute_activity_method(
                DrillActivities.drill_backup,
                DrillBackupRequest(site=chosen.site, backup=chosen.backup, since=workflow.now()),
                task_queue=contracts.DRILL_TASK_QUEUE,
                schedule_to_start_timeout=QUEUED,
                start_to_close_timeout=DRILLING,
                heartbeat_timeout=policies.FIRST_LOOK_HEARTBEAT,
                retry_policy=TRIES,
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=f"drill {chosen.backup}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            words = f"it could not be drilled: {error.cause or error}"
            return DrillEnd(site=chosen.site, backup=chosen.backup, good=False, why=words)
