"""StarlingX's restore playbooks as their caller meets them: checks, then the platform, images, the vault.

`restore_platform.yml` reads the overrides where it is told to, wants sysadmin's own password to become root
and a host that is freshly installed, and refuses an archive that is not there, is encrypted where nobody says
so, or is of another kind of site. It leaves its flag behind when it fails, so a host is restored once in an
installation's life. It ends by `system restore-start`: sysinv serves the old database, controller-0 is
locked and online, and the restore is in progress until sysinv is told that it is complete.
`restore_user_images.yml` wants a restored host that is not unlocked yet, `restore_dc_vault.yml` one that is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.cloud import saving
from simulator.cloud.cloud import Cloud
from simulator.dcmanager.landing import BARE
from simulator.ssh.ground import PLATFORM, PLAYBOOKS, Ground

OK, FAILED = 0, 2
PLATFORM_BOOK, IMAGES_BOOK, VAULT_BOOK = "restore_platform", "restore_user_images", "restore_dc_vault"
INTENTS = {
    f"{PLAYBOOKS}/{PLATFORM_BOOK}.yml": "host.restore",
    f"{PLAYBOOKS}/{IMAGES_BOOK}.yml": "host.restore-images",
    f"{PLAYBOOKS}/{VAULT_BOOK}.yml": "host.restore-vault",
}
FLAG = f"{PLATFORM}/.restore_in_progress"
BECOMES, FINDS, FLAGS, READS, MATCHES = (
    "Evaluate ansible_become_pass",
    "Check if the host was unlocked",
    "Check if a restore is in progress",
    "Look for the archive",
    "Compare the archive with the host",
)
RESTORES, STARTS, IMAGES, VAULT = (
    "Restore etcd",
    "Run system restore-start",
    "Restore the users' images",
    "Restore the vault",
)
TASKS = {
    "host.restore": (
        ("common/prepare-env", BECOMES, 1),
        ("restore-platform/prepare-env", FINDS, 1),
        ("restore-platform/prepare-env", FLAGS, 1),
        ("restore-platform/prepare-env", READS, 1),
        ("restore-platform/prepare-env", MATCHES, 2),
        ("restore-platform/restore-more-data", RESTORES, 40),
        ("bootstrap/bringup-essential-services", "Restart the platform's services", 30),
        ("restore-platform/restore-more-data", STARTS, 1),
    ),
    "host.restore-images": (
        ("common/prepare-env", BECOMES, 1),
        ("restore-user-images/prepare-env", FINDS, 1),
        ("restore-user-images/prepare-env", READS, 1),
        ("restore-user-images/restore-user-images", IMAGES, 5),
    ),
    "host.restore-vault": (
        ("common/prepare-env", BECOMES, 1),
        ("restore-dc-vault/prepare-env", READS, 1),
        ("restore-dc-vault/restore-dc-vault", VAULT, 5),
    ),
}
"""Role, task, share of the time (ansible-playbooks, `restore_platform.yml` and its companions)."""
_STARS = "*" * 20


@dataclass
class RestorePlay:
    """One run on one host."""

    intent: str
    values: dict[str, Any]
    password: str
    ground: Ground
    cloud: Cloud
    fails: bool
    tell: Callable[[str], None]
    wait: Callable[[float], Awaitable[None]]
    """For a share of the time."""

    async def run(self) -> int:
        self.tell(f"\nPLAY [all] {_STARS}")
        tasks = TASKS[self.intent]
        for number, (role, task, share) in enumerate(tasks):
            self.tell(f"\nTASK [{role} : {task}] {_STARS}")
            await self.wait(share)
            why = self._done(task)
            if why:
                self.tell(f'fatal: [localhost]: FAILED! => {{"msg": "{why}"}}')
                self.tell(f"\nPLAY RECAP {_STARS}\nlocalhost : ok={number} failed=1")
                return FAILED
            self.tell("changed: [localhost]")
        self.tell(f"\nPLAY RECAP {_STARS}\nlocalhost : ok={len(tasks)} failed=0")
        return OK

    @property
    def said(self) -> str:
        """What it was told, for the ledger."""
        registry = self.values.get("restore_registry_filesystem")
        images = f", {self.values.get('registry_backup_filename')}" if registry else ""
        wipes = str(self.values.get("wipe_ceph_osds", False)).lower()
        return f"{self.values.get('restore_mode', 'old')}, wipe_ceph_osds {wipes}{images}"

    def _done(self, task: str) -> str:
        """Why it fails; empty where it does not."""
        if task == BECOMES and str(self.values.get("ansible_become_pass", "")) != self.password:
            return "Wrong ansible_become_pass password in your localhost.yml."
        if task == FINDS:
            return self._unlocked()
        if task == FLAGS:
            if self.ground.path(FLAG).exists():
                return "Restore is already in progress!"
            self.ground.flag(FLAG, True)
        elif task == READS:
            return self._not_there()
        elif task == MATCHES:
            return self._mismatch()
        elif task == RESTORES and self.fails:
            return "Simulated failure of a task"
        elif task == STARTS:
            saving.restore(self.cloud, self._saved(), wipes_osds=bool(self.values.get("wipe_ceph_osds")))
            self.cloud.come_back("power")
            self.cloud.come_back(BARE)
        return ""

    def _unlocked(self) -> str:
        is_bare = BARE in self.cloud.dark_for
        if self.intent == "host.restore" and not is_bare and self.cloud.active.invprovision == "provisioned":
            return "Host is already unlocked. Restore can only be done on a freshly installed host."
        if self.intent == "host.restore-images" and (is_bare or not self.cloud.active.locked):
            return "Images are restored before the host is unlocked."
        return ""

    def _not_there(self) -> str:
        names = [str(self.values.get("backup_filename", ""))]
        if self.values.get("restore_registry_filesystem"):
            names.append(str(self.values.get("registry_backup_filename", "")))
        for name in names:
            if not name or not self._path(name).is_file():
                return f"Backup file {name} does not exist in {self.values.get('initial_backup_dir')}."
        is_encrypted = names[0].endswith(".gpg")
        if is_encrypted != bool(self.values.get("backup_encryption_enabled")):
            return "The filename and backup_encryption_enabled do not match."
        return ""

    def _mismatch(self) -> str:
        try:
            saved = self._saved()
        except saving.UnreadableArchiveError as broken:
            return str(broken)
        identity = self.cloud.identity
        if saved.region != identity.region:
            return f"The region of the backup, {saved.region}, does not match {identity.region}."
        if saved.standard != identity.standard:
            return "The subfunctions of the backup do not match those of the host."
        if self.values.get("restore_mode") == "optimized" and not saved.simplex:
            return "restore_mode optimized is for AIO-SX alone."
        return ""

    def _saved(self) -> saving.Saved:
        """Raises saving.UnreadableArchiveError."""
        content = self._path(str(self.values.get("backup_filename", ""))).read_bytes()
        return saving.unpack(content, self.cloud.as_built)

    def _path(self, name: str) -> Path:
        """By the host's name of the folder, or as a command there says it, which is this machine's."""
        folder = Path(str(self.values.get("initial_backup_dir", "")))
        if not folder.is_relative_to(self.ground.root):
            folder = self.ground.path(str(folder))
        return folder / name


def shares(intent: str) -> int:
    return sum(share for _, _, share in TASKS[intent])
