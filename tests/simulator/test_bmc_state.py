"""What a BMC keeps: settings, firmware, accounts, locks; and how its service is asked."""

from typing import Any

import aiohttp
import pytest

from .bmc_client import V1, Bmc, bmc_of, images
from .conftest import Answer, Start, until

UPDATE = f"{V1}/UpdateService/Actions/UpdateService.SimpleUpdate"
INVENTORY = f"{V1}/UpdateService/FirmwareInventory"


async def one(start: Start, *options: str, speed: int = 600) -> Bmc:
    region = await start("--bare", "--bmc-flavours", "generic", *options, speed=speed)
    return bmc_of(region)


async def as_user(bmc: Bmc, name: str, password: str, method: str, path: str, body: Any = None) -> Answer:
    login = aiohttp.encode_basic_auth(name, password)
    return await bmc.call(method, path, body, Authorization=login)


async def booted(bmc: Bmc) -> None:
    boots = (await bmc.truth())["boots"]
    await bmc.reset("ForceRestart")
    await bmc.reach(boots=boots + 1)


async def test_bios_settings_wait_for_the_boot(start: Start) -> None:
    bmc = await one(start)
    home = (await bmc.system())["Bios"]["@odata.id"]
    settings = (await bmc.get(home))["@Redfish.Settings"]["SettingsObject"]["@odata.id"]
    wanted = {"SriovGlobalEnable": "Enabled", "IntelVTd": "Enabled"}
    assert (await bmc.call("PATCH", settings, {"Attributes": wanted})).status == 200
    assert (await bmc.get(settings))["Attributes"] == wanted
    assert (await bmc.get(home))["Attributes"]["IntelVTd"] == "Disabled"
    await booted(bmc)
    assert (await bmc.get(settings))["Attributes"] == {}
    assert wanted.items() <= (await bmc.get(home))["Attributes"].items()
    adapters = f"{V1}/Chassis/1/NetworkAdapters/NIC.1"
    offload = (await bmc.get(adapters))["Controllers"][0]["ControllerCapabilities"]["VirtualizationOffload"]
    assert offload["SRIOV"]["SRIOVEnabled"] is True


@pytest.mark.parametrize("attributes", [{"Warp": "On"}, {"IntelVTd": "Maybe"}, 5])
async def test_bios_settings_that_do_not_exist_are_refused(start: Start, attributes: Any) -> None:
    bmc = await one(start)
    path = f"{await bmc.only('Systems')}/Bios/Settings"
    assert (await bmc.call("PATCH", path, {"Attributes": attributes})).status == 400
    assert (await bmc.get(path))["Attributes"] == {}


async def test_secure_boot_is_current_after_the_boot(start: Start) -> None:
    bmc = await one(start)
    path = f"{await bmc.only('Systems')}/SecureBoot"
    await bmc.call("PATCH", path, {"SecureBootEnable": True})
    before = await bmc.get(path)
    assert (before["SecureBootEnable"], before["SecureBootCurrentBoot"]) == (True, "Disabled")
    await booted(bmc)
    assert (await bmc.get(path))["SecureBootCurrentBoot"] == "Enabled"


async def update(bmc: Bmc, image: str) -> Answer:
    async with images() as server:
        return await bmc.call("POST", UPDATE, {"ImageURI": f"{server.url}/{image}"})


async def finished(bmc: Bmc, answer: Answer) -> dict[str, Any]:
    assert answer.status == 202, answer
    monitor = answer.headers["Location"]
    last = await until(lambda: bmc.call("GET", monitor), lambda reply: reply.status != 202)
    assert last.status == 200
    return dict(last.body)


async def test_a_bios_update_is_staged_and_takes_hold_at_the_boot(start: Start) -> None:
    bmc = await one(start)
    task = await finished(bmc, await update(bmc, "BIOS-2.1.0.bin"))
    assert (task["TaskState"], task["PercentComplete"]) == ("Completed", 100)
    staged = await bmc.get(f"{INVENTORY}/BIOS")
    assert (staged["Version"], staged["Oem"]["StagedVersion"]) == ("1.6.5", "2.1.0")
    await booted(bmc)
    assert (await bmc.system())["BiosVersion"] == "2.1.0"


async def test_the_bmc_restarts_itself_after_its_own_update(start: Start) -> None:
    bmc = await one(start)
    await update(bmc, "BMC-2.0.bin")
    await bmc.reach(dark=True)
    with pytest.raises(aiohttp.ClientConnectorError):
        await bmc.call("GET", f"{V1}/")
    await bmc.reach(dark=False)
    assert (await bmc.get(await bmc.only("Managers")))["FirmwareVersion"] == "2.0"


async def test_a_monitor_is_202_while_its_task_runs(start: Start) -> None:
    bmc = await one(start, speed=60)
    answer = await update(bmc, "NIC.1-23.0.bin")
    running = await bmc.call("GET", answer.headers["Location"])
    assert (running.status, running.headers["Retry-After"]) == (202, "5")
    assert (await bmc.get(f"{V1}/TaskService/Tasks/{answer.body['Id']}"))["TaskState"] == "Running"


async def test_one_update_at_a_time(start: Start) -> None:
    bmc = await one(start, speed=10)
    assert (await update(bmc, "NIC.1-23.0.bin")).status == 202
    assert (await update(bmc, "NIC.2-23.0.bin")).status == 503


@pytest.mark.parametrize("image", ["firmware.bin", "TPM-1.0.bin", "missing/BIOS-3.0.bin"])
async def test_an_image_for_nothing_here_is_refused(start: Start, image: str) -> None:
    bmc = await one(start)
    assert (await update(bmc, image)).status == 400


async def test_an_update_sent_twice_is_a_repeat(start: Start) -> None:
    bmc = await one(start)
    await finished(bmc, await update(bmc, "NIC.1-23.0.bin"))
    await finished(bmc, await update(bmc, "NIC.2-23.0.bin"))
    assert await bmc.region.repeats() == 0
    await finished(bmc, await update(bmc, "NIC.1-23.0.bin"))
    assert await bmc.region.repeats() == 1


async def test_roles_are_held_to_their_privileges(start: Start) -> None:
    bmc = await one(start)
    home = f"{V1}/AccountService/Accounts"
    for name, role in (("op", "Operator"), ("eye", "ReadOnly")):
        body = {"UserName": name, "Password": "Secret-word-1", "RoleId": role}
        assert (await bmc.call("POST", home, body)).status == 201
    system = await bmc.only("Systems")
    reset = f"{system}/Actions/ComputerSystem.Reset"
    assert (await as_user(bmc, "eye", "Secret-word-1", "GET", system)).status == 200
    assert (await as_user(bmc, "eye", "Secret-word-1", "POST", reset, {"ResetType": "On"})).status == 403
    assert (await as_user(bmc, "op", "Secret-word-1", "POST", home, {})).status == 403
    assert (await as_user(bmc, "op", "Secret-word-1", "POST", reset, {"ResetType": "On"})).status == 204


async def test_five_wrong_passwords_lock_the_account_for_a_while(start: Start) -> None:
    bmc = await one(start)
    path = await bmc.only("Systems")
    for _ in range(5):
        assert (await as_user(bmc, "root", "guess", "GET", path)).status == 401
    assert (await bmc.call("GET", path)).status == 401
    assert (await bmc.truth())["failed_logins"] == 5
    await until(lambda: bmc.call("GET", path), lambda answer: answer.status == 200)


async def test_nothing_but_the_root_is_shown_to_strangers(start: Start) -> None:
    bmc = await one(start)
    for path in ("/redfish", f"{V1}/", V1, f"{V1}/odata", f"{V1}/$metadata"):
        assert (await bmc.call("GET", path, Authorization="none")).status == 200
    for path in (f"{V1}/Systems", f"{V1}/Nowhere", f"{V1}/SessionService/Sessions"):
        answer = await bmc.call("GET", path, Authorization="none")
        assert (answer.status, "WWW-Authenticate" in answer.headers) == (401, True)
    assert (await bmc.call("GET", f"{V1}/Nowhere")).status == 404


async def test_an_unchanged_resource_is_304(start: Start) -> None:
    bmc = await one(start)
    path = await bmc.only("Systems")
    first = await bmc.call("GET", path)
    assert first.body["@odata.etag"] == first.headers["ETag"]
    assert (await bmc.call("GET", path, If_None_Match=first.headers["ETag"])).status == 304
    await bmc.override()
    assert (await bmc.call("GET", path, If_None_Match=first.headers["ETag"])).status == 200


async def test_queries_expand_select_and_filter(start: Start) -> None:
    bmc = await one(start)
    memory = f"{await bmc.only('Systems')}/Memory"
    grown = (await bmc.get(f"{memory}?$expand=.($levels=1)"))["Members"]
    assert [one["CapacityMiB"] > 0 for one in grown] == [True] * 8
    some = await bmc.get(f"{memory}?$filter=Id eq 'DIMM.A1' or (Id eq 'DIMM.A3' and CapacityMiB gt 1)")
    assert some["Members@odata.count"] == 2
    chosen = await bmc.get(f"{await bmc.only('Systems')}?$select=PowerState,Boot/BootSourceOverrideTarget")
    assert set(chosen) - {"PowerState", "Boot"} == {"@odata.id", "@odata.type", "@odata.etag"}
    assert chosen["Boot"] == {"BootSourceOverrideTarget": "None"}
    assert (await bmc.get(f"{V1}/Systems?only"))["Id"] == "system"


@pytest.mark.parametrize(
    ("query", "status"),
    [("$skip=1", 501), ("$expand=.($levels=9)", 400), ("$filter=Id is 4", 400), ("colour=red", 200)],
)
async def test_a_query_that_is_not_known(start: Start, query: str, status: int) -> None:
    bmc = await one(start)
    assert (await bmc.call("GET", f"{V1}/Systems?{query}")).status == status


async def test_every_link_leads_somewhere(start: Start) -> None:
    region = await start("--bmc-flavours", "generic", "--sites", "4")
    bmc, seen = bmc_of(region, "edge-0003"), set()
    waiting = [f"{V1}/"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        waiting += links(await bmc.get(path))
    assert len(seen) > 80
    assert any("GPU.1" in path for path in seen)


def links(value: Any) -> list[str]:
    if isinstance(value, list):
        return [path for one in value for path in links(one)]
    if not isinstance(value, dict):
        return []
    here = [value["@odata.id"]] if set(value) == {"@odata.id"} and "#" not in value["@odata.id"] else []
    return here + [path for one in value.values() for path in links(one)]
