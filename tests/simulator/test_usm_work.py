"""What USM's work comes to: how it ends, what interrupts it, and what hosts run."""

import asyncio
import json
from pathlib import Path

import pytest

from simulator.cloud.releases import Dialect
from simulator.proof.faults import FaultError, parse
from simulator.proof.forecast import Forecast
from simulator.proof.upgrade_forecast import upgrade_seconds

from .usm_table import FAST, Usm, later, plant, until_rest


@pytest.fixture
def sx(tmp_path: Path) -> Usm:
    return Usm(tmp_path)


@pytest.fixture
def fast(tmp_path: Path) -> Usm:
    return Usm(tmp_path, speed=FAST)


# -- hosts --------------------------------------------------------------------------------------------


async def test_deploy_host_answers_when_the_agent_has(sx: Usm, tmp_path: Path) -> None:
    sx.in_state("start-done", sx.patch)
    reply = sx.ask("POST", "/deploy_host/controller-0")
    assert reply.later is not None
    assert not reply.later.done()
    (row,) = json.loads(sx.ask("GET", "/deploy_host").body)
    assert row["host_state"] == "deploying"
    fast = Usm(tmp_path, speed=FAST)
    fast.in_state("start-done", fast.patch)
    status, words = await later(fast.ask("POST", "/deploy_host/controller-0"))
    assert (status, words.splitlines()[1]) == (200, "Host deployment was successful on controller-0.")


async def test_an_in_service_release_runs_at_once_another_after_the_boot(fast: Usm) -> None:
    usm, host = fast.cloud.usm, fast.cloud.active
    fast.in_state("start-done", fast.patch)
    await later(fast.ask("POST", "/deploy_host/controller-0"))
    assert usm.of_host(host).release_id == fast.patch
    fast.in_state("start-done", fast.reboot_patch)
    fast.lock("controller-0")
    await later(fast.ask("POST", "/deploy_host/controller-0"))
    assert usm.of_host(host).release_id == min(usm.states)
    assert fast.cloud.alarms.standing("900.020")
    usm.booted(host)
    assert usm.of_host(host).release_id == fast.reboot_patch
    assert not fast.cloud.alarms.standing("900.020")


async def test_a_site_speaks_as_its_active_controller_does(tmp_path: Path) -> None:
    usm = Usm(tmp_path, "aio-dx", speed=FAST)
    usm.in_state("start-done", usm.major)
    first, second = usm.cloud.hosts
    usm.lock("controller-1")
    await later(usm.ask("POST", "/deploy_host/controller-1"))
    usm.cloud.usm.booted(second)
    assert (usm.cloud.dialect, usm.cloud.usm.of_host(second).version) == (Dialect.STX_12, "26.09")
    first.active, second.active = False, True
    usm.cloud.usm.spoken()
    assert usm.cloud.dialect is Dialect.NEXT
    assert usm.cloud.usm.version == "26.09"


async def test_a_failed_host_is_tried_again_and_that_is_no_repeat(fast: Usm) -> None:
    plant(fast, "edge-0001/controller-0", "usm.host", "fail", times=1)
    ended: list[tuple[str, str | None]] = []
    fast.cloud.hooks.life_ended = lambda thing, mark: ended.append((thing, mark))
    deployment = fast.in_state("start-done", fast.patch)
    failed = await later(fast.ask("POST", "/deploy_host/controller-0"))
    assert failed == (406, "Host deployment failed on controller-0.\n")
    assert (deployment.state, deployment.hosts["controller-0"]) == ("host-failed", "failed")
    assert fast.cloud.alarms.standing("900.021")
    assert ended == [("usm", "usm.deploy_host:controller-0")]
    assert (await later(fast.ask("POST", "/deploy_host/controller-0")))[0] == 200
    assert deployment.state == "host-done"
    assert not fast.cloud.alarms.standing("900.021")


async def test_a_host_on_its_way_back_may_fail_as_well(fast: Usm) -> None:
    plant(fast, "edge-0001", "usm.rollback", "fail", times=1)
    deployment = fast.in_state("host-rollback", fast.patch)
    assert (await later(fast.ask("POST", "/deploy_host/controller-0/rollback")))[0] == 406
    assert (deployment.state, deployment.hosts["controller-0"]) == ("host-rollback-failed", "rollback-failed")
    assert (await later(fast.ask("POST", "/deploy_host/controller-0/rollback")))[0] == 200
    assert deployment.state == "host-rollback-done"


# -- the whole ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "before", "path", "failed", "done"),
    [
        ("usm.activate", "host-done", "/deploy/activate", "activate-failed", "activate-done"),
        (
            "usm.activate_rollback",
            "activate-rollback-pending",
            "/deploy/activate_rollback",
            "activate-rollback-failed",
            "activate-rollback-done",
        ),
    ],
)
async def test_work_that_fails_may_be_done_again(
    fast: Usm, point: str, before: str, path: str, failed: str, done: str
) -> None:
    plant(fast, "edge-0001", point, "fail", times=1)
    fast.in_state(before)
    assert fast.ask("POST", path, {}).status == 200
    assert await until_rest(fast, failed, done) == failed
    assert fast.ask("POST", path, {}).status == 200
    assert await until_rest(fast, done) == done


async def test_a_start_that_fails_is_deleted_and_the_release_is_available_again(fast: Usm) -> None:
    plant(fast, "edge-0001", "usm.start", "fail", times=1)
    assert fast.start(fast.patch).status == 200
    assert await until_rest(fast, "start-failed", "start-done") == "start-failed"
    assert fast.ask("DELETE", "/deploy").status == 200
    assert fast.cloud.usm.states[fast.patch] == "available"


@pytest.mark.parametrize(
    ("point", "state", "path", "status"),
    [
        ("usm.complete", "activate-done", "/deploy/complete", 500),
        ("usm.abort", "host-done", "/deploy/abort", 500),
        ("usm.delete", "completed", "", 406),
    ],
)
async def test_what_ends_at_once_fails_without_an_effect(
    sx: Usm, point: str, state: str, path: str, status: int
) -> None:
    plant(sx, "edge-0001", point, "fail", times=1)
    deployment = sx.in_state(state)
    method = "POST" if path else "DELETE"
    assert sx.ask(method, path or "/deploy", {}).status == status
    assert deployment.state == state
    assert sx.ask(method, path or "/deploy", {}).status == 200


@pytest.mark.parametrize(
    ("state", "hosts", "twin"),
    [
        ("start", "pending", "start-failed"),
        ("activate", "deployed", "activate-failed"),
        ("activate-rollback", "rollback-pending", "activate-rollback-failed"),
        ("host", "deploying", "host-failed"),
        ("host-rollback", "rollback-deploying", "host-rollback-failed"),
    ],
)
async def test_a_service_that_starts_anew_fails_what_was_under_way(
    sx: Usm, state: str, hosts: str, twin: str
) -> None:
    deployment = sx.in_state(state, controller_0=hosts)
    plant(sx, "edge-0001", "usm", "restart")
    assert deployment.state == twin
    assert sx.cloud.usm.silent


@pytest.mark.parametrize("state", ["start-done", "host-done", "activate-done", "completed"])
async def test_a_service_that_starts_anew_leaves_what_rests(sx: Usm, state: str) -> None:
    deployment = sx.in_state(state)
    sx.cloud.usm.restart()
    assert deployment.state == state


async def test_a_reboot_of_the_active_controller_interrupts_its_own_deployment(sx: Usm) -> None:
    deployment = sx.in_state("host", controller_0="deploying")
    sx.cloud.usm.booted(sx.cloud.active)
    assert (deployment.state, deployment.hosts["controller-0"]) == ("host-failed", "failed")


async def test_an_attempt_that_was_interrupted_does_not_end_the_next_one(tmp_path: Path) -> None:
    usm = Usm(tmp_path)
    usm.in_state("host-done")
    ends: list[str] = []
    usm.cloud.usm.activate(0.0, lambda: ends.append("first"))
    usm.cloud.usm.restart()
    usm.cloud.usm.activate(1.0)
    async with asyncio.timeout(20):
        while not ends:
            await asyncio.sleep(0)
    assert usm.cloud.usm.deployment is not None
    assert usm.cloud.usm.deployment.state == "activate"


# -- faults and time ---------------------------------------------------------------------------------


def test_a_fault_of_one_host_names_a_host_that_can_be() -> None:
    def fault(site: str, on: str = "usm.host") -> str:
        return parse({"site": site, "on": on, "do": "fail"}, ["edge-0001"], "sc-1").site

    assert fault("edge-0001/controller-1") == "edge-0001/controller-1"
    assert fault("sc-1/controller-0", "usm.rollback") == "sc-1/controller-0"
    assert fault("sc-1", "usm.activate") == "sc-1"
    for site, on in (
        ("edge-0001/controller-1", "usm.activate"),
        ("edge-0001/desk-1", "usm.host"),
        ("edge-0009/controller-1", "usm.host"),
    ):
        with pytest.raises(FaultError, match="site"):
            fault(site, on)


async def test_the_system_controller_has_a_deployment_of_its_own(tmp_path: Path) -> None:
    usm = Usm(tmp_path, speed=FAST)
    controller = usm.of(usm.region.controller).cloud
    assert [host.name for host in controller.hosts] == ["controller-0", "controller-1"]
    assert controller.usm.running == usm.reboot_patch
    assert usm.start(usm.major).status == 200
    await until_rest(usm, "start-done")
    (site,) = usm.region.sites.values()
    assert site.usm.deployment is None
    for name in ("controller-1", "controller-0"):
        usm.lock(name)
        assert (await later(usm.ask("POST", f"/deploy_host/{name}")))[0] == 200
        host = controller.host(name)
        assert host is not None
        controller.usm.booted(host)
    usm.lock()
    usm.ask("POST", "/deploy/activate", {})
    await until_rest(usm, "activate-done")
    usm.ask("POST", "/deploy/complete", {})
    assert usm.ask("DELETE", "/deploy").status == 200
    assert (controller.usm.running, controller.dialect) == (usm.major, Dialect.NEXT)


async def test_a_controller_may_be_on_the_major_release_before_its_sites(tmp_path: Path) -> None:
    usm = Usm(tmp_path, major="controller")
    controller = usm.region.controller
    assert (controller.usm.running, controller.dialect) == (usm.major, Dialect.NEXT)
    assert (usm.cloud.usm.version, usm.cloud.dialect) == ("26.03", Dialect.STX_12)
    assert usm.cloud.usm.states[usm.major] == "available"


# -- how long -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topology", "release", "reboots", "swacts"),
    [
        ("aio-sx", "starlingx-26.03.1", 0, 0),
        ("aio-sx", "starlingx-26.03.2", 1, 0),
        ("aio-dx", "starlingx-26.03.1", 0, 0),
        ("aio-dx", "starlingx-26.03.2", 2, 1),
        ("aio-dx", "starlingx-26.09.0", 2, 2),
    ],
)
def test_the_ideal_of_an_upgrade_counts_reboots_and_swacts(
    tmp_path: Path, topology: str, release: str, reboots: int, swacts: int
) -> None:
    usm = Usm(tmp_path, topology)
    parts, pace = upgrade_seconds(usm.cloud, release), usm.cloud.durations
    assert parts["reboots"] == reboots * (pace.lock + pace.reboot)
    assert parts["swacts"] == swacts * pace.swact
    twice = 2.0 if release.endswith("26.09.0") else 1.0
    assert parts["start"] == twice * 0.25 * pace.apply
    assert parts["ideal"] == sum(seconds for part, seconds in parts.items() if part != "ideal")
    clock = usm.region.clock
    drawn = Forecast(usm.region, "upgrade", release).durations()["edge-0001"]
    assert drawn["ideal"] == clock.wall(parts["ideal"])
