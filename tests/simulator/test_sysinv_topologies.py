"""Sites of several hosts, from their bootstrap on: who comes in how, in which order, and what goes wrong."""

from typing import Any

import pytest

from .bmc_client import bmc_of
from .conftest import Region, Site, Start, until
from .test_sysinv_bringup import carry, in_service, patch, rows, send

FAST = ("--bootstrapped", "--sites", "1", "--reboot-seconds", "60", "--install-seconds", "60")
WITHOUT_BMCS = (*FAST, "--no-bmcs")


def macs(region: Region) -> dict[str, str]:
    """The inventory's MACs by host."""
    return {host["name"]: host["mac"] for host in region.document["sites"][0]["hosts"]}


async def alarms(site: Site) -> set[str]:
    body = (await site.call("GET", 18003, "/v1/alarms")).body
    return {row["alarm_id"] for row in body["alarms"]}


async def unlock(site: Site, name: str) -> None:
    """Once no application is being applied any more."""

    async def ask() -> str:
        answer = await site.act(name, "unlock")
        return "" if answer.status == 200 else str(answer.body["error_message"])

    words = await until(ask, lambda words: "while an application is being" not in words)
    assert words == ""


async def first_controller(site: Site) -> None:
    """OAM, management and cluster-host on ports, then the unlock: what a duplex site needs."""
    host = (await site.host("controller-0"))["uuid"]
    interfaces = {row["ifname"]: row["uuid"] for row in await rows(site, f"ihosts/{host}/iinterfaces")}
    for row in await rows(site, f"ihosts/{host}/interface_networks"):
        await send(site, "DELETE", f"interface_networks/{row['uuid']}")
    await send(site, "PATCH", f"iinterfaces/{interfaces['lo']}", patch(ifclass="none"))
    await carry(site, interfaces["eth0"], "oam")
    for network in ("mgmt", "cluster-host"):
        await carry(site, interfaces["eth1"], network)
    await unlock(site, "controller-0")
    await in_service(site, "controller-0")


async def second_controller(site: Site) -> None:
    """OAM and cluster-host on the controller that was installed, then its unlock."""
    host = (await site.host("controller-1"))["uuid"]
    interfaces = {row["ifname"]: row["uuid"] for row in await rows(site, f"ihosts/{host}/iinterfaces")}
    await carry(site, interfaces["mgmt0"], "cluster-host")
    await carry(site, interfaces["eth1"], "oam")
    await unlock(site, "controller-1")
    await in_service(site, "controller-1")


async def installed(site: Site, name: str) -> dict[str, Any]:
    """The host once it is locked, online and inventoried."""

    async def look() -> dict[str, Any]:
        found = (await site.sysinv("GET", "/v1/ihosts")).body["ihosts"]
        return next((row for row in found if row["hostname"] == name), {})

    return await until(
        look, lambda row: (row.get("availability"), row.get("inv_state")) == ("online", "inventoried")
    )


async def test_a_second_controller_comes_in_and_takes_over_once_it_is_in_sync(
    start: Start,
) -> None:
    region = await start(*WITHOUT_BMCS, "--topology", "aio-dx", speed=100)
    site = await region.site()
    added = {"personality": "controller", "mgmt_mac": macs(region)["controller-1"]}
    await first_controller(site)
    assert "400.002" in await until(lambda: alarms(site), lambda found: "400.002" in found)
    made = await send(site, "POST", "ihosts", added)
    assert (made["hostname"], made["availability"]) == ("controller-1", "offline")
    shown = await installed(site, "controller-1")
    assert (shown["administrative"], shown["subfunctions"]) == ("locked", "controller,worker")
    await second_controller(site)
    refused = await site.act("controller-0", "swact")
    assert refused.status == 400
    assert "synchronization" in refused.body["error_message"]
    await until(lambda: alarms(site), lambda found: not found & {"400.001", "400.002"})
    assert (await site.act("controller-0", "swact")).status == 200


async def test_a_machine_that_is_powered_on_is_discovered_and_becomes_what_it_is_told(start: Start) -> None:
    region = await start(*FAST, "--topology", "aio-dx", "--bmc-flavours", "generic", speed=300)
    site = await region.site()
    await first_controller(site)
    host = region.document["sites"][0]["hosts"][1]
    assert (await bmc_of(region, host="controller-1").reset("On")).status < 300

    async def unnamed() -> list[dict[str, Any]]:
        found = (await site.sysinv("GET", "/v1/ihosts")).body["ihosts"]
        return [row for row in found if row["hostname"] is None]

    found = (await until(unnamed, lambda several: len(several) == 1))[0]
    assert (found["mgmt_mac"], found["personality"]) == (host["mac"], None)
    await send(site, "PATCH", f"ihosts/{found['uuid']}", patch(personality="controller"))
    await installed(site, "controller-1")
    await second_controller(site)


async def test_a_site_with_storage_hosts_comes_into_service(start: Start) -> None:
    region = await start(*WITHOUT_BMCS, "--topology", "standard-storage", speed=200)
    site = await region.site()
    system = (await rows(site, "isystems"))[0]
    assert (system["system_type"], system["system_mode"]) == ("Standard", "duplex")
    await send(site, "POST", "storage_ceph", {"confirmed": True})
    await first_controller(site)
    for name in ("controller-1", "storage-0", "storage-1", "worker-0", "worker-1"):
        body = {"personality": name.split("-")[0], "mgmt_mac": macs(region)[name]}
        body |= {"hostname": name} if name.startswith("worker") else {}
        await send(site, "POST", "ihosts", body)
    await installed(site, "controller-1")
    await second_controller(site)
    for name in ("storage-0", "storage-1"):
        host = (await installed(site, name))["uuid"]
        refused = await site.act(name, "unlock")
        assert "without any Storage Volumes" in refused.body["error_message"]
        disk = (await rows(site, f"ihosts/{host}/idisks"))[1]["uuid"]
        made = await send(site, "POST", "istors", {"ihost_uuid": host, "idisk_uuid": disk, "function": "osd"})
        assert made["state"] == "configuring-on-unlock"
        await unlock(site, name)
        await in_service(site, name)
        assert (await rows(site, f"ihosts/{host}/istors"))[0]["state"] == "configured"
    assert {row["hostname"] for row in await rows(site, "ceph_mon")} == {
        "controller-0",
        "controller-1",
        "storage-0",
    }
    for name in ("worker-0", "worker-1"):
        await installed(site, name)
        await unlock(site, name)
    for name in ("worker-0", "worker-1"):
        await in_service(site, name)
    assert (await region.admin("GET", "/ledger")).body["repeats"] == 0


async def test_a_worker_waits_for_the_third_monitor_where_controllers_keep_the_data(start: Start) -> None:
    region = await start(*WITHOUT_BMCS, "--topology", "standard", speed=200)
    site = await region.site()
    await send(site, "POST", "storage_ceph", {"confirmed": True})
    await first_controller(site)
    worker = {"personality": "worker", "hostname": "worker-0", "mgmt_mac": macs(region)["worker-0"]}
    await send(site, "POST", "ihosts", worker)
    await send(
        site, "POST", "ihosts", {"personality": "controller", "mgmt_mac": macs(region)["controller-1"]}
    )
    await installed(site, "controller-1")
    await second_controller(site)
    host = (await installed(site, "worker-0"))["uuid"]
    refused = await site.act("worker-0", "unlock")
    assert "until the third Ceph monitor is defined" in refused.body["error_message"]
    await send(site, "POST", "ceph_mon", {"ihost_uuid": host})
    await unlock(site, "worker-0")


async def test_an_unlock_that_was_accepted_is_taken_back_and_may_be_asked_for_again(start: Start) -> None:
    region = await start(*WITHOUT_BMCS, "--topology", "aio-sx", speed=100)
    site = await region.site()
    host = (await site.host("controller-0"))["uuid"]
    interface = (await rows(site, f"ihosts/{host}/iinterfaces"))[0]["uuid"]
    await carry(site, interface, "oam")
    await region.admin("POST", "/faults", {"site": site.name, "on": "host.unlock", "do": "fail", "times": 1})
    await unlock(site, "controller-0")

    async def task() -> str:
        return str((await site.host("controller-0"))["task"])

    assert await until(task, lambda words: "timeout" in words) == "Manifest apply timeout ; Unlock to retry"
    assert (await site.host("controller-0"))["administrative"] == "locked"
    await unlock(site, "controller-0")
    await in_service(site, "controller-0")
    assert (await region.admin("GET", "/ledger")).body["repeats"] == 0


async def test_a_new_oam_address_leaves_the_controllers_out_of_date_until_an_unlock(
    start: Start,
) -> None:
    region = await start("--no-bmcs", "--sites", "1", "--reboot-seconds", "60", speed=200)
    site = await region.site()
    oam = (await rows(site, "iextoam", "iextoams"))[0]
    moved = oam["oam_floating_ip"].rsplit(".", 1)[0] + ".99"
    await send(site, "PATCH", f"iextoam/{oam['uuid']}", patch(oam_floating_ip=moved))
    assert "250.001" in await alarms(site)
    assert (await site.host("controller-0"))["config_status"] == "Config out-of-date"
    await site.act("controller-0", "lock")
    await until(lambda: site.host("controller-0"), lambda host: host["administrative"] == "locked")
    await unlock(site, "controller-0")
    await in_service(site, "controller-0")
    assert "250.001" not in await alarms(site)


@pytest.mark.parametrize(
    ("options", "status"), [(("--ceph", "rook", "--kubernetes"), 400), (("--ceph", "bare-metal"), 204)]
)
async def test_a_host_with_a_part_of_rook_is_not_deleted(
    start: Start, options: tuple[str, ...], status: int
) -> None:
    region = await start("--sites", "1", "--topology", "aio-dx", *options, speed=500)
    site = await region.site()
    assert (await site.act("controller-1", "lock")).status == 200

    async def looked() -> dict[str, Any]:
        return await site.host("controller-1")

    await until(looked, lambda host: host["administrative"] == "locked" and not host["task"])
    answer = await site.call("DELETE", 6386, "/v1/ihosts/controller-1")
    assert answer.status == status, answer
    words = "not allowed when the host has host-fs ceph in In-Use state"
    assert (words in str(answer.body)) is (status == 400)
