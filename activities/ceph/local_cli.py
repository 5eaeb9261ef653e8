"""A cluster that this machine reaches itself: `ceph` or `rbd` as a child process, one command each.

A command that nobody answers is ended by us at its deadline. Nothing of the caller's environment reaches it
(CEPH_ARGS would add options).
"""

import asyncio
import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from activities.ceph import program
from activities.ceph.commands import Command, CommandResult, RbdCommand
from activities.ceph.errors import Said
from activities.http import NoAnswer

CONNECT_S = 5


@dataclass(frozen=True)
class LocalCli:
    conf: Path
    name: str = "client.starflock"
    program: str = "ceph"
    connect_s: int = CONNECT_S

    @property
    def where(self) -> str:
        return f"{self.conf} as {self.name}"

    async def command(self, prefix: str, args: Sequence[str], deadline_s: float) -> CommandResult:
        asked = Command(prefix, tuple(args))
        words = program.arguments(asked, self.name, self.connect_s, "-c", str(self.conf))
        return await self._run(asked, [self.program, *words[1:]], deadline_s)

    async def rbd(self, args: Sequence[str], deadline_s: float) -> CommandResult:
        asked = RbdCommand(tuple(args))
        words = program.rbd_arguments(asked, self.name, self.connect_s, "-c", str(self.conf))
        return await self._run(asked, words, deadline_s)

    async def _run(
        self, asked: Command | RbdCommand, words: Sequence[str], deadline_s: float
    ) -> CommandResult:
        try:
            running = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
            )
        except OSError as error:
            raise Said(str(asked), self.where, errno.ENOENT, f"{words[0]}: {error.strerror}") from error
        try:
            out, errors = await asyncio.wait_for(running.communicate(), deadline_s)
        except TimeoutError as error:
            words = f"no answer within {deadline_s:g} s"
            raise NoAnswer(str(asked), f"at {self.where}", words, maybe_applied=True) from error
        finally:
            if running.returncode is None:
                with suppress(ProcessLookupError):
                    running.kill()
                await running.wait()
        ran = program.Ran(
            running.returncode or 0, out.decode(errors="replace"), errors.decode(errors="replace")
        )
        return program.result(asked, self.where, ran)
