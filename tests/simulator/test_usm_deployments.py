"""USM over HTTP: lost answers, silence, refusals, what the ledger calls a repeat, and the VIM beside it."""

import aiohttp
import pytest

from .conftest import PATCH, REBOOT_PATCH, Answer, Site, Start, until

HOST = "/deploy_host/controller-0"


async def usm(site: Site, method: str, path: str) -> Answer:
    return await site.call(method, 5498, f"/v1{path}", None if method == "GET" else {})


async def state(site: Site) -> str | None:
    rows = (await usm(site, "GET", "/deploy")).body
    return rows[0]["state"] if rows else None


async def reach(site: Site, *states: str | None) -> str | None:
    return await until(lambda: state(site), lambda found: found in states)


async def test_each_call_may_be_lost_refused_or_silenced(start: Start) -> None:
    region = await start("--no-bmcs")
    site = await region.site()
    for on, do in (
        ("usm.start", "drop-before"),
        ("usm.host", "refuse"),
        ("usm.activate", "drop-after"),
        ("usm.complete", "drop-after"),
    ):
        await region.fault({"site": "edge-0001", "on": on, "do": do, "times": 1})
    with pytest.raises(aiohttp.ClientError):
        await usm(site, "POST", f"/deploy/{PATCH}/start")
    assert await state(site) is None
    assert (await usm(site, "POST", f"/deploy/{PATCH}/start")).status == 200
    await reach(site, "start-done")
    refused = await usm(site, "POST", HOST)
    assert (refused.status, refused.headers["Content-Type"]) == (406, "text/html; charset=UTF-8")
    assert await state(site) == "start-done"
    assert (await usm(site, "POST", HOST)).status == 200
    with pytest.raises(aiohttp.ClientError):
        await usm(site, "POST", "/deploy/activate")
    await reach(site, "activate-done")
    with pytest.raises(aiohttp.ClientError):
        await usm(site, "POST", "/deploy/complete")
    assert await state(site) == "completed"
    assert await region.repeats() == 0
    assert (await usm(site, "POST", "/deploy/complete")).status == 406
    assert await region.repeats() == 1  # the negative control: it was applied though the answer was lost
    assert (await usm(site, "DELETE", "/deploy")).status == 200
    assert (await site.truth())["usm"]["releases"][PATCH] == "deployed"


async def test_a_start_may_leave_the_site_dark(start: Start) -> None:
    region = await start("--no-bmcs")
    site = await region.site()
    await region.fault({"site": "edge-0001", "on": "usm.start", "do": "dark", "seconds": 30, "times": 1})
    with pytest.raises(aiohttp.ClientError):
        await usm(site, "POST", f"/deploy/{PATCH}/start")

    async def seen() -> str | None:
        try:
            return await state(site)
        except aiohttp.ClientError:
            return "silent"

    await until(seen, lambda found: found == "start-done")


async def test_while_usm_restarts_the_rest_of_the_site_answers(start: Start) -> None:
    region = await start("--no-bmcs", speed=1)
    site = await region.site()
    assert (await usm(site, "POST", f"/deploy/{PATCH}/start")).status == 200
    await region.fault({"site": "edge-0001", "on": "usm", "do": "restart"})
    with pytest.raises(aiohttp.ClientError):
        await state(site)
    assert (await site.sysinv("GET", "/v1/ihosts")).status == 200
    assert (await site.truth())["usm"]["deployment"]["state"] == "start-failed"


async def test_the_vim_goes_on_with_a_deployment_and_takes_it_back(start: Start) -> None:
    region = await start("--no-bmcs")
    site = await region.site()
    await usm(site, "POST", f"/deploy/{REBOOT_PATCH}/start")
    await reach(site, "start-done")
    await site.create(REBOOT_PATCH, delete=False)
    await site.reach("ready-to-apply")
    stages = (await site.vim("GET")).body["strategy"]["apply-phase"]["stages"]
    assert stages[0]["stage-name"] == "sw-upgrade-worker-hosts"
    await site.apply()
    await site.reach("applied")
    assert await state(site) == "completed"
    await site.vim("DELETE")
    body = {"delete": False, "rollback": True}
    await site.create("", **body)
    await site.reach("ready-to-apply")
    await site.apply()
    assert await site.reach("applied", "apply-failed") == "applied"
    truth = await site.truth()
    assert (truth["usm"]["deployment"], truth["usm"]["releases"][REBOOT_PATCH]) == (None, "available")
    assert truth["hosts"][0]["administrative"] == "unlocked"


async def test_a_start_beside_a_strategy_is_usms_own_affair(start: Start) -> None:
    region = await start("--no-bmcs")
    site = await region.site()
    await site.create(PATCH)
    await site.reach("ready-to-apply")
    assert (await usm(site, "POST", f"/deploy/{REBOOT_PATCH}/start")).status == 200
    await reach(site, "start-done")
    await site.vim("DELETE")
    await site.create(PATCH)
    await site.reach("build-failed")
    reason = (await site.vim("GET")).body["strategy"]["build-phase"]["reason"]
    assert reason == f"Software deployment of {REBOOT_PATCH} is in progress"
