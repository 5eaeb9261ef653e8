"""VMs between a host and its lock: nova-compute takes no new ones, each leaves as the plan says, in rounds.

A round is a look, the plan of what is there now, and its moves, so many at a time; the next look sees what
came meanwhile, until the host has nothing that must leave and no migration is open. A VM in ERROR, one that
nobody may move, and one whose move fails end the take before the lock: the host is then given back as it was
found. What was stopped is started again, what an earlier run has left is finished, and nova-compute is
enabled where its reason is ours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.openstack.computes import OpenstackComputes
    from models.compute import (
        AwaitComputeRequest,
        AwaitMoveRequest,
        ComputeFacts,
        ComputeRequest,
        ComputeUp,
        MoveEnd,
        ServiceRequest,
        ServiceStep,
    )
    from models.maintenance import HoldPlan, VmPolicy
    from models.outcome import Outcome
    from models.timing import Timing
    from rules import vm_moves as rules
    from workflows.steps.asking import looked
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, ended_by, failure_of
    from workflows.steps.vm_moving import VmMoving

SILENCE = timedelta(minutes=30)
"""As long as a swact or the reboot of a controller may keep the API away."""
TASK_WITHIN = timedelta(minutes=30)
"""For what Nova was in the middle of when we came."""
UP_WITHIN = timedelta(minutes=15)
"""Until nova-compute answers on a host that has booted."""
MOST_ROUNDS = 20
"""VMs that come as fast as others leave: somebody has to end that."""


@dataclass
class VmHold:
    """Of one host. A `Hold`."""

    site: str
    host: str
    policy: VmPolicy
    log: StepLog
    timing: Timing
    name: str = "VMs"
    _may_be_there: bool = True
    """False once a look has said that the site declares no OpenStack, or the host has no nova-compute."""

    _is_disabled: bool = False
    """By this run."""

    def __post_init__(self) -> None:
        self._moving = VmMoving(self.site, self.host, self.policy, self.log, self.timing, self._look)

    @property
    def sent(self) -> int:
        """Requests that changed something, or may have: their answers were lost."""
        return self._moving.sent

    async def plan(self) -> HoldPlan:
        return rules.hold_plan(await self._look(), self.policy)

    async def take(self, safe_point: Callable[[], None]) -> None:
        """Raises Ended: blocked with the names of the VMs, or failed with what Nova says."""
        if not self._may_be_there:
            return
        try:
            await self._empty(safe_point)
        except ActivityError as error:
            raise ended_by(error) from error

    async def give_back(self) -> tuple[str, ...]:
        """Also what a run that was terminated has stopped, disabled or not confirmed."""
        if not self._may_be_there:
            return ()
        try:
            facts = await self._look()
        except ActivityError as error:
            return (f"nobody could look for VMs to start on {self.host}: {failure_of(error)[1]}",)
        if not self._may_be_there:
            return ()
        left = [await self._moving.finish(vm) for vm in facts.arrived]
        stopped = [vm for vm in facts.vms if vm.stopped_by]
        if stopped:
            why = await self._until_up()
            left += [f"VM {vm.name}: {why}" for vm in stopped] if why else await self._moving.start(stopped)
        left.append(await self._enable(facts))
        return tuple(words for words in left if words)

    async def _empty(self, safe_point: Callable[[], None]) -> None:
        facts = await self._look()
        own = facts.own
        if own is None:
            return
        self._refuse(rules.plan(facts, self.policy))
        if own.enabled:
            safe_point()
            self.log.waits_for(f"nova-compute on {self.host} is disabled")
            await self._serve(OpenstackComputes.disable_compute, "disable")
            self._is_disabled = True
        for _ in range(MOST_ROUNDS):
            facts = await self._look()
            found = rules.plan(facts, self.policy)
            self._refuse(found)
            if found.is_empty and not facts.moving:
                return
            safe_point()
            await self._round(facts, found, safe_point)
        raise Ended(
            Outcome.BLOCKED, f"VMs came to {self.host} as fast as others left, {MOST_ROUNDS} times in a row"
        )

    async def _round(self, facts: ComputeFacts, found: rules.VmPlan, safe_point: Callable[[], None]) -> None:
        for vm in found.confirms:
            if why := await self._moving.finish(vm):
                raise Ended(Outcome.BLOCKED, why)
        for one in facts.moving:
            name = next((vm.name for vm in facts.vms if vm.id == one.vm), one.vm)
            self.log.waits_for(f"migration {one.id} of VM {name}, which somebody else has begun")
            request = AwaitMoveRequest(
                site=self.site,
                host=self.host,
                vm=one.vm,
                name=name,
                migration=one.id,
                kind="cold" if one.kind == "migration" else "live",
                within=TASK_WITHIN,
            )
            self._not_late(await self._moving.await_move(request), name)
        moving = {one.vm for one in facts.moving}
        for vm in [vm for vm in found.waits if vm.id not in moving]:
            await self._moving.settle(vm, TASK_WITHIN)
        if not (found.waits or facts.moving):
            await self._moving.move_all(found.moves, facts, safe_point)

    def _not_late(self, end: MoveEnd, name: str) -> None:
        if end.how == "late":
            raise Ended(Outcome.BLOCKED, f"VM {name} is still being moved by somebody else: {end.words}")
        if end.how == "silent":
            raise Ended(Outcome.UNREACHABLE, f"Nova of {self.site} does not answer: {end.words}")

    def _refuse(self, found: rules.VmPlan) -> None:
        if found.blockers:
            raise Ended(Outcome.BLOCKED, "; ".join(found.blockers))

    async def _enable(self, facts: ComputeFacts) -> str:
        """What stays, in words."""
        own = facts.own
        if own is None or not own.is_ours:
            # Somebody else's is as it was found, unless this run had disabled it before.
            reason = own.reason if own and not own.enabled and self._is_disabled else ""
            return reason and f"nova-compute on {self.host} was disabled by somebody else meanwhile: {reason}"
        try:
            await self._serve(OpenstackComputes.enable_compute, "enable")
        except ActivityError as error:
            return f"nova-compute on {self.host} may still be disabled: {failure_of(error)[1]}"
        return ""

    async def _serve(self, method: Callable[..., Any], verb: str) -> ServiceStep:
        request = ServiceRequest(site=self.site, host=self.host, run_id=workflow.info().run_id)
        step: ServiceStep = await self._moving.act(method, request, f"{verb} nova-compute on {self.host}")
        return step

    async def _until_up(self) -> str:
        """Why VMs cannot be started; empty where they can."""
        self.log.waits_for(f"nova-compute on {self.host} comes up")
        request = AwaitComputeRequest(site=self.site, host=self.host, within=UP_WITHIN)
        try:
            end: ComputeUp = await self._moving.wait(
                OpenstackComputes.await_compute, request, f"wait for nova-compute on {self.host}"
            )
        except ActivityError as error:
            return failure_of(error)[1]
        return "" if end.how == "so" else f"stays stopped: {end.words}"

    async def _look(self) -> ComputeFacts:
        facts: ComputeFacts = await looked(
            self.log,
            self.timing,
            OpenstackComputes.examine_compute,
            ComputeRequest(site=self.site, host=self.host),
            silence=SILENCE,
            summary=f"look at the VMs of {self.host}",
        )
        self._may_be_there = facts.declared and facts.own is not None
        return facts
