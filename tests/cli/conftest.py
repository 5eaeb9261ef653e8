"""Runs the command line: in this process where nothing is served, as a process of its own elsewhere."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.app import main

SNAPSHOTS = Path(__file__).parent / "snapshots"
WRITE = os.environ.get("STARFLOCK_SNAPSHOTS") == "write"
QUIET = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
STARFLOCK = (sys.executable, "-c", "from cli.app import main; raise SystemExit(main())")


@dataclass
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]
Spawn = Callable[..., Awaitable[Said]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """In this process, in an empty folder, without any setting of the caller."""
    for name in [name for name in os.environ if name.startswith(("STARFLOCK_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Said:
        code = main(arguments)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


async def spawned(*arguments: str, cwd: Path, **env: str) -> Said:
    process = await asyncio.create_subprocess_exec(
        *STARFLOCK,
        *arguments,
        cwd=cwd,
        env=os.environ | QUIET | env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Said(process.returncode, out.decode(), err.decode())


def matches_snapshot(name: str, text: str) -> None:
    """`STARFLOCK_SNAPSHOTS=write` writes what is said now; look at the difference before it is committed."""
    file = SNAPSHOTS / f"{name}.txt"
    text = "".join(line.rstrip() + "\n" for line in text.splitlines())
    if WRITE:
        file.write_text(text)
    assert text == file.read_text()
