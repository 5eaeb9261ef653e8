"""A deep rehearsal of a restore: the backups that it finds are made before, and no fleet is asked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.e2e.rehearsed import ABSENT, PATIENT, asked, ends, fleet, read, rehearse, seed_for, write
from tests.support.simulator import Simulator

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SITES = [f"edge-{number:04d}" for number in range(1, 4)]
ARCHIVE = {"name": "vault", "directory": "archive", "keys": [{"id": "k", "secret": ABSENT}]}
NEW_MAC = "00:00:5e:00:53:f1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    folder = tmp_path_factory.mktemp("real")
    async with fleet(folder, 3, archives=[ARCHIVE]) as region:
        document = read(region)
        document["sites"][1]["hosts"][0]["mac"] = NEW_MAC
        write(region, document)
        (folder / "archive").mkdir()
        yield region


async def test_sites_are_restored_from_backups_made_before_and_one_on_other_hardware(
    real: Simulator, tmp_path: Path
) -> None:
    other = {SITES[1]: {"replaced": {"controller-0": NEW_MAC}}}
    operation = {"kind": "restore", "wipe": SITES, "sites": other}
    arguments = ("--speed", "600", "--failed", "30%", "--seed", str(seed_for(SITES, SITES[2])))
    said, found = await rehearse(tmp_path, real, operation | PATIENT, *arguments)
    assert "3 sites are backed up" in said.err
    ended = [end for end, _ in ends(found).values()]
    assert ended == [Outcome.SUCCEEDED, Outcome.SUCCEEDED, Outcome.FAILED], (said, ends(found))
    assert (found["deep"]["repeats"], await asked(real)) == (0, 0)
