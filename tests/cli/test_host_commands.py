"""`starflock host` against a real server, a worker and simulated BMCs."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import yaml
from temporalio.client import WorkflowFailureError

from models import contracts
from models.install import InstallHostRequest
from tests.cli.served import Desk, desk_at
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE, TWO, THREE, FOUR = (f"edge-{number:04d}/controller-0" for number in range(1, 5))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--bare", "--topology", "aio-sx", "--bmc-flavours", "generic")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=4, options=options) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    """edge-0001 fits its hardware profile, edge-0002 does not, edge-0003 is another machine than declared."""
    document = yaml.safe_load(region.inventory.read_text())
    document["hardware_profiles"] = [{"name": "small", "cores": 1}, {"name": "huge", "cores": 4096}]
    hosts = [site["hosts"][0] for site in document["sites"]]
    hosts[0]["hardware"], hosts[1]["hardware"] = "small", "huge"
    hosts[2]["serial"] = "OF-ANOTHER"
    region.inventory.write_text(yaml.safe_dump(document))
    async with stack(tmp_path_factory.mktemp("house"), region) as running:
        await running.start_worker()
        yield running


@pytest.fixture(scope="module")
def desk(house: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_at(house, tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def images(region: Simulator) -> str:
    return f"{str(region.admin.base_url).rstrip('/')}/images"


async def test_an_inventory_says_what_a_server_is_made_of_and_that_it_fits(desk: Desk) -> None:
    said = await desk("host", "inventory", ONE)
    assert (said.code, said.err) == (0, "")
    words = [line.split() for line in said.out.splitlines()]
    assert ["host", ONE] in words
    assert ["profile", "small", "as", "declared"] in words
    for column in ("processor", "nic", "adapter", "drive", "firmware"):
        assert any(line[:1] == [column] for line in words), column
    report = json.loads((await desk("host", "inventory", ONE, "-o", "json")).out)
    assert report["hardware"]["processors"]
    assert (report["profile"]["name"], report["differences"], report["complaint"]) == ("small", [], "")


async def test_a_server_that_differs_from_its_profile_is_1(desk: Desk) -> None:
    said = await desk("host", "inventory", TWO)
    assert said.code == 1
    assert "4096 are declared" in said.out


async def test_a_machine_that_is_not_the_declared_one_is_1_and_said(desk: Desk) -> None:
    said = await desk("host", "inventory", THREE)
    assert said.code == 1
    assert "the inventory says serial number OF-ANOTHER, its BMC says" in said.out


async def test_firmware_is_compared_with_a_baseline(desk: Desk, images: str) -> None:
    bios = {"name": "BIOS", "version": "9.9.9", "image": f"{images}/BIOS-9.9.9.bin"}
    file = desk.campaign(
        "baseline",
        operation={"kind": "firmware", "baseline": "2026-q4", "components": [bios]},
        select={"all": True},
    )
    said = await desk("host", "inventory", ONE, "--baseline", file, "-o", "json")
    (compared,) = json.loads(said.out)["compliance"]
    assert said.code == 1
    assert (compared["name"], compared["wanted"], compared["state"]) == ("BIOS", "9.9.9", "differs")
    patch = desk.campaign("patch", select={"all": True})
    wrong = await desk("host", "inventory", ONE, "--baseline", patch)
    assert (wrong.code, wrong.out) == (2, "")
    assert "expected firmware for a baseline, found patch" in wrong.err


async def test_power_and_sensors_are_told(desk: Desk) -> None:
    power = await desk("host", "power", ONE)
    assert power.code == 0
    assert ["power", "Off"] in [line.split() for line in power.out.splitlines()]
    assert "virtual drive" in power.out
    assert json.loads((await desk("host", "power", ONE, "-o", "json")).out)["facts"]["power"] == "Off"
    sensors = await desk("host", "sensors", ONE)
    assert sensors.code == 0
    assert "reading" in sensors.out
    told = json.loads((await desk("host", "sensors", ONE, "-o", "json")).out)["sensors"]
    assert {"Cel", "W"} <= {each["unit"] for each in told}


async def test_a_host_that_nobody_declared_is_4_and_a_name_that_is_none_is_2(desk: Desk, images: str) -> None:
    nobody = "edge-0001/controller-9"
    install = await desk("host", "install", nobody, "--image", f"{images}/x.iso", "--yes-wipe", nobody)
    assert (install.code, install.out) == (4, "")
    assert "controller-9" in install.err
    for what in ("inventory", "power", "sensors"):
        said = await desk("host", what, "edge-0001")
        assert (said.code, said.out) == (2, "")
        assert said.err == "expected SITE/HOST such as edge-0001/controller-0, found 'edge-0001'\n"
        looked = await desk("host", what, nobody)
        assert (looked.code, looked.out, looked.err) == (4, "", install.err)
        # Where there is no inventory to see it by, the worker has one.
        away = await desk("host", what, nobody, "--inventory", "not-here.yaml")
        assert (away.code, away.out) == (5, "")
        assert "controller-9" in away.err


async def test_a_bmc_that_refuses_our_password_is_5_in_words(desk: Desk, region: Simulator) -> None:
    secret = region.inventory.parent / "sim-bmc-password"
    right = secret.read_text()
    secret.write_text("not-the-password")
    try:
        said = await desk("host", "power", FOUR)
    finally:
        secret.write_text(right)
    assert (said.code, said.out) == (5, "")
    assert "does not accept our credentials" in said.err


async def test_a_bmc_that_is_silent_is_1_in_words_soon(desk: Desk, region: Simulator) -> None:
    await region.fault(FOUR, "bmc", "drop-before")
    try:
        said = await desk("host", "power", FOUR)
    finally:
        await region.clear_faults()
    assert (said.code, said.out) == (1, "")
    assert "Activity" not in said.err
    assert "127." in said.err


async def test_an_install_wants_the_name_written_out_again(
    desk: Desk, images: str, region: Simulator
) -> None:
    for given, words in (((), "--yes-wipe is missing"), (("--yes-wipe", TWO), f"--yes-wipe names {TWO}")):
        said = await desk("host", "install", ONE, "--image", f"{images}/x.iso", *given)
        assert (said.code, said.out) == (5, "")
        assert said.err == f"{words}: installing {ONE} wipes its disks; if so, say --yes-wipe {ONE}\n"
    assert await region.mutations("edge-0001") == []


async def test_an_install_is_told_by_steps_and_ends_with_a_host_that_answers(desk: Desk, images: str) -> None:
    install = ("host", "install", ONE, "--image", f"{images}/x.iso", "--yes-wipe", ONE, "--release", "r-1")
    first = await desk(*install, "--no-wait")
    assert first.code == 0
    assert ["workflow_id", "site/edge-0001"] in [line.split() for line in first.out.splitlines()]
    held = await desk(*install)
    assert (held.code, held.out) == (5, "")
    assert held.err.startswith("edge-0001 is held by an InstallHost")
    other = ("host", "install", TWO, "--image", f"{images}/y.iso", "--yes-wipe", TWO)
    done = await desk(*other)
    assert done.code == 0, done.out + done.err
    assert "boot the medium" in done.err
    assert ["outcome", "succeeded"] in [line.split() for line in done.out.splitlines()]
    again = await desk(*other, "-o", "json")
    result = json.loads(again.out)
    assert (again.code, result["outcome"]) == (1, "refused")
    assert f"{TWO} answers at" in result["reason"]
    status = json.loads((await desk("site", "status", "edge-0002", "-o", "json")).out)
    assert status["runs"] == 2
    told = [line.split() for line in (await desk("site", "status", "edge-0002")).out.splitlines()]
    assert ["last", "run", "install"] in told
    assert ["installs", "y.iso"] in told
    assert "version" not in [words[0] for words in told if words]


async def test_a_wipe_is_approved_by_the_hosts_name(desk: Desk, house: Stack, images: str) -> None:
    handle = await house.client.start_workflow(
        contracts.INSTALL_HOST,
        InstallHostRequest(site="edge-0004", host="controller-0", image=f"{images}/x.iso"),
        id=contracts.site_workflow_id("edge-0004"),
        task_queue=contracts.TASK_QUEUE,
    )

    async def waits() -> bool:
        return "approve_wipe" in (await handle.query(contracts.PROGRESS_QUERY))["why"]

    await until(waits, "the approval is waited for")
    other = await desk("host", "approve-wipe", "edge-0004/controller-1", "--by", "anna")
    assert (other.code, other.out) == (5, "")
    assert "this run is about edge-0004/controller-0, not edge-0004/controller-1" in other.err
    assert (await desk("host", "approve-wipe", THREE, "--by", "anna")).code == 4
    said = await desk("host", "approve-wipe", FOUR, "--by", "anna")
    assert (said.code, said.out) == (0, f"{FOUR} may be wiped, by anna\n")
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
