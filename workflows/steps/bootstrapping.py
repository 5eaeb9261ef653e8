"""A playbook on a host, from a workflow: place, start, follow, end, wipe, each with its policy."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.ssh.activities import SETTLE, BootstrapActivities
    from activities.ssh.looks import BootstrapLooks
    from models.bootstrap import (
        AwaitFreeRequest,
        AwaitPlaybookRequest,
        BackupValues,
        Book,
        BootstrapRef,
        BootstrapRunRef,
        InstalledHost,
        PlaybookEnd,
        PlaybookStep,
        RestoreValues,
        StopRequest,
        Wiped,
        WipeSecretsRequest,
        role_of,
    )
    from models.timing import Timing
    from rules import bootstrap as rules
    from workflows.steps import policies
    from workflows.steps.asking import SLACK, mutated
    from workflows.steps.progress import StepLog
    from workflows.steps.site import may_have_changed

STOPPED_WITHIN = timedelta(minutes=45)
"""Until a task is over that may not be cut off: the bootstrap manifest takes minutes, on slow disks tens."""
WIPED_WITHIN = timedelta(minutes=10)
"""A host that does not answer until then may be away for long; what is left is said."""


@dataclass
class HostPlaybook:
    site: str
    log: StepLog
    timing: Timing
    is_stopped: Callable[[], bool]
    book: Book = "bootstrap"
    values: BackupValues = BackupValues()
    restore: RestoreValues | None = None
    run: str = ""
    """The run on the host: our own, or the one that is followed."""
    task: str = ""
    leaves: bool = False
    """Secrets of ours are on the host, or may be."""
    sent: int = 0
    """Starts that were taken, or may have been: their answers were lost."""

    async def look(self, within: timedelta) -> InstalledHost:
        """A silent host is asked again until `within` is over."""
        whole = 4 * self.timing.two_requests
        found = await workflow.execute_activity_method(
            BootstrapLooks.look_at_installed_host,
            BootstrapRef(site=self.site, book=self.book),
            start_to_close_timeout=2 * self.timing.two_requests,
            schedule_to_close_timeout=max(self.timing.paced(within), whole),
            retry_policy=policies.mutation_retry(self.timing),
            summary="look at controller-0",
        )
        self.timing = found.timing
        self.log.attempts = max(self.log.attempts, found.attempt)
        return found

    async def await_free(self, within: timedelta) -> InstalledHost | None:
        """Once nobody else's playbook runs there; None when the run is to stop meanwhile."""
        handle = workflow.start_activity_method(
            BootstrapLooks.await_free_host,
            AwaitFreeRequest(site=self.site, book=self.book, within=within),
            start_to_close_timeout=self.timing.paced(within) + SLACK,
            heartbeat_timeout=policies.heartbeat(self.timing),
            retry_policy=policies.WAIT_RETRY,
            summary="wait until nobody is at work there",
        )
        await workflow.wait_condition(lambda: self.is_stopped() or handle.done())
        if not handle.done():
            handle.cancel()
            return None
        return await handle

    async def place(self) -> None:
        self.leaves = True
        await self._act(BootstrapActivities.place_run, self._ref(), "place overrides and playbook's start")

    async def start(self) -> PlaybookStep:
        try:
            done = await self._act(BootstrapActivities.start_playbook, self._ref(), "start the playbook")
        except ActivityError as error:
            self.sent += may_have_changed(error)
            raise
        self.sent += 1
        return done

    async def follow(self, within: timedelta) -> PlaybookEnd | None:
        """To its end, role by role; None when the run is to stop meanwhile."""
        began = workflow.now()
        while True:
            self.log.waits_for(rules.where(self.task))
            left = within - (workflow.now() - began) * self.timing.pace
            end = await self._await(max(left, timedelta(minutes=1)), heed_stop=True)
            if end is None or end.how != "moved":
                return end

    async def stop(self) -> PlaybookEnd:
        """Ends it where it may be cut off; the end as it is then, `so` included."""
        while True:
            end = await self._await(STOPPED_WITHIN, to_stop=True)
            if end is None or end.how != "stoppable":
                assert end is not None
                return end
            request = StopRequest(site=self.site, run=self.run, book=self.book, not_during=rules.NOT_CUT_OFF)
            await self._act(BootstrapActivities.stop_playbook, request, "end the playbook")

    async def wipe(self) -> list[str]:
        """What is left of the secrets, in words."""
        whole = self.timing.mutation_timeout(SETTLE)
        done: Wiped = await workflow.execute_activity_method(
            BootstrapActivities.wipe_secrets,
            WipeSecretsRequest(site=self.site, book=self.book, run=self.run or None),
            start_to_close_timeout=whole,
            schedule_to_close_timeout=self.timing.paced(WIPED_WITHIN) + 3 * whole,
            retry_policy=policies.mutation_retry(self.timing),
            summary="wipe the secrets",
        )
        return list(done.left)

    async def _await(
        self, within: timedelta, *, heed_stop: bool = False, to_stop: bool = False
    ) -> PlaybookEnd | None:
        handle = workflow.start_activity_method(
            BootstrapLooks.await_playbook,
            AwaitPlaybookRequest(
                site=self.site,
                run=self.run,
                book=self.book,
                within=within,
                role=role_of(self.task),
                to_stop=to_stop,
                not_during=rules.NOT_CUT_OFF,
            ),
            start_to_close_timeout=self.timing.paced(within) + SLACK,
            heartbeat_timeout=policies.heartbeat(self.timing),
            retry_policy=policies.WAIT_RETRY,
            summary="wait until it may be ended" if to_stop else f"follow {role_of(self.task)}".strip(),
        )
        await workflow.wait_condition(lambda: (heed_stop and self.is_stopped()) or handle.done())
        if not handle.done():
            handle.cancel()
            return None
        end = await handle
        self.task = end.task or self.task
        self.log.attempts = max(self.log.attempts, end.attempt)
        return end

    async def _act(self, method: Callable[..., Any], request: Any, summary: str) -> PlaybookStep:
        whole = self.timing.mutation_timeout(SETTLE)
        done: PlaybookStep = await mutated(
            self.log,
            self.timing,
            method,
            request,
            whole=whole,
            tries_within=policies.MUTATION_TRIES,
            summary=summary,
        )
        return done

    def _ref(self) -> BootstrapRunRef:
        return BootstrapRunRef(
            site=self.site, run=self.run, book=self.book, values=self.values, restore=self.restore
        )
