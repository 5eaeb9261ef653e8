"""A campaign over a region, on the real server, over HTTP."""

import pytest

from models.campaign import (
    AbortRequest,
    Answer,
    ApproveRequest,
    PauseRequest,
    ResumeRequest,
    RetryRequest,
    SkipRequest,
)
from models.outcome import Outcome
from tests.support.simulator import Simulator
from tests.support.stack import Stack, until

REGION = {"sites": 41, "speed": 240.0}
pytestmark = pytest.mark.asyncio(loop_scope="module")


def _names(first: int, last: int) -> list[str]:
    return [f"edge-{number:04d}" for number in range(first, last + 1)]


async def test_waves_open_one_after_the_other_and_every_site_ends(region: Simulator, house: Stack) -> None:
    handle = await house.start_campaign(
        "three-waves",
        select={"names": _names(1, 10)},
        waves=[{"count": 2, "soak": "5m"}, {"percent": 50}, {"percent": 100}],
        window={"max_in_flight": 5, "by": {"coverage": 1}},
    )
    result = await handle.result()
    assert result.counts == {Outcome.SUCCEEDED: 10}
    assert await region.repeats() == 0
    runs = await house.site_runs("three-waves")
    ends = {wave: max(run.ended for run in runs if run.wave == wave) for wave in (1, 2)}
    begins = {wave: min(run.began for run in runs if run.wave == wave) for wave in (2, 3)}
    assert ends[1] < begins[2]
    assert ends[2] < begins[3]
    # Two sites share a cell: one of them is never down while the other is.
    for one, other in zip(_names(1, 9)[::2], _names(2, 10)[::2], strict=True):
        first, second = (next(run for run in runs if run.site == site) for site in (one, other))
        assert first.ended <= second.began or second.ended <= first.began


async def test_a_failure_spends_the_budget_and_a_person_goes_on(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0011", "vim.apply", "fail", times=1)
    handle = await house.start_campaign(
        "budget", select={"names": _names(11, 14)}, waves=[{"count": 1}, {"percent": 100}]
    )

    async def paused() -> bool:
        return (await house.progress(handle)).phase == "paused"

    await until(paused, "the pause")
    assert "budget spent" in (await house.progress(handle)).why
    assert await region.mutations("edge-0012") == []
    answer = await handle.execute_update(
        "retry", RetryRequest(sites=("edge-0011",), owner="anna"), result_type=Answer
    )
    assert "1 site to be tried again" in answer.message
    await handle.execute_update("resume", ResumeRequest(owner="anna"))
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 4}
    assert await region.repeats() == 0


async def test_updates_are_refused_in_words(region: Simulator, house: Stack) -> None:
    handle = await house.start_campaign(
        "words",
        select={"names": _names(15, 18)},
        waves=[{"count": 1}, {"percent": 100}],
        approvals=["after-wave-1"],
    )
    await house.until_phase(handle, "waiting-approval")
    assert (
        await house.refusal(handle, "resume", ResumeRequest(owner="anna")) == "campaign words is not paused"
    )
    wrong = await house.refusal(handle, "skip", SkipRequest(sites=("edge-0099",), owner="anna"))
    assert "edge-0099" in wrong
    await handle.execute_update("skip", SkipRequest(sites=("edge-0018",), owner="anna"))
    await handle.execute_update("approve", ApproveRequest(gate="after-wave-1", owner="anna"))
    result = await handle.result()
    assert result.counts == {Outcome.SUCCEEDED: 3, Outcome.SKIPPED: 1}
    assert await region.mutations("edge-0018") == []


async def test_a_pause_survives_the_worker_and_the_server(region: Simulator, house: Stack) -> None:
    handle = await house.start_campaign(
        "pause", select={"names": _names(19, 22)}, waves=[{"count": 1}, {"percent": 100}]
    )
    await house.until_phase(handle, "running")
    await handle.execute_update("pause", PauseRequest(reason="thunderstorm", owner="bert"))
    for worker in house.workers:
        await worker.stop()
    await house.restart_server()
    await house.start_worker()
    handle = house.client.get_workflow_handle(handle.id, result_type=handle._result_type)
    await house.until_phase(handle, "paused")
    assert "bert: thunderstorm" in (await house.progress(handle)).why
    await handle.execute_update("resume", ResumeRequest(owner="bert"))
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 4}


async def test_two_campaigns_over_the_same_sites_are_safe(region: Simulator, house: Stack) -> None:
    spec = {"select": {"names": _names(23, 26)}, "waves": [{"percent": 100}]}
    one = await house.start_campaign("one", **spec)
    other = await house.start_campaign("other", **spec)
    counts = [(await handle.result()).counts for handle in (one, other)]
    assert sum(count.get(Outcome.SUCCEEDED, 0) for count in counts) == 4
    assert sum(count.get(Outcome.ALREADY, 0) for count in counts) == 4
    assert await region.repeats() == 0


async def test_a_terminated_child_is_reported_with_what_its_site_still_does(
    region: Simulator, house: Stack
) -> None:
    handle = await house.start_campaign(
        "terminated", select={"names": _names(27, 29)}, waves=[{"percent": 100}], budget={"failed": 3}
    )

    async def applying() -> bool:
        return "vim.apply" in await region.mutations("edge-0028")

    await until(applying, "the apply")
    await house.client.get_workflow_handle("site/edge-0028").terminate("by hand")
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 2, Outcome.TERMINATED: 1}
    (run,) = [run for run in await house.site_runs("terminated") if run.site == "edge-0028"]
    assert run.outcome is Outcome.TERMINATED
    assert "strategy" in run.reason


async def test_a_freeze_holds_everything_until_the_thaw(region: Simulator, house: Stack) -> None:
    freeze = await house.freeze("core router work", "carla")
    handle = await house.start_campaign("frozen", select={"names": _names(30, 31)}, waves=[{"percent": 100}])

    async def held() -> bool:
        return "core router work" in (await house.progress(handle)).why

    await until(held, "the freeze")
    assert await region.mutations("edge-0030") == []
    await freeze.execute_update("thaw", ResumeRequest(owner="carla"))
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 2}


async def test_abort_stops_at_safe_points_and_leaves_no_orphan(region: Simulator, house: Stack) -> None:
    handle = await house.start_campaign(
        "abort", select={"names": _names(32, 37)}, window={"max_in_flight": 2}, waves=[{"percent": 100}]
    )

    async def building() -> bool:
        return "vim.create" in await region.mutations("edge-0032")

    await until(building, "the first strategy")
    await handle.execute_update("abort", AbortRequest(mode="stop", reason="wrong release", owner="anna"))
    result = await handle.result()
    assert result.aborted
    assert result.reason == "wrong release"
    for site in _names(32, 37):
        assert (await region.get(f"/sites/{site}"))["strategy"] is None
    assert await region.mutations("edge-0037") == []


async def test_a_campaign_that_cannot_be_is_refused_before_anything_starts(
    region: Simulator, house: Stack
) -> None:
    handle = await house.start_campaign("empty", select={"labels": {"region": "north"}})
    message = await house.failure_of(handle)
    assert "nothing was touched" in message
    assert "north" in message


async def test_an_alarm_during_the_soak_holds_the_next_wave(region: Simulator, house: Stack) -> None:
    handle = await house.start_campaign(
        "soak",
        select={"names": _names(38, 39)},
        waves=[{"count": 1, "soak": "40m"}, {"percent": 100}],
    )
    await house.until_phase(handle, "soaking")
    await region.fault("edge-0038", "site", "alarm")
    await house.until_phase(handle, "paused")
    assert "did not soak well at edge-0038" in (await house.progress(handle)).why
    assert await region.mutations("edge-0039") == []
    await handle.execute_update("abort", AbortRequest(mode="drain", reason="an alarm", owner="anna"))
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 1}


async def test_a_site_that_left_the_inventory_is_skipped_and_said(region: Simulator, house: Stack) -> None:
    handle = await house.start_campaign(
        "left",
        select={"names": _names(40, 41)},
        waves=[{"count": 1}, {"percent": 100}],
        approvals=["after-wave-1"],
    )
    await house.until_phase(handle, "waiting-approval")
    async with house.edited_inventory() as edit:
        await edit.remove("edge-0041")
        await handle.execute_update("approve", ApproveRequest(gate="after-wave-1", owner="anna"))
        assert (await handle.result()).counts == {Outcome.SUCCEEDED: 1, Outcome.SKIPPED: 1}
    (run,) = [run for run in await house.site_runs("left") if run.site == "edge-0041"]
    assert "inventory" in run.reason
