"""Pods between a host and its lock: cordon with our mark, evict round by round, give the node back.

A round is two activities: evictions that the rules allow, each sent once, and a wait until the pods are gone
or a budget has room for the next ones; the wait brings the look by which the next round is decided, so pods
that came after the plan are dealt with, too. At the deadline the run ends blocked with the names of the
budgets that hold. Where the site has no other node nothing is evicted. A pod that ignores the cordon and came
back to the node is left there: it would come back again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.kubernetes import draining
    from activities.kubernetes.draining import KubernetesDrain
    from models.base import format_duration
    from models.drain import (
        AwaitEvictedRequest,
        CordonStep,
        DrainLook,
        DrainRequest,
        Evicted,
        EvictRequest,
        EvictStep,
        PodRef,
    )
    from models.maintenance import HoldPlan, PodPolicy
    from models.outcome import Outcome
    from models.timing import Timing
    from rules import drain as rules
    from workflows.steps import policies
    from workflows.steps.asking import awaited, looked, mutated
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, failure_of, may_have_changed

SILENCE = timedelta(minutes=30)
"""As long as a swact or the reboot of a controller may keep the API away."""
TRIES_WITHIN = timedelta(minutes=30)
"""For one request with all its attempts."""
ONE_WAIT = timedelta(minutes=5)
"""Then it is asked whether the run shall stop, and the pods are asked to leave again."""
LONGEST_PAUSE_S = 60
"""Between rounds in which nobody was let go; each one doubles."""


@dataclass
class PodHold:
    """Of one host. A `Hold`."""

    site: str
    host: str
    policy: PodPolicy
    log: StepLog
    timing: Timing
    name: str = "pods"
    sent: int = 0
    """Requests that changed something, or may have: their answers were lost."""
    _may_be_there: bool = True
    """False once the inventory has said that the site has no Kubernetes, or the cluster no such node."""

    async def plan(self) -> HoldPlan:
        return rules.plan(self.host, await self._look(), self.policy)

    async def take(self, safe_point: Callable[[], None]) -> None:
        """Raises Ended: blocked with the names of what holds."""
        if not self._may_be_there:
            return
        look = await self._look()
        if not rules.moves(look):
            return
        self._refuse(look)
        if not look.cordon:
            safe_point()
            await self._act(KubernetesDrain.cordon_node, self._request(), f"cordon {self.host}")
        await self._empty(look, safe_point)

    async def give_back(self) -> tuple[str, ...]:
        """Also what a run that was terminated has cordoned. A cordon of somebody else is as it was found."""
        if not self._may_be_there:
            return ()
        try:
            await self._act(KubernetesDrain.uncordon_node, self._request(), f"uncordon {self.host}")
        except ActivityError as error:
            return (f"{self.host} may still be cordoned: {failure_of(error)[1]}",)
        return ()

    def _refuse(self, look: DrainLook) -> None:
        blockers = rules.blockers(self.host, look, self.policy)
        if blockers:
            raise Ended(Outcome.BLOCKED, "; ".join(blockers))

    async def _empty(self, look: DrainLook, safe_point: Callable[[], None]) -> None:
        began, first = workflow.now(), frozenset(pod.uid for pod in look.pods)
        heard, idle = "", 0
        while look.pods:
            safe_point()
            if rules.asked_about(look, self.policy):
                self._refuse(look)
            after_s = 0
            if pods := rules.next_evictions(look, self.policy):
                step = await self._evict(pods)
                heard = step.held[0].words if step.held else ""
                idle = 0 if step.sent else idle + 1
                after_s = max(step.after_s, min(2**idle, LONGEST_PAUSE_S) if idle else 0)
            end = await self._await(look, after_s, min(self._left(began), ONE_WAIT), heard)
            look = rules.without_returned(end.look, first)
            if end.how == "late" and not self._left(began):
                within = format_duration(self.policy.within)
                raise Ended(Outcome.BLOCKED, rules.verdict(self.host, look, within, heard))
            if end.how == "silent":
                raise Ended(Outcome.UNREACHABLE, f"the Kubernetes API does not answer: {end.words}")

    async def _evict(self, pods: tuple[PodRef, ...]) -> EvictStep:
        named = ", ".join(str(pod) for pod in pods[: rules.NAMED])
        self.log.waits_for(f"pods are evicted: {named}")
        request = EvictRequest(site=self.site, host=self.host, pods=pods)
        step: EvictStep = await self._act(
            KubernetesDrain.evict_pods, request, f"evict {len(pods)} pods of {self.host}"
        )
        if step.never:
            raise Ended(Outcome.BLOCKED, f"{step.never[0].pod}: {step.never[0].words}")
        return step

    async def _await(self, look: DrainLook, after_s: int, within: timedelta, heard: str) -> Evicted:
        pods = tuple(PodRef(namespace=pod.namespace, name=pod.name, uid=pod.uid) for pod in look.pods)
        self.log.waits_for(heard or f"{len(pods)} pods end")
        request = AwaitEvictedRequest(
            site=self.site, host=self.host, run_id=self._run_id, pods=pods, after_s=after_s, within=within
        )
        end: Evicted = await awaited(
            self.log,
            self.timing,
            KubernetesDrain.await_evicted,
            request,
            within=within,
            summary=f"wait for the pods of {self.host}",
        )
        return end

    def _left(self, began: datetime) -> timedelta:
        """Of the policy's time, in the site's own time."""
        passed = (workflow.now() - began) * self.timing.pace
        return max(self._within - passed, timedelta(0))

    @property
    def _within(self) -> timedelta:
        """Compressed time is not shorter than what a worker that dies in the middle costs."""
        if self.timing.pace == 1:
            return self.policy.within
        lost = policies.heartbeat(self.timing) + 2 * self.timing.mutation_timeout(draining.SETTLE)
        return max(self.policy.within, lost * self.timing.pace)

    @property
    def _run_id(self) -> str:
        return workflow.info().run_id

    def _request(self) -> DrainRequest:
        return DrainRequest(site=self.site, host=self.host, run_id=self._run_id)

    async def _look(self) -> DrainLook:
        look: DrainLook = await looked(
            self.log,
            self.timing,
            KubernetesDrain.examine_drain,
            self._request(),
            silence=SILENCE,
            summary=f"look at the pods of {self.host}",
        )
        self._may_be_there = look.is_declared and look.is_node
        return look

    async def _act(self, method: Callable[..., Any], request: Any, summary: str) -> Any:
        whole = self.timing.mutation_timeout(draining.SETTLE)
        try:
            step: CordonStep | EvictStep = await mutated(
                self.log,
                self.timing,
                method,
                request,
                whole=whole,
                tries_within=TRIES_WITHIN,
                summary=summary,
            )
        except ActivityError as error:
            self.sent += may_have_changed(error)
            raise
        self.sent += step.did if isinstance(step, CordonStep) else step.sent
        return step
