"""The demo as a stranger starts it: servers of six vendors, every fault of the scenario, a killed worker."""

import json
from pathlib import Path

from tests.cli.conftest import spawned


async def test_bare_servers_are_installed_or_stopped_in_words_whatever_their_bmcs_do(tmp_path: Path) -> None:
    options = ("--sites", "12", "--speed", "240", "--data", str(tmp_path / "demo"), "-o", "json")
    said = await spawned("demo", "install", *options, cwd=tmp_path)
    assert said.code == 0, said.err[-2000:] + said.out[-2000:]
    verdict = json.loads(said.out)
    assert verdict["outcomes"] == {"succeeded": 9, "failed": 1, "unreachable": 1, "refused": 1}
    assert (verdict["ok"], verdict["unexpected"], verdict["left"]) == (True, [], [])
    assert (verdict["duplicate_mutations"], verdict["worker_kills"]) == (0, 1)
    assert (tmp_path / "demo" / "demo.html").stat().st_size > 10_000
