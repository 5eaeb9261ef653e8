"""When a Ceph cluster is well: each guard beside the same cluster without what it guards against."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ceph import CephExpectation, CephSample, DestroyAnswer, HealthCheck, RookCeph, StopAnswer
from rules.ceph import (
    ALLOW,
    GRAVE,
    LONGEST_UNCHECKED_MIN,
    LOOKS,
    PASSING,
    WAIT,
    destroy_verdict,
    judged,
    rook_verdict,
    settled,
    stop_verdict,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEADY = timedelta(seconds=10)
CLEAN = {"active+clean": 40, "active+clean+scrubbing": 2, "active+clean+scrubbing+deep": 1}
WELL = CephSample(
    fsid="f",
    at=NOW,
    status="HEALTH_OK",
    osds=(0, 1, 2),
    pgs=CLEAN,
    groups=43,
    flags=("sortbitwise", "recovery_deletes", "purged_snapdirs", "pglog_hardlimit"),
    monitors=3,
    quorum=("a", "b", "c"),
)
EXPECTED = CephExpectation(osds=3)
REBOOTING = CephExpectation(osds=3, flags=("noout",), after_our_own=True)
KNOWN = ALLOW | WAIT | PASSING | GRAVE | {"OSDMAP_FLAGS"}


def sample(**more: Any) -> CephSample:
    return WELL.model_copy(update=more)


def raised(code: str, **more: Any) -> CephSample:
    check = HealthCheck(code=code, **more)
    status = "HEALTH_OK" if check.muted else check.severity
    return sample(status=status, checks=(check,))


def after(seconds: float, of: CephSample = WELL) -> CephSample:
    return of.model_copy(update={"at": NOW + timedelta(seconds=seconds)})


def test_a_well_cluster_is_good() -> None:
    assert judged(WELL, EXPECTED).how == judged(WELL, REBOOTING).how == "good"


# -- by code


@pytest.mark.parametrize("code", sorted(ALLOW))
def test_what_says_nothing_about_taking_a_host_down_is_passed_by(code: str) -> None:
    assert judged(raised(code), EXPECTED).how == "good"
    assert judged(raised(code, severity="HEALTH_ERR"), EXPECTED).how == "block"


@pytest.mark.parametrize("code", sorted(WAIT))
def test_what_comes_right_by_itself_is_waited_for(code: str) -> None:
    assert judged(raised(code), EXPECTED).how == "wait"
    assert judged(raised(code, severity="HEALTH_ERR"), EXPECTED).how == "block"


@pytest.mark.parametrize("code", sorted(PASSING))
def test_what_our_own_reboot_brings_with_it_blocks_before_and_is_waited_for_after(code: str) -> None:
    assert judged(raised(code), EXPECTED).how == "block"
    assert judged(raised(code), REBOOTING).how == "wait"


@pytest.mark.parametrize("code", sorted(GRAVE - PASSING))
def test_what_means_lost_data_or_room_blocks_before_and_after_and_muted(code: str) -> None:
    for expected in (EXPECTED, REBOOTING):
        assert judged(raised(code), expected).how == "block"
        assert judged(raised(code, muted=True), expected).how == "block"


@given(st.from_regex(r"[A-Z]+(_[A-Z]+){1,3}", fullmatch=True).filter(lambda code: code not in KNOWN))
def test_a_code_that_nobody_knows_blocks_unless_a_person_has_muted_it(code: str) -> None:
    for expected in (EXPECTED, REBOOTING):
        assert judged(raised(code), expected).how == "block"
        assert judged(raised(code, muted=True), expected).how == "good"


@given(st.text(), st.sampled_from(sorted(KNOWN - {"OSDMAP_FLAGS"})))
def test_the_words_of_a_check_decide_nothing(words: str, code: str) -> None:
    assert judged(raised(code, words=words), EXPECTED).how == judged(raised(code), EXPECTED).how


@given(
    st.lists(st.sampled_from(sorted(KNOWN)), unique=True),
    st.sampled_from(sorted(KNOWN | {"SOMETHING_NEW"})),
    st.booleans(),
)
def test_one_more_check_never_makes_a_cluster_better(codes: list[str], more: str, ours: bool) -> None:
    order = ("good", "wait", "block")
    expected = REBOOTING if ours else EXPECTED

    def how(of: Sequence[str]) -> int:
        checks = tuple(HealthCheck(code=code) for code in of)
        status = "HEALTH_WARN" if checks else "HEALTH_OK"
        return order.index(judged(sample(status=status, checks=checks), expected).how)

    assert how([*codes, more]) >= how(codes)


@pytest.mark.parametrize("status", ["HEALTH_WARN", "HEALTH_ERR", "", "HEALTH_FINE"])
def test_a_status_without_a_reason_blocks(status: str) -> None:
    assert judged(sample(status=status), EXPECTED).how == "block"


# -- by state


def test_only_our_own_flags_are_passed_by() -> None:
    ours = raised("OSDMAP_FLAGS").model_copy(update={"flags": (*WELL.flags, "noout")})
    assert judged(ours, CephExpectation(flags=("noout",))).how == "good"
    assert judged(ours, EXPECTED).why == "noout is set, and not by us"
    both = ours.model_copy(update={"flags": (*ours.flags, "norebalance")})
    assert judged(both, CephExpectation(flags=("noout",))).why == "norebalance is set, and not by us"


def test_a_flag_that_is_told_and_not_listed_is_looked_at_again() -> None:
    assert judged(raised("OSDMAP_FLAGS"), EXPECTED).how == "wait"


@pytest.mark.parametrize(
    ("more", "before", "rebooting"),
    [
        ({"down": (1,)}, "wait", "wait"),
        ({"osds": (0, 1)}, "block", "block"),
        ({"osds": (0, 1, 2, 3)}, "block", "block"),
        ({"manager": False}, "block", "wait"),
        ({"quorum": ("a", "b")}, "block", "wait"),
        ({"skewed": ("c",)}, "block", "wait"),
        ({"pgs": {}}, "wait", "wait"),
        ({"groups": 51}, "wait", "wait"),
        ({"pgs": CLEAN | {"active+undersized+degraded": 1}}, "wait", "wait"),
        ({"pgs": CLEAN | {"peering": 1}}, "wait", "wait"),
        ({"pgs": CLEAN | {"unknown": 1}}, "wait", "wait"),
        ({"pgs": CLEAN | {"stale+active+clean": 1}}, "wait", "wait"),
        ({"pgs": CLEAN | {"active+recovery_wait+degraded": 1}}, "wait", "wait"),
        ({"pgs": CLEAN | {"down": 1}}, "block", "wait"),
        ({"pgs": CLEAN | {"active+clean+inconsistent": 1}}, "block", "block"),
        ({"pgs": CLEAN | {"active+recovery_unfound+degraded": 1}}, "block", "block"),
        ({"pgs": CLEAN | {"active+backfill_toofull+remapped": 1}}, "block", "block"),
        ({"pgs": CLEAN | {"active+clean+something_new": 1}}, "block", "block"),
    ],
)
def test_what_is_not_as_it_should_be_holds(more: dict[str, Any], before: str, rebooting: str) -> None:
    """HEALTH_OK all the while: the health lags behind."""
    assert judged(sample(**more), EXPECTED).how == before
    assert judged(sample(**more), REBOOTING).how == rebooting


def test_a_cluster_without_pools_has_no_placement_groups_to_wait_for() -> None:
    assert judged(sample(pgs={}, groups=0), EXPECTED).how == "good"


def test_a_cluster_without_osds_is_not_well() -> None:
    assert judged(sample(osds=(), pgs={}, groups=0), CephExpectation()).how == "block"


# -- over several looks


def test_good_for_as_long_as_asked_in_at_least_three_looks() -> None:
    assert settled([after(0), after(5), after(10)], EXPECTED, STEADY).how == "good"
    assert settled([after(0), after(5), after(9)], EXPECTED, STEADY).how == "wait"
    assert settled([after(0), after(60)], EXPECTED, STEADY).how == "wait"
    assert settled([], EXPECTED, STEADY).how == "wait"


def test_what_was_good_before_something_went_wrong_does_not_count() -> None:
    peering = sample(pgs=CLEAN | {"peering": 1})
    looks = [after(0), after(5), after(10, peering), after(12), after(15), after(18)]
    assert settled(looks, EXPECTED, STEADY).how == "wait"
    assert settled([*looks, after(22)], EXPECTED, STEADY).how == "good"


def test_looks_at_another_cluster_do_not_count() -> None:
    other = [after(each, sample(fsid="other")) for each in (0, 5)]
    assert settled([*other, after(10), after(15), after(20)], EXPECTED, timedelta(seconds=15)).how == "wait"


@given(st.lists(st.sampled_from(["good", "peering", "damaged"]), min_size=1, max_size=12))
def test_the_last_look_decides_unless_it_is_good(states: list[str]) -> None:
    pgs: dict[str, dict[str, int]] = {
        "good": {},
        "peering": {"peering": 1},
        "damaged": {"active+clean+inconsistent": 1},
    }
    looks = [after(3.0 * at, sample(pgs=CLEAN | pgs[each])) for at, each in enumerate(states)]
    verdict = settled(looks, EXPECTED, timedelta(seconds=6))
    assert (verdict.how == "block") == (states[-1] == "damaged")
    assert (verdict.how == "good") == (states[-3:] == ["good"] * 3)


# -- by what Rook wrote down

ROOK = RookCeph(name="rook-ceph/rook-ceph", health="HEALTH_OK", phase="Ready", unchecked_min=1)


def rook(*codes: str, health: str = "HEALTH_WARN", **more: Any) -> str:
    checks = tuple(HealthCheck(code=code, muted=health == "HEALTH_OK") for code in codes)
    return rook_verdict(ROOK.model_copy(update={"health": health, "checks": checks} | more)).how


def test_rooks_word_is_judged_by_code_too() -> None:
    assert rook(health="HEALTH_OK") == rook("POOL_APP_NOT_ENABLED") == "good"
    assert rook("OSD_DOWN") == rook("SOMETHING_NEW") == rook() == "block"
    assert rook("RECENT_CRASH", health="HEALTH_OK") == "good"
    assert rook("PG_DAMAGED", health="HEALTH_OK") == "block"


def test_rook_lists_no_flags_so_none_is_passed_by() -> None:
    assert rook("OSDMAP_FLAGS") == "block"


def test_an_old_word_of_rooks_is_worth_nothing() -> None:
    assert rook(health="HEALTH_OK", unchecked_min=5) == "good"
    assert rook(health="HEALTH_OK", unchecked_min=6) == "block"
    assert rook(health="HEALTH_OK", unchecked_min=None) == "block"
    assert rook(health="", phase="Progressing") == "block"
    assert rook(health="HEALTH_OK", phase="Failure") == "block"


# -- may OSDs stop, or go

MAY = StopAnswer(ok=True, asked=(0, 1), osds=(0, 1, 2, 3), degraded=7)


def stop(osds: Sequence[int] = (0, 1), **more: Any) -> str:
    return stop_verdict(MAY.model_copy(update=more), osds).how


def test_all_osds_of_a_host_may_stop_when_the_cluster_agrees_to_all_of_them() -> None:
    assert stop() == "good"
    assert stop(ok=False) == stop(not_ok=1) == stop(inactive=("1.0",)) == "block"


def test_an_agreement_to_fewer_or_to_strangers_is_none() -> None:
    assert stop((0, 1, 2)) == "block"
    assert stop((0, 1, 2), asked=(0, 1, 2)) == "good"
    assert stop((0, 9), asked=(0, 9)) == "block"
    assert stop(()) == "block"


def test_while_another_osd_is_down_none_may_stop() -> None:
    assert stop(down=(3,)) == "block"
    assert stop(down=(1,)) == "good"


@given(st.frozensets(st.integers(0, 5), min_size=1), st.frozensets(st.integers(0, 5)))
def test_only_what_is_named_safe_may_be_destroyed(asked: frozenset[int], safe: frozenset[int]) -> None:
    verdict = destroy_verdict(DestroyAnswer(safe=tuple(safe)), tuple(asked))
    assert (verdict.how == "good") == (asked <= safe)


# -- the page


def test_the_page_says_the_classes_that_the_rules_have() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "ceph.md").read_text()

    def codes(text: str) -> set[str]:
        return set(re.findall(r"`([A-Z_]+)`", text))

    for name, wanted in (("allow", ALLOW), ("wait", WAIT), ("passing", PASSING)):
        row = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
        assert codes(row) == wanted
    muted = page.split("room is at stake:")[1].split(". So a warning")[0]
    assert codes(muted) == GRAVE
    assert f"last {LONGEST_UNCHECKED_MIN} minutes" in page
    assert f"at least {LOOKS} looks" in page


def test_pools_are_waited_for_where_they_are_asked_for() -> None:
    asked = CephExpectation(osds=3, pools=True)
    none = judged(sample(pgs={}, groups=0), asked)
    assert (none.how, none.why) == ("wait", "there are no pools")
    assert judged(sample(pools=("kube-rbd",)), asked).how == "good"
    assert judged(sample(pgs={}, groups=0), EXPECTED).how == "good", "nobody has asked"
