"""A site's backup from a workflow: begun in the archive, made by dcmanager, recorded, sealed last.

dcmanager's backup has no abort, so a run that is to stop lets it end. Without the seal the archive has no
backup, whatever lies there and at dcmanager.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.archive.activities import ArchiveActivities
    from activities.starlingx.dcmanager.backing_up import BackupActivities
    from activities.starlingx.recording import RecordActivities
    from models.archive import (
        BackupId,
        BackupKind,
        Elsewhere,
        ObjectEntry,
        OpenBackupRequest,
        OpenedBackup,
        Origin,
        PutObject,
        SealRequest,
        Verification,
        VerifyBackupRequest,
    )
    from models.backup import (
        PLATFORM,
        AwaitBackupRequest,
        BackupEnd,
        BackupSiteRequest,
        BeginBackupRequest,
        RecordRequest,
    )
    from models.deploy import SubcloudFacts
    from models.outcome import Outcome
    from models.platform import Door
    from models.timing import Timing
    from rules import backup as rules
    from workflows.steps import policies
    from workflows.steps.asking import awaited, looked
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.keeping import PlatformKeeping
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended
    from workflows.steps.volumes import back_up_volumes

SILENCE = timedelta(minutes=30)
READ_BACK = timedelta(days=2)
"""All bytes, at the store's speed; the heartbeat tells a dead worker."""


@dataclass
class SiteBackup:
    request: BackupSiteRequest
    subcloud: SubcloudDeploy
    log: StepLog
    kind: BackupKind = "platform"
    id: str = ""
    archive: str = ""
    place: str = ""
    """Where dcmanager keeps the platform."""
    storage: tuple[ObjectEntry, ...] = ()
    """Of the site's Ceph."""
    platform: tuple[ObjectEntry, ...] = ()
    """dcmanager's archive, where its host can be read."""

    async def open(self, began: datetime) -> None:
        """Proves that the archive takes it, before dcmanager is asked for anything."""
        run = workflow.info().run_id.replace("-", "")
        backup = BackupId.of(self.request.site, began, self.kind, run)
        opened: OpenedBackup = await kept(
            self.log,
            self.subcloud.timing,
            ArchiveActivities.open_backup,
            OpenBackupRequest(backup=backup),
            "begin in the archive",
        )
        self.id, self.archive = opened.backup, opened.archive

    async def make(self, before: SubcloudFacts) -> SubcloudFacts:
        """By dcmanager. Raises Ended."""
        with self.log.during("backup", "dcmanager backs the platform up"):
            for _ in range(rules.RESTARTS + 1):
                await self._begin(before)
                end = await self.wait(self.request.backed_up_within)
                if rules.is_made(before, end, local=self.request.local):
                    assert end.facts is not None
                    return end.facts
                if not rules.is_restart(end) or end.facts is None:
                    break
                before = end.facts
                self.log.waits_for(f"dcmanager gave up without a word ({before.backup_status}); once more")
        raise Ended(*rules.ended(end))

    async def take_storage(self, safe_point: Callable[[], None], evidence: list[str]) -> None:
        """Ceph's maps and volumes, where the site declares any. Raises Ended."""
        backup = BackupId.parse(self.id)
        self.storage = await back_up_volumes(
            self.request.site, backup, self.log, self.subcloud.timing, safe_point, evidence
        )

    async def take_platform(self, before: SubcloudFacts, made: SubcloudFacts, release: str) -> None:
        """From where dcmanager keeps it, before a next backup replaces it there. Raises Ended."""
        local = self.request.local
        door: Door = "site" if local else "controller"
        keeping = PlatformKeeping(self.request.site, door, self.log, self.subcloud.timing)
        folder = rules.kept_in(made.name, rules.folder(release), local=local)
        with self.log.during("keep", "the platform's archive is brought into the archive"):
            found = await keeping.find(folder, before.backup_time)
            newest = [each for each in found if each.is_platform][-1:]
            images = [each for each in found if local and not each.is_platform]
            self.platform = await keeping.take(self.id, (*newest, *images))

    async def seal(self, made: SubcloudFacts, origin: Origin, controller: str) -> None:
        """With the record, as the site is now."""
        assert made.backup_time is not None
        local, images = self.request.local, self.request.registry_images
        with self.log.during("record"):
            record: PutObject = await looked(
                self.log,
                self.subcloud.timing,
                RecordActivities.record_site,
                RecordRequest(
                    backup=self.id,
                    site=self.request.site,
                    region=made.region,
                    taken=made.backup_time,
                    local=local,
                    registry_images=images,
                ),
                silence=SILENCE,
                summary="record the site",
            )
        self.place = rules.where(
            controller, made.name, self.request.site, rules.folder(origin.release), local=local
        )
        away = () if self.platform else (Elsewhere(name=PLATFORM, kind="platform", where=self.place),)
        if self.platform:
            self.place = f"in archive {self.archive}; also {self.place}"
        with self.log.during("seal"):
            request = SealRequest(
                backup=self.id,
                origin=origin,
                ended=workflow.now(),
                objects=(record.entry, *self.platform, *self.storage),
                elsewhere=away,
            )
            await kept(
                self.log,
                self.subcloud.timing,
                ArchiveActivities.seal_backup,
                request,
                "write the manifest",
            )

    async def verify(self) -> None:
        """What was found stands beside the manifest. Raises Ended where anything is not as it was put."""
        with self.log.during("verify", "the backup is read back"):
            found: Verification = await workflow.execute_activity_method(
                ArchiveActivities.verify_backup,
                VerifyBackupRequest(backup=self.id),
                start_to_close_timeout=READ_BACK,
                schedule_to_close_timeout=2 * READ_BACK,
                heartbeat_timeout=policies.heartbeat(self.subcloud.timing),
                retry_policy=policies.WAIT_RETRY,
                summary=f"read all of {self.id}",
            )
        if not found.good:
            said = "; ".join(f"{each.name or 'manifest'}: {each.words}" for each in found.faults[:4])
            raise Ended(Outcome.FAILED, f"{self.id} was sealed and is not good: {said}")

    async def _begin(self, before: SubcloudFacts) -> None:
        request = BeginBackupRequest(
            site=self.request.site,
            region=before.region,
            local=self.request.local,
            registry_images=self.request.registry_images,
            since=before.backup_time,
            status=before.backup_status,
        )
        await self.subcloud.act(BackupActivities.begin_backup, request, "back up")

    async def wait(self, within: timedelta) -> BackupEnd:
        """Until dcmanager makes none of the site."""
        end: BackupEnd = await awaited(
            self.log,
            self.subcloud.timing,
            BackupActivities.await_backup,
            AwaitBackupRequest(
                site=self.request.site, region=self.subcloud.region, within=within, silence=SILENCE
            ),
            within=within,
            summary="wait until the backup has ended",
        )
        self.subcloud.facts = end.facts or self.subcloud.facts
        return end


async def kept(log: StepLog, timing: Timing, method: Callable[..., Any], request: Any, summary: str) -> Any:
    """Archive and records: done again wherever a worker dies, and tried for as long as they are away."""
    done = await workflow.execute_activity_method(
        method,
        request,
        start_to_close_timeout=policies.LOOK,
        schedule_to_close_timeout=timing.paced(policies.MUTATION_TRIES) + 2 * policies.LOOK,
        heartbeat_timeout=policies.heartbeat(timing),
        retry_policy=policies.WAIT_RETRY,
        summary=summary,
    )
    log.attempts = max(log.attempts, getattr(done, "attempt", 1))
    return done
