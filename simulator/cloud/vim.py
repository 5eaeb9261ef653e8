"""The VIM of one cloud: builds and applies the one strategy, step by step, against hosts and USM.

Each step begins something in `Mtce` or `Usm` and ends when that ends; between steps nothing runs. The
engine is in the site, so it works on while the site's listeners are closed and while nobody asks. States,
texts and the rules of apply, abort and delete are nfv's (1fa7c30, 2026-08).
"""

from typing import TYPE_CHECKING

from simulator.cloud import clock, plan, usm_rules
from simulator.cloud.deployment import ENDED, Deployment
from simulator.cloud.hosts import Host
from simulator.cloud.strategy import Phase, Stage, Step, Strategy, Wanted

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud

_NOTHING = {True: "Nothing to clean up", False: "no sw-deployments patches need to be applied"}
ALREADY = "strategy already exists of type:{}"


class Vim:
    """Holds and moves the strategy of one cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self.cloud = cloud
        self.strategy: Strategy | None = None
        self.squatter: float | None = None
        self.squatting = False

    # -- what the API asks for ------------------------------------------------------------------------

    def create(self, wanted: Wanted) -> Strategy:
        strategy = self.strategy = Strategy(uuid=self.cloud.new_uuid(), wanted=wanted)
        strategy.state, strategy.current_phase = "building", "build"
        strategy.build.stages = plan.build_stages(self.cloud.durations.build)
        self._run(strategy, strategy.build, len(strategy.build.stages))
        return strategy

    def apply(self, stage_id: int | None) -> str:
        """Start or go on applying; the reason when nfv would not."""
        strategy = self._existing()
        phase = strategy.apply
        if strategy.current_phase == "build":
            if strategy.state != "ready-to-apply":
                return strategy.build.reason or "strategy is not ready to be applied"
            if stage_id not in (None, 0):
                total = len(phase.stages)
                return f"invalid stage id {stage_id} for the apply, total-stages are {total}"
        elif strategy.current_phase == "apply":
            refused = self._cannot_go_on(strategy, stage_id)
            if refused:
                return refused
        else:
            return "apply not supported during an abort"
        strategy.state, strategy.current_phase = "applying", "apply"
        self.cloud.alarms.clear("900.203")
        self.cloud.alarms.raise_("900.201", "orchestration=sw-upgrade")
        self._run(strategy, phase, len(phase.stages) if stage_id is None else stage_id + 1)
        return ""

    def abort(self, stage_id: int | None) -> str:
        strategy = self._existing()
        if strategy.state != "applying":
            return "Abort rejected: abort can only be executed when the strategy is applying"
        phase = strategy.apply
        if phase.current_stage < len(phase.stages):
            stage = phase.stages[phase.current_stage]
            if not stage.abortable:
                return f"Abort rejected: cannot abort during {stage.name} stage."
            if stage_id is not None and stage_id != phase.current_stage:
                return f"apply not inprogress for stage id {stage_id}"
        strategy.state, strategy.current_phase = "aborting", "abort"
        strategy.abort.begin(0)
        self.cloud.alarms.clear("900.201")
        self.cloud.alarms.raise_("900.202", "orchestration=sw-upgrade")
        if not phase.inprogress:
            self._aborted(strategy)
        return ""

    def delete(self, force: bool) -> str:
        strategy = self._existing()
        if strategy.busy and not force:
            doing = {"building": "built", "applying": "applied", "aborting": "aborted"}[strategy.state]
            return f"strategy is being {doing}, can't delete"
        self.strategy = None
        for alarm_id in ("900.201", "900.202", "900.203"):
            self.cloud.alarms.clear(alarm_id)
        self._let_squatter_in()
        return ""

    # -- somebody else's strategy ---------------------------------------------------------------------

    def squat(self, seconds: float | None) -> None:
        """Somebody else takes the site, now or as soon as the strategy that is there has gone."""
        self.squatting, self.squatter = True, seconds
        self._let_squatter_in()

    def leave(self) -> None:
        self.squatting = False
        if self.strategy is not None and self.strategy.foreign:
            self.strategy = None
            self.cloud.alarms.clear("900.201")

    def _let_squatter_in(self) -> None:
        if not self.squatting or self.strategy is not None:
            return
        wanted = Wanted(releases=(min(self.cloud.catalogue),), alarm_restrictions="relaxed")
        strategy = Strategy(uuid=self.cloud.new_uuid(), wanted=wanted, foreign=True)
        strategy.state, strategy.current_phase = "applying", "apply"
        strategy.build.finish("success")
        strategy.apply.stages = [Stage("sw-upgrade-start", [plan.step("start-upgrade")], inprogress=True)]
        strategy.apply.begin(1)
        self.strategy = strategy
        self.cloud.alarms.raise_("900.201", "orchestration=sw-upgrade")
        if self.squatter is not None:
            self.cloud.clock.later(self.squatter, lambda: self.leave() if self.strategy is strategy else None)

    # -- running --------------------------------------------------------------------------------------

    def _existing(self) -> Strategy:
        if self.strategy is None:
            raise LookupError("no strategy")
        return self.strategy

    def _cannot_go_on(self, strategy: Strategy, stage_id: int | None) -> str:
        phase = strategy.apply
        if strategy.state != "applying":
            return "apply already completed"
        if phase.inprogress and phase.current_stage < phase.stop_at_stage:
            return "apply already inprogress"
        if stage_id is None or stage_id == phase.current_stage:
            return ""
        if stage_id < phase.current_stage:
            return f"apply already complete for stage id {stage_id}"
        if stage_id >= len(phase.stages):
            return f"invalid stage id {stage_id} for the apply, total-stages are {len(phase.stages)}"
        return f"stage id {stage_id} is not the next stage to be applied, next-stage = {phase.current_stage}"

    def _run(self, strategy: Strategy, phase: Phase, stop_at: int) -> None:
        """The answer to the caller already shows the first stage in progress; its work begins after it."""
        phase.begin(stop_at)
        if phase.current_stage < len(phase.stages):
            _enter(phase.stages[phase.current_stage])
        self.cloud.clock.later(0, lambda: self._next(strategy, phase))

    def _next(self, strategy: Strategy, phase: Phase) -> None:
        if self.strategy is not strategy:
            return
        if strategy.state == "aborting" and phase is strategy.apply:
            phase.finish("aborted")
            self._aborted(strategy)
            return
        if phase.current_stage >= len(phase.stages):
            phase.finish("success")
            self._phase_done(strategy, phase)
            return
        if phase.current_stage >= phase.stop_at_stage:
            return
        stage = phase.stages[phase.current_stage]
        step = _enter(stage)
        self._begin(strategy, phase, step, lambda: self._step_done(strategy, phase, stage, step))

    def _step_done(self, strategy: Strategy, phase: Phase, stage: Stage, step: Step) -> None:
        if self.strategy is not strategy or step.result != "wait":
            return
        result, reason = self._verdict(strategy, phase, step)
        step.result, step.reason, step.end = result, reason, clock.spaced()
        if result != "success":
            stage.inprogress, stage.result, stage.reason, stage.end = False, result, reason, step.end
            phase.finish(result, reason)
            self._phase_failed(strategy, phase)
            return
        stage.current_step += 1
        if stage.current_step >= len(stage.steps):
            stage.inprogress, stage.result, stage.end = False, "success", step.end
            phase.current_stage += 1
        self._next(strategy, phase)

    def _begin(self, strategy: Strategy, phase: Phase, step: Step, then: clock.Callback) -> None:
        cloud, usm = self.cloud, self.cloud.usm
        host = cloud.host(step.hosts[0][1]) if step.hosts else None
        deployment, back = usm.deployment, strategy.wanted.rollback
        if strategy.spoil.lies and phase is strategy.apply and step.name not in ("query-alarms",):
            cloud.clock.later(step.seconds, then)
        elif step.name == "start-upgrade" and deployment is None:
            usm.start(strategy.wanted.releases[0], step.seconds, then)
        elif step.name == "lock-hosts" and host and not host.locked:
            cloud.mtce.lock(host, step.seconds, then)
        elif step.name == "unlock-hosts" and host and host.locked:
            cloud.mtce.unlock(host, step.seconds, then)
        elif step.name == "swact-hosts" and host and host.active:
            cloud.mtce.swact(host, step.seconds, then)
        elif step.name == "upgrade-hosts" and host and deployment and _is_due(deployment, host, back):
            fails = strategy.spoil.apply_fails or strategy.spoil.apply_times_out
            seconds = strategy.spoil.apply_seconds if fails else None
            usm.deploy_host(host, step.seconds if seconds is None else seconds, then, fails=fails)
        elif step.name == "activate-upgrade" and deployment and _may_activate(deployment):
            usm.activate(step.seconds, then)
        elif step.name == "sw-deploy-abort" and deployment and deployment.state in usm_rules.ABORTABLE:
            usm.abort()
            cloud.clock.later(step.seconds, then)
        elif step.name == "sw-deploy-activate-rollback" and deployment and _may_undo(deployment):
            usm.activate_rollback(step.seconds, then)
        else:
            cloud.clock.later(step.seconds, then)

    def _verdict(self, strategy: Strategy, phase: Phase, step: Step) -> tuple[str, str]:
        """How the step ended, with the effects of those that have them only at their end."""
        cloud, usm, spoil = self.cloud, self.cloud.usm, strategy.spoil
        wanted = strategy.wanted
        if step.name == "query-alarms" and wanted.alarm_restrictions != "permissive":
            found = cloud.alarms.management_affecting(
                plan.IGNORED_ALARMS, strict=wanted.alarm_restrictions == "strict"
            )
            if found and (phase is strategy.build or _stage_gate(phase, step)):
                return "failed", f"active alarms present [ {', '.join(found)} ]"
        if spoil.lies:
            return "success", ""
        if step.name == "sw-deploy-precheck":
            return self._precheck(strategy)
        if step.name == "upgrade-hosts":
            if spoil.apply_times_out:
                return "timed-out", f"{step.name} step timed out after {step.timeout} seconds"
            if usm.deployment and usm.deployment.hosts.get(step.hosts[0][1]) not in ENDED:
                return "failed", f"software deploy-host failed on {step.hosts[0][1]}"
        return self._closing(step)

    def _closing(self, step: Step) -> tuple[str, str]:
        """What USM does at once, and only where it may."""
        usm = self.cloud.usm
        if usm.deployment is None:
            return "success", ""
        state = usm.deployment.state
        if step.name == "start-upgrade" and state in ("start", "start-failed"):
            return "failed", f"software deploy start rejected in state {state}"
        if step.name == "complete-upgrade" and state != "completed":
            if state != "activate-done":
                return "failed", f"software deploy complete rejected in state {state}"
            usm.complete()
        elif step.name == "deploy-delete":
            if state not in usm_rules.DELETABLE:
                return "failed", f"software deploy delete rejected in state {state}"
            usm.delete()
            self.cloud.life_ended("usm", None)
        return "success", ""

    def _precheck(self, strategy: Strategy) -> tuple[str, str]:
        if strategy.spoil.build_fails:
            return "failed", "One or more metapackages are not healthy"
        wanted, usm = strategy.wanted, self.cloud.usm
        if wanted.rollback:
            return self._may_roll_back()
        if wanted.cleanup:
            return "success", ""
        if not wanted.releases or usm.states.get(wanted.releases[0]) in (None, "unavailable"):
            return "failed", "Software release does not exist or is unavailable"
        if usm.deployment is not None:
            if usm.target() != wanted.releases[0]:
                return "failed", f"Software deployment of {usm.target()} is in progress"
            if usm.deployment.state == "completed" and not wanted.delete:
                return "failed", "Software deployment is already complete, pending delete"
            return "success", "Deployment already in progress, skipping precheck"
        return "success", "System Health: all checks OK"

    def _may_roll_back(self) -> tuple[str, str]:
        deployment = self.cloud.usm.deployment
        if deployment is None:
            return "failed", "Software release must be deploying for a rollback, found=None"
        if deployment.state == "start":
            reason = "Software rollback cannot be initiated while sw-deploy-start is in progress"
            return "failed", reason
        return "success", ""

    def _phase_done(self, strategy: Strategy, phase: Phase) -> None:
        if phase is strategy.build:
            wanted = strategy.wanted
            stages = (
                plan.rollback_stages(self.cloud, wanted.cleanup)
                if wanted.rollback or wanted.cleanup
                else plan.apply_stages(self.cloud, wanted)
            )
            if not stages:
                phase.result, phase.reason = "failed", _NOTHING[wanted.cleanup]
                strategy.state = "build-failed"
                return
            strategy.apply.stages = stages
            strategy.state = "ready-to-apply"
            return
        strategy.state = "applied"
        self.cloud.alarms.clear("900.201")
        self._after_apply(strategy)

    def _phase_failed(self, strategy: Strategy, phase: Phase) -> None:
        late = phase.result == "timed-out"
        if phase is strategy.build:
            strategy.state = "build-timeout" if late else "build-failed"
            return
        strategy.state = "apply-timeout" if late else "apply-failed"
        self.cloud.alarms.clear("900.201")
        self.cloud.alarms.raise_("900.203", "orchestration=sw-upgrade")
        self._after_apply(strategy)

    def _after_apply(self, strategy: Strategy) -> None:
        if strategy.spoil.alarm:
            self.cloud.stand_alarm()
        if strategy.spoil.host_fails:
            self.cloud.fail_active_host()

    def _aborted(self, strategy: Strategy) -> None:
        strategy.abort.finish("success")
        strategy.state = "aborted"
        self.cloud.alarms.clear("900.202")


def _is_due(deployment: Deployment, host: Host, back: bool) -> bool:
    """Not where somebody else has dealt with the host, is about to, or has turned the deployment."""
    states = ("rollback-pending", "rollback-failed") if back else ("pending", "failed")
    phases = usm_rules.BACKWARD if back else usm_rules.FORWARD
    return deployment.state in phases and deployment.hosts.get(host.name) in states


def _may_activate(deployment: Deployment) -> bool:
    return deployment.state in ("host-done", "activate-failed")


def _may_undo(deployment: Deployment) -> bool:
    return deployment.state in ("activate-rollback-pending", "activate-rollback-failed")


def _enter(stage: Stage) -> Step:
    """Show the stage in progress and its current step waiting."""
    if stage.current_step == 0:
        stage.inprogress, stage.result, stage.start = True, "inprogress", clock.spaced()
    step = stage.steps[stage.current_step]
    step.result, step.start = "wait", clock.spaced()
    return step


def _stage_gate(phase: Phase, step: Step) -> bool:
    """Only the check that opens a hosts stage fails on alarms; the others merely look."""
    return any(stage.name.endswith("-hosts") and stage.steps[0] is step for stage in phase.stages)
