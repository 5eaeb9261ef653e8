"""What Ceph needs before one of its hosts goes down: what is planned, and what forbids it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.ceph import CephHost, CephSample, HealthCheck, StopAnswer
from models.maintenance import HoldPlan
from rules.ceph_host import concerns, plan

HOST = "controller-1"
STOP = StopAnswer(ok=True, asked=(1,), osds=(0, 1), degraded=8)


def sample(**more: Any) -> CephSample:
    known = {"fsid": "f", "at": datetime(2026, 1, 1, tzinfo=UTC), "status": "HEALTH_OK", "osds": (0, 1)}
    whole = {"pgs": {"active+clean": 8}, "groups": 8, "monitors": 1, "quorum": ("a",)}
    return CephSample.model_validate(known | whole | more)


def host(**more: Any) -> CephHost:
    known = {"declared": True, "osds": (1,), "monitor": True, "sample": sample(), "stop": STOP}
    return CephHost.model_validate(known | more)


def test_a_site_without_ceph_and_a_host_without_a_part_of_it_plan_nothing() -> None:
    assert plan(CephHost(), HOST) == HoldPlan()
    assert plan(host(osds=(), monitor=False, stop=None), HOST) == HoldPlan()
    assert concerns(host(osds=(), stop=None)), "a monitor counts"


def test_a_good_cluster_is_held_by_noout() -> None:
    found = plan(host(), HOST)
    assert found.blockers == ()
    assert found.steps == (
        "Ceph is well, and has been for a while",
        "osd.1 may stop together (ok-to-stop)",
        "noout is set with our mark until osd.1 is up again, and data is recovered",
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"sample": sample(status="HEALTH_WARN", checks=(HealthCheck(code="XYZZY", words="new"),))},
            "Ceph: XYZZY (new)",
        ),
        (
            {"sample": sample(status="HEALTH_WARN", checks=(HealthCheck(code="OSD_NEARFULL"),))},
            "Ceph: OSD_NEARFULL",
        ),
        ({"sample": sample(flags=("noout",))}, "Ceph: noout is set, and not by us"),
        (
            {"stop": StopAnswer(ok=False, asked=(1,), osds=(0, 1), inactive=("2.1",), not_ok=1)},
            "Ceph: osd.1 may not stop; 1 placement groups would go offline: 2.1",
        ),
        (
            {"stop": StopAnswer(ok=True, asked=(1,), osds=(0,), degraded=8)},
            "Ceph: osd.1: the cluster has none of that number",
        ),
    ],
)
def test_what_a_person_has_to_look_at_blocks(more: dict[str, Any], words: str) -> None:
    assert plan(host(**more), HOST).blockers == (words,)


def test_what_comes_right_by_itself_is_waited_for() -> None:
    degraded = sample(status="HEALTH_WARN", checks=(HealthCheck(code="PG_DEGRADED"),))
    held_up = StopAnswer(ok=False, asked=(1,), osds=(0, 1), not_ok=2)
    found = plan(host(sample=degraded, stop=held_up), HOST)
    assert found.blockers == (), "ok-to-stop is asked again once it is well"
    assert found.steps[0] == "Ceph is well, and has been for a while; now PG_DEGRADED"


def test_noout_of_an_earlier_run_is_taken_over() -> None:
    flagged = sample(status="HEALTH_WARN", flags=("noout",), checks=(HealthCheck(code="OSDMAP_FLAGS"),))
    found = plan(host(sample=flagged, mark="0aa1"), HOST)
    assert found.blockers == ()
    assert "noout of run 0aa1, which ended early, is taken over" in found.steps


def test_the_ceph_of_a_site_of_one_host_goes_down_with_it() -> None:
    alone = sample(osds=(0,), status="HEALTH_WARN", checks=(HealthCheck(code="POOL_NO_REDUNDANCY"),))
    found = plan(host(osds=(0,), sample=alone, stop=None, alone=True), HOST)
    assert found.blockers == ()
    assert f"{HOST} is the whole site: its Ceph is away with it" in found.steps
