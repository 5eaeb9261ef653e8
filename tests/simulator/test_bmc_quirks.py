"""Each vendor's quirk, as a client meets it."""

from typing import Any

import pytest

from simulator.bmc.flavours_table import DEFAULT_MIX, FLAVOURS
from simulator.bmc.quirks import ROWS, Quirk

from .bmc_client import V1, Bmc, bmc_of, images
from .conftest import ROOT, Answer, Region, Start, until


async def one(start: Start, flavour: str, *options: str, speed: int = 600) -> tuple[Region, Bmc]:
    region = await start(
        "--bare", "--install-seconds", "600", "--bmc-flavours", flavour, *options, speed=speed
    )
    return region, bmc_of(region)


def key(answer: Answer) -> str:
    return str(answer.body["error"]["code"]).rsplit(".", 1)[-1]


def boot(target: str = "Cd", enabled: str | None = "Once", mode: str | None = None) -> dict[str, Any]:
    body = {"BootSourceOverrideTarget": target}
    if enabled:
        body["BootSourceOverrideEnabled"] = enabled
    if mode:
        body["BootSourceOverrideMode"] = mode
    return {"Boot": body}


def test_every_quirk_is_some_flavours_and_has_a_source() -> None:
    shown = {quirk for flavour in FLAVOURS.values() for quirk in flavour.quirks}
    assert shown == set(Quirk) == set(ROWS)
    assert all(row.words and row.source for row in ROWS.values())
    assert len(FLAVOURS) >= 18
    assert set(DEFAULT_MIX) <= set(FLAVOURS)
    assert FLAVOURS["generic"].quirks == frozenset()


async def test_hosts_take_flavours_by_turns(start: Start) -> None:
    region = await start("--sites", "3", "--bmc-flavours", "ilo5,ami")
    makers = [(await bmc_of(region, f"edge-000{n}").system())["Manufacturer"] for n in (1, 2, 3)]
    assert makers == ["HPE", "GIGABYTE", "HPE"]


@pytest.mark.parametrize(("flavour", "parent"), [("idrac9-5", "Managers"), ("idrac9", "Systems")])
async def test_media_stand_under_the_manager_or_the_system(start: Start, flavour: str, parent: str) -> None:
    _, bmc = await one(start, flavour)
    assert (await bmc.media()).split("/")[3] == parent
    other = "Systems/System.Embedded.1" if parent == "Managers" else "Managers/iDRAC.Embedded.1"
    assert (await bmc.call("GET", f"{V1}/{other}/VirtualMedia")).status == 404


async def test_old_firmware_has_no_insert(start: Start) -> None:
    _, bmc = await one(start, "idrac7")
    assert "Actions" not in await bmc.get(await bmc.slot())
    assert (await bmc.insert("http://127.0.0.1:9/a.iso")).status == 405


async def test_an_insert_right_after_an_eject_fails_for_a_while(start: Start) -> None:
    _, bmc = await one(start, "idrac9", speed=20)
    async with images() as server:
        await bmc.insert(f"{server.url}/a.iso")
        await bmc.eject()
        assert (await bmc.insert(f"{server.url}/a.iso")).status == 503
        await until(lambda: bmc.insert(f"{server.url}/a.iso"), lambda answer: answer.status == 204)


async def test_inserted_stays_true_for_a_while_after_an_eject(start: Start) -> None:
    _, bmc = await one(start, "idrac9-5", speed=20)
    async with images() as server:
        await bmc.insert(f"{server.url}/a.iso")
        await bmc.eject()
        assert (await bmc.get(await bmc.slot()))["Inserted"] is True
        assert (await bmc.truth())["medium"] is None
        slot = await bmc.slot()
        await until(lambda: bmc.get(slot), lambda body: body["Inserted"] is False)


async def test_power_on_conflicts_shortly_after_power_off(start: Start) -> None:
    _, bmc = await one(start, "idrac10", speed=60)
    await bmc.reset("On")
    await bmc.reach(power="On")
    await bmc.reset("ForceOff")
    await bmc.reach(power="Off")
    answer = await bmc.reset("On")
    assert (answer.status, key(answer)) == (409, "ActionParameterValueConflict")
    await until(lambda: bmc.reset("On"), lambda last: last.status == 204)


async def test_boot_targets_may_stand_in_the_settings_resource(start: Start) -> None:
    _, bmc = await one(start, "idrac10")
    system = await bmc.system()
    listed = "BootSourceOverrideTarget@Redfish.AllowableValues"
    assert listed not in system["Boot"]
    settings = system["@Redfish.Settings"]["SettingsObject"]["@odata.id"]
    assert "Cd" in (await bmc.get(settings))["Boot"][listed]
    assert (await bmc.override()).status == 400
    assert (await bmc.call("PATCH", settings, boot())).status == 200
    async with images() as server:
        await bmc.insert(f"{server.url}/a.iso")
        await bmc.reset("On")
        await bmc.reach(installs=1)


async def test_data_sources_are_unavailable_after_a_power_change(start: Start) -> None:
    _, bmc = await one(start, "idrac9-jobs", speed=60)
    path = await bmc.only("Systems")
    await bmc.reset("On")
    await bmc.reach(power="On")
    answer = await bmc.call("GET", path)
    assert (answer.status, answer.body["error"]["code"]) == (500, "IDRAC.2.8.SYS518")
    await until(lambda: bmc.call("GET", path), lambda last: last.status == 200)


@pytest.mark.parametrize(("flavour", "word"), [("idrac9", "RAC0218"), ("generic", "SessionLimitExceeded")])
async def test_the_ninth_session_is_refused(start: Start, flavour: str, word: str) -> None:
    _, bmc = await one(start, flavour)
    body = {"UserName": "root", "Password": bmc.password}
    answers = [await bmc.call("POST", f"{V1}/SessionService/Sessions", body) for _ in range(9)]
    assert [answer.status for answer in answers] == [201] * 8 + [503]
    assert key(answers[-1]) == word
    assert (await bmc.call("DELETE", answers[0].headers["Location"])).status == 204
    assert (await bmc.call("POST", f"{V1}/SessionService/Sessions", body)).status == 201


async def test_sessions_may_not_be_allowed(start: Start) -> None:
    _, bmc = await one(start, "idrac8")
    answer = await bmc.call("POST", f"{V1}/SessionService/Sessions", {"UserName": "root", "Password": "x"})
    assert (answer.status, "POST" in answer.headers["Allow"]) == (405, False)
    assert (await bmc.system())["SerialNumber"] == bmc.declared["serial"]


async def test_a_reset_may_be_a_job_that_is_not_there_at_first_and_gone_in_the_end(start: Start) -> None:
    _, bmc = await one(start, "idrac9-jobs", speed=10)
    answer = await bmc.reset("On")
    assert answer.status == 202
    monitor = answer.headers["Location"]
    assert (await bmc.call("GET", monitor)).status == 404
    await until(lambda: bmc.call("GET", monitor), lambda last: last.status == 202)
    await until(lambda: bmc.call("GET", monitor), lambda last: last.status == 404)
    assert (await bmc.truth())["power"] == "On"


async def test_an_eject_may_need_a_body(start: Start) -> None:
    _, bmc = await one(start, "ilo5")
    path = f"{await bmc.slot()}/Actions/VirtualMedia.EjectMedia"
    assert (await bmc.call("POST", path)).status == 415
    assert (await bmc.call("POST", path, {})).status == 204


async def test_no_override_during_post(start: Start) -> None:
    _, bmc = await one(start, "ilo5", speed=60)
    await bmc.reset("On")
    await bmc.reach(stage="post")
    answer = await bmc.override()
    assert (answer.status, key(answer)) == (400, "UnableToModifyDuringSystemPOST")
    await bmc.reach(stage="nothing")
    assert (await bmc.override()).status == 200


async def test_not_ready_right_after_a_power_change(start: Start) -> None:
    _, bmc = await one(start, "ilo6", speed=60)
    await bmc.reset("On")
    await bmc.reach(power="On")
    answer = await bmc.reset("ForceOff")
    assert (answer.status, key(answer)) == (400, "InvalidOperationForSystemState")
    await until(lambda: bmc.reset("ForceOff"), lambda last: last.status == 204)


async def test_the_boot_mode_may_not_be_writable(start: Start) -> None:
    _, bmc = await one(start, "ilo5")
    path = await bmc.only("Systems")
    answer = await bmc.call("PATCH", path, boot(mode="UEFI"))
    assert (answer.status, key(answer)) == (400, "PropertyNotWritable")
    assert (await bmc.call("PATCH", path, boot())).status == 200


async def test_defaults_in_an_insert_may_be_refused(start: Start) -> None:
    _, bmc = await one(start, "supermicro-x12")
    async with images() as server:
        image = f"{server.url}/a.iso"
        assert (await bmc.insert(image, Inserted=True)).status == 400
        assert (await bmc.insert(image, WriteProtected=True)).status == 400
        assert (await bmc.insert(image)).status == 204


@pytest.mark.parametrize(("target", "installed"), [("UsbCd", 1), ("Cd", 0)])
async def test_only_usbcd_boots_the_virtual_cd(start: Start, target: str, installed: int) -> None:
    _, bmc = await one(start, "supermicro-x12")
    async with images() as server:
        await bmc.insert(f"{server.url}/a.iso?after=poweroff")
        assert (await bmc.override(target)).status == 200
        await bmc.reset("On")
        await bmc.reach(boots=1)
        wanted = {"installs": 1} if installed else {"stage": "nothing", "disk": "blank"}
        await bmc.reach(**wanted)


@pytest.mark.parametrize(
    ("flavour", "left"), [("supermicro-x12", "UsbCd/Once"), ("generic", "Cd/Continuous")]
)
async def test_an_override_without_enabled(start: Start, flavour: str, left: str) -> None:
    _, bmc = await one(start, flavour)
    path, target = await bmc.only("Systems"), left.split("/")[0]
    await bmc.call("PATCH", path, boot(target, "Continuous"))
    await bmc.call("PATCH", path, boot(target, None))
    assert (await bmc.truth())["override"] == left


async def test_the_image_may_stay_when_it_is_not_connected(start: Start) -> None:
    _, bmc = await one(start, "supermicro-x12")
    async with images() as server:
        await bmc.insert(f"{server.url}/a.iso")
        await bmc.eject()
        slot = await bmc.get(await bmc.slot())
    assert slot["Image"] == f"{server.url}/a.iso"
    assert (slot["Inserted"], slot["ConnectedVia"]) == (False, "NotConnected")


async def test_media_may_be_mounted_by_the_vendors_action(start: Start) -> None:
    _, bmc = await one(start, "supermicro-x11")
    media = await bmc.get(await bmc.media())
    assert media["Members"] == []
    config = media["Oem"]["Supermicro"]["VirtualMediaConfig"]["@odata.id"]
    actions = (await bmc.get(config))["Actions"]
    mount = actions["#IsoConfig.Mount"]["target"]
    assert (await bmc.call("POST", mount, {})).status == 400
    async with images() as server:
        named = {"Host": server.url, "Path": "/a.iso", "Username": "", "Password": ""}
        assert (await bmc.call("PATCH", config, named)).status == 200
        assert (await bmc.call("POST", mount, {})).status == 200
        assert (await bmc.truth())["medium"] == f"{server.url}/a.iso"
    (drive,) = (await bmc.get(await bmc.media()))["Members"]
    assert (await bmc.get(drive["@odata.id"]))["ConnecteVia"] == "URI"
    assert (await bmc.call("POST", actions["#IsoConfig.UnMount"]["target"], {})).status == 204
    assert (await bmc.truth())["medium"] is None
    assert (await bmc.call("GET", drive["@odata.id"])).status == 404


async def attributes_of(bmc: Bmc) -> str:
    links = (await bmc.get(await bmc.only("Managers")))["Links"]
    return str(links["Oem"]["Dell"]["DellAttributes"][0]["@odata.id"])


@pytest.mark.parametrize("after", [False, True])
async def test_cd_may_be_the_physical_drive_unless_it_is_named_after_the_override(
    start: Start, after: bool
) -> None:
    _, bmc = await one(start, "idrac9-4")
    path = await attributes_of(bmc)
    first = {"Attributes": {"ServerBoot.1.FirstBootDevice": "VCD-DVD"}}
    async with images() as server:
        image = f"{server.url}/a.iso?after=poweroff"
        assert key(await bmc.insert(image)) == "SYS446"
        assert (await bmc.insert(image)).status == 204
        if not after:
            assert (await bmc.call("PATCH", path, first)).status == 200
        assert (await bmc.override()).status == 200
        if after:
            assert (await bmc.call("PATCH", path, first)).status == 200
        await bmc.reset("On")
        await bmc.reach(boots=1)
        await bmc.reach(**({"installs": 1} if after else {"stage": "nothing", "disk": "blank"}))
    assert (await bmc.get(path))["Attributes"]["ServerBoot.1.FirstBootDevice"] == "Normal"


async def test_virtual_media_may_be_detached(start: Start) -> None:
    _, bmc = await one(start, "idrac9-detached")
    path = await attributes_of(bmc)
    async with images() as server:
        assert key(await bmc.insert(f"{server.url}/a.iso")) == "SYS446"
        attach = {"Attributes": {"VirtualMedia.1.Attached": "AutoAttach"}}
        assert (await bmc.call("PATCH", path, attach)).status == 200
        assert (await bmc.insert(f"{server.url}/a.iso")).status == 204


@pytest.mark.parametrize(("flavour", "spoilt"), [("idrac9-4", 1), ("ilo6", 0)])
async def test_an_eject_below_an_installer_may_spoil_it(start: Start, flavour: str, spoilt: int) -> None:
    _, bmc = await one(start, flavour)
    async with images() as server:
        await bmc.insert(f"{server.url}/a.iso")
        await bmc.insert(f"{server.url}/a.iso")
        await bmc.override()
        if flavour == "idrac9-4":
            first = {"Attributes": {"ServerBoot.1.FirstBootDevice": "VCD-DVD"}}
            await bmc.call("PATCH", await attributes_of(bmc), first)
        await bmc.reset("On")
        await bmc.reach(stage="installer")
        await bmc.eject()
    truth = await bmc.truth()
    assert (truth["stage"], truth["disk"], truth["spoilt"]) == ("nothing", "half-written", spoilt)


async def test_a_licence_may_be_missing(start: Start) -> None:
    _, bmc = await one(start, "supermicro-unlicensed")
    answer = await bmc.insert("http://127.0.0.1:9/a.iso")
    assert (answer.status, key(answer)) == (403, "OemLicenseNotPassed")


async def test_media_may_be_inserted_by_patch(start: Start) -> None:
    _, bmc = await one(start, "lenovo-sd530")
    slot = await bmc.slot()
    async with images() as server:
        body = {"Image": f"{server.url}/a.iso"}
        answer = await bmc.call("PATCH", slot, body)
        assert (answer.status, key(answer)) == (400, "PropertyMissing")
        assert (await bmc.call("PATCH", slot, body | {"Inserted": True})).status == 200
        assert (await bmc.get(slot))["Inserted"] is True
        assert (await bmc.call("PATCH", slot, body | {"Inserted": True})).status == 409
    assert (await bmc.call("PATCH", slot, {"Image": None, "Inserted": False})).status == 200
    assert (await bmc.truth())["medium"] is None


async def test_a_patch_without_the_present_tag_is_412(start: Start) -> None:
    _, bmc = await one(start, "lenovo-xcc")
    tag = (await bmc.call("GET", await bmc.only("Systems"))).headers["ETag"]
    assert (await bmc.override()).status == 412
    assert (await bmc.override(If_Match='"stale"')).status == 412
    assert (await bmc.override(If_Match=tag)).status == 200
    assert (await bmc.override("Hdd", If_Match=tag)).status == 412


async def test_a_tag_may_be_given_weak_and_taken_strong(start: Start) -> None:
    _, bmc = await one(start, "ami")
    tag = (await bmc.call("GET", await bmc.only("Systems"))).headers["ETag"]
    assert tag.startswith('W/"')
    answer = await bmc.override()
    assert (answer.status, key(answer)) == (428, "PreconditionHeaderMissing")
    assert (await bmc.override(If_Match=tag)).status == 412
    assert (await bmc.override(If_Match=tag.removeprefix("W/"))).status == 200


async def test_an_override_may_be_wanted_whole_and_elsewhere(start: Start) -> None:
    _, bmc = await one(start, "asrock")
    answer = await bmc.call("PATCH", await bmc.only("Systems"), boot(mode="UEFI"))
    assert (answer.status, key(answer)) == (400, "OperationSupportedInFutureStateURI")
    future = answer.body["error"]["@Message.ExtendedInfo"][0]["MessageArgs"][0]
    assert key(await bmc.call("PATCH", future, boot())) == "PropertyMissing"
    assert (await bmc.call("PATCH", future, boot(mode="UEFI"))).status == 200
    assert (await bmc.truth())["staged_override"] == "Cd/Once"


async def test_an_insert_may_want_transfer_and_credentials(start: Start) -> None:
    _, bmc = await one(start, "nvidia-dgx")
    async with images() as server:
        body: dict[str, Any] = {}
        for name in ("TransferProtocolType", "TransferMethod", "UserName", "Password"):
            answer = await bmc.insert(f"{server.url}/a.iso", **body)
            assert answer.status == 400
            assert name in answer.body["error"]["message"]
            body[name] = {"TransferProtocolType": "HTTP", "TransferMethod": "Stream"}.get(name, "none")
        assert (await bmc.insert(f"{server.url}/a.iso", **body)).status == 204


async def test_the_slot_may_say_dvd_only(start: Start) -> None:
    _, bmc = await one(start, "cisco-ucs")
    assert (await bmc.get(await bmc.slot()))["MediaTypes"] == ["DVD"]


async def test_the_first_slot_may_be_unusable(start: Start) -> None:
    _, bmc = await one(start, "cisco-c845a")
    first, last = [member["@odata.id"] for member in (await bmc.get(await bmc.media()))["Members"]]
    assert "Actions" not in await bmc.get(first)
    async with images() as server:
        body = {"Image": f"{server.url}/a.iso"}
        assert (await bmc.call("POST", f"{first}/Actions/VirtualMedia.InsertMedia", body)).status == 405
        assert (await bmc.call("POST", f"{last}/Actions/VirtualMedia.InsertMedia", body)).status == 204


async def test_progress_and_mode_may_be_missing(start: Start) -> None:
    _, bmc = await one(start, "partial")
    system = await bmc.system()
    assert "BootProgress" not in system
    assert "BootSourceOverrideMode" not in system["Boot"]
    assert (await bmc.call("PATCH", await bmc.only("Systems"), boot(mode="UEFI"))).status == 400


async def test_managed_by_may_be_missing(start: Start) -> None:
    _, bmc = await one(start, "huawei")
    links = (await bmc.system())["Links"]
    assert "ManagedBy" not in links
    assert len(links["Managers"]) == 1


def test_the_guide_lists_every_flavour_and_quirk_with_its_source() -> None:
    page = (ROOT / "docs" / "simulator.md").read_text()
    for flavour in FLAVOURS.values():
        quirks = ", ".join(f"`{quirk}`" for quirk in sorted(flavour.quirks)) or "-"
        assert f"| `{flavour.name}` | {flavour.manufacturer} {flavour.model} | {quirks} |" in page
    for quirk, row in ROWS.items():
        assert f"| {row.number or '-'} | `{quirk}` | {row.words} | {row.source} |" in page
