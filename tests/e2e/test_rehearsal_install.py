"""A deep rehearsal of an installation: simulated BMCs, and not one request to those of the fleet."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
import yaml

from models.outcome import Outcome
from tests.e2e.rehearsed import asked, ends, fleet, read, rehearse, seed_for, write
from tests.support.simulator import Simulator
from workers.rehearsal_ways_out import ways_out

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SITES = [f"edge-{number:04d}" for number in range(1, 4)]
FIRST = [f"{site}/controller-0" for site in SITES]
INSTALL = {
    "kind": "install",
    "image": "https://images.example.com/boot/{site}.iso",
    "release": "starlingx-26.03.0",
    "wipe": FIRST[:2],
    "ready_within": "20m",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    folder = tmp_path_factory.mktemp("real")
    async with fleet(folder, 3, "--bare", "--not-added", "*", "--topology", "by-turns") as region:
        yield region


async def test_bare_servers_are_installed_and_no_bmc_of_the_fleet_is_asked(
    real: Simulator, tmp_path: Path
) -> None:
    before = await asked(real)
    said, found = await rehearse(
        *(tmp_path, real, INSTALL, "--speed", "600", "--data", "kept"),
        *("--failed", "30%", "--seed", str(seed_for(SITES, SITES[1]))),
    )
    assert said.code == 0, said
    ended = ends(found)
    assert [ended[site][0] for site in SITES] == [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.BLOCKED], ended
    assert "nobody approved that edge-0003/controller-0 is wiped" in ended[SITES[2]][1]
    assert found["deep"]["by_service"]["bmc"] > 20
    assert found["deep"]["repeats"] == 0
    own = tmp_path / "kept"
    document = yaml.safe_load((own / "inventory.yaml").read_text())
    declared = {site["name"]: site["hosts"][0]["mac"] for site in read(real)["sites"]}
    assert {site["name"]: site["hosts"][0]["mac"] for site in document["sites"]} == declared
    assert await asked(real) == before, "a BMC of the fleet was asked for something"
    # The control: one look at a real BMC would have been counted,
    bmc = read(real)["sites"][0]["hosts"][0]["bmc"]["address"]
    async with httpx2.AsyncClient(verify=False) as client:
        assert (await client.get(f"{bmc}/redfish/v1/")).status_code == 200
    assert await asked(real) == before + 1
    # and the guard finds a BMC's address, in the inventory and in a file that it names, and an image's.
    assert ways_out(document, own) == []
    host = document["sites"][0]["hosts"][0]
    host["bmc"]["address"] = "https://10.20.17.10"
    (own / "values.yaml").write_text("bmc_address: 10.20.17.10\n")
    document["sites"][1]["deploy"] = {"install_values": "values.yaml"}
    assert [words.rpartition(": ")[0] for words in ways_out(document | {"operation": INSTALL}, own)] == [
        "sites[0].hosts[0].bmc.address",
        "sites[1].deploy.install_values: bmc_address",
        "operation.image",
    ]


async def test_a_second_controller_is_installed_at_a_site_in_service(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    async with fleet(tmp_path_factory.mktemp("in-service"), 2, "--topology", "aio-dx") as region:
        document = read(region)
        del document["sites"][0]["hosts"][1]["oam"]
        write(region, document)
        paths = [f"{site}/controller-1" for site in SITES[:2]]
        operation = INSTALL | {"host": "controller-1", "proof": "sysinv", "wipe": paths}
        said, found = await rehearse(tmp_path, region, operation, "--speed", "600")
        assert (said.code, await asked(region)) == (0, 0)
    ended = ends(found)
    assert {end for end, _ in ended.values()} == {Outcome.SUCCEEDED}, ended
    assert "is installed, as sysinv of edge-0001 says" in ended["edge-0001"][1]
