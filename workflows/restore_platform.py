"""RestorePlatform: a standalone site, or a system controller, back as its own backup.yml has put it away.

    examine the backup: is it whole, is it this site's, of its release and topology
    nobody is at work, nor do its own people hold it; are the machines behind the BMCs the declared ones; may
    the site be wiped
    hold the backup; switch the other hosts off; install controller-0 by its BMC
    bring the archives to controller-0; restore_platform.yml there, detached and once
    the users' images; unlock; dcmanager's vault
    where there are more hosts: the other controller, storage hosts, workers, each in a child; Ceph is well
    where Ceph's OSDs were wiped: its pools are made anew
    complete the restore until sysinv says that it is; compare with the record; record the run
    on every exit: secrets and archives leave the host

The wrong backup is refused before anything is touched. How far a restore is stands on controller-0, and that
it is ours in our records: a run that failed, was cancelled or terminated is gone on with by the next one, at
its step. A restore_platform.yml that has failed is the end of that installation, so the next run installs
anew. Nothing is undone: there is no way back from a restore but another one. The run holds the lock of the
site. (StarlingX: backup and restore of a standalone system.)
"""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.backup import Comparison
    from models.bmc import HostRef
    from models.bootstrap import Book, RestoreValues
    from models.deploy import FIRST_HOST
    from models.outcome import GOOD, Outcome
    from models.restore import RestoreResult, RestoreSiteRequest
    from models.timing import Timing
    from rules import platform_restore as rules
    from rules import restore as restore_rules
    from rules import restore_hosts
    from rules.disturbing import Disturbance
    from rules.install import Gate
    from workflows.steps.bmc import HostBmc
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.platform import SitePlatform
    from workflows.steps.platform_restore import PlatformRestore, passes
    from workflows.steps.restored_hosts import RestoredHosts
    from workflows.steps.restored_pools import renew_pools
    from workflows.steps.restoring import SiteRestore
    from workflows.steps.site import Ended, raise_unless_good, refuse_unless_locked, to_a_safe_point
    from workflows.steps.watch import SiteWatch
    from workflows.steps.wipe import WipeApproval

OPERATION = "restore"
IMAGES_WITHIN = timedelta(hours=3)
"""Tens of GiB are pushed into the local registry."""
VAULT_WITHIN = timedelta(hours=1)


@workflow.defn(name=contracts.RESTORE_PLATFORM)
class RestorePlatform(WipeApproval):
    @workflow.init
    def __init__(self, request: RestoreSiteRequest) -> None:
        super().__init__(request.site, OPERATION)
        path = f"{request.site}/{FIRST_HOST}"
        self._wipes(path, path if request.wipe == request.site else None)
        self._request = request
        self._watch = SiteWatch(request.site, "", self._log, lambda: self._stop)
        self._subcloud = SubcloudDeploy(request.site, self._log, Timing(), lambda: False)
        self._archived = SiteRestore(request, self._subcloud, self._log)
        self._restore = PlatformRestore(request, self._log, self._evidence, lambda: self._stop)
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
        """On every exit secrets and archives leave the host."""
        try:
            outcome, reason = await self._restored()
        except (Ended, ActivityError) as error:
            outcome, reason = self._said_truly(self._end_of(error), self._restore.sent)
            if outcome is Outcome.REFUSED and self._restore.sent:
                outcome = Outcome.FAILED
        left = [*await self._restore.wipe(), *await self._restore.drop()]
        if left and outcome in GOOD:
            outcome = Outcome.FAILED
        return outcome, "; ".join((reason, *left))

    async def _restored(self) -> tuple[Outcome, str]:
        with self._log.during("gates"):
            step = await self._pass_gates()
            if step in ("begin", "carry"):
                await self._pass_machine_gate(step)
                if step == "begin" or not self._restore.host.begun:
                    await self._restore.verify_images()
                await self._await_approval(self._restore.timing.paced(self._request.ready_within))
                self._safe_point("before anything was changed")
        await self._archived.hold()
        try:
            if step in ("begin", "carry"):
                await self._restore.note_begun()
                await self._restore.switch_off(rules.switched_off(self._request, self._restore.backup))
                self._safe_point("before controller-0 was installed")
            if step == "begin":
                await self._install()
            if step != "go on":
                await self._restore_platform(brings=step != "follow")
            await self._restore_images()
            await self._unlock()
            await self._restore_vault()
            if self._hosts is not None:
                await self._hosts.come_back(self._evidence)
            await renew_pools(self._request, self._restore.backup, self._platform, self._evidence)
            self._evidence.append(f"sysinv: {await self._archived.complete(self._region)}")
            if self._hosts is not None:
                await self._hosts.await_rest()
            return await self._compare()
        finally:
            if workflow.in_workflow():
                await self._archived.release()

    # -- gates

    async def _pass_gates(self) -> rules.Next:
        """Raises Ended; returns where to begin."""
        request, restore = self._request, self._restore
        passes(restore_rules.request_gate(request))
        seen = await self._watch.pass_gate(
            lambda seen: rules.site_gate(request.site, seen), request.ready_within
        )
        restore.timing = self._subcloud.timing = seen.timing
        backup = restore.backup = await self._archived.examine()
        passes(rules.archive_gate(request, backup, seen.topology, seen))
        if backup.recorded:
            passes(restore_hosts.hosts_gate(request, backup))
        self._evidence += [f"backup {backup.backup}", *rules.left_behind(backup)]
        if len(backup.hosts) > 1:
            self._hosts = RestoredHosts(
                request,
                backup.hosts,
                self._region,
                seen.timing,
                self._log,
                lambda: self._stop,
                lambda: self._safe_point("among its hosts; the next run goes on from there"),
            )
        step = await self._next_step()
        if step in ("follow", "go on"):
            restore.has_played = True
            self._evidence.append("taken up where an earlier run has left it")
        elif self._disturbance.gate(seen).outcome is not None:
            await self._watch.pass_gate(self._disturbance.behind(rules.site_gate), request.ready_within)
        return step

    async def _next_step(self) -> rules.Next:
        """Raises Ended."""
        request, restore = self._request, self._restore
        host = await restore.look(needed=False)
        if host.installed is None and (host.installed_for_it or not request.install):
            # It may be booting, in the middle of what was begun.
            host = await restore.look(needed=True)
        step = rules.next_step(request, restore.backup, host)
        if isinstance(step, Gate) and step.waits:
            self._log.waits_for(step.why)
            await restore.await_free()
            self._watch.safe_point()
            step = rules.next_step(request, restore.backup, await restore.look(needed=True))
        if isinstance(step, Gate):
            raise Ended(step.outcome or Outcome.BLOCKED, step.why)
        if host.installed is not None:
            self._evidence.append(f"{host.installed.address} proved itself by {host.installed.proof}")
        return step

    async def _pass_machine_gate(self, step: rules.Next) -> None:
        """The machines that are to be wiped are the declared ones. Raises Ended."""
        if self._hosts is not None:
            self._evidence += await self._hosts.examine()
            self._also = self._hosts.wiped
        if step != "begin":
            return
        await self._restore.can_be_installed()
        host = HostRef(site=self._request.site, host=FIRST_HOST)
        found = await HostBmc(host, self._log, self._restore.timing).look(self._request.reachable_within)
        passes(restore_rules.machine_gate(str(host), found))
        self._evidence.append(f"{host} is {found.identity}")

    # -- the platform

    async def _install(self) -> None:
        restore = self._restore
        await restore.install()
        self._safe_point("once controller-0 was installed; the next run goes on from there")
        host = await restore.look(needed=True)
        passes(rules.host_gate(self._request, restore.backup, host))

    async def _restore_platform(self, *, brings: bool) -> None:
        restore, folder = self._restore, ""
        if brings:
            folder = await restore.carry(rules.carried(restore.backup))
            self._safe_point("before it was restored; the next run goes on from there")
        values = rules.values(self._request, restore.backup, folder)
        doing = "restore_platform.yml on controller-0"
        await restore.play(rules.PLATFORM_BOOK, values, doing, self._request.restored_within)
        self._safe_point("once the platform was restored; the next run goes on from there")

    async def _restore_images(self) -> None:
        """The users' own, where the backup has them; a host that is unlocked has had them."""
        await self._play_once("user images", "restore_user_images", IMAGES_WITHIN)

    async def _unlock(self) -> None:
        platform = self._platform
        with self._log.during("unlock", "controller-0 is unlocked and boots"):
            await platform.unlock(FIRST_HOST)
        self._restore.changed += platform.sent
        self._safe_point("once controller-0 was unlocked; the next run goes on from there")

    async def _restore_vault(self) -> None:
        """Of a system controller: what its dcmanager keeps of its subclouds."""
        await self._play_once("vault", "restore_dc_vault", VAULT_WITHIN)

    async def _play_once(self, holds: str, book: Book, within: timedelta) -> None:
        """Where the backup has such an archive, and no run of ours has restored it."""
        restore = self._restore
        archive = rules.archive_of(restore.backup, holds)
        if archive is None:
            return
        run = rules.run_of(await restore.look(needed=True), restore.backup, book)
        if run is not None and run.exit_code == 0:
            return
        folder = await restore.carry((archive,))
        values = RestoreValues(backup=restore.backup.backup, folder=folder, file=archive.file)
        await restore.play(book, values, f"{book}.yml on controller-0", within)
        self._safe_point(f"once {book}.yml had ended; the next run goes on from there")

    # -- the rest

    async def _compare(self) -> tuple[Outcome, str]:
        backup, differs = self._restore.backup, "there is no record to compare it with"
        if backup.recorded:
            with self._log.during("compare", "with the record of the backup"):
                found = self._compared = await self._archived.compare()
            self._evidence += (*found.differences, *found.remarks)
            how = f"{found.count} differ" if found.count else "all as recorded"
            differs = f"{found.compared} facts compared, {how}"
        await self._restore.forget()
        left = f", without {', '.join(self._request.leave_out)}" if self._request.leave_out else ""
        return Outcome.SUCCEEDED, f"{backup.backup} is restored{left}; {differs}"

    @property
    def _platform(self) -> SitePlatform:
        return SitePlatform(self._request.site, self._log, self._restore.timing, region=self._region)

    @property
    def _region(self) -> str:
        origin = self._restore.backup.origin
        return origin.region if origin else ""

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
            hosts=tuple(host.name for host in self._hosts.hosts) if outcome in GOOD and self._hosts else (),
            left_out=self._request.leave_out,
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
