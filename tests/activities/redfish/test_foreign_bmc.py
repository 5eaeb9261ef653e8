"""Our activities against a BMC that others wrote, and what an independent reader sees afterwards."""

import asyncio
from typing import Any

import pytest
import sushy

from activities.errors import ActivityFailure
from models.bmc import (
    AwaitBmcRequest,
    BmcFacts,
    BootOverride,
    EjectRequest,
    InsertRequest,
    OverrideRequest,
    PowerRequest,
    SettingsRequest,
)
from rules import quirks
from tests.activities.redfish.emulator import MAC, OTHER_UUID, UUID, Emulator, Images
from tests.activities.redfish.house import HOST, House
from tests.e2e.machine import read_by_sushy


async def facts(home: House) -> BmcFacts:
    found: BmcFacts = await home.run(home.looks.look_at_bmc, HOST)
    return found


async def refused(home: House, activity: Any, request: Any) -> ActivityFailure:
    with pytest.raises(ActivityFailure) as failure:
        await home.run(activity, request)
    return failure.value


async def seen_by_sushy(bmc: Emulator) -> Any:
    return await asyncio.to_thread(read_by_sushy, bmc)


async def test_our_look_equals_that_of_an_independent_reader(at_home: House, bmc: Emulator) -> None:
    at_home.declare(**at_home.host, mac=MAC)
    ours, theirs = await facts(at_home), await seen_by_sushy(bmc)
    assert ours.identity.uuid == theirs.uuid == UUID
    assert ours.identity.manufacturer == theirs.manufacturer
    assert ours.identity.macs[0] == MAC
    assert MAC in {mac.lower() for mac in theirs.ethernet_interfaces.summary}
    assert ours.power == theirs.power_state.value
    assert set(ours.reset_types) == {kind.value for kind in theirs.get_allowed_reset_system_values()}
    allowed = {target.value for target in theirs.get_allowed_system_boot_source_values()}
    assert set(ours.boot_targets) == allowed
    drives = await asyncio.to_thread(lambda: theirs.virtual_media.get_members())
    assert [slot.path for slot in ours.slots] == [drive.path for drive in drives]
    assert (ours.authentication, ours.unverified) == ("basic", False)


async def test_media_power_and_boot_are_as_we_say_and_as_sushy_sees(
    at_home: House, bmc: Emulator, image: Images
) -> None:
    seen = await facts(at_home)
    (drive,) = quirks.drives(seen)
    acts, looks = at_home.acts, at_home.looks
    insert = InsertRequest(on=HOST, slot=drive.path, image=image.url)

    assert (await at_home.run(acts.insert_medium, insert)).did
    assert not (await at_home.run(acts.insert_medium, insert)).did
    end = await at_home.run(
        looks.await_bmc,
        AwaitBmcRequest(on=HOST, until="inserted", slot=drive.path, image=image.url, within="1m"),
    )
    assert end.how == "so"
    once = OverrideRequest(on=HOST, wanted=BootOverride(enabled="Once", target=quirks.boot_target(seen)))
    assert (await at_home.run(acts.override_boot, once)).words == "Continuous"
    assert not (await at_home.run(acts.override_boot, once)).did
    on = PowerRequest(on=HOST, want="On", kinds=quirks.reset_kinds("On", seen.reset_types))
    assert (await at_home.run(acts.set_power, on)).words == "On"
    end = await at_home.run(looks.await_bmc, AwaitBmcRequest(on=HOST, until="on", within="20m"))
    assert end.how == "so"
    assert not (await at_home.run(acts.set_power, on)).did

    theirs = await seen_by_sushy(bmc)
    assert theirs.power_state is sushy.PowerState.ON
    assert theirs.boot.target is sushy.BootSource.CD
    cd = next(each for each in theirs.virtual_media.get_members() if each.path == drive.path)
    assert (cd.inserted, cd.image) == (True, image.url)
    assert (await facts(at_home)).ours == ("boot.iso",)

    eject = EjectRequest(on=HOST, slot=drive.path)
    assert (await at_home.run(acts.eject_medium, eject)).did
    assert not (await at_home.run(acts.eject_medium, eject)).did
    await asyncio.to_thread(cd.refresh, force=True)
    assert not cd.inserted


async def test_a_medium_of_somebody_else_is_left_alone(at_home: House, image: Images) -> None:
    (drive,) = quirks.drives(await facts(at_home))
    await at_home.run(at_home.acts.insert_medium, InsertRequest(on=HOST, slot=drive.path, image=image.url))
    other = InsertRequest(on=HOST, slot=drive.path, image="http://192.0.2.1/other.iso")
    failure = await refused(at_home, at_home.acts.insert_medium, other)
    assert failure.type == "Busy"
    assert "boot.iso, put in by someone else" in failure.message


@pytest.mark.parametrize("which", ["missing", "refused"])
async def test_an_image_that_the_bmc_cannot_fetch_blocks_and_says_so(
    at_home: House, image: Images, which: str
) -> None:
    (drive,) = quirks.drives(await facts(at_home))
    request = InsertRequest(on=HOST, slot=drive.path, image=getattr(image, which))
    failure = await refused(at_home, at_home.acts.insert_medium, request)
    assert failure.type == "Blocked", failure.message
    assert failure.message.startswith("the image cannot be reached from the BMC")


async def test_a_wrong_password_is_refused_at_once_and_never_repeated(at_home: House, bmc: Emulator) -> None:
    (at_home.path.parent / "bmc-password").write_text("hunter2")
    failure = await refused(at_home, at_home.looks.look_at_bmc, HOST)
    assert (failure.type, failure.non_retryable) == ("Refused", True)
    assert "does not accept our credentials" in failure.message
    assert "hunter2" not in failure.message
    log = (at_home.path.parent / "emulator" / "emulator.log").read_text()
    assert log.count(" 401 ") == 1


async def test_another_machine_at_the_address_is_sent_nothing(at_home: House, bmc: Emulator) -> None:
    at_home.declare(**at_home.host | {"uuid": OTHER_UUID})
    on = PowerRequest(on=HOST, want="On", kinds=("On",))
    failure = await refused(at_home, at_home.acts.set_power, on)
    assert failure.type == "Refused"
    assert f"the inventory says UUID {OTHER_UUID}" in failure.message
    log = (at_home.path.parent / "emulator" / "emulator.log").read_text()
    assert "POST" not in log


async def test_trust_is_kept(at_home: House, bmc: Emulator) -> None:
    declared = {key: value for key, value in at_home.host["bmc"].items() if key != "ca_bundle"}
    for trust, is_believed in (
        ({"fingerprint": bmc.fingerprint}, True),
        ({"fingerprint": "sha256:" + "0f" * 32}, False),
        ({}, False),
        ({"unverified": True}, True),
    ):
        at_home.declare(**at_home.host | {"bmc": declared | trust})
        if is_believed:
            assert (await facts(at_home)).unverified is ("unverified" in trust)
        else:
            failure = await refused(at_home, at_home.looks.look_at_bmc, HOST)
            assert failure.type == "Transient"
            assert "certificate" in failure.message.lower() or "fingerprint" in failure.message.lower()


async def test_a_bmc_without_bios_attributes_says_so(at_home: House) -> None:
    request = SettingsRequest(on=HOST, attributes={"ProcVirtualization": "Enabled"})
    failure = await refused(at_home, at_home.acts.set_pending, request)
    assert failure.type == "Refused", failure.message


async def test_secure_boot_is_set_and_seen(at_home: House, bmc: Emulator) -> None:
    wanted = SettingsRequest(on=HOST, secure_boot=True)
    assert await at_home.run(at_home.looks.settings_left, wanted) == ("secure boot is off",)
    assert (await at_home.run(at_home.acts.set_pending, wanted)).words == "secure boot on"
    assert not (await at_home.run(at_home.acts.set_pending, wanted)).did
    assert await at_home.run(at_home.looks.settings_left, wanted) == ()


async def test_a_missing_secret_is_named_by_its_reference(at_home: House) -> None:
    (at_home.path.parent / "bmc-password").unlink()
    failure = await refused(at_home, at_home.looks.look_at_bmc, HOST)
    assert failure.type == "Refused"
    assert failure.message.startswith("BMC of alpha/controller-0: file:bmc-password: there is no such file")
