"""sysinv, USM and FM of one site, driven by hand instead of by a strategy."""

import json
from typing import Any

from .conftest import PATCH, REBOOT_PATCH, Answer, Site, Start, until


def words(answer: Answer) -> Any:
    """The faultstring inside sysinv's doubly encoded error."""
    return json.loads(answer.body["error_message"])["faultstring"]


async def usm(site: Site, method: str, path: str) -> Answer:
    return await site.call(method, 5498, f"/v1{path}", {} if method == "POST" else None)


async def deployment(site: Site) -> str | None:
    rows = (await usm(site, "GET", "/deploy")).body
    return rows[0]["state"] if rows else None


async def available(site: Site, host: str) -> None:
    await until(
        site.truth,
        lambda truth: all(
            row["availability"] == "available" for row in truth["hosts"] if row["name"] == host
        ),
    )


async def test_an_accepted_lock_shows_the_task_before_the_state(start: Start) -> None:
    site = await (await start("--topology", "aio-dx")).site()
    answer = await site.act("controller-1", "lock")
    assert (answer.status, answer.body["administrative"], answer.body["task"]) == (200, "unlocked", "Locking")
    assert (answer.body["ihost_action"], answer.body["action"]) == ("lock", "none")
    assert (answer.body["mgmt_ip"], answer.body["capabilities"]) == (None, {})
    host = await until(lambda: site.host("controller-1"), lambda row: row["administrative"] == "locked")
    assert (host["operational"], host["availability"], host["task"]) == ("disabled", "online", "")
    alarms = {row["alarm_id"] for row in (await site.call("GET", 18003, "/v1/alarms")).body["alarms"]}
    assert alarms == {"200.001", "400.002"}
    await site.act("controller-1", "unlock")
    await until(lambda: site.host("controller-1"), lambda row: row["availability"] == "intest")
    await available(site, "controller-1")
    await until(site.truth, lambda truth: truth["alarms"] == [])


async def test_host_checks_come_in_sysinvs_order_with_its_words(start: Start) -> None:
    site = await (await start("--topology", "aio-dx", speed=1)).site()
    assert words(await site.act("controller-0", "lock")) == (
        "controller-0 : Rejected: Can not lock an active controller."
    )
    assert words(await site.act("controller-1", "unlock")) == (
        "Avoiding 'unlock' action on already 'unlocked' host controller-1"
    )
    assert words(await site.act("controller-1", "reboot")) == (
        "Can not 'Reboot' an 'unlocked' host controller-1; Please 'Lock' first"
    )
    assert words(await site.act("controller-1", "dance")) == "'dance' is not a supported maintenance action"
    assert (await site.act("controller-1", "lock")).status == 200
    assert words(await site.act("controller-1", "unlock")) == (
        "Host unlock rejected due to in progress action lock"
    )
    assert "in-progress lock operation" in words(await site.act("controller-0", "swact"))


async def test_simplex_swacts_nowhere_and_deletes_nothing(start: Start) -> None:
    site = await (await start()).site()
    assert words(await site.act("controller-0", "swact")) == "Swact action not allowed for a simplex system."
    answer = await site.sysinv("DELETE", "/v1/ihosts/controller-0")
    assert (answer.status, words(answer)) == (
        400,
        "Deleting controller-0 on a simplex system is not allowed.",
    )


async def test_a_swact_breaks_connections_and_exchanges_personality(start: Start) -> None:
    site = await (await start("--topology", "aio-dx", speed=100)).site()
    assert (await site.act("controller-0", "swact")).body["task"] == "Swacting"
    await site.reach("silent")
    await site.reach(None)
    assert (await site.host("controller-1"))["capabilities"]["Personality"] == "Controller-Active"
    assert (await site.host("controller-0"))["capabilities"]["Personality"] == "Controller-Standby"


async def test_a_host_is_found_by_id_uuid_and_name(start: Start) -> None:
    site = await (await start()).site()
    host = await site.host("controller-0")
    for ref in (host["id"], host["uuid"], "controller-0"):
        assert (await site.sysinv("GET", f"/v1/ihosts/{ref}")).body["uuid"] == host["uuid"]
    missing = await site.sysinv("GET", "/v1/ihosts/nosuch")
    assert (missing.status, words(missing)) == (404, "Server nosuch could not be found.")


async def test_an_unrouted_path_has_no_faultstring(start: Start) -> None:
    site = await (await start()).site()
    answer = await site.sysinv("GET", "/v1/nonsense")
    inner = json.loads(answer.body["error_message"])
    assert (answer.status, inner) == (404, {"code": 404, "title": "Not Found", "description": ""})


async def test_usm_by_hand_in_service(start: Start) -> None:
    site = await (await start()).site()
    assert (await usm(site, "POST", f"/deploy/{PATCH}/precheck")).body["system_healthy"] is True
    assert (await usm(site, "POST", f"/deploy/{PATCH}/start")).status == 200
    again = await usm(site, "POST", f"/deploy/{PATCH}/start")
    assert (again.status, again.headers["Content-Type"]) == (406, "text/html; charset=UTF-8")
    assert again.body["error"].startswith("There is already a deployment in progress (start)")
    await until(lambda: deployment(site), lambda state: state == "start-done")
    assert (await usm(site, "POST", "/deploy_host/controller-0")).status == 200
    await until(lambda: deployment(site), lambda state: state == "host-done")
    assert (await usm(site, "POST", "/deploy/complete")).status == 406
    await usm(site, "POST", "/deploy/activate")
    await until(lambda: deployment(site), lambda state: state == "activate-done")
    await usm(site, "POST", "/deploy/complete")
    assert await deployment(site) == "completed"
    assert (await usm(site, "DELETE", "/deploy")).status == 200
    assert await deployment(site) is None
    assert (await usm(site, "GET", f"/release/{PATCH}/is_deployed")).body is True


async def test_usm_wants_a_reboot_required_host_locked(start: Start) -> None:
    site = await (await start()).site()
    await usm(site, "POST", f"/deploy/{REBOOT_PATCH}/start")
    await until(lambda: deployment(site), lambda state: state == "start-done")
    refused = await usm(site, "POST", "/deploy_host/controller-0")
    assert (refused.status, refused.body["error"]) == (406, "Host controller-0 must be locked.")
    await site.act("controller-0", "lock")
    await until(lambda: site.host("controller-0"), lambda row: row["availability"] == "online")
    assert (await usm(site, "POST", "/deploy_host/controller-0")).status == 200
    await until(lambda: deployment(site), lambda state: state == "host-done")
    assert words(await site.act("controller-0", "lock")).startswith("Avoiding lock action")
    await site.act("controller-0", "unlock")
    await available(site, "controller-0")


async def test_an_aborted_deployment_leaves_the_release_available(start: Start) -> None:
    site = await (await start()).site()
    await usm(site, "POST", f"/deploy/{PATCH}/start")
    await until(lambda: deployment(site), lambda state: state == "start-done")
    await usm(site, "POST", "/deploy_host/controller-0")
    await until(lambda: deployment(site), lambda state: state == "host-done")
    assert (await usm(site, "POST", "/deploy/abort")).status == 200
    assert await deployment(site) == "host-rollback"
    assert (await usm(site, "POST", "/deploy_host/controller-0/rollback")).status == 200
    await until(lambda: deployment(site), lambda state: state == "host-rollback-done")
    assert (await usm(site, "DELETE", "/deploy")).status == 200
    assert (await usm(site, "GET", f"/release/{PATCH}")).body["state"] == "available"


async def test_the_next_dialect_names_the_release_in_the_body(start: Start) -> None:
    site = await (await start("--dialect", "next")).site()
    body = {"releases": ["starlingx-26.09.1"]}
    assert (await site.call("POST", 5498, "/v1/deploy/starlingx-26.09.1/start", {})).status == 404
    assert (await site.call("POST", 5498, "/v1/deploy/precheck", body)).status == 200
    assert (await site.call("POST", 5498, "/v1/deploy/start", body)).status == 200
    (row,) = (await usm(site, "GET", "/deploy")).body
    assert (row["to_release"], row["pre_upgrade_deploy"]) == ("26.09.1", False)


async def test_fm_filters_expands_and_deletes(start: Start) -> None:
    region = await start()
    site = await region.site()
    await region.fault({"site": "edge-0001", "on": "site", "do": "alarm"})
    query = "?include_suppress=True&expand=True&q.field=severity&q.op=eq&q.type=&q.value=major"
    (alarm,) = (await site.call("GET", 18003, f"/v1/alarms{query}")).body["alarms"]
    assert alarm["alarm_state"] == "set"
    other = await site.call("GET", 18003, "/v1/alarms?q.field=severity&q.value=minor")
    assert other.body == {"alarms": []}
    summary = (await site.call("GET", 18003, "/v1/alarms/summary")).body
    assert (summary["major"], summary["status"]) == (1, "degraded")
    assert (await site.call("DELETE", 18003, f"/v1/alarms/{alarm['uuid']}")).status == 204
    assert (await site.call("GET", 18003, f"/v1/alarms/{alarm['uuid']}")).status == 404
