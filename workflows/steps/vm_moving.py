"""One VM after the other, or so many at a time, away from a host: asked for once, judged, aborted when late.

What is stopped goes last, several by one request each of marking, stopping and waiting; so does what is
started again, and one that does not start keeps nobody from the others.

Nova chooses where a VM goes; only when that has failed on the way to one host is another one named, once. A
live migration that is not over in time is aborted and its VM stays where it was; a cold one cannot be.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.openstack import acting
    from activities.openstack.acting import OpenstackVms
    from activities.openstack.moving import OpenstackMoves
    from models.base import format_duration
    from models.compute import (
        VMS_TOGETHER,
        AbortRequest,
        AwaitMoveRequest,
        AwaitVmStateRequest,
        ComputeFacts,
        MoveEnd,
        MoveRequest,
        MoveStep,
        Vm,
        VmAct,
        VmActed,
        VmActRequest,
        VmLeft,
        VmRef,
        VmState,
        VmStates,
    )
    from models.maintenance import VmPolicy
    from models.outcome import Outcome
    from models.timing import Timing
    from rules import vm_moves as rules
    from workflows.steps.asking import awaited, mutated
    from workflows.steps.progress import StepLog
    from workflows.steps.site import OUTCOME_OF_FAILURE, Ended, failure_of, may_have_changed

TRIES_WITHIN = timedelta(minutes=30)
"""For one request with all its attempts."""
STATE_WITHIN = timedelta(minutes=15)
"""A guest gets a minute to shut down; a start or a confirmation is over sooner."""
ABORTED_WITHIN = timedelta(minutes=10)
MOST_TRIES = 2
MAY_NOT_RUN = "was stopped by us and may not run"


@dataclass
class VmMoving:
    site: str
    host: str
    policy: VmPolicy
    log: StepLog
    timing: Timing
    look: Callable[[], Awaitable[ComputeFacts]]
    sent: int = 0

    async def move_all(
        self, moves: tuple[rules.VmMove, ...], facts: ComputeFacts, safe_point: Callable[[], None]
    ) -> None:
        """Raises Ended for the first that did not come out; those under way go on to their end."""
        waiting = [move for move in moves if move.method != "stop-start"]
        wrong = list[Ended | ActivityError]()

        async def lane() -> None:
            while waiting and not wrong:
                move = waiting.pop(0)
                try:
                    safe_point()
                    self._tell(move, len(waiting))
                    await self._move(move, facts)
                except (Ended, ActivityError) as error:
                    wrong.append(error)

        await asyncio.gather(*(lane() for _ in range(self.policy.at_once)))
        if wrong:
            raise wrong[0]
        for several in _by_turns([move.vm for move in moves if move.method == "stop-start"]):
            safe_point()
            await self._stop(several)

    async def finish(self, vm: Vm) -> str:
        """A cold migration of an earlier run is confirmed, its mark taken away; why not, in words."""
        self.log.waits_for(f"the migration of VM {vm.name} is confirmed")
        try:
            # It may still have been on its way when it was looked at.
            if (await self.settle(vm, STATE_WITHIN)).status == "VERIFY_RESIZE":
                await self._act_on([vm], "confirm")
                await self.settle(vm, STATE_WITHIN, "ACTIVE", "SHUTOFF")
            await self._act_on([vm], "unmark-moved")
        except (Ended, ActivityError) as error:
            return _left(vm, "may wait for the confirmation of our migration", error)
        return ""

    async def start(self, vms: list[Vm]) -> list[str]:
        """Started again, and their marks taken away; of which not and why, in words."""
        left: list[str] = []
        for several in _by_turns(vms):
            try:
                left += await self._start(several)
            except (Ended, ActivityError) as error:
                left += [_left(vm, MAY_NOT_RUN, error) for vm in several]
        return left

    async def _start(self, vms: list[Vm]) -> list[str]:
        self.log.waits_for(f"{_named(vms)} started")
        troubles = {one.id: one.words for one in await self._act_on(vms, "start")}
        asked = [vm for vm in vms if vm.id not in troubles]
        if asked:
            for vm, state in zip(asked, await self._settled(asked, STATE_WITHIN, "ACTIVE"), strict=True):
                if why := _not_so(vm, state, STATE_WITHIN):
                    troubles[vm.id] = why.reason
        run = [vm for vm in asked if vm.id not in troubles]
        if run:
            troubles |= {one.id: one.words for one in await self._act_on(run, "unmark-stopped")}
        return [f"VM {vm.name} ({vm.id}) {MAY_NOT_RUN}: {troubles[vm.id]}" for vm in vms if vm.id in troubles]

    async def settle(self, vm: Vm, within: timedelta, *statuses: str) -> VmState:
        """Until Nova has no task for it, so or gone. Raises Ended."""
        (state,) = await self._settled([vm], within, *statuses)
        if why := _not_so(vm, state, within):
            raise why
        return state

    async def _settled(self, vms: list[Vm], within: timedelta, *statuses: str) -> tuple[VmState, ...]:
        """How each came out. Raises Ended where Nova does not answer."""
        request = AwaitVmStateRequest(site=self.site, vms=_refs(vms), statuses=statuses, within=within)
        end: VmStates = await self.wait(OpenstackVms.await_vms, request, f"wait for {_named(vms)}")
        if end.how == "silent":
            raise Ended(Outcome.UNREACHABLE, f"Nova of {self.site} does not answer: {end.words}")
        return end.vms

    async def await_move(self, request: AwaitMoveRequest) -> MoveEnd:
        end: MoveEnd = await self.wait(
            OpenstackMoves.await_move, request, f"wait for migration {request.migration} of {request.name}"
        )
        return end

    async def _move(self, move: rules.VmMove, facts: ComputeFacts) -> None:
        vm, after, target, tried = move.vm, facts.last_migration, "", frozenset[str]()
        if move.method == "cold":
            await self._act_on([vm], "mark-moved")
        for number in range(1, MOST_TRIES + 1):
            step = await self._ask(move, target, after)
            if step.refused:
                raise Ended(Outcome.FAILED, f"VM {vm.name} ({vm.id}) was not moved: {step.words}")
            if not step.migration:
                # It has changed since the look; the next round sees how.
                return
            end = await self._over(move, step.migration)
            if end.how in ("moved", "gone"):
                return
            tried, after = tried | {end.dest}, step.migration
            target = rules.next_target(vm, await self.look(), self.policy, tried) if end.dest else ""
            if not target or number == MOST_TRIES:
                raise Ended(Outcome.FAILED, f"VM {vm.name} ({vm.id}) was not moved: {end.words}")

    async def _ask(self, move: rules.VmMove, target: str, after: int) -> MoveStep:
        vm, kind = move.vm, rules.kind_of(move.method)
        request = MoveRequest(
            site=self.site, host=self.host, vm=vm.id, name=vm.name, kind=kind, target=target, after=after
        )
        to = f" to {target}" if target else ""
        step: MoveStep = await self.act(OpenstackMoves.migrate_vm, request, f"migrate {vm.name} {kind}{to}")
        return step

    async def _over(self, move: rules.VmMove, migration: int) -> MoveEnd:
        """moved, gone, failed or cancelled. Raises Ended for everything that a person has to look at."""
        vm, kind = move.vm, rules.kind_of(move.method)
        request = AwaitMoveRequest(
            site=self.site,
            host=self.host,
            vm=vm.id,
            name=vm.name,
            migration=migration,
            kind=kind,
            within=self.policy.within,
        )
        end = await self.await_move(request)
        if end.how == "to confirm":
            await self._act_on([vm], "confirm")
            end = await self.await_move(request)
        if end.how == "moved" and kind == "cold":
            await self._act_on([vm], "unmark-moved")
        if end.how == "late" and kind == "live":
            end = await self._abort(vm, request)
        if end.how == "silent":
            raise Ended(Outcome.UNREACHABLE, f"Nova of {self.site} does not answer: {end.words}")
        if end.how == "error":
            raise Ended(Outcome.FAILED, f"VM {vm.name} ({vm.id}) is in ERROR: {end.words}")
        if end.how in ("late", "to confirm"):
            raise Ended(Outcome.FAILED, f"VM {vm.name} ({vm.id}) is still under way: {end.words}")
        return end

    async def _abort(self, vm: Vm, request: AwaitMoveRequest) -> MoveEnd:
        """It may have come out meanwhile."""
        within = format_duration(self.policy.within)
        self.log.waits_for(f"the migration of VM {vm.name} is aborted: not over after {within}")
        aborted = AbortRequest(site=self.site, vm=vm.id, name=vm.name, migration=request.migration)
        await self.act(OpenstackMoves.abort_move, aborted, f"abort the migration of {vm.name}")
        end = await self.await_move(request.model_copy(update={"within": ABORTED_WITHIN}))
        if end.how == "cancelled":
            return end.model_copy(update={"words": f"aborted by us: it was not over after {within}"})
        return end

    async def _stop(self, vms: list[Vm]) -> None:
        """Raises Ended for the first of which nobody can say that it is stopped."""
        self.log.waits_for(f"{_named(vms)} stopped, to be started again afterwards")
        for act in ("mark-stopped", "stop"):
            for left in await self._act_on(vms, act):
                raise Ended(OUTCOME_OF_FAILURE.get(left.kind, Outcome.FAILED), left.words)
        for vm, state in zip(vms, await self._settled(vms, STATE_WITHIN, "SHUTOFF"), strict=True):
            if why := _not_so(vm, state, STATE_WITHIN):
                raise why

    async def _act_on(self, vms: list[Vm], act: VmAct) -> tuple[VmLeft, ...]:
        """Those to which it could not be done. Raises ActivityError, also for a single one."""
        request = VmActRequest(
            site=self.site, host=self.host, vms=_refs(vms), act=act, run_id=workflow.info().run_id
        )
        done: VmActed = await self.act(OpenstackVms.act_on_vms, request, f"{act} {_named(vms)}")
        return done.left

    def _tell(self, move: rules.VmMove, waiting: int) -> None:
        more = f"; {waiting} more to come" if waiting else ""
        self.log.waits_for(f"{rules.said(move)}{more}")

    async def act(self, method: Callable[..., Any], request: Any, summary: str) -> Any:
        """One mutation with its looks."""
        whole = self.timing.mutation_timeout(acting.SETTLE) + acting.looking(self.timing)
        try:
            step = await mutated(
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
        self.sent += step.did
        return step

    async def wait(self, method: Callable[..., Any], request: Any, summary: str) -> Any:
        return await awaited(self.log, self.timing, method, request, within=request.within, summary=summary)


def _refs(vms: list[Vm]) -> tuple[VmRef, ...]:
    return tuple(VmRef(id=vm.id, name=vm.name) for vm in vms)


def _named(vms: list[Vm]) -> str:
    return f"VM {vms[0].name}" if len(vms) == 1 else f"{len(vms)} VMs"


def _by_turns(vms: list[Vm]) -> list[list[Vm]]:
    return [vms[first : first + VMS_TOGETHER] for first in range(0, len(vms), VMS_TOGETHER)]


def _not_so(vm: Vm, state: VmState, within: timedelta) -> Ended | None:
    if state.how == "error":
        return Ended(Outcome.FAILED, f"VM {vm.name} ({vm.id}) is in ERROR: {state.words}")
    if state.how == "late":
        after = format_duration(within)
        return Ended(Outcome.BLOCKED, f"VM {vm.name} ({vm.id}): {state.words} after {after}")
    return None


def _left(vm: Vm, what: str, error: Ended | ActivityError) -> str:
    why = error.reason if isinstance(error, Ended) else failure_of(error)[1]
    return f"VM {vm.name} ({vm.id}) {what}: {why}"
