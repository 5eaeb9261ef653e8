"""A fleet's backup from the command line: planned within a link's budget, tried again, told in the report."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cli.served import Desk, desk_at
from tests.support.backups import BackupBench, backup_bench

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAMPAIGN = """\
name: night
operation: {kind: backup}
select: {all: true}
waves: [{percent: 100}]
window: {max_in_flight: 4, wan: {by: {system_controller: 10MB}, site: 5MB}}
budget: {failed: 1, wave_failed: 1}
again: {failed: 1, after: 5m}
"""
ONCE, FOR_GOOD = "edge-0002", "edge-0003"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 4) as running:
        yield running


async def test_a_failed_site_is_tried_again_and_the_report_tells_what_is_left(
    bench: BackupBench, tmp_path: Path
) -> None:
    desk: Desk = desk_at(bench.stack, tmp_path)
    (tmp_path / "backup.yaml").write_text(CAMPAIGN)
    planned = await desk("campaign", "plan", "backup.yaml")
    assert "system_controller=sc-1: 2 sites at once (10MB a second, 5MB a site)" in planned.out, planned

    await bench.region.fault(ONCE, "backup.create", "fail", times=1)
    await bench.region.fault(FOR_GOOD, "backup.create", "fail", times=2)
    watched = await desk("campaign", "start", "backup.yaml", "--watch")
    assert watched.code == 1, watched
    assert "1 of 4 sites need a person" in watched.err

    told = json.loads((await desk("campaign", "report", "night", "-o", "json")).out)
    attempts = {site["site"]: [each["outcome"] for each in site["attempts"]] for site in told["sites"]}
    assert attempts == {
        "edge-0001": ["succeeded"],
        ONCE: ["failed", "succeeded"],
        FOR_GOOD: ["failed", "failed"],
        "edge-0004": ["succeeded"],
    }
    assert told["peak_in_flight"] == 2
    lines = [event["text"] for event in told["events"]]
    assert sum(f"{ONCE} failed (try 1); tried again from" in line for line in lines) == 1
    assert sum(f"{FOR_GOOD} failed (try 1); tried again from" in line for line in lines) == 1
    assert [each["site"] for each in told["backups"]["stale"]] == [FOR_GOOD]
    assert [each["site"] for each in told["backups"]["unverified"]] == ["edge-0001", ONCE, "edge-0004"]

    stale = await desk("backup", "list", "--stale")
    assert (stale.code, FOR_GOOD in stale.out, ONCE in stale.out) == (1, True, False)
    assert (await desk("backup", "verify", ONCE)).code == 0
    assert (await desk("backup", "list", ONCE, "--stale", "--unverified")).code == 0
    assert (await desk("site", "backup", "edge-0004", "--verify")).code == 0
    unread = await desk("backup", "list", "--unverified")
    assert ("edge-0001" in unread.out, "edge-0004" in unread.out) == (True, False)


async def test_a_report_without_anybody_to_ask_says_so(bench: BackupBench, tmp_path: Path) -> None:
    desk = desk_at(bench.stack, tmp_path)
    desk.env["TEMPORAL_ADDRESS"] = "127.0.0.1:1"
    said = await desk("campaign", "report", "night", "-o", "json")
    assert (said.code, json.loads(said.out)["backups"]) == (0, None)
    assert "the archives were not asked for stale and unverified backups" in said.err
