"""StarlingX's backup playbook as its caller meets it: tasks in order, a flag while it runs, archives, an exit
code.

It reads the overrides where it is told to, wants sysadmin's own password to become root, refuses a host that
was never unlocked, and leaves its archives under their documented names in `backup_dir`. A run that fails or
is killed leaves its flag behind.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from simulator.cloud import clock
from simulator.ssh.ground import OWN_BACKUPS, PLATFORM, PLAYBOOKS, Ground

OK, FAILED = 0, 2
BOOK = f"{PLAYBOOKS}/backup.yml"
FLAG = f"{PLATFORM}/.backup_in_progress"
BECOMES, FINDS, FLAGS = (
    "Evaluate ansible_become_pass",
    "Check if the host was unlocked",
    "Set the backup flag",
)
ARCHIVES, IMAGES, CLEARS = "Create the platform archive", "Create the images archive", "Clear the backup flag"
TASKS = (
    ("common/prepare-env", BECOMES, 1),
    ("backup/prepare-env", FINDS, 2),
    ("backup/backup-system", FLAGS, 2),
    ("backup/backup-system", "Do the databases", 30),
    ("backup/backup-system", ARCHIVES, 30),
    ("backup/backup-system", IMAGES, 10),
    ("backup/backup-system", CLEARS, 1),
)
"""Role, task, share of the time (ansible-playbooks, `backup.yml`)."""
PLATFORM_BYTES, IMAGES_BYTES = 18 * 2**20, 2**20
_STARS = "*" * 20


@dataclass
class BackupPlay:
    """One run on one host."""

    values: dict[str, Any]
    password: str
    ground: Ground
    content: bytes
    """What the archive of the platform holds first."""
    finalized: bool
    fails: bool
    tell: Callable[[str], None]
    wait: Callable[[float], Awaitable[None]]
    """For a share of the time."""

    async def run(self) -> int:
        stamp = clock.spaced()[:19].replace("-", "_").replace(" ", "_").replace(":", "_")
        self.tell(f"\nPLAY [all] {_STARS}")
        for number, (role, task, share) in enumerate(TASKS):
            self.tell(f"\nTASK [{role} : {task}] {_STARS}")
            await self.wait(share)
            why = self._done(task, stamp)
            if why:
                self.tell(f'fatal: [localhost]: FAILED! => {{"msg": "{why}"}}')
                self.tell(f"\nPLAY RECAP {_STARS}\nlocalhost : ok={number} failed=1")
                return FAILED
            self.tell("changed: [localhost]")
        self.tell(f"\nPLAY RECAP {_STARS}\nlocalhost : ok={len(TASKS)} failed=0")
        return OK

    def _done(self, task: str, stamp: str) -> str:
        """Why it fails; empty where it does not."""
        if task == BECOMES and str(self.values.get("ansible_become_pass", "")) != self.password:
            return "Wrong ansible_become_pass password in your localhost.yml."
        if task == FINDS and not self.finalized:
            return "Backup can only be done on a host that was unlocked."
        if task == ARCHIVES and self.fails:
            return "Not enough free space"
        folder = self.ground.path(str(self.values.get("backup_dir", OWN_BACKUPS)))
        if task in (FLAGS, CLEARS):
            self.ground.flag(FLAG, task == FLAGS)
        elif task == ARCHIVES:
            noise = random.Random(stamp).randbytes(PLATFORM_BYTES)
            (folder / f"localhost_platform_backup_{stamp}.tgz").write_bytes(self.content + noise)
        elif task == IMAGES:
            for value, name in (
                ("backup_registry_filesystem", "image_registry"),
                ("backup_user_images", "user_images"),
            ):
                if self.values.get(value):
                    noise = random.Random(name + stamp).randbytes(IMAGES_BYTES)
                    (folder / f"localhost_{name}_backup_{stamp}.tgz").write_bytes(noise)
        return ""


def shares() -> int:
    return sum(share for _, _, share in TASKS)
