"""Where BMCs and hosts answer, what a bare region is, and what is refused before anything listens."""

import asyncio
import ipaddress
import stat
import sys
from pathlib import Path

import aiohttp
import pytest

from simulator.bmc.places import MOST_HOSTS, NoRoomError, bmc_address, check_room, oam_address
from simulator.options import MOST_SITES, addresses

from .bmc_client import V1, bmc_of
from .conftest import ROOT, Start, until
from .test_region import run


def test_no_address_is_taken_twice_by_as_many_sites_as_there_can_be() -> None:
    first = ipaddress.IPv4Address("127.77.0.0")
    controller, subclouds = addresses(str(first), MOST_SITES)
    hosts = range(2 * MOST_SITES)
    bmcs = {bmc_address(first, number) for number in hosts}
    oams = {oam_address(first, number) for number in hosts}
    assert len({controller, *subclouds} | bmcs | oams) == 1 + 5 * MOST_SITES
    assert all(address.startswith("127.77.") for address in bmcs | oams)


def test_more_hosts_than_addresses_are_refused() -> None:
    check_room(MOST_HOSTS)
    with pytest.raises(NoRoomError, match="--no-bmcs"):
        check_room(MOST_HOSTS + 1)


async def test_the_inventory_declares_each_host_with_its_bmc(start: Start) -> None:
    region = await start("--topology", "aio-dx", plain=False)
    folder = region.inventory.parent
    assert stat.S_IMODE((folder / "sim-bmc-password").stat().st_mode) == 0o600
    rows = [host for site in region.document["sites"] for host in site["hosts"]]
    for name in ("serial", "uuid", "mac", "oam"):
        assert len({row[name] for row in rows}) == 4
    assert all(row["bmc"]["ca_bundle"] == "sim-ca.pem" for row in rows)
    for site in region.document["sites"]:
        for host in site["hosts"]:
            bmc = bmc_of(region, site["name"], host["name"])
            system = await bmc.system()
            assert (system["SerialNumber"], system["UUID"]) == (host["serial"], host["uuid"])
            interfaces = await bmc.get(system["EthernetInterfaces"]["@odata.id"])
            first = await bmc.get(interfaces["Members"][0]["@odata.id"])
            assert first["MACAddress"] == host["mac"]


async def test_clouds_of_a_bare_region_are_silent_and_offline(start: Start) -> None:
    region = await start("--bare")
    row = (await region.dcmanager("GET", "/v1.0/subclouds/subcloud-0001")).body
    assert row["availability-status"] == "offline"
    site = await region.site()
    with pytest.raises(aiohttp.ClientConnectorError):
        await site.sysinv("GET", "/v1/ihosts")
    truth = await site.truth()
    assert truth["dark_for"] == ["bare"]
    assert [host["bmc"]["power"] for host in truth["hosts"]] == ["Off"]


async def test_hosts_run_from_the_start_unless_the_region_is_bare(start: Start) -> None:
    region = await start()
    truth = await bmc_of(region).truth()
    assert (truth["power"], truth["disk"], truth["up"], truth["installs"]) == ("On", "installed", True, 0)
    stats = (await region.admin("GET", "/stats")).body
    await bmc_of(region).get(f"{V1}/")
    after = (await region.admin("GET", "/stats")).body
    assert after["by_service"]["bmc"] == stats["by_service"]["bmc"] + 1


async def test_a_host_that_is_locked_comes_back_online_not_enabled(start: Start) -> None:
    region = await start()
    bmc, site = bmc_of(region), await region.site()
    await site.act("controller-0", "lock")
    await until(lambda: site.host("controller-0"), lambda host: host["availability"] == "online")
    await bmc.reset("ForceRestart")
    await bmc.reach(up=False)
    await bmc.reach(up=True)
    host = (await site.truth())["hosts"][0]
    assert (host["administrative"], host["availability"]) == ("locked", "online")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--bmc-flavours", "generic,idrac77"),
            "there is no flavour 'idrac77'; flavours are generic, idrac9,",
        ),
        (("--bmc-flavours", ","), "give at least one"),
        (("--bare", "--no-bmcs"), "--bare: hosts that are off can only be reached by their BMCs"),
        (("--install-seconds", "-1"), "--install-seconds: must not be negative"),
    ],
)
async def test_a_bad_option_is_a_sentence(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    code, said = await run("--inventory", str(tmp_path / "i.yaml"), *options)
    assert code == 2
    assert words in said
    assert "Traceback" not in said


async def test_more_sockets_than_files_may_be_opened_are_refused_in_words(tmp_path: Path) -> None:
    command = f"ulimit -n 400; exec {sys.executable} -m simulator --sites 30 --inventory {tmp_path}/i.yaml"
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", command, stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert said.decode().startswith(
        "simulator: --sites: 218 sockets would listen, but a process may open 400"
    )
