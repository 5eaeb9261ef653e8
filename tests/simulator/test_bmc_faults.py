"""What can go wrong at a BMC, each fault on its own; and what cannot be meant is refused with words."""

import asyncio
import contextlib
from typing import Any

import aiohttp
import pytest

from .bmc_client import V1, Bmc, bmc_of, images
from .conftest import Answer, Region, Start, until

BARE = ("--bare", "--install-seconds", "600", "--bmc-flavours", "generic")
SITE, HOST = "edge-0001", "edge-0001/controller-0"


def fault(on: str, do: str, **more: Any) -> dict[str, Any]:
    return {"site": SITE, "on": on, "do": do} | more


async def standing(start: Start, *faults: dict[str, Any], speed: int = 600) -> tuple[Region, Bmc]:
    region = await start(*BARE, speed=speed)
    await region.fault(*faults)
    return region, bmc_of(region)


async def login(bmc: Bmc) -> Answer:
    return await bmc.call(
        "POST",
        f"{V1}/SessionService/Sessions",
        {"UserName": "root", "Password": bmc.password},
        Authorization="none",
    )


def key(answer: Answer) -> str:
    return str(answer.body["error"]["code"]).rsplit(".", 1)[-1]


async def test_busy_is_503_with_a_time_to_come_back(start: Start) -> None:
    _, bmc = await standing(start, fault("bmc.get", "fail", times=1))
    answer = await bmc.call("GET", f"{V1}/Systems")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert (await bmc.call("GET", f"{V1}/Systems")).status == 200


async def test_a_fault_on_one_host_spares_the_other(start: Start) -> None:
    region = await start(*BARE, "--topology", "aio-dx")
    await region.fault({"site": HOST, "on": "bmc", "do": "fail"})
    assert (await bmc_of(region).call("GET", f"{V1}/")).status == 503
    assert (await bmc_of(region, host="controller-1").call("GET", f"{V1}/")).status == 200


async def test_a_mutating_fault_lets_readers_pass(start: Start) -> None:
    _, bmc = await standing(start, fault("bmc", "refuse", mutating=True))
    assert (await bmc.call("GET", f"{V1}/Systems")).status == 200
    assert (await bmc.reset("On")).status == 400


async def test_a_reset_that_is_dropped_after_was_applied(start: Start) -> None:
    region, bmc = await standing(start, fault("bmc.reset", "drop-after", times=1))
    with pytest.raises(aiohttp.ClientError):
        await bmc.reset("On")
    await bmc.reach(power="On")
    assert (await bmc.reset("On")).status == 204
    assert await region.repeats() == 1


async def test_a_reset_that_is_dropped_before_was_not(start: Start) -> None:
    region, bmc = await standing(start, fault("bmc.reset", "drop-before", times=1))
    with pytest.raises(aiohttp.ClientError):
        await bmc.reset("On")
    assert (await bmc.truth())["power"] == "Off"
    assert (await bmc.reset("On")).status == 204
    assert await region.repeats() == 0


async def test_an_insert_whose_answer_comes_after_the_client_has_left_is_applied(start: Start) -> None:
    region, bmc = await standing(start, fault("bmc.insert", "hold", seconds=100, times=1), speed=100)
    slot = await bmc.slot()
    async with images() as server:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(
                bmc.call(
                    "POST", f"{slot}/Actions/VirtualMedia.InsertMedia", {"Image": f"{server.url}/a.iso"}
                ),
                0.2,
            )
        assert (await region.admin("GET", "/held")).body["held"][0]["on"] == "bmc.insert"
        await bmc.reach(medium=f"{server.url}/a.iso")
    assert await region.repeats() == 0


async def test_a_stuck_medium_stays_in_though_its_eject_was_taken(start: Start) -> None:
    _, bmc = await standing(start, fault("bmc.eject", "stick", times=1))
    async with images() as server:
        await bmc.insert(f"{server.url}/a.iso")
        assert (await bmc.eject()).status == 204
        assert (await bmc.get(await bmc.slot()))["Inserted"] is True
        assert (await bmc.eject()).status == 204
        assert (await bmc.get(await bmc.slot()))["Inserted"] is False


async def test_an_etag_race_is_412_and_changes_nothing(start: Start) -> None:
    region, bmc = await standing(start, fault("bmc.boot", "race", times=1))
    assert (await bmc.override()).status == 412
    assert (await bmc.truth())["override"] == "none"
    assert (await bmc.override()).status == 200
    assert await region.repeats() == 0


async def test_a_good_token_may_be_forgotten(start: Start) -> None:
    _, bmc = await standing(start)
    token = (await login(bmc)).headers["X-Auth-Token"]
    assert (await bmc.call("GET", f"{V1}/Systems", X_Auth_Token=token)).status == 200
    await bmc.region.fault(fault("bmc", "forget", times=1))
    for _ in range(2):
        answer = await bmc.call("GET", f"{V1}/Systems", X_Auth_Token=token)
        assert (answer.status, "WWW-Authenticate" in answer.headers) == (401, True)
    assert (await login(bmc)).status == 201


async def test_power_may_not_change_though_the_reset_was_taken(start: Start) -> None:
    region, bmc = await standing(start, fault("bmc.reset", "lie", times=1))
    assert (await bmc.reset("On")).status == 204
    assert (await bmc.truth())["power"] == "Off"
    entry = (await region.admin("GET", f"/sites/{SITE}/mutations")).body[0]
    assert (entry["intent"], entry["outcome"]) == ("bmc.reset", "refused")
    await bmc.reset("On")
    await bmc.reach(power="On")
    assert await region.repeats() == 0


async def test_a_power_on_after_the_power_off_may_conflict(start: Start) -> None:
    _, bmc = await standing(start, fault("bmc.reset", "conflict", times=1))
    answer = await bmc.reset("On")
    assert (answer.status, key(answer)) == (409, "ActionParameterValueConflict")
    assert (await bmc.reset("On")).status == 204


async def test_a_task_monitor_may_vanish_when_its_task_has_ended(start: Start) -> None:
    _, bmc = await standing(start, fault("bmc.update", "vanish", times=1))
    async with images() as server:
        body = {"ImageURI": f"{server.url}/NIC.1-23.0.0.bin"}
        path = f"{V1}/UpdateService/Actions/UpdateService.SimpleUpdate"
        answer = await bmc.call("POST", path, body)
    assert answer.status == 202
    monitor = answer.headers["Location"]
    await until(lambda: bmc.call("GET", monitor), lambda last: last.status == 404)


async def test_an_update_may_claim_what_it_has_not_done(start: Start) -> None:
    _, bmc = await standing(start, fault("bmc.update", "lie", times=1))
    async with images() as server:
        path = f"{V1}/UpdateService/Actions/UpdateService.SimpleUpdate"
        answer = await bmc.call("POST", path, {"ImageURI": f"{server.url}/Disk.0-9.1.bin"})
    task = f"{V1}/TaskService/Tasks/{answer.body['Id']}"
    await until(lambda: bmc.get(task), lambda last: last["TaskState"] == "Completed")
    assert (await bmc.truth())["firmware"]["Disk.0"] == "GDC7302Q"


async def test_a_bmc_that_restarts_itself_loses_its_answer_and_its_sessions(start: Start) -> None:
    _, bmc = await standing(start)
    token = (await login(bmc)).headers["X-Auth-Token"]
    await bmc.region.fault(fault("bmc.reset", "dark", seconds=60, times=1))
    with pytest.raises(aiohttp.ClientError):
        await bmc.reset("On")
    await bmc.reach(dark=True)
    await bmc.reach(dark=False)
    await bmc.reach(power="On")
    assert (await bmc.call("GET", f"{V1}/Systems", X_Auth_Token=token)).status == 401


async def test_others_may_take_all_sessions_and_give_them_back(start: Start) -> None:
    region, bmc = await standing(start, fault("bmc.session", "occupy"))
    answer = await login(bmc)
    assert (answer.status, key(answer)) == (503, "SessionLimitExceeded")
    assert (await bmc.call("GET", f"{V1}/Systems")).status == 200
    await region.admin("DELETE", "/faults")
    assert (await login(bmc)).status == 201


async def test_faults_of_bmcs_dictate_nothing_to_a_patch(start: Start) -> None:
    region, _ = await standing(start, fault("bmc", "fail"), fault("bmc.reset", "lie"))
    assert (await region.admin("GET", "/expected")).body[SITE] == "succeeded"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"site": "edge-0001/controller-7", "on": "bmc", "do": "fail"}, "no host of this region"),
        ({"site": HOST, "on": "vim.get", "do": "fail"}, "no site of this region"),
        ({"site": "sc-1", "on": "bmc", "do": "fail"}, "takes service faults only"),
        ({"site": SITE, "on": "bmc.eject", "do": "race"}, "does not go with"),
        ({"site": SITE, "on": "bmc.insert", "do": "fail", "mutating": True}, "goes only with"),
        ({"site": SITE, "on": "bmc.session", "do": "occupy", "times": 1}, "is a state"),
        ({"site": SITE, "on": "bmc.eject", "do": "stick", "seconds": 5}, "takes no time"),
    ],
)
async def test_what_cannot_be_meant_is_refused(start: Start, wrong: dict[str, Any], words: str) -> None:
    region = await start(*BARE)
    answer = await region.admin("POST", "/faults", wrong)
    assert answer.status == 400
    assert words in answer.body["error"]


async def test_a_region_without_bmcs_takes_no_faults_for_them(start: Start) -> None:
    region = await start("--no-bmcs")
    answer = await region.admin("POST", "/faults", fault("bmc", "fail"))
    assert (answer.status, "has no BMCs" in answer.body["error"]) == (400, True)
    host = region.document["sites"][0]["hosts"][0]
    assert set(host) == {"name", "personality", "bmc", "mac"}
