"""What the workflows have in common that change a subcloud: the gates before, the record at the end."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models.bmc import HostRef
    from models.deploy import FIRST_HOST, AddSubcloudRequest, SubcloudResult
    from models.outcome import Outcome
    from models.patch import CampaignRef
    from models.timing import Timing
    from rules import deploy as rules
    from rules.install import Gate, warnings
    from workflows.steps.bmc import HostBmc
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.procedure import Procedure, SiteProcedure
    from workflows.steps.site import Ended, raise_unless_good, to_a_safe_point
    from workflows.steps.watch import SiteWatch


class SubcloudProcedure(SiteProcedure):
    """Base of a workflow; `what` is also the operation in the records."""

    def __init__(self, site: str, what: str, campaign: CampaignRef | None) -> None:
        super().__init__(site, what)
        self._site, self._campaign, self._operation = site, campaign, what
        self._subcloud = SubcloudDeploy(site, self._log, Timing(), lambda: self._stop)
        self._watch = SiteWatch(site, "", self._log, lambda: self._stop)

    async def _run(self, procedure: Procedure) -> SubcloudResult:
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(procedure), self._heed_cancel)
        return await self._end(outcome, reason, began)

    async def _to_the_end(self, procedure: Procedure) -> tuple[Outcome, str]:
        try:
            return await procedure()
        except (Ended, ActivityError) as error:
            return self._said_truly(self._end_of(error), self._subcloud.sent)

    async def _end(self, outcome: Outcome, reason: str, began: datetime) -> SubcloudResult:
        facts = self._subcloud.facts
        result = SubcloudResult(
            site=self._site,
            outcome=outcome,
            reason=reason,
            subcloud=facts.name if facts else "",
            region=facts.region if facts else "",
            deploy_status=facts.deploy_status if facts else "",
            management_state=facts.management_state if facts else "",
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
        await self._close(
            site=self._site,
            operation=self._operation,
            target=facts.software_version if facts else "",
            region=self._watch.region,
            campaign=self._campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=result.evidence,
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        raise_unless_good(outcome, reason, result)
        return result

    async def _pass_controller_gate(self, within: timedelta) -> None:
        seen = await self._watch.pass_gate(lambda seen: rules.controller_gate(self._site, seen), within)
        self._subcloud.timing = seen.timing

    async def _pass_machine_gate(self, status: str, within: timedelta) -> None:
        """The machine that is to be wiped is the declared one, and out of use."""
        host = HostRef(site=self._site, host=FIRST_HOST)
        bmc = HostBmc(host, self._log, self._subcloud.timing)
        found = await bmc.look(within)
        self._evidence += warnings(found)
        self._pass(rules.machine_gate(str(host), status, found, await bmc.ask_address()))
        self._evidence.append(f"{host} is {found.identity}")

    async def _pass_enroll_gate(self, request: AddSubcloudRequest) -> None:
        """The machine that is to be taken in is the declared one, and runs."""
        host = HostRef(site=self._site, host=FIRST_HOST)
        bmc = HostBmc(host, self._log, self._subcloud.timing)
        found = None if request.on_site else await bmc.look(request.reachable_within)
        self._pass(rules.enroll_gate(str(host), found, await bmc.ask_address()))
        if found is not None:
            self._evidence += [*warnings(found), f"{host} is {found.identity}"]

    def _pass(self, gate: Gate) -> None:
        if gate.outcome is not None:
            raise Ended(gate.outcome, gate.why)

    def _safe_point(self, words: str) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, f"cancelled {words}")
