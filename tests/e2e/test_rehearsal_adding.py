"""Deep rehearsals of additions to dcmanager: with installation, without it, and with files that are wrong."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.e2e.rehearsed import PATIENT, asked, ends, fleet, read, rehearse, seed_for
from tests.support.simulator import Simulator

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SITES = [f"edge-{number:04d}" for number in range(1, 4)]
FIRST = [f"{site}/controller-0" for site in SITES]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    folder = tmp_path_factory.mktemp("real")
    async with fleet(folder, 3, "--bare", "--not-added", "*", "--topology", "by-turns") as region:
        yield region


async def test_sites_are_added_and_one_fails_as_dictated(real: Simulator, tmp_path: Path) -> None:
    operation = {"kind": "add-subcloud", "wipe": FIRST} | PATIENT
    arguments = ("--speed", "600", "--failed", "30%", "--seed", str(seed_for(SITES, SITES[1])))
    said, found = await rehearse(tmp_path, real, operation, *arguments)
    ended = ends(found)
    assert [end for end, _ in ended.values()] == [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SUCCEEDED], said
    assert "bootstrap-failed" in ended[SITES[1]][1], ended
    assert (found["deep"]["repeats"], said.code, await asked(real)) == (0, 0, 0)


async def test_sites_whose_controllers_are_installed_are_added_without_that(
    real: Simulator, tmp_path: Path
) -> None:
    operation = {"kind": "add-subcloud", "install": "none", "manage": False} | PATIENT
    said, found = await rehearse(tmp_path, real, operation, "--speed", "600")
    assert {end for end, _ in ends(found).values()} == {Outcome.SUCCEEDED}, (said, ends(found))
    assert found["deep"]["by_service"].get("bmc", 0) == 0


async def test_a_wrong_deploy_file_is_told_before_anything_starts(real: Simulator, tmp_path: Path) -> None:
    document = read(real)
    values = real.inventory.parent / document["sites"][1]["deploy"]["bootstrap_values"]
    right = values.read_text()
    values.write_text(right.replace("system_mode: duplex", "system_mode: simplex"))
    said, _ = await rehearse(tmp_path, real, {"kind": "add-subcloud", "wipe": FIRST})
    values.write_text(right)
    assert said.code != 0
    assert "system_mode" in said.err
    assert "edge-0002" in said.err
