"""What a night can do to one site, and what becomes of it. Every fault comes through the admin API."""

import asyncio
from pathlib import Path

import pytest

from models.outcome import Outcome
from tests.support.secret_scan import files, found, histories
from tests.support.simulator import Simulator
from tests.support.stack import Stack, result_of, until
from tests.support.stranger import stranger

REGION = {
    "sites": 40,
    "speed": 240.0,
    "options": (
        "--not-prestaged",
        "edge-0040",
        "--not-prestaged",
        "edge-0039",
        "--not-prestaged",
        "edge-0038",
    ),
}
pytestmark = pytest.mark.asyncio(loop_scope="module")

NEVER_SENT: list[str] = []
ONCE_EACH = ["vim.create", "vim.apply", "vim.delete"]


async def _applied(region: Simulator, site: str) -> list[str]:
    """The intents that took effect, in order."""
    entries = await region.get(f"/sites/{site}/mutations")
    assert not [entry for entry in entries if entry["repeat"]]
    return [entry["intent"] for entry in entries if entry["outcome"] == "applied"]


@pytest.mark.parametrize(
    ("site", "on", "do"),
    [
        ("edge-0001", "vim.create", "drop-before"),
        ("edge-0002", "vim.create", "drop-after"),
        ("edge-0003", "vim.apply", "drop-before"),
        ("edge-0004", "vim.apply", "drop-after"),
        ("edge-0005", "vim.delete", "drop-before"),
        ("edge-0006", "vim.delete", "drop-after"),
    ],
)
async def test_a_dropped_connection_costs_nothing_and_repeats_nothing(
    region: Simulator, house: Stack, site: str, on: str, do: str
) -> None:
    await region.fault(site, on, do, times=1)
    result = await house.patch(site)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await _applied(region, site) == ONCE_EACH


async def test_a_stale_token_is_renewed(region: Simulator, house: Stack) -> None:
    handle = await house.start_patch("edge-0007")

    async def deploying() -> bool:
        return bool(await _applied(region, "edge-0007"))

    await until(deploying, "the strategy")
    await region.fault("edge-0007", "keystone", "lie")
    assert (await result_of(handle)).outcome is Outcome.SUCCEEDED
    assert await _applied(region, "edge-0007") == ONCE_EACH


async def test_a_wrong_password_is_refused_and_not_tried_again(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0008", "keystone", "refuse")
    result = await house.patch("edge-0008")
    assert result.outcome is Outcome.REFUSED
    assert "did not accept user admin" in result.reason
    assert await region.mutations("edge-0008") == NEVER_SENT


async def test_a_foreign_strategy_is_named_and_left_alone(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0009", "site", "hold")
    foreign = (await region.get("/sites/edge-0009"))["strategy"]["uuid"]
    result = await house.patch("edge-0009", operation={"ready_within": "10m"})
    assert result.outcome is Outcome.BLOCKED
    assert foreign in result.reason
    assert await region.mutations("edge-0009") == NEVER_SENT
    assert (await region.get("/sites/edge-0009"))["strategy"]["uuid"] == foreign


async def test_a_build_that_fails_leaves_the_site_as_it_was(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0010", "vim.create", "fail")
    result = await house.patch("edge-0010")
    assert result.outcome is Outcome.FAILED
    assert "build-failed" in result.reason
    assert await _applied(region, "edge-0010") == ["vim.create", "vim.delete"]
    assert (await region.get("/sites/edge-0010"))["strategy"] is None


@pytest.mark.parametrize(
    ("site", "more", "words"),
    [("edge-0011", {}, "apply-failed"), ("edge-0012", {"timeout": True}, "apply-timeout")],
)
async def test_an_apply_that_fails_says_where_and_a_retry_goes_on_from_there(
    region: Simulator, house: Stack, site: str, more: dict[str, bool], words: str
) -> None:
    await region.fault(site, "vim.apply", "fail", times=1, **more)
    result = await house.patch(site)
    assert result.outcome is Outcome.FAILED
    assert words in result.reason
    assert any("--resume-deployment" in line for line in result.evidence), result.evidence
    assert (await region.get(f"/sites/{site}"))["strategy"] is None
    # Without leave nobody touches what stands half-way, and the words say what a retry would do.
    held = await house.patch(site, operation={"ready_within": "10m"})
    assert held.outcome is Outcome.BLOCKED
    assert "the VIM resumes at the step where USM stands" in held.reason
    resumed = await house.patch(site, resume_deployment=True)
    assert resumed.outcome is Outcome.SUCCEEDED, resumed
    assert await region.repeats() == 0


async def test_a_vim_that_lies_about_the_release_is_not_believed(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0013", "vim.apply", "lie")
    result = await house.patch("edge-0013")
    assert result.outcome is Outcome.FAILED
    assert "the VIM says applied, but USM says starlingx-26.03.1 is available" in result.reason
    assert result.version_after == "starlingx-26.03.0"


async def test_a_host_that_says_otherwise_is_believed(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0014", "sysinv", "lie")
    result = await house.patch("edge-0014")
    assert result.outcome is Outcome.FAILED
    assert any("controller-0 is" in line for line in result.evidence), result


async def test_a_site_that_stays_dark_is_unreachable(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0015", "site", "dark")
    result = await house.patch("edge-0015", operation={"reachable_within": "10m"})
    assert result.outcome is Outcome.UNREACHABLE
    assert await region.mutations("edge-0015") == NEVER_SENT


async def test_a_site_that_comes_back_in_time_is_patched(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0016", "site", "dark", seconds=600)
    result = await house.patch("edge-0016")
    assert result.outcome is Outcome.SUCCEEDED, result


async def test_a_new_alarm_after_the_apply_is_a_failure(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0017", "vim.apply", "alarm")
    result = await house.patch("edge-0017")
    assert result.outcome is Outcome.FAILED
    assert "new alarms:" in result.reason


async def test_a_standing_alarm_blocks(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0018", "site", "alarm")
    result = await house.patch("edge-0018", operation={"ready_within": "10m"})
    assert result.outcome is Outcome.BLOCKED
    assert "held by" in result.reason
    assert await region.mutations("edge-0018") == NEVER_SENT


async def test_silence_while_the_site_reboots_is_no_failure(region: Simulator, house: Stack) -> None:
    await region.fault("edge-0019", "vim.apply", "dark", seconds=1800)
    result = await house.patch("edge-0019", "starlingx-26.03.2")
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await _applied(region, "edge-0019") == ONCE_EACH


async def test_a_release_that_is_missing_is_prestaged_first(region: Simulator, house: Stack) -> None:
    result = await house.patch("edge-0040")
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await _applied(region, "edge-0040") == ["dcmanager.prestage", *ONCE_EACH]


async def test_a_release_that_is_missing_blocks_where_prestage_is_off(
    region: Simulator, house: Stack
) -> None:
    result = await house.patch("edge-0039", operation={"prestage": False, "ready_within": "10m"})
    assert result.outcome is Outcome.BLOCKED
    assert result.reason == "starlingx-26.03.1 is not there"


async def test_another_workflow_id_is_refused_for_an_idle_and_for_a_busy_site(
    region: Simulator, house: Stack
) -> None:
    await region.fault("edge-0020", "site", "dark")
    busy = await house.start_patch("edge-0020")
    for site in ("edge-0020", "edge-0021"):
        refused = await house.start_patch_as("not-the-lock", site)
        assert "runs only under the workflow id site/" in refused
        assert await region.mutations(site) == NEVER_SENT
    await busy.terminate("done")


async def test_cancel_before_the_apply_leaves_nothing_behind(region: Simulator, house: Stack) -> None:
    handle = await house.start_patch("edge-0022")

    async def created() -> bool:
        return "vim.create" in await _applied(region, "edge-0022")

    await until(created, "the strategy")
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    assert await _applied(region, "edge-0022") == ["vim.create", "vim.delete"]
    assert (await region.get("/sites/edge-0022"))["strategy"] is None


async def test_cancel_during_the_apply_lets_it_finish_and_tells_the_truth(
    region: Simulator, house: Stack
) -> None:
    handle = await house.start_patch("edge-0023")

    async def applying() -> bool:
        return "vim.apply" in await _applied(region, "edge-0023")

    await until(applying, "the apply")
    await handle.cancel()
    assert (await result_of(handle)).outcome is Outcome.SUCCEEDED
    assert await _applied(region, "edge-0023") == ONCE_EACH


async def test_a_strategy_that_a_dead_run_left_is_taken_up(region: Simulator, house: Stack) -> None:
    for site, intent in (("edge-0024", "vim.create"), ("edge-0025", "vim.apply")):
        handle = await house.start_patch(site)

        async def sent(site: str = site, intent: str = intent) -> bool:
            return intent in await _applied(region, site)

        await until(sent, intent)
        await house.until_recorded(site, "vim-strategy")
        await handle.terminate("somebody pulled the plug")
        result = await house.patch(site)
        assert result.outcome is Outcome.SUCCEEDED, result
        assert await _applied(region, site) == ONCE_EACH


async def test_a_leftover_for_another_release_is_cleared_away_and_never_applied(
    region: Simulator, house: Stack
) -> None:
    handle = await house.start_patch("edge-0030")
    await house.until_recorded("edge-0030", "vim-strategy")
    await handle.terminate("that was the wrong release")
    before = await _applied(region, "edge-0030")
    result = await house.patch("edge-0030", "starlingx-26.03.2")
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.version_after == "starlingx-26.03.2"
    # Whatever the dead run had sent; then its strategy goes, and the other release has a life of its own.
    assert await _applied(region, "edge-0030") == [*before, "vim.delete", *ONCE_EACH]


async def test_a_foreign_strategy_for_another_release_is_not_taken_even_when_handed_over(
    region: Simulator, house: Stack
) -> None:
    async with stranger(region, "edge-0031") as somebody:
        foreign = (await somebody.create("starlingx-26.03.2")).json()["strategy"]["uuid"]
    result = await house.patch("edge-0031", adopt_strategy=foreign)
    assert result.outcome is Outcome.REFUSED
    assert "is for starlingx-26.03.2, not for starlingx-26.03.1" in result.reason
    assert await _applied(region, "edge-0031") == ["vim.create"]


async def test_two_swapped_endpoints_are_refused_by_both_regions(region: Simulator, house: Stack) -> None:
    async with house.edited_inventory() as edit:
        await edit.swap_endpoints("edge-0026", "edge-0027", await region.get("/sites"))
        for site in ("edge-0026", "edge-0027"):
            result = await house.patch(site)
            regions = [(await region.get(f"/sites/{name}"))["region"] for name in ("edge-0026", "edge-0027")]
            assert result.outcome is Outcome.REFUSED
            assert all(region_id in result.reason for region_id in regions), result.reason
            assert await region.mutations(site) == NEVER_SENT


async def test_a_strategy_of_identical_content_is_foreign_until_an_operator_hands_it_over(
    region: Simulator, house: Stack
) -> None:
    async with stranger(region, "edge-0028") as somebody:
        foreign = (await somebody.create()).json()["strategy"]["uuid"]
    held = await house.patch("edge-0028", operation={"ready_within": "10m"})
    assert held.outcome is Outcome.BLOCKED
    assert foreign in held.reason
    assert await _applied(region, "edge-0028") == ["vim.create"]
    adopted = await house.patch("edge-0028", adopt_strategy=foreign)
    assert adopted.outcome is Outcome.SUCCEEDED, adopted
    assert await _applied(region, "edge-0028") == ONCE_EACH
    (_, run) = await house.runs_of("edge-0028")
    assert f"strategy {foreign} was handed over by the operator" in run.evidence


async def test_a_prestage_whose_answer_is_lost_is_not_asked_for_twice(
    region: Simulator, house: Stack
) -> None:
    await region.fault("edge-0038", "dcmanager", "drop-after", times=1, mutating=True)
    result = await house.patch("edge-0038")
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await _applied(region, "edge-0038") == ["dcmanager.prestage", *ONCE_EACH]


async def test_a_worker_that_is_stopped_hands_its_waits_over_and_ends_in_order(
    region: Simulator, house: Stack
) -> None:
    handle = await house.start_patch("edge-0029", "starlingx-26.03.2")

    async def applying() -> bool:
        return "vim.apply" in await _applied(region, "edge-0029")

    await until(applying, "the apply")
    await house.start_worker()
    assert await house.workers[0].stop() == 0
    assert (await result_of(handle)).outcome is Outcome.SUCCEEDED
    assert await _applied(region, "edge-0029") == ONCE_EACH


async def test_no_secret_is_written_anywhere(region: Simulator, house: Stack) -> None:
    """Runs last: after all the faults above, histories, records and logs are searched."""
    secret = (region.inventory.parent / "sim-password").read_text().strip()
    written = files(house.folder)
    assert {"temporal.db", "records.db", "worker.log"} <= {Path(name).name for name in written}
    assert found(secret, written | await histories(house.client)) == set()
    assert found(secret, {"planted": f"token of {secret}".encode()}) == {("planted", "raw")}


async def test_a_site_that_never_takes_a_request_is_unreachable_as_its_faults_dictate(
    region: Simulator, house: Stack
) -> None:
    faults = {
        "edge-0032": ("vim.create", "drop-before"),
        "edge-0033": ("vim.apply", "drop-before"),
        "edge-0034": ("vim.apply", "dark"),
    }
    for site, (on, do) in faults.items():
        await region.fault(site, on, do)
    dictated = await region.get("/expected?release=starlingx-26.03.1")
    results = await asyncio.gather(*(house.patch(site) for site in faults))
    assert {result.site: result.outcome for result in results} == {site: dictated[site] for site in faults}
    assert {dictated[site] for site in faults} == {"unreachable"}
    for site in ("edge-0032", "edge-0033"):
        assert await _applied(region, site) == ([] if site == "edge-0032" else ["vim.create", "vim.delete"])


async def test_a_worker_lets_go_of_a_terminated_run_in_one_line(region: Simulator, house: Stack) -> None:
    log = house.folder / "worker.log"
    before = len(log.read_text())
    handle = await house.start_patch("edge-0035", "starlingx-26.03.2")

    async def waiting() -> bool:
        described = await handle.describe()
        waits = [each.activity_type.name for each in described.raw_description.pending_activities]
        return waits == ["await_strategy"] and "vim.apply" in await _applied(region, "edge-0035")

    await until(waiting, "the wait for the apply")
    # The wait must outlast a heartbeat, by which the worker learns of the end.
    await region.fault("edge-0035", "site", "dark", seconds=7200)
    await handle.terminate("by hand")

    async def let_go() -> bool:
        return "nobody waits for this attempt any more" in log.read_text()[before:]

    await until(let_go, "the worker's line")
    assert "Traceback" not in log.read_text()[before:]
