"""AddSubcloud: from declared files, and a bare server where it is to be installed, to a managed subcloud.

    judge the declared files; nobody is at work on fleet and system controller; what does dcmanager know of it
    is the machine behind the BMC the declared one and out of use; may its disks be wiped
    create
    install by dcmanager, unless controller-0 is installed already; or enroll a system that runs on its own
    bootstrap; configure by the deployment manager, or complete
    wait until it is online; is the site that answers the one that dcmanager means; manage; record

How far it is stands in dcmanager's deploy status, and each turn goes on from there: a run takes up what an
earlier run of ours has left, at the phase that has failed or was aborted. A subcloud that somebody else has
added is left alone. Nothing is undone at the end: a cancel aborts the phase under way, a failure leaves the
subcloud at its phase, and both are said in words. The run holds the lock of the site.
"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.deploy import AddSubcloudRequest, DeclaredDeploy, SubcloudResult
    from models.deploy_status import COMPLETE, Phase
    from models.outcome import Outcome
    from rules import deploy as rules
    from workflows.steps.site import Ended, refuse_unless_locked
    from workflows.steps.subcloud import SubcloudProcedure
    from workflows.steps.wipe import WipeApproval


@workflow.defn(name=contracts.ADD_SUBCLOUD)
class AddSubcloud(SubcloudProcedure, WipeApproval):
    @workflow.init
    def __init__(self, request: AddSubcloudRequest) -> None:
        super().__init__(request.site, "add-subcloud", request.campaign)
        self._request = request
        self._wipes(request.path, request.wipe)

    @workflow.run
    async def run(self, request: AddSubcloudRequest) -> SubcloudResult:
        refuse_unless_locked(request.site)
        return await self._run(self._add)

    async def _add(self) -> tuple[Outcome, str]:
        with self._log.during("gates"):
            declared = await self._subcloud.declared()
            self._pass(rules.request_gate(self._request, declared))
            await self._pass_controller_gate(self._request.ready_within)
            facts = await self._subcloud.look()
            first = rules.first_phase(self._request, declared)
            self._pass(rules.add_gate(facts, first))
        if facts.deploy_status == COMPLETE and facts.management_state == "managed":
            return Outcome.ALREADY, f"{facts.name} is deployed and managed already"
        if first == "enroll" and rules.begins_with(first, facts):
            with self._log.during("gates"):
                await self._pass_enroll_gate(self._request)
        if first == "install" and rules.begins_with(first, facts):
            with self._log.during("gates"):
                await self._pass_machine_gate(facts.deploy_status, self._request.reachable_within)
                await self._await_approval(self._subcloud.timing.paced(self._request.ready_within))
                self._safe_point("before anything was changed")
        self._safe_point("before anything was changed")
        self._evidence.append(await self._subcloud.ensure_created())
        self._evidence.append(f"files {declared.digest}")
        await self._deploy(first, declared)
        return await self._manage(declared)

    async def _deploy(self, first: Phase, declared: DeclaredDeploy) -> None:
        """One phase after the other, as far as dcmanager's status says that there is one left."""
        within: dict[Phase, timedelta] = {
            "install": self._request.installed_within,
            "bootstrap": self._request.bootstrapped_within,
            "enroll": self._request.bootstrapped_within,
            "configure": self._request.configured_within,
            "complete": timedelta(minutes=10),
        }
        while True:
            assert self._subcloud.facts is not None
            status = self._subcloud.facts.deploy_status
            step = rules.next_step(status, first, declared)
            if step is None:
                return
            if not step.runs:
                self._safe_point(f"between two phases: {self._subcloud.facts.says}")
            await self._subcloud.phase(
                step.phase, within[step.phase], runs=step.runs, on_site=self._request.on_site
            )
            self._evidence.append(f"{step.phase}: {self._subcloud.facts.deploy_status}")

    async def _manage(self, declared: DeclaredDeploy) -> tuple[Outcome, str]:
        facts = self._subcloud.facts
        assert facts is not None
        if not self._request.manage:
            return Outcome.SUCCEEDED, f"{facts.name} is deployed, and left unmanaged as asked"
        if not declared.configures:
            facts = await self._subcloud.look()
            if facts.availability != "online":
                words = "its hosts are brought up in another way, and then it is managed"
                return Outcome.SUCCEEDED, f"{facts.name} is deployed and {facts.availability}: {words}"
        with self._log.during("online", "its hosts unlock, and dcmanager finds it"):
            end = await self._subcloud.wait((), self._request.online_within)
            if end.how != "so":
                raise Ended(
                    Outcome.FAILED, f"{facts.name} is deployed and not managed: {rules.not_online(end)}"
                )
        await self._same_site()
        with self._log.during("manage"):
            self._safe_point(f"before it was managed: {facts.says}")
            facts = await self._subcloud.change(management_state="managed")
        return Outcome.SUCCEEDED, f"{facts.name} is deployed, online and managed"

    async def _same_site(self) -> None:
        """The site that answers is the one that dcmanager means. Raises Ended."""
        with self._log.during("verify"):
            seen = await self._watch.observe()
            region = self._subcloud.region
            if seen.site is None:
                self._evidence.append(f"sysinv could not be asked: {seen.silence or seen.refusal}")
            elif seen.site.region != region:
                raise Ended(
                    Outcome.FAILED,
                    f"the site that answers has region {seen.site.region}, and dcmanager means {region}",
                )
            else:
                self._evidence += [f"sysinv says region {region}", *(host.says for host in seen.site.hosts)]
