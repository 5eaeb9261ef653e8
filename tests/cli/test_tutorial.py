"""The tutorial, typed as it stands: each block by a shell, those of other terminals beside it."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cli.conftest import QUIET
from tests.cli.test_processes import heeds_ctrl_c, read_until
from workers.embedded import free_port

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```sh ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STARFLOCK = f"""#!/bin/sh
exec "{sys.executable}" -c "from cli.app import main; raise SystemExit(main())" "$@"
"""


def blocks() -> list[tuple[str, str]]:
    """What follows `sh`, and the lines."""
    return BLOCK.findall(TUTORIAL.read_text())


@dataclass
class Desk:
    folder: Path
    env: dict[str, str]
    port: int
    terminals: list[asyncio.subprocess.Process]

    async def typed(self, lines: str) -> str:
        process = await self._shell(lines)
        out, err = await asyncio.wait_for(process.communicate(), 240)
        assert process.returncode == 0, f"{lines}\n{out.decode()}\n{err.decode()}"
        return out.decode()

    async def in_a_terminal_of_its_own(self, lines: str) -> None:
        # Its ports are fixed, and another test may have them.
        here = f"starflock up --port {self.port} --ui-port {free_port()}"
        process = await self._shell(lines.replace("starflock up", here))
        self.terminals.append(process)
        if "starflock up" in lines:
            await read_until(process.stderr, "worker ready")
        else:
            await read_until(process.stdout, '"admin"')

    async def _shell(self, lines: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *("bash", "-euc", lines),
            cwd=self.folder,
            env=self.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=heeds_ctrl_c,
        )


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    programs, folder = tmp_path / "bin", tmp_path / "play"
    programs.mkdir()
    folder.mkdir()
    (programs / "starflock").write_text(STARFLOCK)
    (programs / "starflock").chmod(0o755)
    known = {
        name: value for name, value in os.environ.items() if not name.startswith(("STARFLOCK_", "TEMPORAL_"))
    }
    port = free_port()
    env = known | QUIET
    env |= {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    env |= {"TEMPORAL_ADDRESS": f"127.0.0.1:{port}"}
    found = Desk(folder, env, port, [])
    yield found
    for terminal in reversed(found.terminals):
        terminal.send_signal(signal.SIGINT)
        await asyncio.wait_for(terminal.communicate(), 60)


@pytest.mark.timeout(400)
async def test_the_tutorial_does_what_it_says(desk: Desk) -> None:
    said = ""
    for kind, lines in blocks():
        if kind == "background":
            await desk.in_a_terminal_of_its_own(lines)
        elif kind != "once":
            said += await desk.typed(lines)
    assert "inventory.yaml: valid" in said
    assert "12 go" in said
    assert "done: 11 succeeded, 1 failed" in said
    assert "exit code 1" in said
    assert "still stands at host-failed" in said
    assert "starlingx-26.03.1 is deployed and verified" in said
    assert "edge-0007" in (desk.folder / "first-patch.html").read_text()


def test_what_is_not_typed_is_the_set_up_alone() -> None:
    (once,) = [lines for kind, lines in blocks() if kind == "once"]
    assert once.startswith("make setup\n")
    assert {kind for kind, _ in blocks()} == {"", "once", "background"}
