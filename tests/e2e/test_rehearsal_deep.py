"""A deep rehearsal runs the sites' real workflows, and not one request of it reaches the real region."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from cli.exits import Code
from inventory.load import load_inventory
from models.outcome import Outcome
from models.records import SiteRun
from records.store import Store
from tests.cli.conftest import QUIET, STARFLOCK, Said, spawned
from tests.cli.served import alive, children
from tests.support.forked import unmeasured
from tests.support.simulator import Simulator, simulator
from workers import rehearsal_deep
from workers.rehearsal_ways_out import ways_out

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SITES = [f"edge-{number:04d}" for number in range(1, 7)]
NIGHTS = {"name": "nights", "rrule": "FREQ=DAILY;BYHOUR=22", "duration": "3h"}
CAMPAIGN = {
    "name": "night",
    "operation": {
        "kind": "patch",
        "release": "starlingx-26.03.1",
        # A busy machine makes everybody slow by the fleet's clock.
        "reachable_within": "8h",
        "ready_within": "8h",
    },
    "select": {"all": True},
    "waves": [{"percent": 100}],
}
THEN = datetime(2026, 1, 5, tzinfo=UTC)
PATCHED = SiteRun(
    run_id="before",
    site=SITES[3],
    operation="patch",
    release="starlingx-26.03.1",
    outcome=Outcome.SUCCEEDED,
    reason="patched",
    began=THEN,
    ended=THEN,
    version_after="starlingx-26.03.1",
)
ABSENT = "env:NOBODY_HAS_SET_THIS"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    """The fleet, with sites of two topologies: whatever it is asked is counted."""
    folder = tmp_path_factory.mktemp("real")
    async with simulator(folder, sites=6, options=("--topology", "by-turns")) as region:
        document = yaml.safe_load(region.inventory.read_text())
        for controller in document["system_controllers"]:
            controller["credential"] = {"username": "admin", "password": ABSENT}
        document["windows"] = [NIGHTS]
        region.inventory.write_text(yaml.safe_dump(document))
        yield region


async def rehearsed(
    folder: Path, real: Simulator, *arguments: str, **more: Any
) -> tuple[Said, dict[str, Any]]:
    (folder / "campaign.yaml").write_text(yaml.safe_dump(CAMPAIGN | more))
    given = ("campaign", "rehearse", "campaign.yaml", "--inventory", str(real.inventory), "-o", "json")
    said = await spawned(*given, *arguments, cwd=folder, STARFLOCK_DATA=str(folder))
    assert "Traceback" not in said.err, said.err
    return said, json.loads(said.out) if said.out else {}


async def asked(real: Simulator) -> int:
    """How many requests the real region has had, BMCs and all."""
    count: int = (await real.get("/stats"))["requests"]
    return count


def seed_for_one() -> int:
    """Whose dice let exactly one of the sites fail."""
    for seed in range(1, 100):
        if sum(rehearsal_deep.dice_of(site, seed).random() < 0.2 for site in SITES) == 1:
            return seed
    raise AssertionError("dice that never fall so")


async def test_one_site_fails_as_dictated_and_nobody_real_is_asked(real: Simulator, tmp_path: Path) -> None:
    before, seed = await asked(real), seed_for_one()
    said, found = await rehearsed(
        *(tmp_path, real, "--deep", "--speed", "480", "--failed", "20%", "--seed", str(seed)),
        *("--data", "kept"),
        maintenance_windows={"force": {"owner": "me", "reason": "all at once"}},
    )
    assert said.code == Code.OK, said
    deep = {each["site"]: each for each in found["deep"]["sites"]}
    assert list(deep) == SITES
    (bad,) = [site for site, each in deep.items() if each["dictated"] == Outcome.FAILED]
    assert {site: each["outcome"] for site, each in deep.items()} == {
        site: Outcome.FAILED if site == bad else Outcome.SUCCEEDED for site in SITES
    }
    assert "apply-failed" in deep[bad]["reason"], "the real code's own words"
    assert (found["deep"]["repeats"], found["deep"]["blocked"]) == (0, [])
    assert found["deep"]["requests"] > 100
    assert found["stopped"].startswith("budget spent: 1 site failed"), found["stopped"]
    assert await asked(real) == before, "the real region was asked for something"
    # The control: one look at a real endpoint would have been counted.
    inventory = load_inventory(real.inventory)
    _, writer = await asyncio.open_connection(*_endpoint(inventory), ssl=_unverified())
    writer.write(b"GET /v3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await writer.drain()
    while await asked(real) == before:
        await asyncio.sleep(0.05)
    writer.close()
    # And the guard that looks at the inventory before the worker starts does find the way out of a real one.
    own = yaml.safe_load((tmp_path / "kept" / "inventory.yaml").read_text())
    assert ways_out(own, tmp_path / "kept") == []
    foreign = yaml.safe_load(real.inventory.read_text())
    foreign["system_controllers"][0]["auth_url"] = "https://10.10.10.2:5000/v3"
    assert [words.partition(":")[0] for words in ways_out(foreign, real.inventory.parent)] == [
        "system_controllers[0].auth_url",
        "system_controllers[0].credential.password",
    ]


async def test_without_faults_all_go_well_and_hours_without_work_are_left_out(
    real: Simulator, tmp_path: Path
) -> None:
    async with await Store.open(f"sqlite:///{tmp_path / 'records.db'}") as store:
        await store.record_site_run(PATCHED)
    said, found = await rehearsed(tmp_path, real, "--deep", "--speed", "480")
    assert (said.code, found["stopped"]) == (0, ""), said
    assert found["counts"] == {"succeeded": 5, "already": 1}, "one site is patched, by the records"
    assert {each["dictated"] for each in found["deep"]["sites"]} == {Outcome.SUCCEEDED}
    assert (found["late"], found["not_started"], found["deep"]["repeats"]) == ([], 0, 0)
    assert sum(night["sites"] for night in found["nights"]) == 6
    assert all(night["words"].startswith("nights, Europe/") for night in found["nights"])
    assert "sites by their real workflows, at 480 x: about" in said.err, "it is said beforehand"


async def test_what_the_plan_would_not_start_is_told_with_why(real: Simulator, tmp_path: Path) -> None:
    """The control of the empty list above: an upgrade that wants a backup, at sites that have none."""
    said, found = await rehearsed(
        *(tmp_path, real, "--deep", "--speed", "480", "--report", "night.html"),
        operation={
            "kind": "upgrade",
            "release": "starlingx-26.03.2",
            "backup_within": "24h",
            "ready_within": "2m",
        },
        select={"names": SITES[:2]},
        maintenance_windows={"force": {"owner": "me", "reason": "all at once"}},
    )
    why = {site: f"{site} has no backup (starflock site backup {site})" for site in SITES[:2]}
    assert {each["site"]: (each["decision"], each["why"]) for each in found["deep"]["blocked"]} == {
        site: ("wait", words) for site, words in why.items()
    }, said
    ended = {each["site"]: (each["outcome"], each["reason"]) for each in found["deep"]["sites"]}
    assert ended == {site: (Outcome.BLOCKED, why[site]) for site in ended}
    assert (found["counts"].get("succeeded", 0), found["deep"]["repeats"]) == (0, 0)
    assert "Rehearsal of campaign night" in (tmp_path / "night.html").read_text()


async def test_what_it_cannot_do_is_said_before_anything_starts(real: Simulator, tmp_path: Path) -> None:
    said, _ = await rehearsed(tmp_path, real, "--speed", "60")
    assert (said.code, said.err.strip()) == (Code.BAD_INPUT, "--speed: goes with --deep only")
    said, _ = await rehearsed(tmp_path, real, "--deep", operation={"kind": "configure"})
    assert (said.code, "profile" in said.err) == (Code.BAD_INPUT, True), said
    said, _ = await rehearsed(
        tmp_path, real, "--deep", operation={"kind": "patch", "release": "starlingx-24.09.1"}
    )
    assert (said.code, "the simulator has patches of 26.03, 26.09" in said.err) == (Code.REFUSED, True), said
    upgrade = {"kind": "upgrade", "release": "starlingx-26.09.0"}
    said, _ = await rehearsed(tmp_path, real, controllers="first", operation=upgrade)
    assert (said.code, "rehearse it with --deep" in said.err) == (Code.REFUSED, True), said


async def test_ctrl_c_leaves_neither_processes_nor_files(real: Simulator, tmp_path: Path) -> None:
    (tmp_path / "campaign.yaml").write_text(yaml.safe_dump(CAMPAIGN))
    passing = tmp_path / "passing"
    passing.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(*STARFLOCK, "campaign", "rehearse", "campaign.yaml", "--deep", "--inventory", str(real.inventory)),
        env=unmeasured(os.environ | QUIET | {"TMPDIR": str(passing)}),
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    while "sites have ended" not in (line := (await process.stderr.readline()).decode()):
        assert line, "it has ended before its campaign ran"
    started = children(process.pid)
    assert len(started) >= 3, "the control: region, server and worker are there to be left"
    assert list(passing.iterdir()) != []
    process.send_signal(signal.SIGINT)
    assert await process.wait() == Code.INTERRUPTED
    assert not [pid for pid in started if alive(pid)]
    assert list(passing.iterdir()) == []


def _endpoint(inventory: Any) -> tuple[str, int]:
    from urllib.parse import urlsplit

    url = urlsplit(inventory.file.system_controllers[0].auth_url)
    return str(url.hostname), int(url.port or 0)


def _unverified() -> Any:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
