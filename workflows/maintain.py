"""MaintainHost: one host out of service for a person's work, a reboot or good, and back.

    wait until nobody is at work, power is not just coming back, nobody there holds the site; is it this cloud
    give back what runs of ours left that were terminated
    maintain   take out; wait until somebody says that the work is done; bring back
    reboot     take out; reboot; bring back
    lock       take out, and leave it so
    unlock     bring back
    swact      the other controller takes over

A cancel gives the host back; so does the end of `work_within` without a word. PlanMaintenance says what would
be done and what forbids it, changes nothing and needs no lock.
"""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.sysinv.maintaining import MaintenanceActivities
    from models import contracts
    from models.bmc import HostRef
    from models.campaign import Answer
    from models.host_maintenance import HostLook, MaintainHostResult, MaintenancePlan, WorkDone
    from models.maintenance import MaintainHostRequest
    from models.outcome import Outcome
    from models.site import Observation
    from models.timing import Timing
    from rules import maintenance as rules
    from rules.disturbing import Disturbance
    from rules.install import Gate
    from workflows.inspect import A_PERSON_WAITS
    from workflows.steps import policies
    from workflows.steps.holds_of import holds_of
    from workflows.steps.maintenance import HostMaintenance
    from workflows.steps.platform import SitePlatform
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.progress import StepLog
    from workflows.steps.put_right import put_right
    from workflows.steps.site import Ended, raise_unless_good, refuse_unless_locked, to_a_safe_point
    from workflows.steps.watch import SiteWatch


@workflow.defn(name=contracts.MAINTAIN_HOST)
class MaintainHost(SiteProcedure):
    @workflow.init
    def __init__(self, request: MaintainHostRequest) -> None:
        super().__init__(request.path, request.act)
        self._request = request
        self._platform = SitePlatform(request.site, self._log, Timing())
        self._watch = SiteWatch(request.site, "", self._log, lambda: self._stop)
        self._evidence += [f"asked for by {request.by}"] if request.by else []
        self._disturbance = Disturbance(request.site, request.override_hold)
        self._evidence += self._disturbance.evidence
        self._is_out = False
        self._done_by = ""

    @workflow.run
    async def run(self, request: MaintainHostRequest) -> MaintainHostResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        result = self._result(outcome, reason, began)
        await self._close(
            site=request.site,
            operation=request.act,
            target=request.host,
            region=self._watch.region,
            campaign=None,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=(*result.evidence, *result.changed),
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        raise_unless_good(outcome, reason, result)
        return result

    @workflow.update
    def work_done(self, request: WorkDone) -> Answer:
        self._done_by = request.owner
        self._evidence.append(f"{request.owner} said that the work is done")
        return Answer(message=f"{request.host} is given back, by {request.owner}")

    @work_done.validator
    def _may_be_done(self, request: WorkDone) -> None:
        words = ""
        if request.host != self._request.path:
            words = f"this run is about {self._request.path}, not {request.host}"
        elif not self._is_out:
            words = f"nobody works on {request.host} yet, or any more: this run is at {self._log.step}"
        if words:
            raise ApplicationError(words, type=Outcome.REFUSED, non_retryable=True)

    # -- the procedure

    async def _to_the_end(self) -> tuple[Outcome, str]:
        request = self._request
        try:
            look = await self._pass_gates()
            mine = (request.host,) if request.act != "swact" else ()
            left = tuple(host for host in look.marked if host not in mine)
            self._evidence += await put_right(self._platform, left, request.policy, self._log)
            self._safe_point()
            return await self._act(await self._look() if left else look)
        except (Ended, ActivityError) as error:
            end = self._end_of(error)
            touched = self._platform.sent if request.act in ("swact", "unlock") else 0
            return self._said_truly(end, touched)

    async def _pass_gates(self) -> HostLook:
        with self._log.during("gates"):
            seen = await self._watch.pass_gate(self._gate, self._request.ready_within)
            self._platform.timing = seen.timing
            self._maintenance = self._step()
            return await self._look()

    def _gate(self, seen: Observation) -> Gate:
        request = self._request
        if request.act == "unlock" or request.host in seen.taken_out:
            return rules.gate(request.site, seen)
        return self._disturbance.behind(rules.gate)(seen)

    async def _act(self, look: HostLook) -> tuple[Outcome, str]:
        host, marked = self._request.host, self._request.host in look.marked
        now = rules.host_of(look, host)
        if self._request.act == "swact":
            return await self._swact(look)
        if self._request.act == "unlock":
            if now.administrative == "locked" and not marked:
                await self._maintenance.mark()
            await self._maintenance.bring_back()
            done = self._platform.changed or marked
            return (Outcome.SUCCEEDED if done else Outcome.ALREADY), f"{host} is in service"
        if self._request.act == "lock" and now.administrative == "locked" and not marked:
            return Outcome.ALREADY, now.says
        await self._maintenance.take_out(self._request.act)
        if self._request.act == "lock":
            await self._maintenance.keep_out()
            return (
                Outcome.SUCCEEDED,
                f"{host} is locked; `starflock host unlock {self._request.path}` ends that",
            )
        return await self._work_and_bring_back()

    async def _work_and_bring_back(self) -> tuple[Outcome, str]:
        host, trouble = self._request.host, None
        try:
            if self._request.act == "reboot":
                await self._maintenance.reboot()
            else:
                await self._await_work()
        except (Ended, ActivityError) as error:
            trouble = self._end_of(error)
        await self._maintenance.bring_back()
        if trouble is None:
            return Outcome.SUCCEEDED, f"{host} is in service again"
        outcome, reason = self._said_truly(trouble, self._platform.sent)
        return outcome, f"{reason}; {host} was given back"

    async def _await_work(self) -> None:
        """Raises Ended when nobody says a word, or the run is stopped."""
        path, within = self._request.path, self._request.work_within
        words = f"locked, for whoever works on it, at most {within}: starflock host done {path}"
        with self._log.during(f"{self._request.host}: out of service", words):
            self._is_out = True
            try:
                await workflow.wait_condition(
                    lambda: bool(self._done_by) or self._stop, timeout=self._platform.timing.paced(within)
                )
            except TimeoutError:
                raise Ended(Outcome.FAILED, f"nobody said within {within} that the work is done") from None
            finally:
                self._is_out = False
        if not self._done_by:
            raise Ended(Outcome.ABORTED, "cancelled while it was out of service")

    async def _swact(self, look: HostLook) -> tuple[Outcome, str]:
        host, peer = self._request.host, rules.peer_of(look, self._request.host)
        if not rules.host_of(look, host).active_controller:
            return Outcome.ALREADY, f"{host} does not serve the site"
        blockers = rules.own_plan(look, host, "swact").blockers
        if blockers:
            raise Ended(Outcome.BLOCKED, f"{blockers[0]}; nothing was touched")
        with self._log.during(f"{host}: swact", "the other controller takes over"):
            await self._platform.swact(host)
        await self._maintenance.settle()
        return Outcome.SUCCEEDED, f"{peer.name if peer else 'the other controller'} serves the site"

    # -- what it is made of

    def _step(self) -> HostMaintenance:
        request, timing = self._request, self._platform.timing
        return HostMaintenance(
            self._platform,
            request.host,
            holds_of(request.site, request.host, request.policy, self._log, timing),
            request.policy,
            self._log,
            self._safe_point,
            swact_back=request.swact_back,
            evidence=self._evidence,
        )

    async def _look(self) -> HostLook:
        return await self._maintenance.look()

    def _safe_point(self) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, "cancelled")

    def _result(self, outcome: Outcome, reason: str, began: datetime) -> MaintainHostResult:
        return MaintainHostResult(
            site=self._request.site,
            host=self._request.host,
            act=self._request.act,
            outcome=outcome,
            reason=reason,
            changed=tuple(self._platform.changed),
            evidence=tuple(dict.fromkeys(self._evidence)),
            began=began,
            ended=workflow.now(),
        )


@workflow.defn(name=contracts.PLAN_MAINTENANCE)
class PlanMaintenance:
    """What MaintainHost would do, and what forbids it."""

    @workflow.run
    async def run(self, request: MaintainHostRequest) -> MaintenancePlan:
        look: HostLook = await workflow.execute_activity_method(
            MaintenanceActivities.look_at_host,
            HostRef(site=request.site, host=request.host),
            start_to_close_timeout=policies.LOOK,
            schedule_to_close_timeout=2 * policies.LOOK,
            retry_policy=A_PERSON_WAITS,
            summary=f"look at {request.host}",
        )
        log = StepLog(f"{request.path}: plan")
        holds = holds_of(request.site, request.host, request.policy, log, look.timing)
        platform = SitePlatform(request.site, log, look.timing)
        step = HostMaintenance(platform, request.host, holds, request.policy, log, safe_point=lambda: None)
        plan = await step.plan(request.act)
        gives_back = request.act == "unlock" or request.host in look.marked
        held = Disturbance(request.site, request.override_hold).gate_of(None if gives_back else look.hold)
        return MaintenancePlan(
            site=request.site,
            host=request.host,
            act=request.act,
            state=rules.host_of(look, request.host).says,
            steps=plan.steps,
            blockers=(*([held.why] if held.why else []), *plan.blockers),
            left_by_us=look.marked,
        )
