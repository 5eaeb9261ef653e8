"""How closely a wait looks."""

from itertools import pairwise

from activities.waiting import UsualTimes

SHORTEST, LONGEST = 10.0, 120.0


def looks(usual: UsualTimes, takes_s: float) -> list[float]:
    """When a wait that is over after so many seconds looks."""
    at = [0.0]
    while at[-1] < takes_s:
        at.append(at[-1] + usual.next_look_s("apply", at[-1], SHORTEST, LONGEST))
    return at


def test_with_nothing_known_intervals_grow_with_the_wait() -> None:
    at = looks(UsualTimes(), 1000.0)
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert gaps == sorted(gaps)
    assert (gaps[0], max(gaps)) == (SHORTEST, LONGEST)


def test_once_the_usual_time_is_known_few_looks_are_made_before_it_and_close_ones_after() -> None:
    usual = UsualTimes()
    for took in (400.0, 410.0, 420.0):
        usual.took("apply", took)
    assert looks(usual, 415.0) == [0.0, 120.0, 240.0, 360.0, 400.0, 420.0]


def test_what_is_usual_for_one_kind_says_nothing_of_another() -> None:
    usual = UsualTimes()
    usual.took("build", 100.0)
    assert usual.next_look_s("apply", 50.0, SHORTEST, LONGEST) == SHORTEST


def test_a_site_that_takes_far_longer_is_not_hammered() -> None:
    usual = UsualTimes()
    usual.took("apply", 60.0)
    assert usual.next_look_s("apply", 1200.0, SHORTEST, LONGEST) == 60.0
