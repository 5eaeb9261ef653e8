"""The two hosts that the suite runs against, as one: who they are, and what a test lets their playbook do."""

import asyncio
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from activities.ssh.activities import BootstrapActivities
from activities.ssh.hosts import Hosts
from activities.ssh.looks import BootstrapLooks
from inventory.load import load_inventory
from models.timing import Timing
from records.store import Store
from tests.support.simulator import Simulator
from tests.support.sshd import Sshd

ADMIN = "Planted+admin/50% {{pw}}1"
PACE = 20.0


@dataclass
class Target(ABC):
    site: str
    inventory: Path
    store: Store
    declared: dict[str, Any] = field(init=False)
    """The site, as the inventory has it; `declare` writes it back."""

    def __post_init__(self) -> None:
        document = yaml.safe_load(self.inventory.read_text())
        (self.declared,) = [each for each in document["sites"] if each["name"] == self.site]

    def declare(self, **bootstrap: Any) -> None:
        """Changes the site's `bootstrap`; None takes a key out."""
        wanted = self.declared["bootstrap"] | bootstrap
        self.declared["bootstrap"] = {key: value for key, value in wanted.items() if value is not None}
        document = yaml.safe_load(self.inventory.read_text())
        document["sites"] = [
            self.declared if each["name"] == self.site else each for each in document["sites"]
        ]
        self.inventory.write_text(yaml.safe_dump(document))

    @property
    def hosts(self) -> Hosts:
        """Anew, as after a start of the worker."""
        timing = Timing(pace=PACE, request_timeout_s=20.0)
        return Hosts(lambda: load_inventory(self.inventory), timing, self.store)

    @property
    def acts(self) -> BootstrapActivities:
        return BootstrapActivities(self.hosts)

    @property
    def looks(self) -> BootstrapLooks:
        return BootstrapLooks(self.hosts)

    def ssh(self, command: str) -> "subprocess.Popen[bytes]":
        """A person at the host, by OpenSSH's own client."""
        host, port = self.address
        options = (
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "BatchMode=yes",
        )
        return subprocess.Popen(
            [
                "ssh",
                "-q",
                "-F",
                "/dev/null",
                *options,
                "-i",
                self.key,
                "-p",
                port,
                f"{self.user}@{host}",
                command,
            ],
            stdin=subprocess.DEVNULL,
        )

    @property
    def fingerprint(self) -> str:
        key = self.inventory.parent / f"{self.site}.pub"
        key.write_text(self.host_key + "\n")
        said = subprocess.run(["ssh-keygen", "-lf", key], capture_output=True, text=True, check=True).stdout
        return said.split()[1]

    @property
    def host_key(self) -> str:
        return str(self.declared["bootstrap"]["host_key"])

    @property
    @abstractmethod
    def user(self) -> str: ...
    @property
    @abstractmethod
    def key(self) -> Path: ...
    @property
    @abstractmethod
    def address(self) -> tuple[str, str]:
        """Host and port."""

    @abstractmethod
    async def home(self) -> Path: ...
    @abstractmethod
    async def hold(self) -> None: ...
    @abstractmethod
    async def go(self) -> None: ...
    @abstractmethod
    async def fail(self) -> None: ...
    @abstractmethod
    async def starts(self) -> int: ...
    @abstractmethod
    async def cut(self) -> None:
        """The connections that stand are lost; new ones are served."""

    @abstractmethod
    async def refused_logins(self) -> int: ...
    @abstractmethod
    async def logins(self) -> int: ...


@dataclass
class Simulated(Target):
    region: Simulator = field(kw_only=True)

    @property
    def user(self) -> str:
        return "sysadmin"

    @property
    def key(self) -> Path:
        return self.inventory.parent / "sim-ssh-key"

    @property
    def address(self) -> tuple[str, str]:
        host, _, port = str(self.declared["hosts"][0]["oam"]).rpartition(":")
        return host, port

    async def _said(self) -> dict[str, Any]:
        said: dict[str, Any] = (await self.region.get(f"/sites/{self.site}"))["hosts"][0]["ssh"]
        return said

    async def home(self) -> Path:
        return Path((await self._said())["root"]) / "home/sysadmin"

    async def hold(self) -> None:
        await self.region.fault(self.site, "ssh.playbook", "hold", times=1)

    async def go(self) -> None:
        await self.region.clear_faults()

    async def fail(self) -> None:
        await self.region.fault(self.site, "ssh.playbook", "fail", times=1)

    async def starts(self) -> int:
        return (await self.region.mutations(self.site)).count("host.bootstrap")

    async def cut(self) -> None:
        await self.region.fault(self.site, "ssh", "drop-before", times=1)

    async def refused_logins(self) -> int:
        return int((await self._said())["refused"])

    async def logins(self) -> int:
        return int((await self._said())["logins"])


@dataclass
class Real(Target):
    server: Sshd = field(kw_only=True)

    @property
    def user(self) -> str:
        return self.server.user

    @property
    def key(self) -> Path:
        return self.server.private_key

    @property
    def address(self) -> tuple[str, str]:
        return "127.0.0.1", str(self.server.port)

    async def home(self) -> Path:
        return self.server.ground.home

    async def hold(self) -> None:
        (self.server.control / "hold").touch()

    async def go(self) -> None:
        (self.server.control / "hold").unlink(missing_ok=True)

    async def fail(self) -> None:
        (self.server.control / "fail").touch()

    async def starts(self) -> int:
        counted = self.server.control / "started"
        return len(counted.read_text().splitlines()) if counted.exists() else 0

    async def cut(self) -> None:
        listener = self.server.process
        children = Path(f"/proc/{listener}/task/{listener}/children").read_text().split()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        await asyncio.sleep(0)

    async def refused_logins(self) -> int:
        return self.server.log.count("Failed password")

    async def logins(self) -> int:
        return self.server.log.count("Accepted ")
