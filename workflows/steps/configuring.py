"""What the workflows share that bring a site to its profile: gates, changes, the wait for rest, the proof."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models.bringup import BringUpRequest, ConfigurationPlan, ConfigurationResult, ConfigureRequest
    from models.configuration import Change, Section
    from models.outcome import Outcome
    from models.site import Observation
    from models.timing import Timing
    from rules import bringup as rules
    from rules.install import Gate
    from workflows.steps.platform import SitePlatform
    from workflows.steps.procedure import Procedure, SiteProcedure
    from workflows.steps.site import (
        Ended,
        raise_unless_good,
        refuse_unless_locked,
        to_a_safe_point,
    )
    from workflows.steps.watch import SiteWatch


APPLICATIONS: Section = "applications"


class ConfiguringProcedure(SiteProcedure):
    """Base of a workflow that holds the site's lock."""

    def __init__(self, request: BringUpRequest | ConfigureRequest, what: str) -> None:
        super().__init__(request.site, what)
        self._asked = request
        self._platform = SitePlatform(request.site, self._log, Timing())
        self._watch = SiteWatch(request.site, "", self._log, lambda: self._stop)
        self._profile = ""

    async def _run(self, operation: str, procedure: Procedure) -> ConfigurationResult:
        refuse_unless_locked(self._asked.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(procedure), self._heed_cancel)
        result = ConfigurationResult(
            site=self._asked.site,
            outcome=outcome,
            reason=reason,
            profile=self._profile,
            changed=tuple(self._platform.changed),
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
        await self._close(
            site=result.site,
            operation=operation,
            target=self._profile,
            region=self._watch.region,
            campaign=self._asked.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=(*result.evidence, *result.changed),
        )
        raise_unless_good(outcome, reason, result)
        return result

    async def _to_the_end(self, procedure: Procedure) -> tuple[Outcome, str]:
        try:
            return await procedure()
        except (Ended, ActivityError) as error:
            return self._said_truly(self._end_of(error), self._platform.sent)

    async def _pass_gates(self) -> ConfigurationPlan:
        """The whole plan; what cannot be is said all at once, before the first change."""
        with self._log.during("gates"):
            seen = await self._watch.pass_gate(self._gate, self._asked.ready_within)
            self._platform.timing = seen.timing
            plan = await self._platform.plan()
        self._profile = plan.profile
        if not plan.hosts:
            raise Ended(Outcome.REFUSED, f"the inventory declares no hosts of {plan.site}")
        if plan.complaints:
            first, *others = plan.complaints
            more = f" (and {len(others)} more)" if others else ""
            words = f"profile {plan.profile} does not fit: {first}{more}; nothing was changed"
            raise Ended(Outcome.REFUSED, words, *plan.complaints)
        return plan

    def _gate(self, seen: Observation) -> Gate:
        return rules.change_gate(self._asked.site, seen)

    async def _change_site(self, plan: ConfigurationPlan) -> None:
        """What belongs to no host; a service's parameters are put in force together."""
        changes = [change for change in plan.changes if not change.host and change.section != APPLICATIONS]
        await self._change_host(changes)
        services = [each.subject.split()[0] for each in changes if each.section == "service parameters"]
        for service in dict.fromkeys(services):
            await self._platform.apply_parameters(service)

    async def _change_host(self, changes: list[Change]) -> None:
        for change in changes:
            self._safe_point()
            await self._platform.make(change)

    async def _apply_applications(self, plan: ConfigurationPlan) -> None:
        """Those that the platform has not applied by itself once the site is at rest."""
        if self._platform.is_ptp_changed:
            await self._platform.apply_parameters(None)
        await self._settle(plan)
        now = await self._platform.plan()
        changed = [change for change in now.changes if change.section == APPLICATIONS]
        again: list[str] = []
        for change in changed:
            self._safe_point()
            await self._platform.make(change)
            if rules.sets_values(change):
                again.append(change.subject.split()[0])
            else:
                gone = (change.subject,) if change.wanted == rules.DELETED else ()
                await self._settle(plan, gone=gone)
                await self._must_be_done(change)
        if changed:
            now = await self._platform.plan()
        for application in dict.fromkeys((*again, *now.unapplied)):
            self._safe_point()
            await self._platform.apply(application, again=application in again)
        if changed or now.unapplied:
            await self._settle(plan, plan.applications)

    async def _must_be_done(self, change: Change) -> None:
        """sysinv takes an upload or a removal and carries it out later; what it came to shows afterwards."""
        now = await self._platform.plan()
        left = [
            each for each in now.changes if (each.subject, each.wanted) == (change.subject, change.wanted)
        ]
        if left:
            raise Ended(
                Outcome.FAILED, f"application {left[0].subject} is {left[0].found}, not {change.wanted}"
            )

    async def _settle(
        self, plan: ConfigurationPlan, applications: tuple[str, ...] = (), gone: tuple[str, ...] = ()
    ) -> None:
        with self._log.during("settle", "applications, storage and alarms come to rest"):
            end = await self._platform.await_settled(applications, self._asked.settled_within, gone)
        if end.how != "so":
            raise Ended(Outcome.FAILED, f"{plan.site} did not come to rest: {end.words}")

    async def _verify(self) -> None:
        with self._log.during("verify"):
            left = await self._platform.plan()
            seen = await self._watch.observe()
        if left.changes:
            words = [change.words for change in left.changes]
            raise Ended(Outcome.FAILED, f"still differs from {left.profile}: {words[0]}", *words)
        away = [host.says for host in seen.site.hosts if not host.in_service] if seen.site else ["no answer"]
        if away:
            raise Ended(Outcome.FAILED, f"not in service: {'; '.join(away)}")

    def _safe_point(self) -> None:
        if self._stop:
            changed = len(self._platform.changed)
            done = f"after {changed} changes" if changed else "before anything was changed"
            raise Ended(Outcome.ABORTED, f"cancelled {done}")
