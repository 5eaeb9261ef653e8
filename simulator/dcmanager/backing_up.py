"""dcmanager's manager as far as it backs sites up and restores them (distcloud, 2026-08).

A backup is validated, prepared, run as a playbook in the site, and its archive kept there or pulled into the
vault; a failure leaves the one before in place. A restore may install the host first, as any install of
dcmanager's; then its playbook logs in, puts the archive back, unlocks controller-0 and, on simplex alone,
completes the restore. Both keep their state in the subcloud's row, and a restart of dcmanager turns what was
under way into failures without a word.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.cloud import clock, saving
from simulator.cloud.cloud import Cloud
from simulator.dcmanager import durations
from simulator.dcmanager.deployer import NO_ERROR, Deployer, PhaseFailedError, playbook_log
from simulator.dcmanager.landing import BARE
from simulator.dcmanager.state import Subcloud
from simulator.dcmanager.vault import Archive, Vault
from simulator.services.sysinv import restoring
from simulator.services.sysinv.view import health

BACKING_UP = {
    "validating": "validate-failed",
    "pre-backup": "backup-prep-failed",
    "backing-up": "failed",
    "deleting-backup": "delete-failed",
}
"""What a restart makes of it (TRANSITORY_BACKUP_STATES)."""
MOST_BACKUPS, MOST_RESTORES = 250, 100
_FAILS_AFTER = 0.3
_UNLOCK_S, _POLL_S = 2400.0, 20.0
_COMPLETE_TRIES, _COMPLETE_S = 15, 20.0
"""Ten seconds apart, and `system` takes as long itself."""


@dataclass
class Backups:
    """Runs backups and restores of one dcmanager."""

    deployer: Deployer
    vault: Vault = field(default_factory=Vault)
    on_site: Callable[[str, Archive], Awaitable[None]] | None = None
    """Puts a local archive onto its site's own host, where that is logged in to."""
    _running: set["asyncio.Task[None]"] = field(default_factory=set)
    _backups: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_BACKUPS))
    _restores: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_RESTORES))

    # -- what the API asks ----------------------------------------------------------------------------

    def create(self, rows: list[Subcloud], sysadmin: str, *, local: bool, images: bool) -> None:
        for row in rows:
            self._start(self._create(row, sysadmin, local, images))

    def restore(self, rows: list[Subcloud], payload: dict[str, Any]) -> None:
        for row in rows:
            self._start(self._restore(row, payload))

    def restart(self) -> None:
        """With the manager's own restart."""
        for task in list(self._running):
            task.cancel()
        for row in self.deployer.db.subclouds:
            after = BACKING_UP.get(row.backup_status or "")
            if after is not None:
                row.backup_status = after
                row.touch()
                self._backup_over(row)

    async def close(self) -> None:
        for task in list(self._running):
            task.cancel()

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.result()

    # -- backup ---------------------------------------------------------------------------------------

    async def _create(self, row: Subcloud, sysadmin: str, local: bool, images: bool) -> None:
        await self._sleep(durations.CAST_S)
        if row.backup_status in BACKING_UP:
            return
        self._back(row, "validating")
        async with self._backups:
            if row.cloud.dark or not is_healthy(row.cloud):
                self._back(row, "validate-failed")
                self._backup_over(row)
                return
            self._back(row, "pre-backup")
            await self._sleep(self.deployer.pace(row).prepare)
            row.error_description = NO_ERROR
            self._back(row, "backing-up")
            cloud = row.cloud
            cloud.alarms.raise_("210.001", saving.CONTROLLER_0)
            try:
                await self._playbook(row, sysadmin, local, images)
            except PhaseFailedError as failed:
                row.error_description = str(failed)[:2048]
                self._back(row, "failed")
            else:
                row.backup_time = clock.spaced()
                self._back(row, "complete-local" if local else "complete-central")
            finally:
                cloud.alarms.clear("210.001")
                self._backup_over(row)

    async def _playbook(self, row: Subcloud, sysadmin: str, local: bool, images: bool) -> None:
        """Raises: PhaseFailedError."""
        cloud, seconds = row.cloud, self.deployer.pace(row).backup
        if sysadmin != self.deployer.password:
            words = "Invalid/incorrect password: Permission denied"
            raise PhaseFailedError(playbook_log(row, "backing-up", "Gathering Facts", words))
        fails = self.deployer.faults.take("backup.create", cloud.name, True, "fail")
        if fails is not None:
            await self._sleep(seconds * _FAILS_AFTER)
            raise PhaseFailedError(
                playbook_log(row, "backing-up", "Fail if not enough space", "Not enough free space")
            )
        await self._sleep(seconds * 0.9)
        if cloud.dark:
            words = "Failed to connect to the host via ssh: connection timed out"
            raise PhaseFailedError(playbook_log(row, "backing-up", "Run backup playbook", words))
        content = saving.pack(cloud)
        await self._sleep(seconds * 0.1)
        taken = clock.spaced()
        stamp = taken[:19].replace("-", "_").replace(" ", "_").replace(":", "_")
        name = f"{row.name}_platform_backup_{stamp}.tgz"
        archive = Archive(name, cloud.usm.version, content, taken, local, images)
        self.vault.put(row.name, archive)
        if local and self.on_site is not None:
            await self.on_site(cloud.name, archive)

    # -- restore --------------------------------------------------------------------------------------

    async def _restore(self, row: Subcloud, payload: dict[str, Any]) -> None:
        await self._sleep(durations.CAST_S)
        async with self._restores:
            row.error_description = NO_ERROR
            self._enter(row, "pre-restore")
            await self._sleep(self.deployer.pace(row).prepare)
            stage = "install-failed"
            try:
                if payload["with_install"]:
                    self._enter(row, "pre-install")
                    await self._sleep(self.deployer.pace(row).prepare)
                    self._enter(row, "installing")
                    await self.deployer.install(row)
                stage = "restore-failed"
                self._enter(row, "restoring")
                await self._put_back(row, payload)
            except PhaseFailedError as failed:
                row.error_description = str(failed)[:2048]
                self._enter(row, stage)
            else:
                row.error_description = NO_ERROR
                self._enter(row, "complete")
            finally:
                self.deployer.restore_over(row)

    async def _put_back(self, row: Subcloud, payload: dict[str, Any]) -> None:
        """Raises: PhaseFailedError."""
        cloud, sysadmin = row.cloud, payload["sysadmin_password"]
        archive = self.vault.get(row.name, cloud.dialect.version, local=payload["local_only"])
        if archive is None:
            words = f"No platform backup of {row.name} was found"
            raise PhaseFailedError(playbook_log(row, "restoring", "Validate user input", words))
        await self.deployer.reach(row, "restoring", sysadmin)
        if BARE not in cloud.dark_for and cloud.active.invprovision == "provisioned":
            words = "The host is already unlocked: restore_platform.yml wants one that is freshly installed"
            raise PhaseFailedError(playbook_log(row, "restoring", "Check initial config flag", words))
        try:
            saved = saving.unpack(archive.content, cloud.as_built)
        except saving.UnreadableArchiveError as broken:
            raise PhaseFailedError(
                playbook_log(row, "restoring", "Extract the archive", str(broken))
            ) from None
        seconds = self.deployer.pace(row).restore
        if self.deployer.faults.take("backup.restore", cloud.name, True, "fail") is not None:
            await self._sleep(seconds * _FAILS_AFTER)
            raise PhaseFailedError(
                playbook_log(row, "restoring", "Restore etcd", "Simulated failure of a task")
            )
        await self._sleep(seconds)
        await self.deployer.reach(row, "restoring", sysadmin)
        row.made_region = ""
        values = payload.get("restore_values") or {}
        saving.restore(cloud, saved, wipes_osds=str(values.get("wipe_ceph_osds", False)).lower() == "true")
        cloud.come_back("power")
        cloud.come_back(BARE)
        await self._unlock(row)
        if cloud.simplex:
            await self._complete(row)

    async def _unlock(self, row: Subcloud) -> None:
        """Raises: PhaseFailedError."""
        cloud = row.cloud
        cloud.mtce.unlock(cloud.active, cloud.durations.reboot)
        waited = 0.0
        while cloud.dark or cloud.active.locked or cloud.active.operational != "enabled":
            if waited > _UNLOCK_S:
                words = "controller-0 did not become unlocked-enabled-available"
                raise PhaseFailedError(playbook_log(row, "restoring", "Perform host unlock", words))
            waited += _POLL_S
            await self._sleep(_POLL_S)

    async def _complete(self, row: Subcloud) -> None:
        """The playbook gives up after its tries. Raises: PhaseFailedError."""
        words = ""
        for _ in range(_COMPLETE_TRIES):
            words = restoring.complete(row.cloud)
            if words == restoring.COMPLETED:
                return
            await self._sleep(_COMPLETE_S)
        raise PhaseFailedError(playbook_log(row, "restoring", "Run system restore-complete", words))

    # -- bookkeeping ----------------------------------------------------------------------------------

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(self.deployer.clock.wall(seconds))

    def _enter(self, row: Subcloud, status: str) -> None:
        row.deploy_status = status
        row.touch()

    def _back(self, row: Subcloud, status: str) -> None:
        row.backup_status = status
        row.touch()

    def _backup_over(self, row: Subcloud) -> None:
        row.cloud.life_ended(f"backup/{row.name}", None)


def is_healthy(cloud: Cloud) -> bool:
    """As dcmanager reads `system health-query`: no failure, or alarms that affect no management alone."""
    text = health(cloud)
    return "[Fail]" not in text or (
        text.count("[Fail]") == 1
        and "No alarms: [Fail]" in text
        and "[0] of which are management affecting" in text
    )
