"""The nouns and verbs against a real server, a worker and a simulated region."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from cli.watch import Source
from models.records import CampaignRun
from records.store import Store
from tests.cli.served import RELEASE, Desk, desk_at
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with simulator(tmp_path_factory.mktemp("sim"), sites=12, speed=240) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path_factory.mktemp("house"), region) as running:
        await running.start_worker()
        yield running


@pytest.fixture(scope="module")
def desk(house: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_at(house, tmp_path_factory.mktemp("desk"))


async def test_a_campaign_from_plan_to_report(desk: Desk) -> None:
    file = desk.campaign(
        "whole",
        select={"names": ["edge-0001", "edge-0002", "edge-0003"]},
        waves=[{"count": 1}, {"percent": 100}],
        approvals=["after-wave-1"],
    )
    plan = json.loads((await desk("campaign", "plan", file, "-o", "json")).out)
    assert (plan["waves"], plan["counts"]) == ([1, 2], {"go": 3})
    assert [each["decision"] for each in plan["sites"]] == ["go", "go", "go"]

    started = await desk("campaign", "start", file)
    assert started.code == 0
    assert "started  campaign/whole" in started.out
    assert "http://ui/namespaces/default/workflows/campaign%2Fwhole" in started.out
    again = await desk("campaign", "start", file)
    assert (again.code, again.out) == (5, "")
    assert again.err == "campaign whole is running already: starflock campaign watch whole\n"

    async def at_the_gate() -> bool:
        said = await desk("campaign", "show", "whole", "-o", "json")
        return bool(json.loads(said.out)["phase"] == "waiting-approval")

    await until(at_the_gate, "the gate")
    wrong = await desk("campaign", "approve", "whole", "after-wave-2", "--by", "anna")
    assert (wrong.code, wrong.err) == (
        5,
        "after-wave-2 is not among the approvals of this campaign: after-wave-1\n",
    )
    skipped = await desk("campaign", "skip", "whole", "edge-0003", "--by", "anna")
    assert skipped.code == 0
    approved = await desk("campaign", "approve", "whole", "after-wave-1", "--by", "anna", "-o", "json")
    assert json.loads(approved.out) == {"message": "after-wave-1 is approved by anna"}

    watched = await desk("campaign", "watch", "whole")
    assert watched.code == 0
    assert "3/3 ended (2 succeeded, 1 skipped); done: 2 succeeded, 1 skipped" in watched.out
    over = await desk("campaign", "pause", "whole", "--reason", "late", "--by", "anna")
    assert (over.code, over.err) == (5, "campaign whole has ended\n")

    listed = json.loads((await desk("campaign", "list", "-o", "json")).out)
    (row,) = [each for each in listed if each["campaign"] == "whole"]
    assert (row["status"], row["release"], row["sites"]) == ("done", RELEASE, 3)
    assert json.loads((await desk("campaign", "report", "whole", "-o", "json")).out)["total"] == 3
    page = await desk("campaign", "report", "whole")
    assert (page.code, (desk.folder / "whole.html").read_text()[:15]) == (0, "<!doctype html>")
    assert (await desk("campaign", "report", "whole", "-o", "junit")).out.startswith("<?xml")


async def test_a_watch_outlives_records_that_are_away(desk: Desk, house: Stack) -> None:
    assert (
        await desk("campaign", "start", desk.campaign("watched", select={"names": ["edge-0010"]}))
    ).code == 0
    store = await Store.open(f"sqlite:///{house.folder / 'records.db'}")
    source = Source(house.client.get_workflow_handle("campaign/watched"), "watched", store)

    async def begun() -> bool:
        await source.look()
        return source.progress is not None and bool(source.log)

    await until(begun, "the first line of the log")
    assert source.away == ""
    await store.close()
    await source.look()
    assert source.away == "the records are closed"
    assert source.progress is not None
    assert (await desk("campaign", "watch", "watched")).code == 0


async def test_limits_that_are_not_named_stay(desk: Desk) -> None:
    file = desk.campaign(
        "limits",
        select={"names": ["edge-0004"]},
        waves=[{"percent": 100}],
        budget={"failed": "70%", "unreachable": "80%"},
    )
    frozen = await desk("freeze", "no hurry", "--by", "carla")
    assert (frozen.code, frozen.out) == (0, "frozen by carla: no hurry; no campaign is running\n")
    assert (await desk("campaign", "start", file)).code == 0
    await until(lambda: _known(desk, "limits"), "the campaign")
    said = await desk(
        "campaign", "set", "limits", "--unreachable", "90%", "--max-in-flight", "3", "--by", "x"
    )
    assert said.code == 0
    assert '"failed":"70%","unreachable":"90%"' in said.out
    again = await desk("freeze", "again", "--by", "dora")
    assert (again.code, again.err) == (5, "the fleet is already frozen: no hurry (carla)\n")
    assert (await desk("freeze")).out == "the fleet is frozen: no hurry (carla)\n"
    thawed = await desk("thaw", "--by", "dora")
    assert thawed.out == "thawed by dora; it was frozen by carla; told limits\n"
    assert (await desk("thaw")).err == "the fleet is not frozen\n"
    assert (await desk("campaign", "watch", "limits")).code == 0


async def _known(desk: Desk, name: str) -> bool:
    return (await desk("campaign", "show", name)).code == 0


async def test_a_campaign_with_a_bad_site_ends_with_1(desk: Desk, region: Simulator) -> None:
    await region.fault("edge-0005", "vim.apply", "fail")
    file = desk.campaign(
        "bad",
        select={"names": ["edge-0005", "edge-0010"]},
        waves=[{"percent": 100}],
        budget={"failed": 1, "wave_failed": 1},
    )
    await desk("campaign", "start", file)
    watched = await desk("campaign", "watch", "bad")
    assert watched.code == 1
    assert watched.err == "1 of 2 sites need a person: campaign report bad\n"


async def test_a_site_is_patched_explained_and_told_of(desk: Desk) -> None:
    explained = json.loads(
        (await desk("site", "explain", "edge-0006", "--release", RELEASE, "-o", "json")).out
    )
    assert explained["decision"] == "go"
    assert {"identity", "alarms", "hosts"} <= {gate["name"] for gate in explained["gates"]}
    done = await desk("site", "patch", "edge-0006", "--release", RELEASE, "-o", "json")
    assert done.code == 0
    assert json.loads(done.out)["outcome"] == "succeeded"
    status = json.loads((await desk("site", "status", "edge-0006", "-o", "json")).out)
    assert (status["last"]["outcome"], status["now"]["status"], status["runs"]) == (
        "succeeded",
        "completed",
        1,
    )


async def test_a_patch_that_ends_badly_is_1_and_one_that_is_held_is_5(desk: Desk, region: Simulator) -> None:
    await region.fault("edge-0007", "vim.create", "refuse")
    bad = await desk("site", "patch", "edge-0007", "--release", RELEASE, "-o", "json")
    assert (bad.code, json.loads(bad.out)["outcome"]) == (1, "refused")
    await region.fault("edge-0008", "site", "dark", seconds=900)
    first = await desk("site", "patch", "edge-0008", "--release", RELEASE, "--no-wait")
    assert first.code == 0
    held = await desk("site", "patch", "edge-0008", "--release", RELEASE)
    await region.clear_faults()
    assert held.code == 5
    assert held.err.startswith("edge-0008 is held by a PatchSite outside of a campaign since ")


async def test_what_nobody_knows_is_4(desk: Desk) -> None:
    for arguments, words in {
        "campaign show nope": "Temporal knows no campaign nope",
        "campaign watch nope": "Temporal knows no campaign nope",
        "campaign resume nope": "Temporal knows no campaign nope",
        "site status edge-0012": "neither Temporal nor the records know a run on edge-0012",
    }.items():
        said = await desk(*arguments.split())
        assert (said.code, said.err) == (4, words + "\n")


async def test_a_campaign_that_the_engine_lost_is_taken_up_only_when_asked_to(
    desk: Desk, house: Stack
) -> None:
    file = desk.campaign("lost", select={"names": ["edge-0009"]}, waves=[{"percent": 100}])
    async with await Store.open(f"sqlite+aiosqlite:///{house.folder / 'records.db'}") as store:
        await store.record_campaign(
            CampaignRun(
                first_run_id="gone",
                name="lost",
                spec_json="{}",
                inventory_hash="",
                members=1,
                began=datetime(2026, 3, 1, tzinfo=UTC),
            )
        )
    refused = await desk("campaign", "start", file)
    assert refused.code == 5
    assert "never ended, and Temporal does not know it" in refused.err
    assert "--reconcile" in refused.err
    rows = json.loads((await desk("campaign", "list", "-o", "json")).out)
    assert [row["status"] for row in rows if row["campaign"] == "lost"] == ["lost"]
    assert (await desk("campaign", "start", file, "--reconcile")).code == 0
    assert (await desk("campaign", "watch", "lost")).code == 0


async def test_an_inventory_is_imported_from_the_live_controller(desk: Desk, region: Simulator) -> None:
    import yaml

    controller = yaml.safe_load(region.inventory.read_text())["system_controllers"][0]
    beside = region.inventory.parent
    said = await desk(
        *("inventory", "import", "dcmanager", "--name", "sc-9", "--out", "imported.yaml"),
        *("--auth-url", controller["auth_url"], "--username", controller["credential"]["username"]),
        *("--password-ref", f"file:{beside / 'sim-password'}", "--ca-bundle", str(beside / "sim-ca.pem")),
    )
    assert said.code == 0, said.err
    assert said.err.startswith("imported.yaml: 12 sites of sc-9")
    assert (await desk("inventory", "validate", "imported.yaml")).code == 0
    assert Path(desk.folder / "imported.yaml").read_text().count("subcloud-00") == 12
