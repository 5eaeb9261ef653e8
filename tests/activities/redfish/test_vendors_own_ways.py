"""What has to be said in a vendor's own words: Supermicro's mount, the first boot device of an iDRAC."""

import pytest

from activities.errors import ActivityFailure
from models.bmc import BootOverride, EjectRequest, InsertRequest, OverrideRequest
from tests.activities.redfish.house import HOST, House
from tests.activities.redfish.scripted import SYSTEM, Scripted, link, slow

IMAGE = "http://192.0.2.1:8080/a/boot.iso?x=1"
MANAGER = "/redfish/v1/Managers/M.1"
VM1, CONFIG = f"{MANAGER}/VM1", f"{MANAGER}/VM1/CfgCD"
MOUNT, UNMOUNT = f"{CONFIG}/Actions/IsoConfig.Mount", f"{CONFIG}/Actions/IsoConfig.UnMount"
ATTRIBUTES = f"{MANAGER}/Oem/Dell/DellAttributes/M.1"
PUT_IN = InsertRequest(on=HOST, slot=CONFIG, image=IMAGE)
TAKE_OUT = EjectRequest(on=HOST, slot=CONFIG)
CD_ONCE = OverrideRequest(on=HOST, wanted=BootOverride(enabled="Once", target="Cd"))
NAMED = {"Host": "http://192.0.2.1:8080", "Path": "/a/boot.iso?x=1", "Username": "", "Password": ""}


@pytest.fixture
def board(own_bmc: Scripted) -> Scripted:
    """An older Supermicro: no drive while nothing is mounted."""
    collection = {
        "Members": [],
        "Oem": {"Supermicro": {"VirtualMediaConfig": link(CONFIG)}},
    }
    actions = {"#IsoConfig.Mount": {"target": MOUNT}, "#IsoConfig.UnMount": {"target": UNMOUNT}}
    own_bmc.system["Manufacturer"] = "Supermicro"
    own_bmc.resources[MANAGER]["VirtualMedia"] = link(VM1)
    own_bmc.resources |= {
        VM1: collection,
        CONFIG: {"Host": "", "Path": "", "Actions": actions},
        f"{VM1}/CD1": {"MediaTypes": ["CD", "DVD"], "Inserted": True, "Image": "192.0.2.1/a/boot.iso"},
    }

    def mounted() -> None:
        collection["Members"] = [link(f"{VM1}/CD1")]

    def unmounted() -> None:
        collection["Members"] = []

    own_bmc.actions |= {MOUNT: mounted, UNMOUNT: unmounted}
    return own_bmc


async def test_an_image_is_named_and_then_mounted(home: House, board: Scripted) -> None:
    (slot,) = (await home.run(home.looks.look_at_bmc, HOST)).slots
    assert (slot.path, slot.oem_mount, slot.inserted) == (CONFIG, MOUNT, False)
    assert (await home.run(home.acts.insert_medium, PUT_IN)).did
    assert board.bodies == [NAMED, {}]
    assert not (await home.run(home.acts.insert_medium, PUT_IN)).did
    (slot,) = (await home.run(home.looks.look_at_bmc, HOST)).slots
    assert (slot.inserted, slot.holds(IMAGE)) == (True, True)
    assert (await home.run(home.acts.eject_medium, TAKE_OUT)).did
    assert board.count(f"POST {UNMOUNT}") == 1
    assert not (await home.run(home.acts.eject_medium, TAKE_OUT)).did


async def test_a_mount_whose_answer_is_lost_is_looked_for_and_not_sent_again(
    home: House, board: Scripted
) -> None:
    board.answers[f"POST {MOUNT}"].append(slow(2))
    assert (await home.run(home.acts.insert_medium, PUT_IN)).did
    assert (board.count(f"PATCH {CONFIG}"), board.count(f"POST {MOUNT}")) == (1, 1)


async def test_an_attempt_after_a_refused_mount_names_nothing_twice(home: House, board: Scripted) -> None:
    board.answers[f"POST {MOUNT}"].append((503, "Base.1.0.ServiceTemporarilyUnavailable", "busy"))
    with pytest.raises(ActivityFailure) as failure:
        await home.run(home.acts.insert_medium, PUT_IN)
    assert failure.value.type == "Transient"
    assert (await home.run(home.acts.insert_medium, PUT_IN)).did
    assert (board.count(f"PATCH {CONFIG}"), board.count(f"POST {MOUNT}")) == (1, 2)


async def test_a_mount_without_its_licence_is_refused_in_words(home: House, board: Scripted) -> None:
    board.answers[f"PATCH {CONFIG}"].append((403, "SMC.1.0.OemLicenseNotPassed", "SFT-OOB-LIC needed"))
    with pytest.raises(ActivityFailure) as failure:
        await home.run(home.acts.insert_medium, PUT_IN)
    assert (failure.value.type, "lacks the licence" in failure.value.message) == ("Refused", True)
    assert board.count(f"POST {MOUNT}") == 0


async def test_a_drive_with_insert_is_preferred_to_the_configuration(home: House, board: Scripted) -> None:
    board.resources[VM1]["Members"] = [link(f"{VM1}/CD1")]
    insert = {"#VirtualMedia.InsertMedia": {"target": f"{VM1}/CD1/insert"}}
    board.resources[f"{VM1}/CD1"].update(Inserted=False, Image=None, Actions=insert)
    (slot,) = (await home.run(home.looks.look_at_bmc, HOST)).slots
    assert (slot.path, slot.insert) == (f"{VM1}/CD1", f"{VM1}/CD1/insert")


@pytest.fixture
def idrac(own_bmc: Scripted) -> Scripted:
    own_bmc.system["Manufacturer"] = "Dell Inc."
    manager = own_bmc.resources[MANAGER]
    manager["Id"] = "M.1"
    others = link(f"{MANAGER}/Oem/Dell/DellAttributes/System.1")
    manager["Links"] = {"Oem": {"Dell": {"DellAttributes": [others, link(ATTRIBUTES)]}}}
    own_bmc.resources[ATTRIBUTES] = {
        "Attributes": {
            "ServerBoot.1.FirstBootDevice": "Normal",
            "ServerBoot.1.BootOnce": "Enabled",
            "VirtualMedia.1.Attached": "AutoAttach",
        }
    }
    return own_bmc


def mutations(bmc: Scripted) -> list[str]:
    return [name for name in bmc.arrived if name.startswith("PATCH")]


async def test_the_virtual_drive_is_named_after_the_override(home: House, idrac: Scripted) -> None:
    assert (await home.run(home.acts.override_boot, CD_ONCE)).did
    assert mutations(idrac) == [f"PATCH {SYSTEM}", f"PATCH {ATTRIBUTES}"]
    assert idrac.bodies[1] == {"Attributes": {"ServerBoot.1.FirstBootDevice": "VCD-DVD"}}
    assert not (await home.run(home.acts.override_boot, CD_ONCE)).did
    off = OverrideRequest(on=HOST, wanted=BootOverride())
    assert (await home.run(home.acts.override_boot, off)).did
    assert idrac.bodies[3] == {"Attributes": {"ServerBoot.1.FirstBootDevice": "Normal"}}


async def test_half_an_override_is_completed_by_what_is_missing(home: House, idrac: Scripted) -> None:
    idrac.answers[f"PATCH {ATTRIBUTES}"].append((503, "IDRAC.2.8.SYS518", "data sources"))
    with pytest.raises(ActivityFailure):
        await home.run(home.acts.override_boot, CD_ONCE)
    assert (await home.run(home.acts.override_boot, CD_ONCE)).did
    assert mutations(idrac) == [f"PATCH {SYSTEM}", f"PATCH {ATTRIBUTES}", f"PATCH {ATTRIBUTES}"]


async def test_where_the_system_has_the_drives_the_override_suffices(home: House, idrac: Scripted) -> None:
    idrac.system["VirtualMedia"] = link(f"{MANAGER}/VirtualMedia")
    assert (await home.run(home.acts.override_boot, CD_ONCE)).did
    assert mutations(idrac) == [f"PATCH {SYSTEM}"]


async def test_another_vendor_is_not_asked_for_attributes(home: House, idrac: Scripted) -> None:
    idrac.system["Manufacturer"] = "Contoso"
    assert (await home.run(home.acts.override_boot, CD_ONCE)).did
    assert mutations(idrac) == [f"PATCH {SYSTEM}"]


async def test_the_attach_mode_is_among_the_facts(home: House, idrac: Scripted) -> None:
    assert (await home.run(home.looks.look_at_bmc, HOST)).attach_mode == "AutoAttach"
    del idrac.resources[ATTRIBUTES]
    assert (await home.run(home.looks.look_at_bmc, HOST)).attach_mode == ""
