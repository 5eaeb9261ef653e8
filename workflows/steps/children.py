"""A site's hosts worked on, so many at a time, each in a child workflow `site/<site>/<host>`.

A child's history is its own, so a site of many hosts keeps a short one. When a host fails no further one is
begun, and those under way go on to their end: each of them is either done or says what it says. A
cancel is handed on to every child, which ends at its next safe point.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.base import Frozen
    from models.bringup import BringUpHostRequest, HostEnd, PlannedHost
    from models.outcome import GOOD, Outcome
    from workflows.steps.platform import SitePlatform
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended

Child = workflow.ChildWorkflowHandle[Frozen, HostEnd]


@dataclass(frozen=True)
class HostWork:
    """What a child does to its host."""

    host: str
    workflow: str
    request: Frozen
    summary: str
    end: type[HostEnd] = HostEnd


@dataclass
class HostChildren:
    platform: SitePlatform
    log: StepLog
    is_stopped: Callable[[], bool]
    safe_point: Callable[[], None]
    """Raises Ended once the run is stopped."""
    at_once: int
    under_way: dict[str, Child] = field(default_factory=dict)
    ended: list[HostEnd] = field(default_factory=list)

    async def bring_up(self, hosts: list[PlannedHost]) -> None:
        """Raises Ended for the first that did not come into service, once all that were begun have ended."""
        await self.carry_out([self._bring_up(host) for host in hosts])

    async def carry_out(self, work: list[HostWork]) -> None:
        """Raises Ended for the first that did not end well, once all that were begun have ended."""
        await self.run(work)
        bad = self.bad
        if bad and bad[0].outcome is Outcome.ABORTED:
            self.safe_point()
        if bad:
            raise Ended(bad[0].outcome, words_of(bad[0]), *bad[0].evidence, *map(words_of, bad[1:]))
        self.safe_point()

    async def run(self, work: list[HostWork]) -> None:
        """Until all that were begun have ended, however."""
        waiting = list(work)
        while waiting or self.under_way:
            while waiting and len(self.under_way) < self.at_once and self._may_begin:
                await self._begin(waiting.pop(0))
            if not self.under_way:
                break
            self._tell(waiting)
            await workflow.wait_condition(lambda: self.is_stopped() or self._is_one_done)
            if self.is_stopped():
                await self._hand_on_cancel()
            for name in [name for name, child in self.under_way.items() if child.done()]:
                kind = next(one.end for one in work if one.host == name)
                self._take(await _end_of(name, self.under_way.pop(name), kind))
        self.log.hosts = ()

    @property
    def bad(self) -> list[HostEnd]:
        """Those that failed by themselves before those that were only stopped."""
        return sorted(
            (end for end in self.ended if end.outcome not in GOOD),
            key=lambda end: end.outcome is Outcome.ABORTED,
        )

    @property
    def _may_begin(self) -> bool:
        return not self.is_stopped() and all(end.outcome in GOOD for end in self.ended)

    @property
    def _is_one_done(self) -> bool:
        return any(child.done() for child in self.under_way.values())

    def _bring_up(self, host: PlannedHost) -> HostWork:
        site, platform = self.platform.site, self.platform
        request = BringUpHostRequest(
            site=site, host=host, region=platform.region, digest=platform.digest, timing=platform.timing
        )
        summary = f"bring {host.name} of {site} into service"
        return HostWork(host.name, contracts.BRING_UP_HOST, request, summary)

    async def _begin(self, work: HostWork) -> None:
        workflow_id = contracts.host_workflow_id(self.platform.site, work.host)
        try:
            self.under_way[work.host] = await workflow.start_child_workflow(
                work.workflow,
                work.request,
                id=workflow_id,
                result_type=work.end,
                static_summary=work.summary,
            )
        except WorkflowAlreadyStartedError:
            reason = f"{workflow_id} of an earlier run is still open; start again once it has ended"
            self._take(work.end(host=work.host, outcome=Outcome.BLOCKED, reason=reason))

    async def _hand_on_cancel(self) -> None:
        for child in self.under_way.values():
            child.cancel()
        await workflow.wait_condition(lambda: all(child.done() for child in self.under_way.values()))

    def _take(self, end: HostEnd) -> None:
        self.ended.append(end)
        self.log.steps.extend(end.steps)
        self.platform.changed.extend(end.changed)
        self.platform.sent += end.sent

    def _tell(self, waiting: list[HostWork]) -> None:
        self.log.hosts = tuple(self.under_way)
        next_ones = f"; {len(waiting)} to come" if waiting else ""
        self.log.waits_for(f"{', '.join(self.under_way)} under way{next_ones}")


def words_of(end: HostEnd) -> str:
    return end.reason if end.host in end.reason else f"{end.host}: {end.reason}"


async def _end_of(name: str, child: Child, kind: type[HostEnd]) -> HostEnd:
    try:
        return await child
    except (ChildWorkflowError, asyncio.CancelledError) as error:
        cause = error.cause if isinstance(error, ChildWorkflowError) else None
        if isinstance(cause, ApplicationError) and cause.details:
            return kind.model_validate(cause.details[0])
        # Terminated by hand, or gone in a way of which it could not tell: nobody knows what it changed.
        reason = f"its workflow ended without a word ({cause or error or 'cancelled'})"
        return kind(host=name, outcome=Outcome.FAILED, reason=reason, sent=1)
