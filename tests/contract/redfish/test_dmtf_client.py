"""DMTF's own client library, retries off: sessions, a whole installation, a POST that is sent once."""

import time
from typing import Any

import pytest
import redfish
from redfish.rest.v1 import RetriesExhaustedError

from .region import Region


def client(region: Region, flavour: str, timeout: float = 30) -> Any:
    return redfish.redfish_client(
        base_url=region.hosts[flavour].url,
        username="root",
        password=region.password,
        cafile=region.ca,
        timeout=timeout,
        max_retry=0,
    )


def test_a_session_is_opened_used_and_closed(region: Region) -> None:
    host = region.hosts["generic"]
    before = region.truth(host)["sessions"]
    session = client(region, "generic")
    session.login(auth="session")
    assert session.get("/redfish/v1/Systems").status == 200
    assert region.truth(host)["sessions"] == before + 1
    session.logout()
    assert region.truth(host)["sessions"] == before


def test_a_host_is_installed(region: Region, image_url: str) -> None:
    host = region.hosts["generic"]
    bmc = client(region, "generic")
    bmc.login(auth="session")
    system = bmc.get("/redfish/v1/Systems/system")
    slot = system.dict["VirtualMedia"]["@odata.id"] + "/CD1"
    insert = bmc.get(slot).dict["Actions"]["#VirtualMedia.InsertMedia"]["target"]
    assert bmc.post(insert, body={"Image": image_url}).status == 204
    boot = {"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}}
    etag = {"If-Match": system.getheader("ETag")}
    assert bmc.patch("/redfish/v1/Systems/system", body=boot, headers=etag).status in (200, 412)
    if region.truth(host)["override"] == "none":
        assert bmc.patch("/redfish/v1/Systems/system", body=boot).status == 200
    reset = system.dict["Actions"]["#ComputerSystem.Reset"]["target"]
    assert bmc.post(reset, body={"ResetType": "On"}).status == 204
    deadline = time.monotonic() + 20
    while not region.truth(host)["up"]:
        assert time.monotonic() < deadline
    assert region.truth(host)["installs"] == 1
    eject = bmc.get(slot).dict["Actions"]["#VirtualMedia.EjectMedia"]["target"]
    assert bmc.post(eject, body={}).status == 204
    assert bmc.post(reset, body={"ResetType": "ForceOff"}).status == 204
    bmc.logout()


def test_an_update_is_followed_by_its_monitor(region: Region, image_url: str) -> None:
    bmc = client(region, "huawei")
    bmc.login(auth="session")
    action = bmc.get("/redfish/v1/UpdateService").dict["Actions"]["#UpdateService.SimpleUpdate"]["target"]
    image = image_url.replace("boot.iso", "Disk.1-9.1.bin")
    answer = bmc.post(action, body={"ImageURI": image})
    assert answer.is_processing
    deadline = time.monotonic() + 20
    while (last := answer.monitor(bmc)).is_processing:
        assert time.monotonic() < deadline
    assert (last.status, last.dict["TaskState"]) == (200, "Completed")
    assert bmc.get("/redfish/v1/UpdateService/FirmwareInventory/Disk.1").dict["Version"] == "9.1"
    bmc.logout()


def test_a_post_whose_answer_is_late_arrives_once_and_is_applied(region: Region) -> None:
    host = region.hosts["partial"]
    bmc = client(region, "partial", timeout=1)
    bmc.login(auth="basic")
    region.fault(site=host.site, on="bmc.reset", do="hold", seconds=1200, times=1)
    with pytest.raises(RetriesExhaustedError):
        bmc.post("/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", body={"ResetType": "On"})
    deadline = time.monotonic() + 20
    while region.truth(host)["power"] != "On":
        assert time.monotonic() < deadline
    entries = region.entries(host, "bmc.reset")
    assert [entry["outcome"] for entry in entries[-1:]] == ["applied"]
    assert not any(entry["repeat"] for entry in entries)
