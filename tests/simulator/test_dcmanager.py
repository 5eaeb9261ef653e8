"""dcmanager's API: error dress, the 400/422 split, groups, options, and its own orchestrator."""

import aiohttp

from .conftest import PATCH, Region, Start, until

SUBCLOUD = "/v1.0/subclouds/subcloud-0001"


def form(**fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        data.add_field(name.replace("_state", "-state"), value)
    return data


async def test_errors_are_html_text_or_json_by_accept(start: Start) -> None:
    region = await start()
    path = "/v1.0/subclouds/nosuch"
    answer = await region.dcmanager("GET", path)
    assert answer.body == {"code": 404, "title": "Not Found", "description": "Subcloud not found"}
    answer = await region.dcmanager("GET", path, Accept="*/*")
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert "Subcloud not found" in answer.body
    assert (await region.dcmanager("GET", "/v1.0/subclouds", Accept="text/html")).status == 406


async def test_manage_is_multipart_and_twice_is_422(start: Start) -> None:
    region = await start()
    assert (await region.dcmanager("PATCH", SUBCLOUD, {"management-state": "unmanaged"})).status == 500
    answer = await region.dcmanager("PATCH", SUBCLOUD, form(management_state="unmanaged"))
    assert (answer.status, answer.body["management-state"]) == (200, "unmanaged")
    answer = await region.dcmanager("PATCH", SUBCLOUD, form(management_state="unmanaged"))
    text = "Bad subcloud request: Subcloud subcloud-0001 already unmanaged"
    assert (answer.status, answer.body["description"]) == (422, text)
    alarms = (await region.dcmanager("GET", "/v1.0/alarms")).body["alarm_summary"][0]
    assert (alarms["critical_alarms"], alarms["cloud_status"]) == (-1, "disabled")


async def test_prestage_booleans_are_strings(start: Start) -> None:
    region = await start()
    body = {"sysadmin_password": "cGFzcw==", "for_sw_deploy": True}
    assert (await region.dcmanager("PATCH", f"{SUBCLOUD}/prestage", body)).status == 500
    body = {"sysadmin_password": "cGFzcw==", "for_sw_deploy": "true"}
    assert (await region.dcmanager("PATCH", f"{SUBCLOUD}/prestage", body)).status == 200
    answer = await region.dcmanager("PATCH", f"{SUBCLOUD}/prestage", {})
    assert (answer.status, answer.body["description"]) == (400, "Body required")


async def test_groups_are_made_filled_and_emptied(start: Start) -> None:
    region = await start()
    group = {
        "name": "wave1",
        "description": "first",
        "update_apply_type": "parallel",
        "max_parallel_subclouds": 3,
    }
    assert (await region.dcmanager("POST", "/v1.0/subcloud-groups", group)).status == 200
    assert (await region.dcmanager("POST", "/v1.0/subcloud-groups", group)).status == 400
    data = aiohttp.FormData(default_to_multipart=True)
    data.add_field("group_id", "wave1")
    assert (await region.dcmanager("PATCH", SUBCLOUD, data)).status == 200
    members = (await region.dcmanager("GET", "/v1.0/subcloud-groups/wave1/subclouds")).body["subclouds"]
    assert [row["name"] for row in members] == ["subcloud-0001"]
    assert (await region.dcmanager("DELETE", "/v1.0/subcloud-groups/wave1")).status == 400


async def strategy(region: Region) -> str:
    answer = await region.dcmanager("GET", "/v1.0/sw-update-strategy")
    return str(answer.body["state"]) if answer.status == 200 else "none"


async def test_its_own_strategy_patches_the_fleet_through_the_sites_vims(start: Start) -> None:
    region = await start("--sites", "3", speed=1200)
    path = "/v1.0/sw-update-strategy"
    body = {"type": "sw-deploy", "release_id": "starlingx-26.03.2", "delete": True}
    assert (await region.dcmanager("POST", path, body)).body["state"] == "initial"
    second = await region.dcmanager("POST", path, body)
    assert second.status == 422
    assert "already exists" in second.body["description"]
    assert (await region.dcmanager("POST", f"{path}/actions", {"action": "apply"})).status == 200
    await until(lambda: strategy(region), lambda state: state == "complete")
    steps = (await region.dcmanager("GET", f"{path}/steps")).body["strategy-steps"]
    assert {(step["state"], step["stage"]) for step in steps} == {("complete", "Complete")}
    assert {row["running"] for row in (await region.admin("GET", "/sites")).body} == {"starlingx-26.03.2"}
    await region.dcmanager("DELETE", path)
    await until(lambda: strategy(region), lambda state: state == "none")
    assert await (await region.site()).state() is None
    rows = (await region.dcmanager("GET", "/v1.0/subclouds")).body["subclouds"]
    assert {row["sync_status"] for row in rows} == {"in-sync"}


async def test_unknown_sync_blocks_every_create(start: Start) -> None:
    region = await start(speed=1)
    await region.dcmanager("PATCH", SUBCLOUD, form(management_state="unmanaged"))
    await region.dcmanager("PATCH", SUBCLOUD, form(management_state="managed"))
    body = {"type": "sw-deploy", "release_id": PATCH}
    answer = await region.dcmanager("POST", "/v1.0/sw-update-strategy", body)
    assert answer.status == 422
    assert "software sync status is unknown for one or more subclouds" in answer.body["description"]


async def test_options_are_stored_unchecked_and_defaults_are_told(start: Start) -> None:
    region = await start()
    path = "/v1.0/sw-update-options"
    assert (await region.dcmanager("GET", f"{path}/subcloud-0001")).status == 404
    default = (await region.dcmanager("GET", path)).body["sw-update-options"][0]
    assert (default["name"], default["alarm-restriction-type"]) == ("all clouds default", "relaxed")
    assert (
        await region.dcmanager("POST", f"{path}/subcloud-0001", {"storage-apply-type": "x"})
    ).status == 500
