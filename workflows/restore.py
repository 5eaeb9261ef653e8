"""RestoreSite: a site back as a backup has it.

    examine the backup: is it whole, is it this site's, and the one that dcmanager keeps
    nobody is at work, nor do its own people hold it; are the machines behind the BMCs the declared ones; may
    the site be wiped
    hold the backup; unmanage; dcmanager installs and restores, controller-0 is unlocked
    where there are more hosts: the other controller, storage hosts, workers, each in a child; Ceph is well
    where Ceph's OSDs were wiped: its pools are made anew
    complete the restore until sysinv says that it is; online; manage
    compare the site with the record of the backup; record

The wrong backup is refused before anything is touched. How far a restore is stands in dcmanager's deploy
status, and whether it is ours in our records, so a run that failed, was cancelled or terminated is gone on
with by the next one, at its step. Nothing is undone: there is no way back from a restore but another one. The
run holds the lock of the site.
"""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.backup import Comparison
    from models.bmc import HostRef
    from models.deploy import FIRST_HOST
    from models.outcome import Outcome
    from models.restore import RestoreResult, RestoreSiteRequest
    from models.timing import Timing
    from rules import deploy as deploy_rules
    from rules import restore as rules
    from rules import restore_hosts
    from rules.disturbing import Disturbance
    from rules.install import Gate
    from workflows.steps.bmc import HostBmc
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.platform import SitePlatform
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.restored_hosts import RestoredHosts
    from workflows.steps.restored_pools import renew_pools
    from workflows.steps.restoring import SiteRestore
    from workflows.steps.site import Ended, raise_unless_good, refuse_unless_locked, to_a_safe_point
    from workflows.steps.volumes import restore_volumes
    from workflows.steps.watch import SiteWatch
    from workflows.steps.wipe import WipeApproval

OPERATION = "restore"


@workflow.defn(name=contracts.RESTORE_SITE)
class RestoreSite(WipeApproval, SiteProcedure):
    @workflow.init
    def __init__(self, request: RestoreSiteRequest) -> None:
        super().__init__(request.site, OPERATION)
        path = f"{request.site}/{FIRST_HOST}"
        self._wipes(path, path if request.wipe == request.site else None)
        self._request = request
        self._watch = SiteWatch(request.site, "", self._log, lambda: self._stop)
        # dcmanager aborts no restore, so no wait is left when the run is to stop.
        self._subcloud = SubcloudDeploy(request.site, self._log, Timing(), lambda: False)
        self._restore = SiteRestore(request, self._subcloud, self._log)
        self._disturbance = Disturbance(request.site, request.override_hold, request.campaign is not None)
        self._evidence += self._disturbance.evidence
        self._hosts: RestoredHosts | None = None
        """Of a site that has more than controller-0."""
        self._compared: Comparison | None = None

    @workflow.run
    async def run(self, request: RestoreSiteRequest) -> RestoreResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        result = self._result(outcome, reason, began)
        await self._close(
            site=request.site,
            operation=OPERATION,
            target=result.release,
            region=self._watch.region,
            campaign=request.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=result.evidence,
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        raise_unless_good(outcome, reason, result)
        return result

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            return await self._restored()
        except (Ended, ActivityError) as error:
            return self._said_truly(self._end_of(error), self._subcloud.sent)

    async def _restored(self) -> tuple[Outcome, str]:
        with self._log.during("gates"):
            step = await self._pass_gates()
        if step == "begin":
            with self._log.during("gates"):
                await self._pass_machine_gate()
                await self._await_approval(self._subcloud.timing.paced(self._request.ready_within))
                self._safe_point("before anything was changed")
        await self._restore.hold()
        try:
            if step == "begin":
                await self._unmanage()
            if step != "go on":
                await self._restore.carry_out(runs=step == "wait")
            self._safe_point("once dcmanager had restored it; the next run goes on from there")
            if self._hosts is not None:
                await self._hosts.come_back(self._evidence)
            await renew_pools(self._request, self._restore.backup, self._platform, self._evidence)
            self._evidence.append(f"sysinv: {await self._restore.complete()}")
            if self._hosts is not None:
                await self._hosts.await_rest()
            if self._request.volumes:
                await self._restore_volumes()
            await self._manage()
            return await self._compare()
        finally:
            if workflow.in_workflow():
                await self._restore.release()

    async def _pass_gates(self) -> rules.Next:
        """Raises Ended; returns where to begin."""
        request = self._request
        self._pass(rules.request_gate(request))
        seen = await self._watch.pass_gate(
            lambda seen: deploy_rules.controller_gate(request.site, seen), request.ready_within
        )
        self._subcloud.timing = seen.timing
        assert seen.controller is not None
        facts = await self._subcloud.look()
        backup = await self._restore.examine()
        self._pass(rules.archive_gate(request, backup, seen.topology, seen.controller.name, facts))
        self._pass(restore_hosts.hosts_gate(request, backup))
        if len(backup.hosts) > 1:
            self._hosts = RestoredHosts(
                request,
                backup.hosts,
                self._subcloud.region,
                seen.timing,
                self._log,
                lambda: self._stop,
                lambda: self._safe_point("among its hosts; the next run goes on from there"),
            )
        self._evidence += [f"backup {backup.backup}", f"before: {facts.says}"]
        step = rules.next_step(facts, await self._restore.is_marked())
        if isinstance(step, Gate):
            raise Ended(step.outcome or Outcome.BLOCKED, step.why)
        if step == "begin" and self._disturbance.gate(seen).outcome is not None:
            await self._watch.pass_gate(
                self._disturbance.behind(deploy_rules.controller_gate), request.ready_within
            )
        if step != "begin":
            self._evidence.append("taken up where an earlier run has left it")
        return step

    async def _pass_machine_gate(self) -> None:
        """The machines that are to be wiped are the declared ones. Raises Ended."""
        if self._hosts is not None:
            self._evidence += await self._hosts.examine()
            self._also = self._hosts.wiped
        if not self._request.install:
            return
        host = HostRef(site=self._request.site, host=FIRST_HOST)
        found = await HostBmc(host, self._log, self._subcloud.timing).look(self._request.reachable_within)
        self._pass(rules.machine_gate(str(host), found))
        self._evidence.append(f"{host} is {found.identity}")

    async def _unmanage(self) -> None:
        facts = self._subcloud.facts
        assert facts is not None
        if facts.management_state != "unmanaged":
            with self._log.during("unmanage"):
                await self._subcloud.change(management_state="unmanaged")
        self._safe_point("before it was restored; it is unmanaged")

    @property
    def _platform(self) -> SitePlatform:
        timing, region = self._subcloud.timing, self._subcloud.region
        return SitePlatform(self._request.site, self._log, timing, region=region)

    async def _restore_volumes(self) -> None:
        site, timing = self._request.site, self._subcloud.timing
        back = await restore_volumes(
            site,
            self._restore.backup.backup,
            self._log,
            timing,
            lambda: self._safe_point("among its volumes; the next run goes on from there"),
            self._evidence,
        )
        self._evidence.append(f"volumes: {', '.join(back) or 'the backup has none'}")

    async def _manage(self) -> None:
        """Once it is online. Raises Ended."""
        if not self._request.manage:
            return
        with self._log.during("online", "dcmanager finds it"):
            end = await self._subcloud.wait((), self._request.online_within)
            if end.how != "so":
                said = end.facts.says if end.facts else end.words
                raise Ended(Outcome.FAILED, f"it is restored and not managed: {said}")
        with self._log.during("manage"):
            await self._subcloud.change(management_state="managed")

    async def _compare(self) -> tuple[Outcome, str]:
        with self._log.during("compare", "with the record of the backup"):
            self._compared = await self._restore.compare()
        await self._restore.forget()
        found = self._compared
        self._evidence += (*found.differences, *found.remarks)
        differs = f"{found.count} differ" if found.count else "all as recorded"
        left = f", without {', '.join(self._request.leave_out)}" if self._request.leave_out else ""
        words = f"{self._restore.backup.backup} is restored{left}; {found.compared} facts compared, {differs}"
        return Outcome.SUCCEEDED, words

    def _pass(self, gate: Gate) -> None:
        if gate.outcome is not None:
            raise Ended(gate.outcome, gate.why)

    def _safe_point(self, words: str) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, f"cancelled {words}")

    def _result(self, outcome: Outcome, reason: str, began: datetime) -> RestoreResult:
        backup, found = self._restore.backup, self._compared
        return RestoreResult(
            site=self._request.site,
            outcome=outcome,
            reason=reason,
            backup=backup.backup,
            release=backup.origin.release if backup.origin else "",
            compared=found.compared if found else 0,
            differences=found.differences if found else (),
            hosts=tuple(host.name for host in self._hosts.hosts) if found and self._hosts else (),
            left_out=self._request.leave_out,
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
