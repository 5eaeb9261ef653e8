"""A site's backup by its own backup.yml, from a workflow: gate, playbook, archives into the store, seal.

The playbook is never cut off: it would leave its alarm and its flag, which keep hosts from being locked, and
it takes minutes. A run that is to stop lets it end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.archive.activities import ArchiveActivities
    from activities.ssh.readiness import ReadinessLooks
    from activities.starlingx.recording import RecordActivities
    from models.archive import ObjectEntry, Origin, PutObject, SealRequest
    from models.backup import BackupSiteRequest, RecordRequest
    from models.bootstrap import BackupHost, BackupValues, BootstrapRef, InstalledHost
    from models.outcome import Outcome
    from models.platform import OWN
    from models.site import Observation
    from models.timing import Timing
    from rules import own_backup as rules
    from workflows.steps import policies
    from workflows.steps.asking import looked
    from workflows.steps.backing_up import SiteBackup, kept
    from workflows.steps.bootstrapping import HostPlaybook
    from workflows.steps.keeping import PlatformKeeping
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, failure_of

RECORDED_WITHIN = timedelta(minutes=15)
"""So long the site's APIs may be silent; the archives are in the store by then, and are worth sealing."""


@dataclass
class OwnBackup:
    request: BackupSiteRequest
    log: StepLog
    evidence: list[str]
    playbook: HostPlaybook = field(init=False)

    def __post_init__(self) -> None:
        values = BackupValues(
            registry_images=self.request.registry_images, user_images=self.request.user_images
        )
        self.playbook = HostPlaybook(
            self.request.site, self.log, Timing(), lambda: False, book="backup", values=values
        )

    async def pass_gate(self, timing: Timing, safe_point: Callable[[], None]) -> BackupHost:
        """Raises Ended. A run of ours that is in flight is followed from here on."""
        self.playbook.timing = timing
        host = await self._look()
        decision = rules.decide(host)
        if decision.gate.waits:
            self.log.waits_for(decision.gate.why)
            await self.playbook.await_free(self.request.ready_within)
            safe_point()
            host = await self._look()
            decision = rules.decide(host)
        safe_point()
        self.playbook.leaves = bool(host.installed.left_behind)
        if decision.gate.outcome is not None:
            raise Ended(decision.gate.outcome, decision.gate.why)
        self.evidence.append(f"{host.installed.address} proved itself by {host.installed.proof}")
        if decision.follow is not None:
            self.playbook.run, self.playbook.task = decision.follow.run, decision.follow.task
            self.playbook.leaves = True
            self.evidence.append(f"followed run {decision.follow.run}, which was in flight")
        return host

    async def carry_out(self) -> datetime:
        """Returns when the playbook was started, by the host's clock. Raises Ended."""
        if not self.playbook.run:
            self.playbook.run = workflow.info().run_id
            with self.log.during("place", "what starts backup.yml"):
                await self.playbook.place()
            with self.log.during("start"):
                await self.playbook.start()
        with self.log.during("playbook", "backup.yml on the active controller"):
            end = await self.playbook.follow(self.request.backed_up_within)
        assert end is not None
        if end.how != "so":
            raise Ended(*rules.ended(end), *([end.words] if end.words else []))
        seen: InstalledHost = await self.playbook.look(self.request.reachable_within)
        run = seen.run_named(self.playbook.run)
        if run is None or run.started is None:
            raise Ended(Outcome.FAILED, f"run {self.playbook.run} is gone from {seen.address}")
        return run.started

    async def keep(self, backup: SiteBackup, host: BackupHost, since: datetime, seen: Observation) -> Origin:
        """What it has made, in the archive, with the record of the site where that answers; sealed."""
        keeping = PlatformKeeping(self.request.site, "site", self.log, self.playbook.timing)
        with self.log.during("keep", "what backup.yml has made is brought into the archive"):
            files = await keeping.find(OWN, since)
            entries = await keeping.take(backup.id, files)
        entries += await self._record(backup.id, since, seen)
        origin = Origin(
            region=host.region,
            system_controller=self.request.site if host.is_system_controller else "",
            release=host.release,
            topology=host.topology,
            what="platform, by the site's own backup.yml",
        )
        with self.log.during("seal"):
            request = SealRequest(backup=backup.id, origin=origin, ended=workflow.now(), objects=entries)
            await kept(
                self.log, self.playbook.timing, ArchiveActivities.seal_backup, request, "write the manifest"
            )
        self.evidence += [f"{each.name}, {each.size} bytes" for each in entries]
        backup.place = f"in archive {backup.archive}; also {host.installed.address}, {OWN}"
        if self.request.remove:
            self.evidence.append(f"removed from the host: {await keeping.drop(files)}")
            backup.place = f"in archive {backup.archive}"
        return origin

    async def _record(self, backup: str, taken: datetime, seen: Observation) -> tuple[ObjectEntry, ...]:
        """Of a site whose APIs are silent there is none, and that is said."""
        if seen.site is None:
            why = seen.silence or seen.refusal or "it does not answer"
            self.evidence.append(f"the backup has no record of the site: {why}")
            return ()
        with self.log.during("record"):
            request = RecordRequest(
                backup=backup,
                site=self.request.site,
                region=seen.site.region,
                taken=taken,
                local=False,
                own=True,
                registry_images=self.request.registry_images,
            )
            try:
                record: PutObject = await looked(
                    self.log,
                    self.playbook.timing,
                    RecordActivities.record_site,
                    request,
                    silence=RECORDED_WITHIN,
                    summary="record the site",
                )
            except ActivityError as error:
                self.evidence.append(f"the backup has no record of the site: {failure_of(error)[1]}")
                return ()
        return (record.entry,)

    async def wipe(self) -> list[str]:
        """What is left of the secrets, in words."""
        if not self.playbook.leaves:
            return []
        with self.log.during("wipe", "the secrets leave the host"):
            try:
                left = await self.playbook.wipe()
            except ActivityError as error:
                left = [f"not wiped, or nobody knows: {failure_of(error)[1]}"]
        return [f"secrets may be left on the host ({words}): remove them by hand" for words in left]

    async def _look(self) -> BackupHost:
        timing, within = self.playbook.timing, self.request.reachable_within
        whole = 4 * timing.two_requests
        found = await workflow.execute_activity_method(
            ReadinessLooks.look_at_backup_host,
            BootstrapRef(site=self.request.site, book="backup"),
            start_to_close_timeout=2 * timing.two_requests,
            schedule_to_close_timeout=max(timing.paced(within), whole, timedelta(seconds=1)),
            retry_policy=policies.mutation_retry(timing),
            summary="look at the active controller",
        )
        self.log.attempts = max(self.log.attempts, found.attempt)
        return found
