"""A mutation arrives once, whatever becomes of its answer; and the library alone would send it again."""

import asyncio
from typing import Any

import pytest
import redfish
from redfish.rest.v1 import RetriesExhaustedError

from activities.errors import ActivityFailure
from models.bmc import BootOverride, InsertRequest, OverrideRequest, PowerRequest
from tests.activities.redfish.house import HOST, House
from tests.activities.redfish.scripted import DRIVE, INSERT, RESET, SYSTEM, Scripted, slow

ON = PowerRequest(on=HOST, want="On", kinds=("On",))
LATE = 2.0
"""Seconds; the client gives up after one."""


async def failure_of(home: House, activity: Any, request: Any) -> ActivityFailure:
    with pytest.raises(ActivityFailure) as failure:
        await home.run(activity, request)
    return failure.value


async def test_an_answer_that_comes_late_is_seen_by_its_effect(home: House, own_bmc: Scripted) -> None:
    own_bmc.answers[f"POST {RESET}"].append(slow(LATE))
    step = await home.run(home.acts.set_power, ON)
    assert step.did
    assert own_bmc.count(f"POST {RESET}") == 1
    assert own_bmc.system["PowerState"] == "On"


async def test_the_library_left_to_itself_sends_a_late_post_again(own_bmc: Scripted) -> None:
    own_bmc.answers[f"POST {RESET}"] += [slow(LATE)] * 3

    def post() -> None:
        client = redfish.redfish_client(base_url=own_bmc.url, timeout=1, max_retry=2)
        client.set_authorization_key("Basic x")
        with pytest.raises(RetriesExhaustedError):
            client.post(RESET, body={"ResetType": "On"})

    await asyncio.to_thread(post)
    assert own_bmc.count(f"POST {RESET}") == 3


async def test_a_request_without_effect_is_given_up_only_after_the_settle_time(
    home: House, own_bmc: Scripted
) -> None:
    """503 says nothing of whether it was applied; it was not, and the next attempt sends it."""
    own_bmc.answers[f"POST {RESET}"].append((503, "Base.1.8.ServiceTemporarilyUnavailable", "busy"))
    began = asyncio.get_running_loop().time()
    failure = await failure_of(home, home.acts.set_power, ON)
    assert failure.type == "Transient"
    assert "no answer to on, and no effect of it" in failure.message
    assert asyncio.get_running_loop().time() - began >= 60 / home.visits.timing.pace
    assert own_bmc.count(f"POST {RESET}") == 1
    assert (await home.run(home.acts.set_power, ON)).did
    assert own_bmc.count(f"POST {RESET}") == 2


async def test_nothing_is_sent_when_looking_took_too_long(home: House, own_bmc: Scripted) -> None:
    """An attempt that Temporal has replaced meanwhile must not send any more."""
    timing = home.visits.timing.model_copy(update={"send_window_s": 0.05})
    home.visits.timing = timing
    own_bmc.answers[f"GET {SYSTEM}"].append(slow(0.5))
    failure = await failure_of(home, home.acts.set_power, ON)
    assert failure.type == "Transient"
    assert "nothing was sent" in failure.message
    assert own_bmc.count(f"POST {RESET}") == 0


async def test_one_that_refuses_the_connection_was_sent_nothing(home: House, own_bmc: Scripted) -> None:
    declared = home.host["bmc"] | {"address": "http://127.122.0.1:9"}
    home.declare(**home.host | {"bmc": declared})
    failure = await failure_of(home, home.acts.set_power, ON)
    assert failure.type == "Transient"
    assert "Connection refused" in failure.message
    assert own_bmc.arrived == []


async def test_an_insert_whose_answer_is_lost_is_not_repeated(home: House, own_bmc: Scripted) -> None:
    own_bmc.answers[f"POST {INSERT}"].append(slow(LATE))
    request = InsertRequest(on=HOST, slot=DRIVE, image="http://192.0.2.1/a/boot.iso")
    assert (await home.run(home.acts.insert_medium, request)).did
    assert not (await home.run(home.acts.insert_medium, request)).did
    assert own_bmc.count(f"POST {INSERT}") == 1


async def test_a_redirected_mutation_is_not_followed(home: House, own_bmc: Scripted) -> None:
    own_bmc.answers[f"POST {RESET}"].append((307, "", "elsewhere"))
    failure = await failure_of(home, home.acts.set_power, ON)
    assert failure.type == "Refused"
    assert "redirects to /redfish/v1/elsewhere, which is not followed" in failure.message
    assert [each for each in own_bmc.arrived if each.startswith("POST /redfish/v1/Sys")] == [f"POST {RESET}"]


async def test_two_requests_never_meet_at_one_bmc(home: House, own_bmc: Scripted) -> None:
    """Not even those of an activity that nobody waits for any more."""
    own_bmc.answers[f"PATCH {SYSTEM}"].append(slow(0.8))
    override = OverrideRequest(on=HOST, wanted=BootOverride(enabled="Once", target="Cd"))
    first = asyncio.create_task(home.run(home.acts.override_boot, override))
    while not own_bmc.count(f"PATCH {SYSTEM}"):
        await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert own_bmc.sessions, "the first one's thread is still at work"
    await home.run(home.acts.set_power, ON)
    assert own_bmc.opened == 2
    closed = own_bmc.arrived.index("DELETE /redfish/v1/SessionService/Sessions/token-1")
    assert closed < len(own_bmc.arrived) - 1 - own_bmc.arrived[::-1].index(f"POST {RESET}")
    assert own_bmc.sessions == set()
