"""PlanUpgrade: what UpgradeSite would do to a site now, what forbids it, and which ways lead back.

The steps come from the rules that the run uses, over the site as it is; each host's holds plan for
themselves, so a VM that cannot move is named before anything is touched. It changes nothing and needs no
lock; USM's own precheck is asked where a deployment may start from here.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.usm.activities import UsmActivities
    from models import contracts
    from models.maintenance import HoldPlan
    from models.upgrade import (
        Precheck,
        UpgradeLook,
        UpgradeLookRequest,
        UpgradePlan,
        UpgradeSiteRequest,
        UpgradeStep,
    )
    from rules import upgrade as rules
    from rules import upgrade_ways as ways
    from rules.gates import Decision
    from rules.maintenance import joined
    from workflows.inspect import A_PERSON_WAITS
    from workflows.steps import policies
    from workflows.steps.holds_of import holds_of
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, ended_by
    from workflows.steps.watch import SiteWatch


@workflow.defn(name=contracts.PLAN_UPGRADE)
class PlanUpgrade:
    @workflow.run
    async def run(self, request: UpgradeSiteRequest) -> UpgradePlan:
        log = StepLog(f"{request.site}: plan")
        release = request.operation.release
        watch = SiteWatch(request.site, release, log, lambda: False)
        verdict = ways.judge(request, await watch.observe())
        blockers = [gate.why for gate in verdict.gates if gate.decision in (Decision.WAIT, Decision.END)]
        look = await self._look(request)
        steps, stuck = _steps(look, request)
        holds, held = await self._holds(request, look, steps, log)
        if steps and steps[0].kind == "start":
            blockers += await self._unfit(request)
        blockers += [*stuck, *held]
        engine, why = ways.engine_of(request)
        no_way = ways.no_way_back(look)
        return UpgradePlan.model_validate(
            {
                "site": request.site,
                "release": release,
                "engine": engine,
                "why_engine": why,
                "kind": "major" if rules.is_major(look.version, release) else "patch",
                "reboot_required": look.reboot_required,
                "steps": tuple(step.words for step in steps),
                "holds": tuple(holds),
                "way_back": (*([no_way] if no_way else []), *map(": ".join, ways.WAY_BACK)),
                "blockers": tuple(dict.fromkeys(blockers)),
            }
        )

    async def _look(self, request: UpgradeSiteRequest) -> UpgradeLook:
        found: UpgradeLook = await workflow.execute_activity_method(
            UsmActivities.look_at_deployment,
            UpgradeLookRequest(site=request.site, release=request.operation.release),
            start_to_close_timeout=policies.LOOK,
            schedule_to_close_timeout=2 * policies.LOOK,
            retry_policy=A_PERSON_WAITS,
            summary="look at the deployment",
        )
        return found

    async def _unfit(self, request: UpgradeSiteRequest) -> tuple[str, ...]:
        try:
            found: Precheck = await workflow.execute_activity_method(
                UsmActivities.precheck_release,
                UpgradeLookRequest(site=request.site, release=request.operation.release),
                start_to_close_timeout=policies.LOOK,
                schedule_to_close_timeout=2 * policies.LOOK,
                retry_policy=A_PERSON_WAITS,
                summary="USM's precheck",
            )
        except ActivityError as error:
            return (f"USM's precheck: {ended_by(error).reason}",)
        return tuple(f"USM's precheck: {line}" for line in found.failing)

    async def _holds(
        self, request: UpgradeSiteRequest, look: UpgradeLook, steps: tuple[UpgradeStep, ...], log: StepLog
    ) -> tuple[list[str], list[str]]:
        """(what is done, what forbids it), for each host that is taken out."""
        done: list[str] = []
        held: list[str] = []
        for step in steps:
            if step.kind != "take out":
                continue
            plans: list[HoldPlan] = []
            for hold in holds_of(request.site, step.host, request.operation.policy, log, look.timing):
                if hold.name not in look.holds:
                    continue
                try:
                    plans.append(await hold.plan())
                except (Ended, ActivityError) as error:
                    end = error if isinstance(error, Ended) else ended_by(error)
                    held.append(f"{step.host}: {hold.name} cannot be planned: {end.reason}")
            plan = joined(HoldPlan(), tuple(plans))
            done += [f"{step.host}: {each}" for each in plan.steps]
            held += [f"{step.host}: {each}" for each in plan.blockers]
        return done, held


def _steps(look: UpgradeLook, request: UpgradeSiteRequest) -> tuple[tuple[UpgradeStep, ...], tuple[str, ...]]:
    operation = request.operation
    try:
        return rules.steps_ahead(look, operation.release, "forward", delete=operation.delete), ()
    except rules.StuckError as stuck:
        return (), (stuck.why,)
