"""The demo as a stranger starts it: sites of every kind with VMs and pods, troubles that are drawn."""

import json
from pathlib import Path

from tests.cli.conftest import spawned


async def test_a_mixed_region_is_upgraded_or_stopped_in_words_and_what_can_move_is_never_away(
    tmp_path: Path,
) -> None:
    options = ("--topology", "mixed", "--sites", "10", "--faults", "30", "--no-kill-worker")
    said = await spawned(
        *("demo", "upgrade", *options, "--data", str(tmp_path / "demo"), "-o", "json"), cwd=tmp_path
    )
    assert said.code == 0, said.err[-2000:] + said.out[-2000:]
    verdict = json.loads(said.out)
    assert verdict["outcomes"] == {"succeeded": 8, "failed": 1, "unreachable": 1}
    assert (verdict["ok"], verdict["unexpected"], verdict["duplicate_mutations"]) == (True, [], 0)
    steps = verdict["steps"]
    order = ["start", "controller-0: lock", "deploy controller-0", "controller-0: unlock", "activate"]
    assert [step for step in steps if step in order] == order
    kept = [each for each in verdict["outages"] if each["kept_alive"]]
    assert {each["kind"] for each in kept} == {"vm-movable", "pods-replicated"}
    assert {each["outage_s"] for each in kept} == {0}
    # The negative control: the same measure sees what a site's only host took down with it.
    alone = [each for each in verdict["outages"] if each["workload"] == "vm/web-1" and not each["kept_alive"]]
    assert alone
    assert all(each["outage_s"] > 60 for each in alone)
