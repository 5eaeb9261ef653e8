"""The demo as a stranger starts it: duplex sites from powered-off servers to accepted; workers are killed."""

import json
from pathlib import Path

from tests.cli.conftest import spawned


async def test_bare_servers_become_accepted_sites_or_are_stopped_in_words(tmp_path: Path) -> None:
    options = ("--topology", "aio-dx", "--data", str(tmp_path / "demo"), "-o", "json")
    said = await spawned("demo", "bringup", *options, cwd=tmp_path)
    assert said.code == 0, said.err[-2000:] + said.out[-2000:]
    verdict = json.loads(said.out)
    assert verdict["outcomes"] == {"succeeded": 5, "failed": 2, "unreachable": 1}
    assert (verdict["ok"], verdict["unexpected"], verdict["left"]) == (True, [], [])
    assert (verdict["accepted"], verdict["complaints"]) == (5, [])
    assert (verdict["duplicate_mutations"], verdict["worker_kills"]) == (0, 3)
    for page in ("demo-install", "demo-add", "demo-bring-up"):
        assert (tmp_path / "demo" / f"{page}.html").stat().st_size > 10_000


async def test_a_demo_that_cannot_be_is_refused_in_a_sentence(tmp_path: Path) -> None:
    few = await spawned("demo", "bringup", "--sites", "3", cwd=tmp_path)
    assert (few.code, "--sites: the demo bringup needs at least 8" in few.err) == (2, True)
    other = await spawned("demo", "install", "--topology", "aio-dx", cwd=tmp_path)
    assert (other.code, "--topology: the demo install has sites of its own" in other.err) == (2, True)
