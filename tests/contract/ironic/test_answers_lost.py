"""What we send arrives once, whatever becomes of its answer; and the libraries alone would send it again."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ironicclient.v1.client import Client as Library
from keystoneauth1.exceptions import ConnectTimeout
from keystoneauth1.noauth import NoAuth
from keystoneauth1.session import Session

from activities.ironic.states import SETTLE
from models.ironic import EnrollNodeRequest, MoveNodeRequest
from models.timing import Timing
from tests.contract.ironic.between import CREATE, LOOK, PROVISION, Wire, dropped, late, lost, says, wire
from tests.contract.ironic.journey import enroll, refused
from tests.support.ironic import Ironic
from tests.support.ironic_house import PACE, IronicHouse, ironic_house

LATE = 2.0
"""Seconds; the client gives up after one."""
TIMING = Timing(pace=PACE, request_timeout_s=1)


@pytest.fixture
async def between(server: Ironic) -> AsyncIterator[Wire]:
    async with wire(server.url) as running:
        yield running


@pytest.fixture
async def far(between: Wire, tmp_path: Path) -> AsyncIterator[IronicHouse]:
    """Ironic at the other end of the wire."""
    declared = {"url": between.url, "driver": "fake-hardware"}
    site = tmp_path.name.replace("_", "-")
    async with ironic_house(tmp_path, declared, site=site, timing=TIMING) as house:
        yield house


async def managing(house: IronicHouse) -> MoveNodeRequest:
    await enroll(house)
    return MoveNodeRequest(on=house.on, verb="manage", since=(await house.look()).stamp)


@pytest.mark.parametrize("fault", [lost, late(LATE)], ids=["lost", "late"])
async def test_a_move_whose_answer_does_not_come_is_seen_by_its_effect(
    far: IronicHouse, between: Wire, fault: object
) -> None:
    request = await managing(far)
    between.faults[PROVISION].append(fault)
    assert (await far.run(far.acts.move_node, request)).did
    assert (await far.wait("manageable")).how == "so"
    assert between.count(PROVISION) == 1


async def test_the_library_left_to_itself_sends_a_late_one_again(far: IronicHouse, between: Wire) -> None:
    await enroll(far)
    between.faults[PROVISION] += [late(LATE)] * 2

    def manage() -> None:
        session = Session(auth=NoAuth(endpoint=between.url), timeout=1)
        library = Library(session=session, os_ironic_api_version="1.82", max_retries=1, retry_interval=0)
        with pytest.raises(ConnectTimeout):
            library.node.set_provision_state(far.node, "manage")
        session.session.close()

    await asyncio.to_thread(manage)
    assert between.count(PROVISION) == 2


async def test_a_move_that_never_arrived_is_given_up_after_the_settle_time_and_then_sent(
    far: IronicHouse, between: Wire
) -> None:
    request = await managing(far)
    between.faults[PROVISION].append(dropped)
    began = asyncio.get_running_loop().time()
    failed = await refused(far, far.acts.move_node, request)
    assert asyncio.get_running_loop().time() - began >= SETTLE.total_seconds() / PACE
    assert (failed.type, "no answer to manage, and no effect of it" in failed.message) == ("Transient", True)
    assert between.count(PROVISION) == 1
    assert (await far.run(far.acts.move_node, request, attempt=2)).did
    assert between.count(PROVISION) == 2


async def test_an_enrolment_whose_answer_is_lost_makes_one_node(
    far: IronicHouse, between: Wire, server: Ironic
) -> None:
    between.faults[CREATE].append(lost)
    assert (await enroll(far)).did
    assert not (await far.run(far.acts.enroll_node, EnrollNodeRequest(on=far.on), attempt=2)).did
    assert between.count(CREATE) == 1
    names = [node["name"] for node in server.ask("GET", "/v1/nodes")["nodes"]]
    assert names.count(far.node) == 1


async def test_a_conductor_without_a_free_worker_is_believed_at_once(far: IronicHouse, between: Wire) -> None:
    request = await managing(far)
    words = "Requested action cannot be performed due to lack of free conductor workers."
    between.faults[PROVISION].append(says(503, words))
    began = asyncio.get_running_loop().time()
    failed = await refused(far, far.acts.move_node, request)
    assert (failed.type, words in failed.message) == ("Transient", True)
    assert asyncio.get_running_loop().time() - began < SETTLE.total_seconds() / PACE


async def test_nothing_is_sent_when_looking_took_too_long(far: IronicHouse, between: Wire) -> None:
    """An attempt that Temporal has replaced meanwhile must not send any more."""
    request = await managing(far)
    far.services.timing = TIMING.model_copy(update={"send_window_s": 0.05})
    between.faults[LOOK].append(late(0.5))
    failed = await refused(far, far.acts.move_node, request)
    assert (failed.type, "nothing was sent" in failed.message) == ("Transient", True)
    assert between.count(PROVISION) == 0


async def test_a_redirect_is_not_followed(far: IronicHouse, between: Wire) -> None:
    request = await managing(far)
    elsewhere = f"{between.url}/elsewhere"
    between.faults[PROVISION].append(says(302, Location=elsewhere))
    failed = await refused(far, far.acts.move_node, request)
    assert (failed.type, f"redirects to {elsewhere}" in failed.message) == ("Refused", True)
    assert [name for name in between.arrived if "elsewhere" in name] == []


async def test_an_api_that_is_too_old_is_told_so(far: IronicHouse, between: Wire) -> None:
    limits = {
        "X-OpenStack-Ironic-API-Minimum-Version": "1.1",
        "X-OpenStack-Ironic-API-Maximum-Version": "1.58",
    }
    between.faults["GET /v1"].append(says(200, **limits))
    failed = await refused(far, far.looks.look_at_node, far.on)
    assert failed.type == "Refused"
    assert "speaks API 1.1 to 1.58; 1.78 or 1.82 is needed" in failed.message


async def test_a_wait_outlasts_a_silence_and_ends_a_long_one(far: IronicHouse, between: Wire) -> None:
    await managing(far)
    between.faults[LOOK] += [dropped, says(503), dropped]
    assert (await far.wait("enroll")).how == "so"
    between.faults[LOOK] += [dropped] * 99
    end = await far.wait("enroll", silence="30s")
    assert (end.how, "/v1/nodes/" in end.words) == ("silent", True)


async def test_the_password_of_a_bmc_is_in_no_log(
    between: Wire, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = tmp_path / "bmc"
    secret.touch(mode=0o600)
    secret.write_text("hunter2 of the BMC")
    bmc = {"address": "https://192.0.2.1", "credential": {"username": "root", "password": "file:bmc"}}
    declared = {"url": between.url, "boot_mode": "bios"}
    async with ironic_house(tmp_path, declared, site="logged", timing=TIMING, bmc=bmc) as house:
        await enroll(house)
        await house.run(house.acts.delete_node, house.on)
        between.faults[CREATE].append(says(400, "bad: hunter2 of the BMC"))
        failed = await refused(house, house.acts.enroll_node, EnrollNodeRequest(on=house.on))
    assert "bad: ***" in failed.message
    assert "hunter2" not in caplog.text
    stock = Session(auth=NoAuth(endpoint=between.url))
    await asyncio.to_thread(stock.post, f"{between.url}/v1/nodes", json={"name": "hunter2"}, raise_exc=False)
    stock.session.close()
    assert "hunter2" in caplog.text, "the session's own way"
