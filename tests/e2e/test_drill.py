"""A drill proves a backup on a twin, and nothing of it reaches the real site or changes the real archive."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from cli.exits import Code
from models.outcome import Outcome
from tests.cli.conftest import QUIET, STARFLOCK, Said, spawned
from tests.cli.served import alive, children
from tests.support.backups import BackupBench, backup_bench
from tests.support.forked import unmeasured
from tests.support.real_platform import MEMBERS, with_real_platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

GOOD, BAD = "edge-0001", "edge-0002"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 2, "--controller-ssh") as running:
        yield running


async def drilled(folder: Path, inventory: Path, *arguments: str) -> tuple[Said, dict[str, Any]]:
    given = ("backup", "drill", *arguments, "--speed", "600", "--inventory", str(inventory), "-o", "json")
    said = await spawned(*given, cwd=folder)
    return said, json.loads(said.out) if said.out else {}


async def asked(bench: BackupBench) -> dict[str, Any]:
    """Whatever the real region was asked, and what of it was to change something."""
    stats = await bench.region.get("/stats")
    sites = {name: await bench.region.mutations(name) for name in (GOOD, BAD)}
    return {"requests": stats["by_service"], "mutations": sites}


def archived(bench: BackupBench) -> dict[str, bytes]:
    root = bench.region.inventory.parent / "archive"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def failing(found: dict[str, Any]) -> tuple[str, str]:
    """The check that failed, which is the last one that was tried."""
    assert [check["passed"] for check in found["checks"]].index(False) == len(found["checks"]) - 1
    return found["checks"][-1]["name"], found["checks"][-1]["found"]


async def test_a_good_backup_goes_through_a_whole_restore_away_from_its_site(
    bench: BackupBench, tmp_path: Path
) -> None:
    await bench.locate(GOOD, "before")
    made = await bench.back_up(GOOD)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    await bench.locate(GOOD, "after")
    before, kept = await asked(bench), archived(bench)
    # What the fleet's own workers are told here is not for the twin's.
    (tmp_path / "starflock.toml").write_text('queues = "starflock-elsewhere"\n')
    said, found = await drilled(tmp_path, bench.region.inventory, GOOD, "--data", "twin")
    assert (said.code, found["good"], found["backup"]) == (0, True, made.backup), said
    names = ["whole", "asked for", "readable", "simulated", "restored", "as recorded", "accepted"]
    assert [check["name"] for check in found["checks"]] == names
    assert "none differ" in found["checks"][5]["found"]
    assert any("a simulated twin was restored" in words for words in found["not_proven"])
    assert await asked(bench) == before, "the real region was asked for something"
    new = {name for name in archived(bench) if name not in kept}
    assert sorted(name.removeprefix(f"{made.backup}/").split("/")[0] for name in new) == [
        "drilled",
        "verified",
    ]
    assert kept.items() <= archived(bench).items(), "what was in the archive is as it was"
    # The control: the same intents that the twin's own ledger has would have been seen.
    ledger = json.loads((tmp_path / "twin" / "ledger.json").read_text())
    assert ledger["total"] > 5, ledger
    assert ledger["repeats"] == 0


async def test_the_list_tells_when_and_how_it_was_drilled(bench: BackupBench) -> None:
    from models import contracts
    from models.archive import Catalogue, CatalogueRequest

    listed = await bench.stack.client.execute_workflow(
        contracts.LIST_BACKUPS,
        CatalogueRequest(sites=(GOOD,)),
        id="list",
        task_queue=contracts.TASK_QUEUE,
        result_type=Catalogue,
    )
    newest = listed.holdings[0].newest
    assert newest is not None
    assert (newest.drill, newest.drilled is not None, newest.state) == ("good", True, "good")


async def test_of_a_real_platform_the_structure_is_read_and_what_is_not_proven_is_said(
    bench: BackupBench, tmp_path: Path
) -> None:
    newest = (await bench.plan(GOOD)).backup
    backup = await with_real_platform(bench.region.inventory, newest)
    said, found = await drilled(tmp_path, bench.region.inventory, GOOD, "--backup", backup)
    assert (said.code, found["good"], found["backup"]) == (0, True, backup), said
    checks = {check["name"]: check["found"] for check in found["checks"]}
    assert checks["readable"] == f"a compressed tar of {len(MEMBERS)} members"
    assert "as recorded" not in checks, "its twin has none of its configuration"
    assert any("came back as it was built" in words for words in found["not_proven"])


async def test_one_byte_fails_it_before_anything_is_simulated(bench: BackupBench, tmp_path: Path) -> None:
    made = await bench.back_up(BAD)
    manifest = await bench.manifest(made.backup)
    platform = next(each.name for each in manifest.objects if each.kind == "platform")
    with bench.harmed(made.backup, platform):
        said, found = await drilled(tmp_path, bench.region.inventory, BAD)
    name, words = failing(found)
    assert (said.code, name, f"{platform}: damaged" in words) == (1, "whole", True), said
    marks = [name for name in archived(bench) if name.startswith(f"{made.backup}/drilled/")]
    assert [name.rpartition("-")[2] for name in marks] == ["bad"]


async def test_what_the_site_is_no_longer_fails_it_in_words(bench: BackupBench, tmp_path: Path) -> None:
    document = yaml.safe_load(bench.region.inventory.read_text())
    document["sites"][0]["topology"] = "AIO-DX"
    other = bench.region.inventory.parent / "other.yaml"
    other.write_text(yaml.safe_dump(document))
    said, found = await drilled(tmp_path, other, GOOD)
    name, words = failing(found)
    assert (said.code, name) == (1, "asked for")
    assert "is of topology AIO-SX, and edge-0001 has AIO-DX" in words
    document["sites"][0]["topology"] = "AIO-SX"
    document["sites"][0]["hosts"][0]["mac"] = "00:00:5e:00:53:fe"
    other.write_text(yaml.safe_dump(document))
    said, found = await drilled(tmp_path, other, GOOD)
    assert (said.code, "if that hardware was replaced" in failing(found)[1]) == (1, True)


async def test_what_cannot_be_drilled_at_all_is_refused(bench: BackupBench, tmp_path: Path) -> None:
    inventory = bench.region.inventory
    said, _ = await drilled(tmp_path, inventory, GOOD, "--backup", "nothing")
    assert (said.code, "--backup: expected a backup such as" in said.err) == (2, True), said
    of_other = (await bench.manifest((await bench.back_up(BAD)).backup)).backup
    said, _ = await drilled(tmp_path, inventory, GOOD, "--backup", of_other)
    assert (said.code, f"is a backup of {BAD}" in said.err) == (1, True), said
    said, _ = await drilled(tmp_path, inventory, "edge-9999")
    assert (said.code, "edge-9999" in said.err) == (1, True), said
    assert "Traceback" not in said.err


async def test_a_drill_that_is_ended_leaves_neither_processes_nor_files_nor_a_verdict(
    bench: BackupBench, tmp_path: Path
) -> None:
    """The platform's archive lies in the clear while it runs."""
    before = {name for name in archived(bench) if "/drilled/" in name}
    process = await asyncio.create_subprocess_exec(
        *(*STARFLOCK, "backup", "drill", GOOD, "--inventory", str(bench.region.inventory)),
        env=unmeasured(os.environ | QUIET | {"TMPDIR": str(tmp_path)}),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    while "twin of" not in (line := (await process.stderr.readline()).decode()):
        assert line, "it has ended before its twin was up"
    started = children(process.pid)
    assert started, "the control: there is something to be left"
    assert list(tmp_path.glob("starflock-drill-*")) != []
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == Code.INTERRUPTED
    assert not [pid for pid in started if alive(pid)]
    assert list(tmp_path.iterdir()) == []
    assert {name for name in archived(bench) if "/drilled/" in name} == before
