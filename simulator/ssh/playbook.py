"""StarlingX's bootstrap playbook as its caller meets it: tasks in the order of its roles, a recap, an exit
code.

It reads the overrides where it is told to (`override_files_dir`), wants sysadmin's own password to become
root, refuses a host that was unlocked, and leaves its cloud bootstrapped. A failing task shows its
arguments, secrets and all, as Ansible's modules do. It may run again until the host is unlocked.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from simulator.ssh.ground import PLAYBOOKS

OK, FAILED, UNREADABLE = 0, 2, 4
TASKS = (
    ("common/prepare-env", "stat", 1),
    ("common/prepare-env", "Evaluate ansible_become_pass", 1),
    ("common/validate-target", "Check the target", 2),
    ("bootstrap/prepare-env", "Check initial config flag", 2),
    ("bootstrap/validate-config", "Validate system mode if system type is All-in-one", 4),
    ("bootstrap/store-passwd", "Store admin password", 2),
    ("bootstrap/apply-manifest", "Applying puppet bootstrap manifest", 25),
    ("bootstrap/persist-config", "Populate system config in DB", 10),
    ("bootstrap/bringup-essential-services", "Push images to local registry", 30),
    ("common/bringup-kubemaster", "Initializing Kubernetes master", 10),
    ("common/bringup-kubemaster", "Activate Calico Networking", 5),
    ("bootstrap/bringup-bootstrap-applications", "Upload and apply applications", 20),
    ("bootstrap/configure-kernel", "Configure kernel parameters", 1),
    ("bootstrap/complete-bootstrap", "Mark the bootstrap as completed", 1),
)
"""Role, task, share of the time (ansible-playbooks ac127c72, `bootstrap.yml`)."""
FAILS_AT = "Push images to local registry"
BECOMES, FINDS_FLAG = "Evaluate ansible_become_pass", "Check initial config flag"
_STARS = "*" * 20


class _Loader(yaml.SafeLoader):
    """Knows Ansible's `!unsafe`: a text that is no template."""


_Loader.add_constructor("!unsafe", lambda loader, node: node.value)


@dataclass(frozen=True)
class Call:
    """How ansible-playbook was called."""

    playbook: str
    overrides: Path | None

    @classmethod
    def of(cls, arguments: list[str]) -> "Call":
        said = dict(word.split("=", 1) for word in arguments if "=" in word)
        folder = said.get("override_files_dir")
        books = [word for word in arguments if word.endswith((".yml", ".yaml")) and "=" not in word]
        return cls(books[0] if books else "", Path(folder) if folder else None)

    def plays(self, book: str) -> bool:
        """`book` is a path of the host's, as a whole."""
        return self.playbook.endswith(book)

    @property
    def is_bootstrap(self) -> bool:
        return self.plays(f"{PLAYBOOKS}/bootstrap.yml")

    def values(self) -> dict[str, Any]:
        """Of all its override files, the later ones before the earlier ones. Raises OSError, YAMLError."""
        found: dict[str, Any] = {}
        for name in ("secrets.yml", "localhost_secrets.yml", "site.yml", "localhost.yml"):
            path = self.overrides / name if self.overrides else None
            if path is not None and path.exists():
                found |= yaml.load(path.read_text(), _Loader) or {}  # noqa: S506 - a SafeLoader
        return found


@dataclass
class Play:
    """One run on one host."""

    values: dict[str, Any]
    password: str
    finalized: bool
    fails: bool
    tell: Callable[[str], None]
    wait: Callable[[float], Awaitable[None]]
    """For a share of the time."""

    async def run(self) -> int:
        self.tell(f"\nPLAY [all] {_STARS}")
        for number, (role, task, share) in enumerate(TASKS):
            self.tell(f"\nTASK [{role} : {task}] {_STARS}")
            await self.wait(share)
            why = self._failure(task)
            if why:
                self.tell(f"fatal: [localhost]: FAILED! => {why}")
                self._recap(number, failed=1)
                return FAILED
            self.tell("changed: [localhost]")
        self._recap(len(TASKS), failed=0)
        return OK

    def _failure(self, task: str) -> str:
        given = str(self.values.get("ansible_become_pass", ""))
        if task == BECOMES and given != self.password:
            return _result(
                "Wrong ansible_become_pass password in your localhost.yml.", "sudo -S -k -v", given
            )
        if task == FINDS_FLAG and self.finalized:
            return _result("The bootstrap of host localhost has already been finalized.", "stat", "")
        if task == FAILS_AT and self.fails:
            secret = str(self.values.get("admin_password", ""))
            return _result("Failed to push images to the local registry.", "docker login registry", secret)
        return ""

    def _recap(self, ok: int, failed: int) -> None:
        self.tell(f"\nPLAY RECAP {_STARS}")
        self.tell(f"localhost : ok={ok} changed={ok} unreachable=0 failed={failed} skipped=0 rescued=0")


def shares() -> int:
    return sum(share for _, _, share in TASKS)


def _result(words: str, command: str, secret: str) -> str:
    return json.dumps({"changed": True, "cmd": f"echo '{secret}' | {command}", "msg": words, "rc": 1})
