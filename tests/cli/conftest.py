"""Runs the command line: in this process where nothing is served, as a process of its own elsewhere."""

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from cli.app import main
from tests.support.forked import forked, unmeasured

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
    with TemporaryFile() as out, TemporaryFile() as err:
        process = await forked(
            "cli",
            *arguments,
            env=unmeasured(os.environ | QUIET | env),
            cwd=cwd,
            out=out.fileno(),
            err=err.fileno(),
        )
        code = await process.wait()
        out.seek(0)
        err.seek(0)
        return Said(code, out.read().decode(), err.read().decode())


def matches_snapshot(name: str, text: str) -> None:
    """`STARFLOCK_SNAPSHOTS=write` writes what is said now; look at the difference before it is committed."""
    file = SNAPSHOTS / f"{name}.txt"
    text = "".join(line.rstrip() + "\n" for line in text.splitlines())
    if WRITE:
        file.write_text(text)
    assert text == file.read_text()
