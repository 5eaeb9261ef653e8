"""The demo as a stranger starts it: sites of four time zones, each in its own window, one held."""

import json
from pathlib import Path

from tests.cli.conftest import spawned


async def test_each_site_is_worked_on_in_its_own_window(tmp_path: Path) -> None:
    options = ("--sites", "7", "--data", str(tmp_path / "demo"), "-o", "json")
    said = await spawned("demo", "windows", *options, cwd=tmp_path)
    assert said.code == 0, said.err[-2000:] + said.out[-2000:]
    verdict = json.loads(said.out)
    assert (verdict["ok"], verdict["outcomes"]) == (True, {"succeeded": 7})
    assert verdict["duplicate_mutations"] == 0
    nights = {night["site"]: night for night in verdict["nights"]}
    windowed = [night for night in nights.values() if night["windows"]]
    assert {night["timezone"] for night in windowed} == {
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Asia/Tokyo",
    }
    assert all(night["in_window"] and night["done_in_window"] for night in windowed)
    assert nights["edge-0005"]["windows"] == ["too-short", "next"]
    assert "on hold by its own people until" in nights["edge-0006"]["held"]
    assert nights["edge-0007"]["after_start_s"] < 5, "the negative control: no window, no wait"
