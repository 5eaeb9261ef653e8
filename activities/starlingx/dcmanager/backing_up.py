"""What workflows ask of dcmanager to back a site up and to restore it.

Both requests are casts: 200 says that they were understood, and a status of the subcloud that they were taken
up. dcmanager gives a backup no id. What tells ours is that none was under way when we looked, and that the
time of the last good one has moved; a backup that somebody else has begun is Busy. Which archive dcmanager
restores is not asked for either: of each release it keeps one, the last good one, so its time is held against
the backup that is meant right before the send. A restore that has begun is marked in our records, so that the
next run knows what it finds there.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from activities.errors import Blocked, Busy, Refused
from activities.http import NoAnswer, Rejected
from activities.send_window import SendWindow
from activities.starlingx.dcmanager import client as dcmanager
from activities.starlingx.dcmanager.subclouds import Subclouds
from activities.starlingx.errors import translated
from activities.starlingx.sysinv import hosting
from activities.waiting import Heartbeat, pause, seconds
from models.backup import AwaitBackupRequest, BackupEnd, BeginBackupRequest
from models.deploy import FIRST_HOST, SubcloudFacts, SubcloudRef, SubcloudStep
from models.deploy_status import BACKING_UP, RESTORE_FAILED, RESTORING, STATUSES
from models.inventory import Site
from models.records import Mark
from models.restore import BeginRestoreRequest, MarkRestoreRequest, RestoreMarks

POLL_S = 20.0
MARK, SENT = "restore", "restore-sent"
"""Begun, by what dcmanager shows; about to be sent."""
RUNNING = RESTORING | STATUSES["install"].running


@dataclass
class BackupActivities:
    subclouds: Subclouds

    @activity.defn
    async def begin_backup(self, request: BeginBackupRequest) -> SubcloudStep:
        """Returns once the status shows that it is under way, or has ended already."""
        window = self._window()
        site = self.subclouds.site(request.site)
        password = self._password(site)
        now = await self.subclouds.same(site, request.region)
        if now.backup_time != request.since or now.backup_status != request.status:
            # Ours, whose answer was lost with its worker; or somebody was quicker than our first look.
            if activity.info().attempt == 1 and now.backup_status in BACKING_UP:
                raise Busy(f"somebody else's backup of {now.name} is {now.backup_status}")
            return SubcloudStep(facts=now, attempt=now.attempt)
        window.check()

        async def send() -> SubcloudFacts | None:
            await dcmanager.back_up(
                self.subclouds.cloud(site),
                now.name,
                password,
                local=request.local,
                registry_images=request.registry_images,
            )
            return None

        def shows(seen: SubcloudFacts) -> bool:
            return seen.backup_status != request.status or seen.backup_time != request.since

        return await self.subclouds.sent(site, f"back up {now.name}", send, shows, (password,))

    @activity.defn
    async def await_backup(self, request: AwaitBackupRequest) -> BackupEnd:
        """Until nothing is under way any more; how it went is told by status and time."""
        site, timing = self.subclouds.site(request.site), self.subclouds.directory.timing
        attempt, allowed = activity.info().attempt, seconds(timing.paced(request.silence))
        async with Heartbeat() as heart:
            earlier = activity.info().heartbeat_details
            heard = float(earlier[1]) if len(earlier) > 1 else heart.began
            last: SubcloudFacts | None = None
            while True:
                words = ""
                try:
                    there, clock = await self.subclouds.found(site)
                    last = await self.subclouds.as_facts(site, there, clock)
                    heard = time.time()
                except (NoAnswer, Rejected) as error:
                    words = str(error)
                else:
                    if not last.found or last.region != request.region:
                        words = f"{last.name} is not there any more, or another one"
                        return BackupEnd(how="gone", facts=last, words=words, attempt=attempt)
                    if last.backup_status not in BACKING_UP:
                        return BackupEnd(how="ended", facts=last, words=last.error, attempt=attempt)
                now = time.time()
                if now - heard > allowed:
                    return BackupEnd(how="silent", facts=last, words=words, attempt=attempt)
                if now > heart.began + seconds(timing.paced(request.within)):
                    return BackupEnd(how="late", facts=last, words=words, attempt=attempt)
                heart.tell(heard, words or (last and last.backup_status))
                await pause(timing.poll_s(POLL_S))

    @activity.defn
    async def begin_restore(self, request: BeginRestoreRequest) -> SubcloudStep:
        """Returns once the status shows that it is under way, or has ended already. Marks it as ours."""
        window = self._window()
        site = self.subclouds.site(request.site)
        password = self._password(site)
        now = await self.subclouds.same(site, request.region)
        if now.deploy_status != request.status:
            if now.deploy_status not in RUNNING or activity.info().attempt == 1:
                raise Busy(f"{now.says}; it was {request.status} when its restore was decided")
            await self._mark(request.site, request.backup)
            return SubcloudStep(facts=now, attempt=now.attempt)
        if activity.info().attempt > 1 and now.updated != request.updated:
            return await self._ended_already(request, site, now)
        if now.management_state != "unmanaged":
            raise Refused(f"{now.says}: dcmanager restores what is unmanaged")
        if now.backup_time != request.taken:
            raise Refused(
                f"dcmanager keeps a backup of {now.name} of {_said(now.backup_time)}, and {request.backup} "
                f"is of {_said(request.taken)}: it would restore another one"
            )
        window.check()

        async def send() -> SubcloudFacts | None:
            await dcmanager.restore(
                self.subclouds.cloud(site),
                now.name,
                password,
                with_install=request.with_install,
                local=request.local,
                registry_images=request.registry_images,
                wipe_ceph_osds=request.wipe_ceph_osds,
            )
            return None

        def shows(seen: SubcloudFacts) -> bool:
            return seen.deploy_status != request.status

        await self._mark(request.site, request.backup, SENT)
        step = await self.subclouds.sent(site, f"restore {now.name}", send, shows, (password,))
        await self._mark(request.site, request.backup)
        return step

    async def _ended_already(
        self, request: BeginRestoreRequest, site: Site, now: SubcloudFacts
    ) -> SubcloudStep:
        """The status is what it was and its row was written: an earlier attempt may have sent, and the whole
        restore be over by now. It has ended badly, or controller-0 has booted since; else nobody can tell."""
        step = SubcloudStep(facts=now, attempt=now.attempt)
        sent = await self._sent_at(request)
        if sent is None:
            raise Busy(f"{now.says}: somebody has changed it since its restore was decided")
        if now.deploy_status in RESTORE_FAILED:
            return step
        with translated():
            rows = await hosting.rows(await self.subclouds.directory.site_cloud(site))
        since = (datetime.now(UTC) - sent).total_seconds() * self.subclouds.directory.timing.pace
        if not any(row.name == FIRST_HOST and row.uptime_s < since for row in rows):
            raise Busy(
                f"{now.says}: the answer to its restore was lost, and {FIRST_HOST} has not booted since; "
                "look what dcmanager does, and start the restore again"
            )
        await self._mark(request.site, request.backup)
        return step

    async def _sent_at(self, request: BeginRestoreRequest) -> datetime | None:
        run = activity.info().workflow_run_id
        known = await self.subclouds.journal.marks(request.site)
        ours = (mark for mark in known if (mark.kind, mark.value, mark.run_id) == (SENT, request.backup, run))
        return next((mark.made for mark in ours), None)

    @activity.defn
    async def restore_marks(self, ref: SubcloudRef) -> RestoreMarks:
        """Which backups runs of ours have begun to restore on the site, and not ended."""
        known = await self.subclouds.journal.marks(ref.site)
        return RestoreMarks(backups=tuple(mark.value for mark in known if mark.kind == MARK))

    @activity.defn
    async def forget_restore(self, request: MarkRestoreRequest) -> None:
        await self.subclouds.journal.forget(request.site, MARK, request.backup)
        await self.subclouds.journal.forget(request.site, SENT, request.backup)

    async def _mark(self, site: str, backup: str, kind: str = MARK) -> None:
        run = activity.info().workflow_run_id or ""
        await self.subclouds.journal.remember(
            Mark(site=site, kind=kind, value=backup, run_id=run, made=datetime.now(UTC))
        )

    def _password(self, site: Site) -> str:
        password = self.subclouds.directory.sysadmin_password(site)
        if password is None:
            raise Blocked(
                f"{site.system_controller} has no sysadmin_password in the inventory, with which dcmanager "
                f"logs in to {site.name}"
            )
        return password

    def _window(self) -> SendWindow:
        return SendWindow(self.subclouds.directory.timing.send_window_s)


def _said(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "no time"
