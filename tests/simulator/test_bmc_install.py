"""From a bare server to an installed, reachable host through its BMC, and what goes wrong on the way."""

import asyncio

import pytest

from simulator.bmc.media import Fetcher, UnreachableError

from .bmc_client import Bmc, bmc_of, images
from .conftest import Start, until

BARE = ("--bare", "--install-seconds", "600", "--bmc-flavours", "generic")


async def ssh_says(bmc: Bmc) -> bytes:
    """The first line at the host's SSH port; empty when nobody listens."""
    host, port = bmc.declared["oam"].split(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return b""
    line = await reader.readline()
    writer.close()
    return line


async def test_a_bare_host_is_installed_and_reached(start: Start) -> None:
    region = await start(*BARE)
    bmc = bmc_of(region)
    assert (await bmc.truth())["disk"] == "blank"
    assert await ssh_says(bmc) == b""
    async with images() as server:
        image = f"{server.url}/boot.iso?phone-home={server.url}/done"
        assert (await bmc.insert(image)).status == 204
        assert server.asked == ["/boot.iso"]
        assert (await bmc.get(await bmc.slot()))["Image"] == image
        assert (await bmc.override()).status == 200
        assert (await bmc.reset("On")).status == 204
        await bmc.reach(stage="installer", disk="half-written", override="none")
        await bmc.reach(up=True, disk="installed", installs=1)

        async def calls() -> list[str]:
            return list(server.homes)

        # It is up before it calls.
        assert await until(calls, bool) == ["/done"]
    assert await until(lambda: ssh_says(bmc), bool) == b"SSH-2.0-OpenSSH_9.2\r\n"
    assert (await bmc.eject()).status == 204
    assert await region.repeats() == 0


async def test_a_blank_disk_comes_to_nothing(start: Start) -> None:
    region = await start(*BARE)
    bmc = bmc_of(region)
    await bmc.reset("On")
    await bmc.reach(power="On", stage="nothing", disk="blank")
    assert await ssh_says(bmc) == b""


async def test_a_medium_that_stays_in_and_is_booted_again_installs_again(start: Start) -> None:
    region = await start(*BARE[:-1], "sticky-once")
    bmc = bmc_of(region)
    async with images() as server:
        await bmc.insert(f"{server.url}/boot.iso")
        await bmc.override()
        await bmc.reset("On")
        await bmc.reach(installs=2)
    ledger = (await region.admin("GET", "/ledger")).body
    assert [entry["intent"] for entry in ledger["repeated"]][:1] == ["host.wipe"]


async def test_an_image_may_power_the_machine_off_when_it_is_done(start: Start) -> None:
    region = await start(*BARE)
    bmc = bmc_of(region)
    async with images() as server:
        await bmc.insert(f"{server.url}/boot.iso?after=poweroff")
        await bmc.override()
        await bmc.reset("On")
        await bmc.reach(installs=1, power="Off")
    await bmc.eject()
    await bmc.reset("On")
    await bmc.reach(up=True)
    assert await region.repeats() == 0


async def test_power_that_goes_during_the_installation_leaves_no_system(start: Start) -> None:
    region = await start(*BARE)
    bmc = bmc_of(region)
    async with images() as server:
        await bmc.insert(f"{server.url}/boot.iso")
        await bmc.override()
        await bmc.reset("On")
        await bmc.reach(stage="installer")
        await bmc.reset("ForceOff")
        await bmc.reach(power="Off")
        await bmc.reset("On")
        await bmc.reach(stage="nothing", disk="half-written", installs=0)


async def test_a_medium_that_is_taken_from_a_running_installer_leaves_no_system(start: Start) -> None:
    region = await start(*BARE)
    bmc = bmc_of(region)
    async with images() as server:
        await bmc.insert(f"{server.url}/boot.iso")
        await bmc.override()
        await bmc.reset("On")
        await bmc.reach(stage="installer")
        await bmc.eject()
        assert (await bmc.truth())["stage"] == "nothing"
        await bmc.reset("ForceRestart")
        await bmc.reach(boots=2, stage="nothing", disk="half-written", installs=0)


@pytest.mark.parametrize(
    ("flavour", "key"), [("generic", "CouldNotEstablishConnection"), ("idrac9", "RAC0904")]
)
async def test_an_image_that_cannot_be_read_is_not_inserted(start: Start, flavour: str, key: str) -> None:
    region = await start(*BARE[:-1], flavour)
    bmc = bmc_of(region)
    async with images() as server:
        urls = [f"{server.url}/missing.iso", "http://127.0.0.1:9/boot.iso", "nfs://127.0.0.1/boot.iso"]
        for url in urls:
            answer = await bmc.insert(url)
            assert answer.status == 400
            assert answer.body["error"]["code"].endswith(key)
    assert (await bmc.truth())["medium"] is None
    slot = await bmc.get(await bmc.slot())
    assert (slot["Inserted"], slot["Image"]) == (False, None)


async def test_a_server_that_says_nothing_is_given_up() -> None:
    left = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            continue
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fetcher = Fetcher(patience_s=0.2)
    async with server:
        with pytest.raises(UnreachableError, match=r"no answer within 0\.2 s"):
            await fetcher.probe(f"http://127.0.0.1:{port}/boot.iso", verify=False)
        await fetcher.close()
        await left.wait()


async def test_a_certificate_is_verified_only_where_the_client_asks_for_it(start: Start) -> None:
    region = await start(*BARE, plain=False)
    bmc, other = bmc_of(region), bmc_of(region, "edge-0002")
    image = f"{other.url}/redfish"
    answer = await bmc.insert(image, VerifyCertificate=True)
    assert (answer.status, "certificate" in answer.body["error"]["message"].lower()) == (400, True)
    assert (await bmc.insert(image, VerifyCertificate=False)).status == 204


async def test_a_blind_client_makes_repeats(start: Start) -> None:
    region = await start(*BARE)
    bmc = bmc_of(region)
    slot, system = await bmc.slot(), await bmc.only("Systems")
    async with images() as server:
        for _ in range(2):
            body = {"Image": f"{server.url}/boot.iso"}
            await bmc.call("POST", f"{slot}/Actions/VirtualMedia.InsertMedia", body)
        for _ in range(2):
            await bmc.override()
        for _ in range(2):
            await bmc.call("POST", f"{system}/Actions/ComputerSystem.Reset", {"ResetType": "On"})
        for _ in range(2):
            await bmc.call("POST", f"{slot}/Actions/VirtualMedia.EjectMedia", {})
    ledger = (await region.admin("GET", "/ledger")).body
    assert [entry["intent"] for entry in ledger["repeated"]] == [
        "bmc.insert",
        "bmc.boot",
        "bmc.reset",
        "bmc.eject",
    ]
    assert {entry["target"].split()[0] for entry in ledger["repeated"]} == {"controller-0"}


async def test_a_client_that_looks_in_between_makes_none(start: Start) -> None:
    region = await start(*BARE)
    bmc = bmc_of(region)
    async with images() as server:
        for _ in range(2):
            await bmc.get(await bmc.slot())
            await bmc.eject()
            await bmc.get(await bmc.slot())
            await bmc.insert(f"{server.url}/boot.iso?after=poweroff")
            await bmc.override()
            await bmc.reset("On")
            await bmc.reach(power="Off", override="none", stage="")
        assert (await bmc.truth())["installs"] == 2
    assert await region.repeats() == 0


async def test_a_running_simplex_host_that_is_switched_off_takes_its_cloud_along(start: Start) -> None:
    region = await start("--bmc-flavours", "generic")
    bmc, site = bmc_of(region), await region.site()
    assert await ssh_says(bmc)
    await bmc.reset("ForceOff")
    await bmc.reach(power="Off")
    assert (await site.truth())["dark"]
    assert await ssh_says(bmc) == b""
    await bmc.reset("On")
    await bmc.reach(up=True)
    assert (await site.host("controller-0"))["availability"] == "available"


async def test_an_unlock_is_a_power_cycle_at_the_bmc_whose_address_sysinv_has(start: Start) -> None:
    region = await start("--topology", "aio-dx", "--bmc-flavours", "generic")
    site, bmc = await region.site(), bmc_of(region, host="controller-1")
    host = await site.host("controller-1")
    assert f"//{host['bm_ip']}:" in bmc.url
    before = await bmc.truth()
    await site.act("controller-1", "lock")
    await until(lambda: site.host("controller-1"), lambda row: row["administrative"] == "locked")
    assert (await bmc.truth())["boots"] == before["boots"]
    await site.act("controller-1", "unlock")
    await bmc.reach(up=False)
    await bmc.reach(up=True, boots=before["boots"] + 1)
    await until(lambda: site.host("controller-1"), lambda row: row["availability"] == "available")
    assert not (await site.truth())["dark"]


async def test_a_duplex_site_lives_on_while_one_host_runs(start: Start) -> None:
    region = await start("--topology", "aio-dx", "--bmc-flavours", "generic")
    site = await region.site()
    first, second = bmc_of(region), bmc_of(region, host="controller-1")
    await first.reset("ForceOff")
    await first.reach(power="Off")
    assert not (await site.truth())["dark"]
    rows = await until(site.truth, lambda truth: truth["hosts"][0]["availability"] == "offline")
    hosts = {row["name"]: row for row in rows["hosts"]}
    assert hosts["controller-1"]["active"]
    await second.reset("ForceOff")
    await second.reach(power="Off")
    assert (await site.truth())["dark"]
    await first.reset("On")
    await first.reach(up=True)
    truth = await site.truth()
    assert (truth["dark"], [row["active"] for row in truth["hosts"]]) == (False, [True, False])
