"""The site as a run sees it that works on its hosts, and the gate where it waits before it begins."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.observe import ObserveActivities
    from models.outcome import Outcome
    from models.patch import ObserveRequest
    from models.site import Observation
    from models.timing import Timing
    from rules.install import Gate
    from workflows.steps import policies
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, Held

LONGEST_LOOK = timedelta(minutes=30)


@dataclass
class SiteWatch:
    site: str
    release: str
    log: StepLog
    is_stopped: Callable[[], bool]
    seen: Observation | None = None

    @property
    def timing(self) -> Timing:
        return self.seen.timing if self.seen else Timing()

    @property
    def region(self) -> str:
        return self.seen.label_region if self.seen else ""

    async def pass_gate(
        self,
        judge: Callable[[Observation], Gate],
        within: timedelta,
        reachable_within: timedelta | None = None,
    ) -> Observation:
        """Raises Ended when the gate refuses, holds longer than `within`, or the run is stopped.

        `reachable_within` is for a site that cannot be reached, where that is another patience."""
        began = workflow.now()
        seen = await self.observe()
        while True:
            gate = judge(seen)
            self.log.waits_for(gate.why)
            self.safe_point()
            if gate.outcome is None:
                return seen
            if gate.hold is not None:
                raise Held(gate.hold, gate.why)
            is_silent = gate.outcome is Outcome.UNREACHABLE
            patience = reachable_within if is_silent and reachable_within is not None else within
            left = self.timing.paced(patience) - (workflow.now() - began)
            if not gate.waits or (left <= timedelta(0) and not seen.frozen):
                raise Ended(gate.outcome, gate.why)
            seen = await self.observe(unlike=seen.digest, within=left)

    async def observe(self, unlike: str = "", within: timedelta = timedelta(0)) -> Observation:
        """One observation; with `unlike`, the next one that differs, or the same when `within` is over."""
        timing = self.timing
        within = (
            min(max(within * timing.pace, timedelta(minutes=1)), LONGEST_LOOK) if unlike else timedelta(0)
        )
        handle = workflow.start_activity_method(
            ObserveActivities.observe_site,
            ObserveRequest(site=self.site, release=self.release, unlike=unlike, within=within),
            start_to_close_timeout=policies.LOOK + timing.paced(within),
            heartbeat_timeout=policies.FIRST_LOOK_HEARTBEAT,
            retry_policy=policies.WAIT_RETRY,
            summary="look at the site" if not unlike else "wait for a change",
        )
        await workflow.wait_condition(lambda: self.is_stopped() or handle.done())
        if not handle.done():
            handle.cancel()
            self.safe_point()
        self.seen = await handle
        return self.seen

    def safe_point(self) -> None:
        if self.is_stopped():
            raise Ended(Outcome.ABORTED, "cancelled before anything was changed")
