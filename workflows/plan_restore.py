"""PlanRestore: what a restore would do, and what it would destroy. CompareSite: a site against a record.

Looks alone: nothing is changed, and no lock is taken.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.restore import (
        CompareSiteRequest,
        RestorePlan,
        RestoreSiteRequest,
        SiteComparison,
    )
    from models.timing import Timing
    from rules import deploy as deploy_rules
    from rules import restore as rules
    from rules import restore_hosts
    from rules.disturbing import Disturbance
    from rules.install import Gate
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.progress import StepLog
    from workflows.steps.restoring import SiteRestore
    from workflows.steps.site import failure_of
    from workflows.steps.watch import SiteWatch


@workflow.defn(name=contracts.PLAN_RESTORE)
class PlanRestore:
    """Nothing is changed, and no lock is taken."""

    @workflow.run
    async def run(self, request: RestoreSiteRequest) -> RestorePlan:
        log = StepLog(f"{request.site}: plan a restore")
        watch = SiteWatch(request.site, "", log, lambda: False)
        subcloud = SubcloudDeploy(request.site, log, Timing(), lambda: False)
        restore = SiteRestore(request, subcloud, log)
        seen = await watch.observe()
        gate = deploy_rules.controller_gate(request.site, seen)
        if gate.outcome is not None:
            return RestorePlan(site=request.site, refusal=gate.why)
        subcloud.timing = seen.timing
        assert seen.controller is not None
        facts, backup = await subcloud.look(), await restore.examine()
        for gate in (
            rules.archive_gate(request, backup, seen.topology, seen.controller.name, facts),
            restore_hosts.hosts_gate(request, backup),
        ):
            if gate.outcome is not None:
                return RestorePlan(site=request.site, backup=backup.backup, refusal=gate.why)
        step = rules.next_step(facts, await restore.is_marked())
        if isinstance(step, Gate):
            return RestorePlan(site=request.site, backup=backup.backup, refusal=step.why)
        held = Disturbance(request.site, request.override_hold).gate(seen)
        if step == "begin" and held.outcome is not None:
            return RestorePlan(site=request.site, backup=backup.backup, refusal=held.why)
        return RestorePlan(
            site=request.site,
            backup=backup.backup,
            steps=rules.steps(request, backup, facts, step),
            wipe_ceph_osds=restore_hosts.wipe_said(request, backup),
            confirm=request.site if step == "begin" else "",
        )


@workflow.defn(name=contracts.COMPARE_SITE)
class CompareSite:
    @workflow.run
    async def run(self, request: CompareSiteRequest) -> SiteComparison:
        log = StepLog(f"{request.site}: compare with a backup")
        subcloud = SubcloudDeploy(request.site, log, Timing(), lambda: False)
        asked = RestoreSiteRequest(site=request.site, backup=request.backup)
        restore = SiteRestore(asked, subcloud, log)
        answer = SiteComparison(site=request.site)
        try:
            backup = await restore.examine()
            if not backup.backup or backup.faults:
                words = "; ".join(backup.faults) or f"{request.site} has no backup"
                return answer.model_copy(update={"backup": backup.backup, "refusal": words})
            if not backup.recorded:
                words = "it has no record of the site"
                return answer.model_copy(update={"backup": backup.backup, "refusal": words})
            found = await restore.compare()
        except ActivityError as error:
            return answer.model_copy(update={"refusal": failure_of(error)[1]})
        return SiteComparison(
            site=request.site,
            backup=backup.backup,
            recorded=found.recorded,
            compared=found.compared,
            count=found.count,
            differences=found.differences,
            remarks=found.remarks,
        )
