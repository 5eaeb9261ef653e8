"""A deep rehearsal at sites with Ceph: what Ceph holds up at the real sites holds the simulated ones up."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.outcome import Outcome
from records.store import Store
from tests.e2e.rehearsed import PATIENT, asked, ends, fleet, read, rehearse, write
from tests.support.simulator import Simulator

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

UPGRADE = {"kind": "upgrade", "release": "starlingx-26.03.2"} | PATIENT


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    """One site with Rook, one with bare-metal Ceph, one with none."""
    folder = tmp_path_factory.mktemp("real")
    async with fleet(folder, 3, "--topology", "aio-dx", "--ceph", "bare-metal", "--kubernetes") as region:
        document = read(region)
        document["sites"][0]["ceph"] = {"kind": "rook"}
        del document["sites"][2]["ceph"]
        write(region, document)
        yield region


async def test_hosts_are_taken_down_as_ceph_lets_them(real: Simulator, tmp_path: Path) -> None:
    said, found = await rehearse(tmp_path, real, UPGRADE, "--speed", "600", "--data", "kept")
    assert {end for end, _ in ends(found).values()} == {Outcome.SUCCEEDED}, (said, ends(found))
    assert (found["deep"]["repeats"], await asked(real)) == (0, 0)
    async with await Store.open(f"sqlite:///{tmp_path / 'kept' / 'records.db'}") as store:
        runs = await store.latest_runs("night")
    saw_ceph = {run.site: "controller-1: Ceph" in [step.name for step in run.steps] for run in runs}
    assert saw_ceph == {"edge-0001": True, "edge-0002": True, "edge-0003": False}
