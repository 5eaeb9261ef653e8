"""Starting, stopping, what is announced and written, and how the region presents itself."""

import asyncio
import signal
import ssl
import stat
import sys
from pathlib import Path

import aiohttp
import pytest

from .conftest import ROOT, Start


async def run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", *arguments, stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_mixed_region_has_sites_of_every_kind(start: Start) -> None:
    region = await start("--topology", "mixed", "--sites", "10")
    kinds = [site["topology"] for site in region.document["sites"]]
    assert (kinds.count("AIO-SX"), kinds.count("AIO-DX"), kinds.count("Standard")) == (7, 2, 1)
    hosts = {site["topology"]: len(site["hosts"]) for site in region.document["sites"]}
    assert hosts == {"AIO-SX": 1, "AIO-DX": 2, "Standard": 4}
    names = [host["mac"] for site in region.document["sites"] for host in site["hosts"]]
    assert len(set(names)) == len(names)


async def test_inventory_names_sites_but_not_their_endpoints(start: Start) -> None:
    region = await start("--topology", "by-turns")
    controller = region.document["system_controllers"][0]
    secret = "file:sim-password"
    assert controller["credential"] == {
        "username": "admin",
        "password": secret,
        "sysadmin_password": secret,
    }
    assert "ca_bundle" not in controller
    first, second = region.document["sites"]
    assert (first["name"], first["subcloud"], first["topology"]) == ("edge-0001", "subcloud-0001", "AIO-SX")
    assert [host["name"] for host in second["hosts"]] == ["controller-0", "controller-1"]
    assert first["labels"] == {"region": "east", "coverage": "cell-001"}
    assert second["labels"] == {"region": "west", "coverage": "cell-001"}
    file = region.inventory.parent / "sim-password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert region.password not in region.inventory.read_text()


async def test_a_subcloud_is_found_through_dcmanager_and_knows_its_region(start: Start) -> None:
    region = await start()
    rows = (await region.dcmanager("GET", "/v1.0/subclouds")).body["subclouds"]
    site = await region.site()
    row = next(row for row in rows if row["name"] == "subcloud-0001")
    assert row["management-start-ip"] == site.address
    assert (await site.sysinv("GET", "/v1/isystems/region_id")).body == {"region_name": row["region-name"]}
    assert len(row["region-name"]) == 32


async def test_a_token_of_one_site_is_worthless_at_another(start: Start) -> None:
    region = await start()
    first, second = await region.site("edge-0001"), await region.site("edge-0002")
    await first.login()
    second.token = first.token
    assert (await second.sysinv("GET", "/v1/ihosts")).status == 401
    assert (await second.vim("GET")).status == 403


async def test_catalog_resolves_every_service_in_both_regions(start: Start) -> None:
    region = await start()
    auth_url = region.document["system_controllers"][0]["auth_url"]
    token = await region.token(auth_url)
    answer = await region.call("GET", f"{auth_url}/auth/catalog", None, {"X-Auth-Token": token})
    found = {entry["type"]: entry["endpoints"] for entry in answer.body["catalog"]}
    assert set(found) == {"identity", "platform", "faultmanagement", "nfv", "usm", "dcmanager"}
    regions = {endpoint["region"] for endpoint in found["dcmanager"]}
    assert regions == {"RegionOne", "SystemController"}
    assert {endpoint["interface"] for endpoint in found["nfv"]} == {"public", "internal", "admin"}


async def test_tls_certificates_are_valid_for_their_address_only_under_the_written_ca(start: Start) -> None:
    region = await start(plain=False)
    site = await region.site()
    assert (await site.sysinv("GET", "/v1/ihosts")).status == 200
    async with aiohttp.ClientSession() as stranger:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await stranger.get(f"https://{site.address}:5001/v3")
    context = ssl.create_default_context(cafile=str(region.inventory.parent / "sim-ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as strict:
        assert (await strict.get(f"https://{site.address}:5001/v3")).status == 200


async def test_sigterm_ends_it_cleanly(start: Start) -> None:
    region = await start()
    region.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(region.process.wait(), 10) == 0


async def test_it_dies_when_its_stdin_ends(start: Start) -> None:
    region = await start()
    assert region.process.stdin is not None
    region.process.stdin.close()
    assert await asyncio.wait_for(region.process.wait(), 10) == 0


async def test_a_bad_option_is_a_sentence_and_exit_code_2(tmp_path: Path) -> None:
    code, said = await run("--inventory", str(tmp_path / "i.yaml"), "--topology", "ring")
    assert (code, said.strip()) == (
        2,
        "simulator: --topology: must be one of aio-sx, aio-dx, by-turns, mixed, standard, standard-storage, "
        "not 'ring'",
    )


async def test_a_bad_fault_file_names_line_and_field(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text(
        "- {site: edge-0001, on: vim.create, do: fail}\n- site: edge-0002\n  on: site\n  do: vanish\n"
    )
    code, said = await run("--inventory", str(tmp_path / "i.yaml"), "--faults", str(faults))
    assert code == 2
    assert f"{faults}:4: do: 'vanish' does not go with on: site" in said
    assert "Traceback" not in said


async def test_two_regions_of_one_seed_are_the_same_region(start: Start) -> None:
    first = (await (await start("--seed", "7")).admin("GET", "/sites")).body
    second = (await (await start("--seed", "7")).admin("GET", "/sites")).body
    other = (await (await start("--seed", "8")).admin("GET", "/sites")).body
    assert [row["region"] for row in first] == [row["region"] for row in second]
    assert [row["region"] for row in first] != [row["region"] for row in other]
    assert {row["address"] for row in first}.isdisjoint(row["address"] for row in second)
