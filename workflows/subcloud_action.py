"""SubcloudAction: manage, unmanage, edit, redeploy or delete a subcloud that is there. InspectSubcloud: look.

    nobody is at work on fleet and system controller; what does dcmanager know of it
    may that be done to it now; before a redeploy, is the machine behind the BMC the declared one
    send it once, see it done; a redeploy is waited for to its end
    record

What dcmanager would refuse is refused before anything is sent, with the command that helps. A subcloud is
deleted, or its disks are wiped, only where its name was written out a second time. The run holds the lock of
the site.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.deploy import (
        Delete,
        Manage,
        Redeploy,
        SubcloudActionRequest,
        SubcloudRef,
        SubcloudReport,
        SubcloudResult,
        Unmanage,
        Update,
    )
    from models.deploy_status import COMPLETE
    from models.outcome import Outcome
    from models.timing import Timing
    from rules import deploy as rules
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, failure_of, refuse_unless_locked
    from workflows.steps.subcloud import SubcloudProcedure


@workflow.defn(name=contracts.SUBCLOUD_ACTION)
class SubcloudAction(SubcloudProcedure):
    @workflow.init
    def __init__(self, request: SubcloudActionRequest) -> None:
        super().__init__(request.site, f"subcloud {request.action.kind}", request.campaign)
        self._request = request

    @workflow.run
    async def run(self, request: SubcloudActionRequest) -> SubcloudResult:
        refuse_unless_locked(request.site)
        return await self._run(self._do)

    async def _do(self) -> tuple[Outcome, str]:
        action = self._request.action
        with self._log.during("gates"):
            await self._pass_controller_gate(self._request.ready_within)
            facts = await self._subcloud.look()
            self._pass(rules.action_gate(self._request, facts))
            self._evidence.append(f"before: {facts.says}, region {facts.region}, group {facts.group}")
            if isinstance(action, Redeploy):
                await self._pass_machine_gate("install-failed", self._request.ready_within)
        self._safe_point("before anything was changed")
        with self._log.during(action.kind):
            if isinstance(action, Manage | Unmanage):
                state = "managed" if isinstance(action, Manage) else "unmanaged"
                facts = await self._subcloud.change(management_state=state)
                return Outcome.SUCCEEDED, f"{facts.name} is {state}"
            if isinstance(action, Update):
                wanted = action.model_dump(exclude={"kind"}, exclude_none=True)
                await self._subcloud.change(**wanted)
                said = ", ".join(f"{key} {value}" for key, value in wanted.items())
                return Outcome.SUCCEEDED, f"{facts.name} has {said}"
            if isinstance(action, Delete):
                await self._subcloud.delete()
                return Outcome.SUCCEEDED, f"{facts.name} is deleted"
        return await self._redeploy(action)

    async def _redeploy(self, action: Redeploy) -> tuple[Outcome, str]:
        await self._subcloud.declared()
        facts = await self._subcloud.redeploy()
        whole = action.installed_within + action.bootstrapped_within + action.configured_within
        with self._log.during("redeploy", f"dcmanager installs, bootstraps and configures {facts.name}"):
            end = await self._subcloud.wait((COMPLETE,), whole)
        if end.how != "so":
            raise Ended(*rules.ended("redeploy", end))
        return Outcome.SUCCEEDED, f"{facts.name} is deployed anew; it is unmanaged"


@workflow.defn(name=contracts.INSPECT_SUBCLOUD)
class InspectSubcloud:
    """What dcmanager says of a site's subcloud, and whether it could be added with what is declared."""

    @workflow.run
    async def run(self, request: SubcloudRef) -> SubcloudReport:
        subcloud = SubcloudDeploy(request.site, StepLog(request.site), Timing(), lambda: False)
        facts = await subcloud.look()
        try:
            return SubcloudReport(facts=facts, declared=await subcloud.declared())
        except ActivityError as error:
            return SubcloudReport(facts=facts, trouble=failure_of(error)[1])
