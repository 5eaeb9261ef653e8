"""PlanPlatformRestore: what a restore by the site's own playbooks would do, and what it would destroy.

Looks alone: nothing is changed, and no lock is taken.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.restore import RestorePlan, RestoreSiteRequest
    from models.timing import Timing
    from rules import platform_restore as rules
    from rules import restore_hosts
    from rules.disturbing import Disturbance
    from rules.install import Gate
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.platform_restore import PlatformRestore
    from workflows.steps.progress import StepLog
    from workflows.steps.restoring import SiteRestore
    from workflows.steps.site import failure_of
    from workflows.steps.watch import SiteWatch


@workflow.defn(name=contracts.PLAN_PLATFORM_RESTORE)
class PlanPlatformRestore:
    @workflow.run
    async def run(self, request: RestoreSiteRequest) -> RestorePlan:
        plan = RestorePlan(site=request.site)
        try:
            return await self._plan(request, plan)
        except ActivityError as error:
            return plan.model_copy(update={"refusal": failure_of(error)[1]})

    async def _plan(self, request: RestoreSiteRequest, plan: RestorePlan) -> RestorePlan:
        log = StepLog(f"{request.site}: plan a restore")
        subcloud = SubcloudDeploy(request.site, log, Timing(), lambda: False)
        seen = await SiteWatch(request.site, "", log, lambda: False).observe()
        gate = rules.site_gate(request.site, seen)
        if gate.outcome is not None:
            return plan.model_copy(update={"refusal": gate.why})
        subcloud.timing = seen.timing
        backup = await SiteRestore(request, subcloud, log).examine()
        plan = plan.model_copy(update={"backup": backup.backup})
        gates = [rules.archive_gate(request, backup, seen.topology, seen)]
        gates += [restore_hosts.hosts_gate(request, backup)] if backup.recorded else []
        restore = PlatformRestore(request, log, [], lambda: False, seen.timing, backup)
        for gate in gates:
            if gate.outcome is not None:
                return plan.model_copy(update={"refusal": gate.why})
        step = rules.next_step(request, backup, await restore.look(needed=False))
        if isinstance(step, Gate):
            return plan.model_copy(update={"refusal": step.why})
        held = Disturbance(request.site, request.override_hold).gate(seen)
        if step in ("begin", "carry") and held.outcome is not None:
            return plan.model_copy(update={"refusal": held.why})
        if step == "begin":
            await restore.can_be_installed()
        return plan.model_copy(
            update={
                "steps": rules.steps(request, backup, step),
                "wipe_ceph_osds": rules.wipes_osds(request, backup),
                "confirm": request.site if step in ("begin", "carry") else "",
            }
        )
