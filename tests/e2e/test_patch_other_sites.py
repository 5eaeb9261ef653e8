"""AIO-DX, Standard, a release that needs a reboot, and the coming release's dialect."""

import asyncio
from pathlib import Path

import pytest

from models.outcome import Outcome
from tests.support.simulator import simulator
from tests.support.stack import stack

ONCE_EACH = ["vim.create", "vim.apply", "vim.delete"]


@pytest.mark.parametrize(
    ("topology", "dialect", "major"),
    [
        ("aio-dx", "12", "26.03"),
        ("standard-storage", "12", "26.03"),
        ("aio-sx", "next", "26.09"),
        ("aio-dx", "next", "26.09"),
    ],
)
async def test_in_service_and_reboot_patches_by_topology_and_dialect(
    tmp_path: Path, topology: str, dialect: str, major: str
) -> None:
    options = ("--topology", topology, "--dialect", dialect)
    options += ("--ceph", "bare-metal") if topology == "standard-storage" else ()
    async with (
        simulator(tmp_path / "sim", sites=2, options=options) as region,
        stack(tmp_path, region) as house,
    ):
        await house.start_worker()
        wanted = {f"edge-{number:04d}": f"starlingx-{major}.{number}" for number in (1, 2)}
        results = await asyncio.gather(*(house.patch(site, release) for site, release in wanted.items()))
        for result, (site, release) in zip(results, wanted.items(), strict=True):
            assert result.outcome is Outcome.SUCCEEDED, result
            assert result.version_after == release
            assert await region.mutations(site) == ONCE_EACH
            true_state = await region.get(f"/sites/{site}")
            assert {(host["administrative"], host["availability"]) for host in true_state["hosts"]} == {
                ("unlocked", "available")
            }
        assert await region.repeats() == 0
