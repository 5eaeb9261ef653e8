"""Operators who never saw our CLI: the stock `temporal` command and the stock UI."""

import asyncio
import json
from pathlib import Path

import httpx2
import pytest
from temporalio.client import Schedule, ScheduleActionStartWorkflow, ScheduleSpec

from models.outcome import Outcome
from tests.support.components import used
from tests.support.simulator import Simulator
from tests.support.stack import Stack, until
from workers.embedded import temporal_binary

REGION = {"sites": 3}
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _temporal(house: Stack, *words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        temporal_binary(),
        *words,
        "--address",
        house.server.address,
        "-o",
        "json",
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return out.decode()


async def test_a_campaign_is_started_and_steered_by_the_stock_command_line(
    region: Simulator, house: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "campaign.json"
    file.write_text(
        json.dumps(
            {
                "name": "by-hand",
                "operation": {"kind": "patch", "release": "starlingx-26.03.1"},
                "select": {"all": True},
                "approvals": ["after-wave-1"],
            }
        )
    )
    workflow = ("--workflow-id", "campaign/by-hand")
    start = ("workflow", "start", "--type", "FleetCampaign", "--task-queue", "starflock", *workflow)
    await _temporal(house, *start, "--input-file", str(file))
    handle = house.client.get_workflow_handle("campaign/by-hand")
    await house.until_phase(handle, "waiting-approval")
    approve = json.dumps({"gate": "after-wave-1", "owner": "anna"})
    await _temporal(
        house, "workflow", "update", "execute", *workflow, "--name", "approve", "--input", approve
    )
    result = json.loads(await _temporal(house, "workflow", "result", *workflow))["result"]
    assert result["counts"] == {Outcome.SUCCEEDED: 3}
    used("temporal CLI", temporal_binary().rsplit("/", 1)[-1])


async def test_the_ui_shows_the_campaign(region: Simulator, house: Stack) -> None:
    async with httpx2.AsyncClient(base_url=house.server.ui) as ui:
        assert (await ui.get("/")).status_code == 200
        listed = await ui.get(
            "/api/v1/namespaces/default/workflows", params={"query": "StarflockOutcome='succeeded'"}
        )
        found = {each["execution"]["workflowId"] for each in listed.json()["executions"]}
    assert found == {"site/edge-0001", "site/edge-0002", "site/edge-0003"}
    used("Temporal UI", house.server.ui)


async def test_a_schedule_may_start_a_campaign(region: Simulator, house: Stack) -> None:
    spec = {
        "name": "nightly",
        "operation": {"kind": "patch", "release": "starlingx-26.03.1"},
        "select": {"names": ["edge-0002"]},
    }
    start = ScheduleActionStartWorkflow("FleetCampaign", spec, id="campaign/nightly", task_queue="starflock")
    schedule = await house.client.create_schedule("nightly", Schedule(action=start, spec=ScheduleSpec()))
    await schedule.trigger()

    async def started() -> str:
        actions = (await schedule.describe()).info.recent_actions
        return actions[0].action.workflow_id if actions else ""  # type: ignore[union-attr]

    workflow_id = await until(started, "the scheduled campaign")
    assert workflow_id.startswith("campaign/nightly-")
    result = await house.client.get_workflow_handle(workflow_id).result()
    assert sum(result["counts"].values()) == 1


async def test_a_site_is_patched_by_four_lines_of_json(region: Simulator, house: Stack) -> None:
    request = json.dumps(
        {"site": "edge-0001", "operation": {"kind": "patch", "release": "starlingx-26.03.1"}}
    )
    workflow = ("--workflow-id", "site/edge-0001")
    start = ("workflow", "start", "--type", "PatchSite", "--task-queue", "starflock", *workflow)
    await _temporal(house, *start, "--input", request)
    result = json.loads(await _temporal(house, "workflow", "result", *workflow))["result"]
    assert result["outcome"] == Outcome.ALREADY
