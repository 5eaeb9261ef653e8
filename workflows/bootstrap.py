"""BootstrapSite: StarlingX's bootstrap playbook on an installed controller-0, where no dcmanager does it.

    nobody is at work on fleet and site
    does the host answer, is it the declared one, is it bootstrapped; does a playbook run there
    place the overrides; start the playbook, detached and once
    follow it to its end; does the host call itself bootstrapped
    on every exit: wipe the secrets

A playbook of ours that is found in flight is followed instead of started, whichever run began it. One that
has failed is started anew: it may run again until the host is unlocked. Somebody else's is waited for.

A cancel ends the playbook, as an operator's Ctrl-C or dcmanager's abort would, but not within the tasks
after which only a new installation helps: those are waited for. Where the host falls silent or the playbook
takes too long it is left running, and that is said.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.bootstrap import BootstrapRequest, BootstrapResult, InstalledHost, PlaybookEnd
    from models.outcome import GOOD, Outcome
    from models.timing import Timing
    from rules import bootstrap as rules
    from workflows.steps.bootstrapping import HostPlaybook
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import (
        Ended,
        failure_of,
        raise_unless_good,
        refuse_unless_locked,
        to_a_safe_point,
    )
    from workflows.steps.watch import SiteWatch

OPERATION = "bootstrap"


@workflow.defn(name=contracts.BOOTSTRAP_SITE)
class BootstrapSite(SiteProcedure):
    @workflow.init
    def __init__(self, request: BootstrapRequest) -> None:
        super().__init__(request.site, OPERATION)
        self._request = request
        self._watch = SiteWatch(request.site, "", self._log, lambda: self._stop)
        self._playbook = HostPlaybook(request.site, self._log, Timing(), lambda: self._stop)

    @workflow.run
    async def run(self, request: BootstrapRequest) -> BootstrapResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        result = BootstrapResult(
            site=request.site,
            outcome=outcome,
            reason=reason,
            run=self._playbook.run,
            task=self._playbook.task,
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
        await self._close(
            site=request.site,
            operation=OPERATION,
            target="",
            region=self._watch.region,
            campaign=request.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=result.evidence,
        )
        raise_unless_good(outcome, reason, result)
        return result

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            outcome, reason = await self._bootstrap()
        except (Ended, ActivityError) as error:
            outcome, reason = self._said_truly(self._end_of(error), self._playbook.sent)
        left = await self._wipe()
        if left and outcome in GOOD:
            outcome = Outcome.FAILED
        return outcome, "; ".join((reason, *left))

    async def _bootstrap(self) -> tuple[Outcome, str]:
        with self._log.during("gates"):
            seen = await self._watch.pass_gate(
                lambda seen: rules.site_gate(self._request.site, seen), self._request.ready_within
            )
            self._playbook.timing = seen.timing
            decision, host = await self._pass_host_gate()
        self._evidence += [f"{host.address} proved itself by {host.proof}", f"overrides {host.digest}"]
        if decision.follow is not None:
            self._playbook.run, self._playbook.task = decision.follow.run, decision.follow.task
            self._playbook.leaves = True
            self._evidence.append(f"followed run {decision.follow.run}, which was in flight")
        else:
            await self._begin()
        with self._log.during("playbook"):
            end = await self._playbook.follow(self._request.bootstrapped_within)
        if end is None:
            return await self._cancel()
        return await self._judge(end)

    async def _pass_host_gate(self) -> tuple[rules.Decision, InstalledHost]:
        """Raises Ended."""
        host = await self._playbook.look(self._request.reachable_within)
        decision = rules.decide(self._request.site, host)
        if decision.gate.waits:
            self._log.waits_for(decision.gate.why)
            free = await self._playbook.await_free(self._request.ready_within)
            self._watch.safe_point()
            assert free is not None
            host, decision = free, rules.decide(self._request.site, free)
        self._playbook.leaves = bool(host.left_behind)
        self._watch.safe_point()
        if decision.gate.outcome is not None:
            raise Ended(decision.gate.outcome, decision.gate.why)
        return decision, host

    async def _begin(self) -> None:
        """Placed and started under this run's own id."""
        self._playbook.run = workflow.info().run_id
        with self._log.during("place", "the overrides and what starts the playbook"):
            self._watch.safe_point()
            await self._playbook.place()
        with self._log.during("start"):
            self._watch.safe_point()
            await self._playbook.start()

    async def _cancel(self) -> tuple[Outcome, str]:
        """The playbook may have ended by itself meanwhile: then that is how it was."""
        with self._log.during("end the playbook", "at a task that may be cut off"):
            end = await self._playbook.stop()
        if end.how in ("late", "silent"):
            raise Ended(Outcome.FAILED, f"cancelled, but {rules.given_up(end)}")
        if end.how == "so":
            return await self._judge(end)
        raise Ended(Outcome.ABORTED, rules.stopped(end.task))

    async def _judge(self, end: PlaybookEnd) -> tuple[Outcome, str]:
        if end.how in ("late", "silent"):
            raise Ended(Outcome.FAILED, rules.given_up(end))
        with self._log.during("verify"):
            host = await self._playbook.look(self._request.reachable_within)
        outcome, reason = rules.ended(end, host)
        if outcome not in GOOD:
            raise Ended(outcome, reason, *([end.words] if end.words else []))
        return outcome, reason

    async def _wipe(self) -> list[str]:
        """What is left, in words; nothing to do where nothing of ours is there."""
        if not self._playbook.leaves:
            return []
        with self._log.during("wipe", "the secrets leave the host"):
            try:
                left = await self._playbook.wipe()
            except ActivityError as error:
                left = [f"not wiped, or nobody knows: {failure_of(error)[1]}"]
        return [f"secrets may be left on the host ({words}): remove them by hand" for words in left]
