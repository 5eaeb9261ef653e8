"""Each fault does what it says, no more; and what cannot be meant is refused with words."""

import asyncio
import contextlib
from typing import Any

import aiohttp
import pytest

from .conftest import PATCH, Region, Site, Start, until


def fault(on: str, do: str, **more: Any) -> dict[str, Any]:
    return {"site": "edge-0001", "on": on, "do": do} | more


async def ready(region: Region) -> Site:
    site = await region.site()
    await site.create()
    await site.reach("ready-to-apply")
    return site


async def test_drop_before_applies_nothing(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault(fault("vim.create", "drop-before", times=1))
    with pytest.raises(aiohttp.ClientError):
        await site.create()
    assert await site.state() is None
    assert (await site.create()).status == 200
    assert await region.repeats() == 0


async def test_drop_after_applies_and_says_nothing(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault(fault("vim.create", "drop-after", times=1))
    with pytest.raises(aiohttp.ClientError):
        await site.create()
    await site.reach("building", "ready-to-apply")
    assert (await site.create()).status == 409
    assert await region.repeats() == 1


async def test_a_held_request_is_processed_after_its_client_has_gone(start: Start) -> None:
    region = await start(speed=100)
    site = await region.site()
    await region.fault(fault("vim.create", "hold", seconds=100, times=1))
    await site.login()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(site.create(), 0.2)
    held = (await region.admin("GET", "/held")).body
    assert (held["count"], held["held"][0]["on"]) == (1, "vim.create")
    assert await site.state() is None
    await site.reach("building", "ready-to-apply")
    assert (await region.admin("GET", "/held")).body["count"] == 0


async def test_clearing_faults_releases_what_is_held(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault(fault("usm", "hold"))
    reading = asyncio.create_task(site.call("GET", 5498, "/v1/release"))
    await until(lambda: region.admin("GET", "/held"), lambda answer: answer.body["count"] == 1)
    await region.admin("DELETE", "/faults")
    assert (await reading).status == 200
    assert (await region.admin("GET", "/faults")).body == []


async def test_a_foreign_strategy_blocks_without_making_repeats(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault(fault("site", "hold", seconds=600))
    theirs = (await site.vim("GET")).body["strategy"]
    assert (theirs["state"], theirs["release"]) == ("applying", "starlingx-26.03.0")
    for _ in range(2):
        assert (await site.create()).status == 409
    assert await region.repeats() == 0
    await site.reach(None)
    assert (await site.create()).status == 200


@pytest.mark.parametrize(
    ("on", "port", "path", "status"),
    [
        ("keystone", 5001, "/v3", 401),
        ("sysinv", 6386, "/v1/ihosts", 400),
        ("fm", 18003, "/v1/alarms", 400),
        ("usm", 5498, "/v1/release", 406),
    ],
)
async def test_refuse_and_fail_speak_the_services_own_words(
    start: Start, on: str, port: int, path: str, status: int
) -> None:
    region = await start()
    site = await region.site()
    await site.login()
    await region.fault(fault(on, "refuse", times=1), fault(on, "fail", times=1))
    assert (await site.call("GET", port, path)).status == status
    assert (await site.call("GET", port, path)).status == 500
    assert (await site.call("GET", port, path)).status == 200


async def test_a_mutating_fault_lets_readers_pass(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault(fault("usm", "refuse", mutating=True))
    assert (await site.call("GET", 5498, "/v1/deploy")).status == 200
    assert (await site.call("POST", 5498, f"/v1/deploy/{PATCH}/start", {})).status == 406


async def test_a_dcmanager_fault_concerns_requests_about_its_subcloud(start: Start) -> None:
    region = await start()
    await region.fault(fault("dcmanager", "refuse"))
    assert (await region.dcmanager("GET", "/v1.0/subclouds/subcloud-0001")).status == 422
    assert (await region.dcmanager("GET", "/v1.0/subclouds/1")).status == 422
    assert (await region.dcmanager("GET", "/v1.0/subclouds/subcloud-0002")).status == 200
    assert (await region.dcmanager("GET", "/v1.0/subclouds")).status == 200


async def test_a_failing_create_ends_build_failed(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault(fault("vim.create", "fail"))
    assert (await site.create()).status == 200
    await site.reach("build-failed")
    assert (await site.vim("GET")).body["strategy"]["build-phase"]["reason"]


@pytest.mark.parametrize(("more", "state"), [({}, "apply-failed"), ({"timeout": True}, "apply-timeout")])
async def test_a_failing_apply_strands_usm_in_host_failed(
    start: Start, more: dict[str, Any], state: str
) -> None:
    region = await start()
    await region.fault(fault("vim.apply", "fail", **more))
    site = await ready(region)
    await site.apply()
    await site.reach(state)
    truth = await site.truth()
    assert truth["usm"]["deployment"]["state"] == "host-failed"
    assert {"900.021", "900.203"} <= {alarm["alarm_id"] for alarm in truth["alarms"]}


async def test_a_lying_vim_says_applied_over_an_undeployed_release(start: Start) -> None:
    region = await start()
    await region.fault(fault("vim.apply", "lie"))
    site = await ready(region)
    await site.apply()
    await site.reach("applied")
    assert (await site.call("GET", 5498, f"/v1/release/{PATCH}/is_deployed")).body is False


async def test_a_lying_sysinv_says_failed_after_the_apply(start: Start) -> None:
    region = await start()
    await region.fault(fault("sysinv", "lie"))
    site = await ready(region)
    await site.apply()
    await site.reach("applied")
    assert (await site.host("controller-0"))["availability"] == "failed"


async def test_a_stale_token_is_403_at_the_vim_and_401_elsewhere(start: Start) -> None:
    region = await start()
    site = await region.site()
    await site.login()
    await region.fault(fault("keystone", "lie"))
    await until(lambda: site.sysinv("GET", "/v1/ihosts"), lambda answer: answer.status == 401)
    assert (await site.vim("GET")).status == 403
    await site.login()
    assert (await site.vim("GET")).status == 200


async def test_a_dark_site_refuses_until_its_time_is_over(start: Start) -> None:
    region = await start()
    site = await region.site()
    await site.login()
    await region.fault(fault("site", "dark", seconds=1200))
    with pytest.raises(aiohttp.ClientConnectorError):
        await site.vim("GET")
    rows = (await region.dcmanager("GET", "/v1.0/subclouds")).body["subclouds"]
    assert rows[1]["availability-status"] == "online"

    async def seen() -> str:
        return str((await region.dcmanager("GET", "/v1.0/subclouds/1")).body["availability-status"])

    await until(seen, lambda status: status == "offline")
    await site.reach(None)


async def test_a_site_can_go_dark_when_the_apply_arrives(start: Start) -> None:
    region = await start()
    site = await ready(region)
    await region.fault(fault("vim.apply", "dark", seconds=100))
    with pytest.raises(aiohttp.ClientError):
        await site.apply()
    await site.reach("silent")
    await site.reach("applying", "applied")
    assert await region.repeats() == 0


async def test_a_standing_alarm_blocks_the_build_and_counts_in_dcmanager(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault(fault("site", "alarm"))
    (alarm,) = (await site.call("GET", 18003, "/v1/alarms")).body["alarms"]
    assert (alarm["severity"], alarm["mgmt_affecting"]) == ("major", "True")
    await site.create()
    await site.reach("build-failed")
    summary = (await region.dcmanager("GET", "/v1.0/alarms")).body["alarm_summary"][0]
    assert (summary["major_alarms"], summary["cloud_status"]) == (1, "degraded")


async def test_an_alarm_can_wait_for_the_end_of_the_apply(start: Start) -> None:
    region = await start()
    await region.fault(fault("vim.apply", "alarm"))
    site = await ready(region)
    assert (await site.truth())["alarms"] == []
    await site.apply()
    await site.reach("applied")
    assert [alarm["alarm_id"] for alarm in (await site.truth())["alarms"]] == ["800.001"]


async def test_a_fault_that_cannot_be_meant_is_refused(start: Start) -> None:
    region = await start("--sites", "1")
    wrong: list[tuple[Any, str]] = [
        ({"site": "edge-0001", "on": "vim.create"}, "do"),
        (fault("vim.create", "dark"), "do"),
        (fault("vim.create", "fail", colour="red"), "colour"),
        (fault("vim.create", "refuse", seconds=5), "seconds"),
        (fault("vim.create", "fail", timeout=True), "timeout"),
        (fault("vim.create", "hold", seconds=-1), "seconds"),
        (fault("vim.create", "fail", times=0), "times"),
        (fault("site", "dark", times=2), "times"),
        (fault("vim.get", "hold", mutating=True), "mutating"),
        ({"site": "edge-9999", "on": "site", "do": "dark"}, "site"),
        ({"site": "sc-1", "on": "site", "do": "dark"}, "site"),
        ("dark", "fault"),
    ]
    for raw, word in wrong:
        answer = await region.admin("POST", "/faults", [raw])
        assert (answer.status, answer.body["field"]) == (400, word), raw
    assert (await region.admin("GET", "/faults")).body == []


async def test_expected_outcomes_follow_from_the_faults(start: Start) -> None:
    region = await start("--sites", "8", "--already", "edge-0008")

    def at(number: int, on: str, do: str, **more: Any) -> dict[str, Any]:
        return {"site": f"edge-000{number}", "on": on, "do": do} | more

    await region.fault(
        at(1, "vim.create", "drop-after"),
        at(2, "vim.apply", "fail"),
        at(3, "site", "alarm"),
        at(4, "vim.create", "refuse"),
        at(5, "site", "dark"),
        at(6, "site", "hold"),
        at(7, "site", "dark", seconds=600),
    )
    assert (await region.admin("GET", "/expected")).body == {
        "edge-0001": "succeeded",
        "edge-0002": "failed",
        "edge-0003": "blocked",
        "edge-0004": "refused",
        "edge-0005": "unreachable",
        "edge-0006": "blocked",
        "edge-0007": "succeeded",
        "edge-0008": "already",
    }


async def test_drawn_durations_are_what_a_patch_takes(start: Start) -> None:
    region = await start("--not-prestaged", "edge-0002", "--prestage-seconds", "120")
    rows = (await region.admin("GET", "/durations")).body
    assert rows["edge-0001"] == pytest.approx({"prestage": 0, "build": 0.1, "apply": 0.5, "ideal": 0.6})
    assert rows["edge-0002"]["ideal"] == pytest.approx(0.8)
