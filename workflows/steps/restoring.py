"""A site's restore from a workflow: held, begun, waited for, completed, compared.

dcmanager has no abort for a restore: a run that is to stop lets the playbook end, for half a platform is no
place to stop, and ends there. A failure without a word is dcmanager's own restart, and the restore is begun
again; one with words is a person's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.archive.activities import ArchiveActivities
    from activities.starlingx.dcmanager.backing_up import BackupActivities
    from activities.starlingx.dcmanager.deploying import DeployActivities
    from activities.starlingx.recording import RecordActivities
    from activities.starlingx.sysinv import restoring
    from models.archive import HoldRequest
    from models.backup import CompareRequest, Comparison
    from models.bringup import ChangeStep
    from models.deploy import AwaitSubcloudRequest, SubcloudEnd, SubcloudRef
    from models.deploy_status import COMPLETE
    from models.restore import (
        BackupFacts,
        BeginRestoreRequest,
        ExamineBackupRequest,
        MarkRestoreRequest,
        RestoreMarks,
        RestoreRef,
        RestoreSiteRequest,
    )
    from rules import deploy as deploy_rules
    from rules import restore as rules
    from rules import restore_hosts
    from rules.backup import kept_in
    from workflows.steps.asking import awaited, looked, mutated
    from workflows.steps.backing_up import SILENCE, kept
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.keeping import PlatformKeeping
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended


@dataclass
class SiteRestore:
    request: RestoreSiteRequest
    subcloud: SubcloudDeploy
    log: StepLog
    backup: BackupFacts = BackupFacts()

    async def examine(self) -> BackupFacts:
        """Its manifest and record are read and verified, all else is seen to be there."""
        self.backup = await looked(
            self.log,
            self.subcloud.timing,
            RecordActivities.examine_backup,
            ExamineBackupRequest(site=self.request.site, backup=self.request.backup),
            silence=SILENCE,
            summary="examine the backup",
        )
        return self.backup

    async def is_marked(self) -> bool:
        """A run of ours has begun to restore this very backup, and has not ended."""
        marks: RestoreMarks = await self._done(
            BackupActivities.restore_marks, SubcloudRef(site=self.request.site), "what has been begun"
        )
        return self.backup.backup in marks.backups

    async def hold(self) -> None:
        """The backup does not expire meanwhile."""
        await self._done(ArchiveActivities.hold_backup, self._holding, "hold the backup")

    async def release(self) -> None:
        await self._done(ArchiveActivities.release_backup, self._holding, "let the backup go")

    async def forget(self) -> None:
        """It is over: the next run finds nothing of it."""
        mark = MarkRestoreRequest(site=self.request.site, backup=self.backup.backup)
        await self._done(BackupActivities.forget_restore, mark, "the restore is over")

    async def carry_out(self, *, runs: bool) -> None:
        """Until dcmanager says that the site is restored. Raises Ended."""
        if not runs:
            await self._bring_back()
        with self.log.during("restore", self._doing):
            for _ in range(deploy_rules.RESTARTS + 1):
                if not runs:
                    await self._begin()
                end = await self._wait()
                if end.how == "so":
                    return
                if not rules.is_restart(end):
                    break
                runs = False
                self.log.waits_for("dcmanager was started anew; the restore is begun again")
        raise Ended(*deploy_rules.ended("restore", end), *([end.words] if end.words else []))

    async def _bring_back(self) -> None:
        """What dcmanager has lost, to where it looks for it. Raises Ended."""
        facts, origin = self.subcloud.facts, self.backup.origin
        assert facts is not None
        assert origin is not None
        if not rules.comes_back(self.backup, facts):
            return
        keeping = PlatformKeeping(self.request.site, "controller", self.log, self.subcloud.timing)
        folder = kept_in(facts.name, rules.major(origin.release), local=False)
        with self.log.during("bring back", "the platform's archive, to dcmanager's vault"):
            await keeping.put_back(self.backup.backup, folder, self.backup.platform)

    async def complete(self, region: str = "") -> str:
        """Until sysinv says so: applications and controllers recover first. Returns its words. The region is
        dcmanager's word where none is given."""
        with self.log.during("complete", "applications recover, then sysinv completes the restore"):
            ref = RestoreRef(site=self.request.site, region=region or self.subcloud.region)
            timing = self.subcloud.timing
            step: ChangeStep = await mutated(
                self.log,
                timing,
                restoring.RestoreActivities.complete_restore,
                ref,
                whole=timing.mutation_timeout(restoring.SETTLE),
                tries_within=self.request.completed_within,
                summary="complete the restore",
            )
            return step.said

    async def compare(self) -> Comparison:
        found: Comparison = await looked(
            self.log,
            self.subcloud.timing,
            RecordActivities.compare_with_record,
            CompareRequest(backup=self.backup.backup, site=self.request.site),
            silence=SILENCE,
            summary="compare with the record",
        )
        return found

    @property
    def _doing(self) -> str:
        first = "installs controller-0 by its BMC, then " if self.request.install else ""
        return f"dcmanager {first}restores the platform and unlocks controller-0"

    @property
    def _holding(self) -> HoldRequest:
        run = workflow.info().run_id
        return HoldRequest(backup=self.backup.backup, run_id=run, why=f"restore of {self.request.site}")

    async def _begin(self) -> None:
        facts = self.subcloud.facts
        assert facts is not None
        request = BeginRestoreRequest(
            site=self.request.site,
            region=facts.region,
            backup=self.backup.backup,
            status=facts.deploy_status,
            updated=facts.updated,
            taken=None if rules.comes_back(self.backup, facts) else self.backup.taken,
            with_install=self.request.install,
            local=self.backup.local,
            registry_images=self.backup.registry_images,
            wipe_ceph_osds=restore_hosts.wipe_said(self.request, self.backup),
        )
        await self.subcloud.act(BackupActivities.begin_restore, request, "restore")

    async def _wait(self) -> SubcloudEnd:
        within = self.request.restored_within
        end: SubcloudEnd = await awaited(
            self.log,
            self.subcloud.timing,
            DeployActivities.await_subcloud,
            AwaitSubcloudRequest(
                site=self.request.site, region=self.subcloud.region, until=(COMPLETE,), within=within
            ),
            within=within,
            summary="wait until it is restored",
        )
        self.subcloud.facts = end.facts or self.subcloud.facts
        return end

    async def _done(self, method: Callable[..., Any], request: Any, summary: str) -> Any:
        return await kept(self.log, self.subcloud.timing, method, request, summary)
