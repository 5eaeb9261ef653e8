"""Campaigns tell people of their turns: to a real listener, from real workers."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import yaml
from temporalio.client import WorkflowHandle

from inventory.live import LOOK_EVERY_S
from models.campaign import Answer, ApproveRequest, PauseRequest, ResumeRequest
from models.outcome import Outcome
from tests.support.listener import Listener, listener
from tests.support.simulator import Simulator
from tests.support.stack import Stack

REGION = {"sites": 8, "speed": 480.0}
SECRET = "Bearer 7f3c-not-for-histories"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def heard() -> Iterator[Listener]:
    with listener() as running:
        yield running


@asynccontextmanager
async def telling(house: Stack, *targets: dict[str, Any]) -> Any:
    async with house.edited_inventory() as edit:
        secret = edit.path.parent / "token"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        document = yaml.safe_load(edit.path.read_text())
        edit.path.write_text(yaml.safe_dump(document | {"notifications": list(targets)}))
        await asyncio.sleep(LOOK_EVERY_S)
        yield


async def _history(handle: WorkflowHandle[Any, Any]) -> str:
    return json.dumps((await handle.fetch_history()).to_json_dict())


async def test_people_hear_of_start_pause_gate_and_end_by_cloud_events(house: Stack, heard: Listener) -> None:
    target = {"name": "ops", "webhook": f"{heard.url}/ops", "secret": "file:token"}
    only_the_end = {"name": "boss", "webhook": f"{heard.url}/boss", "on": ["end"]}
    async with telling(house, target, only_the_end):
        handle = await house.start_campaign(
            "told",
            select={"names": ["edge-0001", "edge-0002"]},
            waves=[{"count": 1}, {"percent": 100}],
            approvals=["after-wave-1"],
        )
        await house.until_phase(handle, "waiting-approval")
        await handle.execute_update("pause", PauseRequest(reason="storm", owner="anna"), result_type=Answer)
        await handle.execute_update("resume", ResumeRequest(owner="anna"), result_type=Answer)
        approval = ApproveRequest(gate="after-wave-1", owner="anna")
        await handle.execute_update("approve", approval, result_type=Answer)
        assert (await handle.result()).counts == {Outcome.SUCCEEDED: 2}
    posts = heard.to("/ops")
    first_run = (await handle.describe()).run_id
    assert sorted(post.body["id"].removeprefix(f"{first_run}/") for post in posts) == [
        "end/1",
        "pause/1",
        "start/1",
        "waiting/1",
    ]
    events = {post.body["type"]: post.body for post in posts}
    assert {post.headers["Content-Type"] for post in posts} == {"application/cloudevents+json"}
    assert {post.headers["Authorization"] for post in posts} == {SECRET}
    assert {(body["specversion"], body["source"]) for body in events.values()} == {
        ("1.0", "/starflock/campaigns/told")
    }
    assert "paused by anna: storm" in events["starflock.campaign.paused"]["data"]["why"]
    assert "after-wave-1" in events["starflock.campaign.waiting"]["data"]["why"]
    assert events["starflock.campaign.ended"]["data"]["counts"] == {"succeeded": 2}
    assert [post.body["type"] for post in heard.to("/boss")] == ["starflock.campaign.ended"]
    assert SECRET not in await _history(handle)


async def test_a_spent_budget_is_told_and_a_target_that_refuses_costs_a_line(
    region: Simulator, house: Stack, heard: Listener
) -> None:
    await region.fault("edge-0003", "vim.apply", "fail")
    gone = {"name": "gone", "webhook": f"{heard.url}/gone", "on": ["budget", "end"]}
    async with telling(house, {"name": "ops", "webhook": f"{heard.url}/spent", "on": ["budget"]}, gone):
        handle = await house.start_campaign(
            "spent", select={"names": ["edge-0003"]}, budget={"failed": 0, "on_spent": "abort"}
        )
        result = await handle.result()
    await region.clear_faults()
    assert result.counts == {Outcome.FAILED: 1}
    (post,) = heard.to("/spent")
    assert post.body["type"] == "starflock.campaign.budget-spent"
    # They are on their way side by side.
    assert sorted((await house.progress(handle)).untold) == [
        "gone was not told (budget 1): it answered 404",
        "gone was not told (end 1): it answered 404",
    ]


async def test_a_notice_outlasts_a_receiver_that_stumbles_and_keeps_its_id(
    house: Stack, heard: Listener
) -> None:
    heard.answers[:] = [503, 429]
    async with telling(house, {"name": "ops", "webhook": f"{heard.url}/stumbles", "on": ["start"]}):
        handle = await house.start_campaign("stumbles", select={"names": ["edge-0004"]})
        await handle.result()
    tried = [post for post in heard.posts if post.path == "/stumbles"]
    assert [post.answered for post in tried] == [503, 429, 200]
    assert len({post.body["id"] for post in tried}) == 1


async def test_without_targets_nothing_is_scheduled_for_it(house: Stack) -> None:
    handle = await house.start_campaign("silent", select={"names": ["edge-0005"]})
    await handle.result()
    assert '"notify"' not in await _history(handle)
