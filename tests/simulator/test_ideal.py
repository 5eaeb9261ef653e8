"""The ideal of a campaign: list scheduling over what was drawn."""

import pytest

from simulator.proof.ideal import Job, WrongPlan, ideal_wall
from tests.simulator.conftest import Start

DRAWN = [Job(3.0, "one"), Job(1.0, "one"), Job(1.0, "two"), Job(4.0, "two")]


def test_a_site_starts_when_a_place_is_free() -> None:
    assert ideal_wall(DRAWN, [4], 2) == 6.0  # a beside b and c; d when c is over


def test_waves_follow_each_other() -> None:
    assert ideal_wall(DRAWN, [1, 3, 4], 50) == 3.0 + 1.0 + 4.0
    assert ideal_wall(DRAWN, [2, 2, 3], 50) == 3.0 + 0.0 + 1.0


def test_neighbours_are_not_down_together() -> None:
    assert ideal_wall(DRAWN, [4], 50, per_cell=1) == 5.0  # c and then d, beside a and then b
    assert ideal_wall(DRAWN, [4], 50, per_cell=2) == ideal_wall(DRAWN, [4], 50) == 4.0
    assert ideal_wall(DRAWN, [4], 1, per_cell=1) == 9.0


@pytest.mark.parametrize(("ends", "width"), [([], 1), ([3, 2], 1), ([5], 1), ([-1, 4], 1), ([4], 0)])
def test_a_plan_that_cannot_be_is_refused(ends: list[int], width: int) -> None:
    with pytest.raises(WrongPlan):
        ideal_wall(DRAWN, ends, width)


async def test_the_admin_api_tells_it(start: Start) -> None:
    region = await start("--sites", "3")
    durations = (await region.admin("GET", "/durations")).body
    one_by_one = sum(each["ideal"] for each in durations.values())
    assert (await region.admin("GET", "/ideal?width=1")).body["ideal"] == pytest.approx(one_by_one)
    wrong = await region.admin("GET", "/ideal?waves=x")
    assert (wrong.status, "waves=2,20,200" in wrong.body["error"]) == (400, True)
