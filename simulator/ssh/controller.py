"""The system controller behind SSH, in a folder of its own (`--controller-ssh`): with dcmanager's vault, and
with what is brought there for USM.

The vault's central archives are files there, each as large as a real platform's is: who fetches them fetches
these, and dcmanager restores what lies there, whoever put it there. Faults on `ssh.stream` of a site
drop or hold an archive in the middle of its way; on `ssh.carry` of the controller they
break a connection off once half a MiB of a file has arrived.
"""

import random
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from simulator.cloud import clock
from simulator.proof.faults import Faults
from simulator.ssh import shell
from simulator.ssh.ground import USER, VAULT, Ground
from simulator.wire.front import Parked

PADDING = 36 * 2**20
"""Bytes behind what the simulator itself keeps: half of it is more than one part of a store's upload."""
_STREAM = re.compile(rf"^sudo .* cat {VAULT}/([^/ ]+)/")
_SEPARATOR = b"\n--- as large as a platform ---\n"


@dataclass
class ControllerShell:
    name: str
    """The controller's."""
    sites: dict[str, str]
    """By dcmanager's names of them."""
    password: str
    host_key: asyncssh.SSHKey
    faults: Faults
    parked: list[Parked]
    logins: int = 0
    carried: int = 0
    """Bytes of files that were brought here."""
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="sim-sc-")))
    _server: asyncssh.SSHAcceptor | None = None

    def __post_init__(self) -> None:
        self.ground = Ground(self.folder / "root", "#!/bin/sh\nexit 4\n", self.password)

    async def open(self, address: str, port: int) -> None:
        self._server = await asyncssh.listen(
            address,
            port,
            server_factory=lambda: _Guard(self),
            process_factory=self._serve,
            server_host_keys=[self.host_key],
            encoding=None,
        )

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def has_file(self, path: str) -> bool:
        """By the host's name of it, or as a command there says it, which is this machine's."""
        there = Path(path) if Path(path).is_relative_to(self.ground.root) else self.ground.path(path)
        return there.is_file()

    # -- the vault's files ----------------------------------------------------------------------------

    def put(self, subcloud: str, release: str, name: str, content: bytes) -> None:
        """In the place of the one before, as dcmanager's playbook does it."""
        folder = self.drop(subcloud, release)
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content + _SEPARATOR + _padding(name))

    def get(self, subcloud: str, release: str) -> bytes | None:
        """Of the one archive that is there."""
        folder = self.ground.path(f"{VAULT}/{subcloud}/{release}")
        found = sorted(folder.glob("*_platform_backup_*.tgz")) if folder.is_dir() else []
        return found[-1].read_bytes().partition(_SEPARATOR)[0] if found else None

    def drop(self, subcloud: str, release: str) -> Path:
        folder = self.ground.path(f"{VAULT}/{subcloud}/{release}")
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    # -- a session ------------------------------------------------------------------------------------

    async def _serve(self, process: shell.Process) -> None:
        if shell.CARRY in (process.command or ""):
            await self._take(process)
            return
        code, out, err = await shell.carried_out(self.ground, process)
        of = _STREAM.search(process.command or "")
        site = self.sites.get(of[1], "") if of else ""
        fault = self.faults.take("ssh.stream", site, True, "hold", "drop-after") if site else None
        if fault is not None and fault.do == "drop-after":

            async def drop() -> None:
                shell.dropped(process)

            await shell.half_said(process, out, drop)
            return
        if fault is not None:
            parked = Parked(site, fault.on, "SSH", "stream", clock.iso())

            async def wait() -> None:
                self.parked.append(parked)
                await parked.release.wait()
                self.parked.remove(parked)

            out = await shell.half_said(process, out, wait)
        await shell.said(process, (code, out, err))

    async def _take(self, process: shell.Process) -> None:
        """What is brought here, counted."""
        breaks = self.faults.take("ssh.carry", self.name, True, "drop-after") is not None

        def taken(count: int) -> None:
            self.carried += count

        await shell.said(process, await shell.taken_in(self.ground, process, taken, breaks=breaks))


class _Guard(asyncssh.SSHServer):
    def __init__(self, of: ControllerShell) -> None:
        self._of = of

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._of.logins += 1
        return username == USER and password == self._of.password


def _padding(seed: str) -> bytes:
    return random.Random(seed).randbytes(PADDING)
