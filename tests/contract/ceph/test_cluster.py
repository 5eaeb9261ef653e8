"""The activities on a Ceph, real and simulated: what they read, what they set, the verdict at each moment."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from activities.ceph.commands import MARK, Command
from activities.ceph.errors import Said
from activities.ceph.reading import send
from activities.errors import Refused
from models.ceph import (
    AwaitCephRequest,
    AwaitOsdsRequest,
    CephEnd,
    CephExpectation,
    CephHost,
    CephHostRef,
    CephRef,
    CephSample,
    CephVerdict,
    NooutRequest,
    NooutStep,
    StopRequest,
)
from rules.ceph import destroy_verdict, judged, stop_verdict
from tests.contract.ceph.targets import SITE, Target, run

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

RUN, EARLIER = "6f6a3e0e-run", "0aa1b2c3-earlier"
OURS = CephExpectation(flags=("noout",), after_our_own=True)


async def look(target: Target) -> CephSample:
    sample: CephSample = await run(target.looks.look_at_ceph, CephRef(site=SITE))
    return sample


async def until(target: Target, how: str, word: str) -> CephVerdict:
    """The first verdict that is so."""
    deadline = time.monotonic() + 30
    while True:
        verdict = judged(await look(target), OURS)
        if verdict.how == how and word in verdict.why:
            return verdict
        assert time.monotonic() < deadline, verdict


async def epoch(target: Target) -> int:
    """Counts every change of flags."""
    number: int = (await target.admin("osd dump"))["epoch"]
    return number


async def kept(target: Target) -> dict[str, str]:
    """What the monitors keep for us."""
    found: dict[str, str] = await target.admin("config-key dump", MARK)
    return found


@pytest_asyncio.fixture(loop_scope="module")
async def noout(target: Target) -> AsyncIterator[NooutRequest]:
    yield NooutRequest(site=SITE, fsid=(await look(target)).fsid, run_id=RUN)
    await target.admin("osd unset", "noout")
    await target.admin("config-key rm", MARK)


async def test_a_healthy_cluster_is_read_as_one(target: Target) -> None:
    sample = await look(target)
    assert judged(sample, CephExpectation(osds=len(target.osds))).how == "good"
    assert judged(sample, CephExpectation(osds=len(target.osds) + 1)).how == "block"
    assert (sample.osds, sample.down, sample.pools) == (target.osds, (), target.pools)
    assert (sample.monitors, sample.quorum) == (len(target.monitors), target.monitors)
    assert sum(sample.pgs.values()) == sample.groups == target.groups
    assert all(state.startswith("active+clean") for state in sample.pgs)
    assert sample.manager


async def test_all_osds_that_stop_together_are_asked_for_together(target: Target) -> None:
    async def verdict(*osds: int) -> CephVerdict:
        answer = await run(target.looks.may_stop_osds, StopRequest(site=SITE, osds=osds))
        return stop_verdict(answer, osds)

    assert (await verdict(0)).how == (await verdict(1)).how == "good"
    together = await verdict(0, 1)
    assert together.how == "block"
    assert "osd.0, osd.1 may not stop" in together.why


async def test_an_osd_that_does_not_exist_may_not_stop_although_ceph_says_so(target: Target) -> None:
    request = StopRequest(site=SITE, osds=(0, 99))
    answer = await run(target.looks.may_stop_osds, request)
    assert answer.ok
    assert stop_verdict(answer, request.osds).why == "osd.99: the cluster has none of that number"


async def test_an_osd_in_use_is_not_safe_to_destroy_although_the_return_code_is_0(target: Target) -> None:
    answer = await run(target.looks.may_destroy_osds, StopRequest(site=SITE, osds=(0,)))
    verdict = destroy_verdict(answer, (0,))
    assert (verdict.how, verdict.why) == ("block", "osd.0 not safe to destroy: osd.0 in use")


async def test_a_command_that_does_not_exist_is_refused_in_cephs_words(target: Target) -> None:
    async with target.ways.opened(SITE) as port:
        with pytest.raises(Said, match=r"EINVAL .*Error EINVAL: invalid command"):
            await send(port, Command("bogus command"))


async def test_a_host_is_known_by_where_its_osds_ran(target: Target) -> None:
    found: CephHost = await run(target.looks.look_at_ceph_host, CephHostRef(site=SITE, host=target.host))
    assert (found.declared, found.osds, found.mark) == (True, target.of_host, "")
    assert found.monitor is target.has_monitor
    assert found.stop is not None
    assert found.stop.ok is (len(target.of_host) == 1)
    other = await run(target.looks.look_at_ceph_host, CephHostRef(site=SITE, host="elsewhere"))
    assert (other.declared, other.osds, other.monitor, other.stop) == (True, (), False, None)


async def test_noout_is_set_once_and_unset_once(target: Target, noout: NooutRequest) -> None:
    before = await epoch(target)
    assert await run(target.flags.set_noout, noout) == NooutStep(did=True, is_set=True, mark=RUN)
    assert await kept(target) == {MARK: RUN}
    sample = await look(target)
    assert judged(sample, CephExpectation()).why == "noout is set, and not by us"
    assert judged(sample, CephExpectation(flags=("noout",))).how == "good"

    again = await run(target.flags.set_noout, noout, attempt=2)
    assert again == NooutStep(did=True, is_set=True, mark=RUN, attempt=2)
    assert not (await run(target.flags.set_noout, noout)).did
    assert await epoch(target) == before + 1

    assert await run(target.flags.unset_noout, noout) == NooutStep(did=True, is_set=False)
    again = await run(target.flags.unset_noout, noout, attempt=2)
    assert again == NooutStep(did=True, is_set=False, attempt=2)
    assert (await epoch(target), await kept(target)) == (before + 2, {})


async def test_noout_of_somebody_else_stays_and_ends_a_wait(target: Target, noout: NooutRequest) -> None:
    await target.admin("osd set", "noout")
    with pytest.raises(Refused, match="noout is set, and not by us; nothing was sent"):
        await run(target.flags.set_noout, noout)
    assert await run(target.flags.unset_noout, noout) == NooutStep(did=False, is_set=True)
    assert ("noout" in (await look(target)).flags, await kept(target)) == (True, {})
    end: CephEnd = await run(target.looks.await_ceph, AwaitCephRequest(site=SITE))
    assert (end.how, end.words) == ("blocked", "noout is set, and not by us")


async def test_noout_of_an_earlier_run_of_ours_is_ours(target: Target, noout: NooutRequest) -> None:
    await run(target.flags.set_noout, noout.model_copy(update={"run_id": EARLIER}))
    found = await run(target.looks.look_at_ceph_host, CephHostRef(site=SITE, host=target.host))
    assert found.mark == EARLIER
    before = await epoch(target)
    assert await run(target.flags.set_noout, noout) == NooutStep(did=True, is_set=True, mark=RUN)
    assert await epoch(target) == before, "the flag was not sent again"
    assert await kept(target) == {MARK: RUN}
    await run(target.flags.unset_noout, noout.model_copy(update={"run_id": "a third one"}))
    assert "noout" not in (await look(target)).flags


async def test_a_mark_without_its_flag_is_taken_away(target: Target, noout: NooutRequest) -> None:
    """Its run was ended between the two."""
    await target.admin("config-key set", MARK, EARLIER)
    before = await epoch(target)
    assert (await run(target.flags.unset_noout, noout)).did
    assert (await epoch(target), await kept(target)) == (before, {})


async def test_another_cluster_is_not_touched(target: Target, noout: NooutRequest) -> None:
    before = await epoch(target)
    other = noout.model_copy(update={"fsid": "9a1b6b0e-0000-0000-0000-000000000000"})
    with pytest.raises(Refused, match="nothing was sent"):
        await run(target.flags.set_noout, other)
    assert (await epoch(target), await kept(target)) == (before, {})


async def test_a_host_of_ours_reboots_under_noout(target: Target, noout: NooutRequest) -> None:
    """The gate's verdict at each moment: good, waiting, nobody else may go, steadily good again."""
    assert (await run(target.flags.set_noout, noout)).did
    assert judged(await look(target), OURS).how == "good"
    victim, other = target.victim, 1 - target.victim
    await target.down()
    try:
        assert f"osd.{victim} down" in (await until(target, "wait", "OSD_DOWN")).why
        answer = await run(target.looks.may_stop_osds, StopRequest(site=SITE, osds=(other,)))
        assert stop_verdict(answer, (other,)).why == f"osd.{other} may not stop while osd.{victim} is down"
        request = AwaitCephRequest(site=SITE, expected=OURS, within=timedelta(0))
        late: CephEnd = await run(target.looks.await_ceph, request)
        assert (late.how, late.sample is not None) == ("late", True)
        not_up = AwaitOsdsRequest(site=SITE, osds=(victim,), within=timedelta(0))
        end: CephEnd = await run(target.looks.await_osds, not_up)
        assert (end.how, end.words) == ("late", f"osd.{victim} not up")
    finally:
        await target.back()
    up = AwaitOsdsRequest(site=SITE, osds=(victim,))
    assert (await run(target.looks.await_osds, up)).how == "so"
    back = asyncio.get_running_loop().time()
    steady = AwaitCephRequest(site=SITE, expected=OURS, steady=timedelta(seconds=5))
    end = await run(target.looks.await_ceph, steady)
    assert end.how == "so", end
    held = asyncio.get_running_loop().time() - back
    assert held >= target.timing.paced(timedelta(seconds=5)).total_seconds(), "good at once proves nothing"
    assert (await run(target.flags.unset_noout, noout)).did
