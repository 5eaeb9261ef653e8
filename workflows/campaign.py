"""FleetCampaign: one change carried through many sites, as a sliding window behind gates.

    resolve the members once; refuse what cannot be
    until every site has ended:
        start what the window admits, as children that outlive us
        wait for a site's last word, a person's update, the soak, the tick
    tell the records

All decisions are `rules.campaign.CampaignState`'s. The children are abandoned to themselves: each holds
its site's lock and signals its end. Every two minutes one activity asks Temporal about the very runs in
flight, so that a child that was terminated is noticed, and about the freeze. Before its history grows
long the campaign continues as new with the state alone; detail is in the records by then.
"""

import asyncio
from datetime import timedelta
from typing import NoReturn

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import (
    ApplicationError,
    FailureError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from activities.fleet.activities import FleetActivities
    from activities.fleet.windows import WindowActivities
    from models import contracts
    from models.campaign import (
        AbortRequest,
        Answer,
        ApproveRequest,
        CampaignProgress,
        CampaignResult,
        OverrideHoldRequest,
        PauseRequest,
        ResumeRequest,
        RetryRequest,
        SetRequest,
        SiteEnded,
        SkipRequest,
    )
    from models.carry import CampaignStart
    from models.fleet import Members, ResolveRequest, SoakRequest, TickRequest, WindowsRequest
    from models.operations import JourneyOperation, PatchOperation, UpgradeOperation
    from models.outcome import Outcome
    from models.windows import ForceWindowsRequest
    from rules import explain, updates
    from rules.campaign import CampaignState
    from workflows.operations import request_for, workflow_for
    from workflows.steps import policies
    from workflows.steps.controllers_first import ControllersFirst
    from workflows.steps.notes import CampaignLog
    from workflows.steps.notifying import Notifier

TICK = timedelta(minutes=2)
"""How late a child that died without a word may be noticed."""
TICK_PER_CHILD = timedelta(seconds=0.1)
"""Under pace: a tick asks about every child in flight, and time that is compressed makes the server no
faster."""
BUSY_RETRY = timedelta(minutes=5)
HISTORY_LIMIT = 3_500
"""Before the 4,096 events at which the server suggests it, so that a burst of starts still fits."""
SOAK_CHUNK = 200
NEXT_UP = 200
"""Pending sites that a tick looks up in the inventory: more than start until the next one."""


@workflow.defn(name=contracts.FLEET_CAMPAIGN)
class FleetCampaign:
    @workflow.init
    def __init__(self, start: CampaignStart) -> None:
        self._spec, carry = start.spec, start.carry
        self._state = CampaignState.from_carry(self._spec, carry) if carry else None
        self._log = CampaignLog(self._spec, carry.notes if carry else 0)
        self._notifier = Notifier(self._spec, self._log)
        self._news = False
        self._starts: set[asyncio.Task[None]] = set()
        self._asking = False
        self._slept = False
        self._opening = "" if carry else "reading the inventory"
        self._first: ControllersFirst | None = None

    @workflow.run
    async def run(self, start: CampaignStart) -> CampaignResult:
        self._refuse_unless_named()
        if self._state is None:
            await self._begin()
        elif start.carry is not None:
            self._notifier.take_up(start.carry.notices, self._state.pace)
        ticking = asyncio.create_task(self._tick_by_tick())
        try:
            while not await self._carry_on():
                pass
        finally:
            ticking.cancel()
            ticking.add_done_callback(lambda task: task.cancelled() or task.exception())
        await self._close()
        return self.state.result()

    async def _close(self) -> None:
        self._notifier.tell(self.state, workflow.now(), ended=True)
        await self._log.end(self.state, workflow.now())
        await self._notifier.settle()
        await self._log.flush()

    @property
    def state(self) -> CampaignState:
        if self._state is None:
            raise ApplicationError("the campaign is still reading the inventory; ask again in a moment")
        return self._state

    async def _carry_on(self) -> bool:
        """One turn; True when all is done. A cancel of the campaign is an abort at safe points."""
        try:
            if await self._turn():
                return True
        except asyncio.CancelledError:
            if self.state.stopping:
                raise
            await self._abort(AbortRequest(mode="stop", reason="cancelled in Temporal", owner="Temporal"))
        return False

    async def _turn(self) -> bool:
        state = self.state
        if self._history_is_long():
            await self._continue_as_new()
        if self._slept or state.windows_due(workflow.now()):
            await self._read_windows()
        for name in state.admit(workflow.now()):
            task = asyncio.create_task(self._start(name))
            self._starts.add(task)
            task.add_done_callback(self._starts.discard)
        if state.soak_due(workflow.now()):
            await self._check_soak()
            return False
        self._show()
        if state.finished and not self._starts:
            await workflow.wait_condition(workflow.all_handlers_finished)
            return state.finished
        self._news = False
        wake = state.next_wake(workflow.now())
        self._slept = state.sleeps
        try:
            await workflow.wait_condition(
                lambda: self._news or self._history_is_long(),
                timeout=max(wake - workflow.now(), timedelta(0)) if wake else None,
                timeout_summary="until a maintenance window opens" if self._slept else None,
            )
        except TimeoutError:
            return False
        return False

    # -- members and children

    async def _begin(self) -> None:
        members = await workflow.execute_activity_method(
            FleetActivities.resolve_members,
            ResolveRequest(spec=self._spec, now=workflow.now()),
            start_to_close_timeout=policies.LOOK,
            retry_policy=policies.WAIT_RETRY,
            summary="who takes part",
        )
        if members.problems:
            listed = "\n".join(f"- {problem}" for problem in members.problems)
            raise ApplicationError(
                f"campaign {self._spec.name} was not started, nothing was touched:\n{listed}",
                type=Outcome.REFUSED,
                non_retryable=True,
            )
        state = self._state = CampaignState.begin(self._spec, members, workflow.now())
        if force := self._spec.maintenance_windows.force:
            self._log.say(f"windows do not hold it, forced by {force.owner}: {force.reason}", state.began)
        await self._log.begin(state)
        self._notifier.begin(members.listeners, state.pace)
        self._opening = ""
        if self._spec.upgrade is not None and self._spec.controllers == "first":
            await self._upgrade_controllers(self._spec.upgrade, members)

    async def _upgrade_controllers(self, operation: UpgradeOperation, members: Members) -> None:
        """Wave 0. Where it does not end well the campaign ends with it; a cancel is an abort."""
        self._first = ControllersFirst(
            self._spec.name,
            operation,
            self._open,
            self._may_go_on,
            lambda name: self.state.regions.queues.get(name),
        )
        try:
            await self._first.carry_out(members.names)
        except (asyncio.CancelledError, FailureError) as error:
            if not is_cancelled_exception(error):
                self.state.abort("stop", str(error), "wave 0")
                await self._close()
                raise
            if not self.state.abort_halt:
                self.state.abort("stop", "cancelled in Temporal", "Temporal")
        finally:
            self._first, self._opening = None, ""

    def _open(self, words: str) -> None:
        """What is done before the first wave."""
        self._opening = words
        self._log.say(words, workflow.now())
        self._show()

    async def _may_go_on(self) -> bool:
        state = self.state
        await workflow.wait_condition(
            lambda: state.abort_halt is not None or not (state.pause_halt or state.freeze_halt)
        )
        return state.abort_halt is None

    async def _start(self, name: str) -> None:
        """Its child, or why there is none; a word of its end may already have come."""
        state, spec = self.state, self._spec
        wave = state.wave_number(name)
        if away := state.regions.away(name):
            await self._come_back(name, away)
            return
        try:
            child = await workflow.start_child_workflow(
                workflow_for(spec.operation),
                request_for(
                    spec,
                    name,
                    wave,
                    again=state.is_retry(name),
                    told=workflow.info().workflow_id,
                    override_hold=state.override_of(name),
                ),
                id=contracts.site_workflow_id(name),
                task_queue=state.regions.queue_of(name),
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(contracts.SITE, name),
                        SearchAttributePair(contracts.OPERATION, spec.operation.kind),
                        SearchAttributePair(contracts.CAMPAIGN, spec.name),
                        SearchAttributePair(contracts.WAVE, wave),
                        SearchAttributePair(contracts.RELEASE, spec.operation.target),
                    ]
                ),
                static_summary=f"{spec.operation.kind} {name} to {spec.operation.target}",
            )
        except WorkflowAlreadyStartedError:
            await self._come_back(name, await self._holder(name))
        else:
            # Its end is told by signal and found by the tick; the child's own failure is no event here.
            child.add_done_callback(lambda task: task.cancelled() or task.exception())
            if state.started(name, child.first_execution_run_id or "", workflow.now()):
                self._say_of_try(name)
            if state.stopping:
                await self._cancel(name, child.first_execution_run_id)
            self._news = True

    async def _come_back(self, name: str, holder: str) -> None:
        """Later: who holds it now, in words."""
        retry_at = workflow.now() + BUSY_RETRY / self.state.pace
        ended = self.state.start_refused_busy(name, holder, retry_at, workflow.now())
        if ended:
            await self._log.site_without_run(self.state, name, Outcome.BLOCKED, ended)
        self._news = True

    async def _holder(self, name: str) -> str:
        """Who has the site's lock, in words."""
        holder = await workflow.execute_activity_method(
            FleetActivities.holder_of,
            name,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=policies.WAIT_RETRY,
            summary=f"who holds {name}",
        )
        return holder or "a workflow that has just ended"

    async def _cancel(self, name: str, run_id: str | None) -> None:
        handle = workflow.get_external_workflow_handle(contracts.site_workflow_id(name), run_id=run_id)
        try:
            await handle.cancel()
        except ApplicationError as error:
            workflow.logger.info("%s had ended before it could be cancelled: %s", name, error.message)

    @workflow.signal(name=contracts.SITE_ENDED_SIGNAL)
    def site_ended(self, ended: SiteEnded) -> None:
        now = workflow.now()
        if ended.hold is not None:
            self._log.say(f"{ended.site} is {ended.hold.words}", now)
            self._news |= self.state.held(ended.site, ended.run_id, ended.hold, now)
        elif self.state.ended(ended.site, ended.run_id, ended.outcome, now):
            self._say_of_try(ended.site)
            self._news = True

    def _say_of_try(self, name: str) -> None:
        if words := self.state.try_of(name):
            self._log.say(words, workflow.now())

    # -- what is looked at by the clock

    async def _read_windows(self) -> None:
        """What was declared meanwhile counts; so does what the sites of the night before have taken."""
        state = self.state
        if self._slept:
            await self._tick()
            self._slept = False
        windows = await workflow.execute_activity_method(
            WindowActivities.read_windows,
            WindowsRequest(spec=self._spec, sites=state.wants_windows(), now=workflow.now()),
            start_to_close_timeout=policies.LOOK,
            retry_policy=policies.WAIT_RETRY,
            summary="maintenance windows",
        )
        state.windows_read(windows)

    async def _tick_by_tick(self) -> None:
        while True:
            while self.state.sleeps:
                await workflow.wait_condition(lambda: not self.state.sleeps)
            bearable = min(TICK, len(self.state.in_flight()) * TICK_PER_CHILD)
            await workflow.sleep(max(TICK / self.state.pace, bearable), summary="until the next look")
            self._asking = True
            try:
                await self._tick()
            finally:
                self._asking = False

    async def _tick(self) -> None:
        state = self.state
        in_flight, busy = state.in_flight(), state.busy_sites()
        tick = await workflow.execute_activity_method(
            FleetActivities.tick,
            TickRequest(
                campaign=self._spec.name,
                release=self._spec.operation.target,
                in_flight=in_flight,
                waves={name: state.wave_number(name) for name in in_flight},
                busy=busy,
                pending=tuple(state.next_up(NEXT_UP)),
                on_hold=state.sites_on_hold(),
            ),
            start_to_close_timeout=policies.LOOK,
            retry_policy=policies.WAIT_RETRY,
            summary="children, freeze, inventory",
        )
        for ended in tick.ended:
            if state.ended(ended.site, ended.run_id, ended.outcome, workflow.now()):
                self._say_of_try(ended.site)
        for name in [name for name in state.next_up(NEXT_UP) if name in tick.gone]:
            state.skip([name])
            await self._log.site_without_run(state, name, Outcome.SKIPPED, "it has left the inventory")
        for name in busy:
            if name not in tick.holders:
                state.came_free(name)
        for words in state.regions.seen(tick.queues, tick.unpolled):
            self._log.say(words, workflow.now())
        for name, hold in tick.holds.items():
            if words := state.hold_seen(name, hold, workflow.now()):
                self._log.say(words, workflow.now())
        self._heed_freeze(tick.frozen)
        self._log.say_changes(state, workflow.now())
        await self._log.flush()
        self._news = True

    @workflow.signal(name=contracts.FREEZE_SIGNAL)
    def freeze_changed(self, words: str) -> None:
        """Told by `starflock freeze` and `thaw`, so that nobody waits for the tick."""
        if self._state is not None:
            self._heed_freeze(words)
            self._woken()

    def _heed_freeze(self, words: str) -> None:
        if words:
            self.state.freeze(words)
        else:
            self.state.thaw()

    async def _check_soak(self) -> None:
        """No new management-affecting alarm on the wave's sites; silence after success is no good sign."""
        state, operation = self.state, self._spec.operation
        if not isinstance(operation, PatchOperation | UpgradeOperation | JourneyOperation):
            # A host that was just installed runs no platform yet that could raise an alarm.
            state.soak_passed()
            return
        sites = state.soaking_sites()
        found: dict[str, str] = {}
        parts = [
            (queue, tuple(names[at : at + SOAK_CHUNK]))
            for queue, names in state.regions.by_queue(sites).items()
            for at in range(0, len(names), SOAK_CHUNK)
        ]
        for queue, part in parts:
            finding = await workflow.execute_activity_method(
                FleetActivities.check_soak,
                SoakRequest(
                    campaign=self._spec.name,
                    release=self._spec.operation.target,
                    sites=part,
                    ignore_alarms=operation.ignore_alarms,
                ),
                task_queue=queue,
                start_to_close_timeout=4 * policies.LOOK,
                heartbeat_timeout=policies.LOOK,
                retry_policy=policies.WAIT_RETRY,
                summary=f"soak of wave {state.wave + 1}",
            )
            found |= finding.alarms | dict.fromkeys(finding.silent, "does not answer")
        if found:
            state.soak_failed(
                list(found), "; ".join(f"{site}: {why}" for site, why in list(found.items())[:4])
            )
        else:
            state.soak_passed()

    # -- what people say

    @workflow.query(name=contracts.PROGRESS_QUERY)
    def progress(self) -> CampaignProgress:
        if self._state is None:
            return CampaignProgress(
                name=self._spec.name,
                phase="starting",
                why=self._opening,
                wave=1,
                waves=len(self._spec.waves),
                total=0,
                pending=0,
                in_flight=(),
                counts={},
            )
        seen = explain.progress(self._state, workflow.now(), self._opening)
        return seen.model_copy(update={"untold": self._notifier.untold})

    @workflow.update
    def pause(self, request: PauseRequest) -> Answer:
        return self._did(self.state.pause(request.reason, request.owner))

    @pause.validator
    def _may_pause(self, request: PauseRequest) -> None:
        _refuse(updates.pause_refused(self.state, request))

    @workflow.update
    def resume(self, request: ResumeRequest) -> Answer:
        return self._did(self.state.resume(request.owner))

    @resume.validator
    def _may_resume(self, request: ResumeRequest) -> None:
        _refuse(updates.resume_refused(self.state, request))

    @workflow.update
    async def abort(self, request: AbortRequest) -> Answer:
        return await self._abort(request)

    @abort.validator
    def _may_abort(self, request: AbortRequest) -> None:
        if self._first is None:
            _refuse(updates.abort_refused(self.state, request))

    async def _abort(self, request: AbortRequest) -> Answer:
        answer = self._did(self.state.abort(request.mode, request.reason, request.owner))
        if request.mode == "stop":
            for name, run_id in self.state.in_flight().items():
                await self._cancel(name, run_id)
            if self._first and self._first.in_work:
                await self._cancel(self._first.in_work, None)
        return answer

    @workflow.update
    def approve(self, request: ApproveRequest) -> Answer:
        return self._did(self.state.approve(request.gate, request.owner))

    @approve.validator
    def _may_approve(self, request: ApproveRequest) -> None:
        _refuse(updates.approve_refused(self.state, request))

    @workflow.update
    async def skip(self, request: SkipRequest) -> Answer:
        answer = self._did(self.state.skip(request.sites))
        for name in request.sites:
            # One that waited for its next try has a run, and stays ended as that one did.
            if self.state.is_skipped(name):
                words = f"skipped by {request.owner}"
                await self._log.site_without_run(self.state, name, Outcome.SKIPPED, words)
        return answer

    @skip.validator
    def _may_skip(self, request: SkipRequest) -> None:
        _refuse(updates.skip_refused(self.state, request))

    @workflow.update
    def retry(self, request: RetryRequest) -> Answer:
        return self._did(f"{self.state.retry(request.sites)}, by {request.owner}")

    @retry.validator
    def _may_retry(self, request: RetryRequest) -> None:
        _refuse(updates.retry_refused(self.state, request))

    @workflow.update(name="set")
    def set_limits(self, request: SetRequest) -> Answer:
        done = self.state.set_limits(request.max_in_flight, request.by, request.budget, request.wan)
        return self._did(f"{done}, by {request.owner}")

    @set_limits.validator
    def _may_set(self, request: SetRequest) -> None:
        _refuse(updates.set_refused(self.state, request))

    @workflow.update
    def force_windows(self, request: ForceWindowsRequest) -> Answer:
        return self._did(self.state.force_windows(request.sites, request.reason, request.owner))

    @force_windows.validator
    def _may_force_windows(self, request: ForceWindowsRequest) -> None:
        _refuse(updates.force_windows_refused(self.state, request))

    @workflow.update
    def override_hold(self, request: OverrideHoldRequest) -> Answer:
        return self._did(self.state.override_hold(request.sites, request.reason, request.owner))

    @override_hold.validator
    def _may_override_hold(self, request: OverrideHoldRequest) -> None:
        _refuse(updates.override_hold_refused(self.state, request))

    def _did(self, message: str) -> Answer:
        self._log.say(message, workflow.now())
        self._woken()
        return Answer(message=message)

    def _woken(self) -> None:
        self._news = True
        if self._first is not None:
            self._show()

    def _show(self) -> None:
        if not self._opening:
            self._log.say_changes(self.state, workflow.now())
        self._notifier.tell(self.state, workflow.now())
        workflow.set_current_details(self._log.markdown(self.state, workflow.now(), self._opening))

    # -- the engine's side

    def _refuse_unless_named(self) -> None:
        wanted = contracts.campaign_workflow_id(self._spec.name)
        found = workflow.info().workflow_id
        # A schedule adds the time of the start to the id.
        if found != wanted and not found.startswith(f"{wanted}-"):
            raise ApplicationError(
                f"refused: campaign {self._spec.name} runs only under the workflow id {wanted}; this one was "
                f"started as {found}. Nothing was done.",
                type=Outcome.REFUSED,
                non_retryable=True,
            )

    def _history_is_long(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() > HISTORY_LIMIT

    async def _continue_as_new(self) -> NoReturn:
        """With no start unanswered, no tick and no handler half-way, nothing is lost on the way."""
        await workflow.wait_condition(lambda: not self._starts and workflow.all_handlers_finished())
        await self._log.flush()
        await workflow.wait_condition(lambda: not self._asking and workflow.all_handlers_finished())
        update = {"notes": self._log.sequence, "notices": self._notifier.carry()}
        carry = self.state.to_carry().model_copy(update=update)
        workflow.continue_as_new(CampaignStart(**self._spec.model_dump(), carry=carry))


def _refuse(words: str) -> None:
    if words:
        raise ApplicationError(words, type=Outcome.REFUSED, non_retryable=True)
