"""OpenStack's sushy, which carries workarounds for most vendors, drives every flavour.

What sushy cannot do against a real BMC of that kind it cannot do here either: those flavours are listed with
what it runs into.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
import sushy
from sushy import auth, exceptions

from simulator.bmc.flavours_table import FLAVOURS

from .region import Host, Region

CANNOT_INSERT: dict[str, type[Exception]] = {
    "idrac7": exceptions.MissingActionError,
    # Its collection has no member while nothing is mounted.
    "supermicro-x11": IndexError,
    # The first insert fails; sushy leaves it to its caller to insert again.
    "idrac9-4": exceptions.ServerSideError,
    "idrac9-detached": exceptions.ServerSideError,
    "supermicro-unlicensed": exceptions.AccessError,
}
WANTS_MODE = ("asrock",)


def connect(region: Region, host: Host) -> Any:
    login = auth.SessionOrBasicAuth("root", region.password)
    return sushy.Sushy(
        host.url, auth=login, verify=region.ca, server_side_retries=20, server_side_retries_delay=0.05
    )


def system_of(root: Any) -> Any:
    return root.get_system_collection().get_members()[0]


def slot_of(system: Any) -> Any:
    try:
        slots = system.virtual_media.get_members()
    except exceptions.MissingAttributeError:
        slots = system.managers[0].virtual_media.get_members()
    return slots[-1]


def eventually(ask: Callable[[], Any], wanted: Any, within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while (answer := ask()) != wanted:
        assert time.monotonic() < deadline, f"still {answer}, not {wanted}, after {within} s"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_sushy_reads_the_identity_that_is_declared(region: Region, flavour: str) -> None:
    host = region.hosts[flavour]
    system = system_of(connect(region, host))
    assert system.uuid.lower() == host.declared["uuid"]
    assert system.json["SerialNumber"] == host.declared["serial"]
    assert host.declared["mac"] in {mac.lower() for mac in system.ethernet_interfaces.summary}
    assert system.manufacturer == FLAVOURS[flavour].manufacturer
    assert system.managers[0].firmware_version == FLAVOURS[flavour].bmc_firmware


@pytest.mark.parametrize(("flavour", "error"), CANNOT_INSERT.items())
def test_sushy_cannot_insert_where_the_vendor_lets_nobody(
    region: Region, flavour: str, error: type[Exception], image_url: str
) -> None:
    host = region.hosts[flavour]
    system = system_of(connect(region, host))
    with pytest.raises(error):
        slot_of(system).insert_media(image_url)
    assert region.truth(host)["medium"] is None


@pytest.mark.parametrize("flavour", [name for name in FLAVOURS if name not in CANNOT_INSERT])
def test_sushy_inserts_and_ejects(region: Region, flavour: str, image_url: str) -> None:
    host = region.hosts[flavour]
    slot = slot_of(system_of(connect(region, host)))
    slot.insert_media(image_url)
    assert region.truth(host)["medium"] == image_url
    slot.invalidate()
    slot.refresh()
    assert (slot.inserted, slot.image) == (True, image_url)
    slot.eject_media()
    assert region.truth(host)["medium"] is None


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_sushy_switches_power(region: Region, flavour: str) -> None:
    host = region.hosts[flavour]
    system = system_of(connect(region, host))
    system.reset_system(sushy.ResetType.ON)
    eventually(lambda: region.truth(host)["power"], "On")
    system.reset_system(sushy.ResetType.FORCE_OFF)
    eventually(lambda: region.truth(host)["power"], "Off")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_sushy_sets_the_boot_device(region: Region, flavour: str) -> None:
    host = region.hosts[flavour]
    system = system_of(connect(region, host))
    mode = sushy.BootSourceOverrideMode.UEFI if flavour in WANTS_MODE else None
    system.set_system_boot_options(
        sushy.BootSource.CD, enabled=sushy.BootSourceOverrideEnabled.ONCE, mode=mode
    )
    truth = region.truth(host)
    assert f"{FLAVOURS[flavour].cd_target}/Once" in (truth["override"], truth["staged_override"])
