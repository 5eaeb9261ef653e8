"""`up` and `demo` as processes: what they leave, what they go on with, what ends with them."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from cli.demo.verdict import Verdict
from tests.cli.conftest import QUIET, STARFLOCK, spawned
from tests.cli.served import Desk, alive, children
from tests.support.simulator import simulator
from tests.support.stack import until
from workers.embedded import free_port


def heeds_ctrl_c() -> None:
    """A shell starts what runs in its background with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def begun(*arguments: str, cwd: Path, **env: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *STARFLOCK,
        *arguments,
        cwd=cwd,
        env=os.environ | QUIET | env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=heeds_ctrl_c,
    )


async def read_until(stream: asyncio.StreamReader | None, words: str) -> str:
    assert stream is not None
    seen = ""
    while words not in seen:
        line = await asyncio.wait_for(stream.readline(), 60)
        assert line, f"ended before it said {words!r}:\n{seen}"
        seen += line.decode()
    return seen


async def test_up_ends_in_order_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async with simulator(tmp_path / "sim", sites=2, speed=240) as region:
        port = free_port()
        arguments = ["up", "--port", str(port), "--ui-port", str(free_port()), "--pace", "240"]
        env = {"STARFLOCK_INVENTORY": str(region.inventory)}
        desk = Desk(tmp_path, env | {"TEMPORAL_ADDRESS": f"127.0.0.1:{port}"})
        first = await begun(*arguments, cwd=tmp_path, **env)
        said = await read_until(first.stderr, "worker ready")
        assert f"Temporal   127.0.0.1:{port}" in said
        file = desk.campaign("night", select={"all": True}, approvals=["after-wave-1"])
        assert (await desk("campaign", "start", file)).code == 0
        below = children(first.pid)
        assert len(below) >= 2
        first.send_signal(signal.SIGINT)
        said = await read_until(first.stderr, "goes on where it was")
        assert await first.wait() == 0
        assert said.index("worker ended") < said.index("goes on where it was")
        assert not any(alive(pid) for pid in below)

        second = await begun(*arguments, cwd=tmp_path, **env)
        await read_until(second.stderr, "worker ready")

        async def at_the_gate() -> bool:
            shown = await desk("campaign", "show", "night", "-o", "json")
            return shown.code == 0 and json.loads(shown.out)["phase"] == "waiting-approval"

        await until(at_the_gate, "the campaign of the first up")
        second.terminate()
        await read_until(second.stderr, "goes on where it was")
        assert await second.wait() == 0


async def test_a_demo_of_20_sites_is_as_its_faults_dictate(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    said = await spawned(
        *("demo", "--sites", "20", "--speed", "240", "-o", "json", "--data", str(folder)), cwd=tmp_path
    )
    verdict = Verdict.model_validate_json(said.out)
    assert (verdict.ok, verdict.reason) == (True, ""), said.err
    assert said.code == 0
    assert verdict.outcomes == {"succeeded": 17, "failed": 1, "unreachable": 1, "blocked": 1}
    assert (verdict.sites, verdict.unexpected, verdict.duplicate_mutations) == (20, (), 0)
    assert verdict.worker_kills == 1
    assert 0 < verdict.ideal_s < verdict.wall_s
    assert Path(verdict.report).read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
async def test_nothing_outlives_a_demo(tmp_path: Path, number: signal.Signals) -> None:
    """Not even `kill -9`: simulator, server and worker end with it."""
    process = await begun("demo", "--sites", "12", "--data", str(tmp_path / "demo"), cwd=tmp_path)
    await read_until(process.stderr, "/12 ended")
    below = children(process.pid)
    assert len(below) >= 3
    process.send_signal(number)
    code = await process.wait()
    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 130)

    async def gone() -> bool:
        return not any(alive(pid) for pid in below)

    await until(gone, "the end of simulator, server and worker")


async def test_a_demo_whose_region_cannot_start_says_why(tmp_path: Path) -> None:
    said = await spawned("demo", "--sites", "12", "--data", "/proc/nowhere", cwd=tmp_path)
    assert said.code == 2
    assert said.err.startswith("/proc/nowhere: ")
    assert sys.executable not in said.err
