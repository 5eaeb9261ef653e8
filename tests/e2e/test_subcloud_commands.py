"""`starflock subcloud` against a real worker; and no secret of an added site is written anywhere.

A site is added, shown, edited, unmanaged and refused by commands, with passwords of sysadmin, BMC and a
registry whose characters URLs and JSON spell differently. Then everything that was written is searched in
every spelling. Afterwards one of them is planted as a description, to show that the search would have found
it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from tests.cli.conftest import Said
from tests.cli.served import Desk, desk_at
from tests.support.secret_scan import files, found, histories
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack

from .test_add_subcloud import OPTIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGISTRY = "Reg+istry/50%=&in:edge x1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    """edge-0001 has a registry with a password; the BMC of edge-0002 is declared with a wrong one."""
    folder = tmp_path_factory.mktemp("sim")
    async with simulator(folder, sites=3, options=OPTIONS) as running:
        document = yaml.safe_load(running.inventory.read_text())
        for name, secret in (("registry-secret", REGISTRY), ("wrong-password", "Wr+ng/75%=&in:edge x3")):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(secret)
        values = folder / document["sites"][0]["deploy"]["bootstrap_values"]
        registry = {"docker_registries": {"defaults": {"username": "d", "password": "file:registry-secret"}}}
        values.write_text(values.read_text() + yaml.safe_dump(registry))
        document["sites"][1]["hosts"][0]["bmc"]["credential"]["password"] = "file:wrong-password"
        running.inventory.write_text(yaml.safe_dump(document))
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_LOG_LEVEL="debug") as running:
        await running.start_worker()
        yield running


@pytest.fixture(scope="module")
def desk(house: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_at(house, tmp_path_factory.mktemp("desk"))


async def _says(desk: Desk, *arguments: str, ends: int = 0) -> Said:
    """Runs `starflock subcloud`, and keeps what it said."""
    said = await desk("subcloud", *arguments)
    assert said.code == ends, (arguments, said)
    with open(desk.folder / "said.txt", "a") as kept:
        kept.write(said.out + said.err)
    return said


async def test_a_site_is_added_and_lives_by_commands(desk: Desk) -> None:
    assert (await desk("inventory", "validate")).code == 0
    said = await _says(desk, "show", "edge-0001", ends=4)
    assert "subcloud-0001 is not there" in said.out
    assert "install, bootstrap, configure; controller-0 at 127." in said.out
    said = await _says(desk, "add", "edge-0001", ends=5)
    assert "if so, say --yes-wipe edge-0001/controller-0" in said.err
    said = await _says(desk, "add", "edge-0001", "--yes-wipe", "edge-0001/controller-0")
    assert "is deployed, online and managed" in said.out
    assert "bootstrap: dcmanager bootstraps controller-0" in said.err
    said = await _says(desk, "update", "edge-0001", "--location", "roof", "--group", "Default")
    assert "has location roof, group Default" in said.out
    assert "nothing to change" in (await _says(desk, "update", "edge-0001", ends=2)).err
    said = await _says(desk, "show", "edge-0001")
    for words in ("roof", "Starflock", "complete", "managed", "online"):
        assert words in said.out
    assert "say --yes-delete edge-0001" in (await _says(desk, "delete", "edge-0001", ends=5)).err
    said = await _says(desk, "delete", "edge-0001", "--yes-delete", "edge-0001", ends=1)
    assert "starflock subcloud unmanage edge-0001" in said.out
    assert "is unmanaged" in (await _says(desk, "unmanage", "edge-0001")).out
    assert "is managed" in (await _says(desk, "manage", "edge-0001")).out
    said = await _says(desk, "add", "edge-0002", "--yes-wipe", "edge-0002/controller-0", ends=1)
    assert "credentials" in said.out
    said = await _says(desk, "manage", "edge-0003", ends=1)
    assert "there is no subcloud subcloud-0003" in said.out


async def test_files_that_are_wrong_stop_the_command_at_once(desk: Desk, region: Simulator) -> None:
    file: Path = region.inventory.parent / "values" / "edge-0003-bootstrap-values.yaml"
    kept = file.read_text()
    file.write_text(kept.replace("simplex", "duplex"))
    said = await _says(desk, "add", "edge-0003", "--yes-wipe", "edge-0003/controller-0", ends=2)
    assert "edge-0003-bootstrap-values.yaml:2: system_mode: expected simplex" in said.err
    said = await desk("inventory", "validate")
    assert (said.code, "system_mode: expected simplex" in said.err) == (2, True)
    assert "system_mode: expected simplex" in (await _says(desk, "show", "edge-0003", ends=4)).out
    file.write_text(kept)
    assert await region.get("/sites/edge-0003/mutations") == []


async def test_no_secret_of_an_added_site_is_written_anywhere(
    desk: Desk, house: Stack, region: Simulator
) -> None:
    beside = region.inventory.parent
    kept = ("sim-password", "sim-bmc-password", "registry-secret", "wrong-password")
    written = await _written(desk, house)
    for name in kept:
        assert found((beside / name).read_text().strip(), written) == set(), name
    await _says(desk, "update", "edge-0001", "--description", REGISTRY)
    finds = {Path(name).name.partition(" ")[0] for name, _ in found(REGISTRY, await _written(desk, house))}
    assert "said.txt" in finds
    assert any(name.startswith("temporal.db") for name in finds)
    assert any(name.startswith("records.db") for name in finds)


async def _written(desk: Desk, house: Stack) -> dict[str, bytes]:
    return files(house.folder, desk.folder) | await histories(house.client)
