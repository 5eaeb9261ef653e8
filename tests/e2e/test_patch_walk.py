"""One site, the real server, real HTTP."""

from pathlib import Path

from models.outcome import Outcome
from tests.support.simulator import simulator
from tests.support.stack import stack


async def test_a_site_is_brought_to_the_release_with_three_requests(tmp_path: Path) -> None:
    async with simulator(tmp_path / "sim") as region, stack(tmp_path, region) as house:
        await house.start_worker()
        result = await house.patch("edge-0001")
        assert result.outcome is Outcome.SUCCEEDED, result
        assert (result.version_before, result.version_after) == ("starlingx-26.03.0", "starlingx-26.03.1")
        assert await region.mutations("edge-0001") == ["vim.create", "vim.apply", "vim.delete"]
        assert await region.repeats() == 0
        again = await house.patch("edge-0001")
        assert again.outcome is Outcome.ALREADY
        assert len(await region.mutations("edge-0001")) == 3
