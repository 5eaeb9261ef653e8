"""What a small cluster does not show: several monitors, clocks apart, answers that are none.

The shapes are those of a cluster of three monitors (16.2.15).
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from activities.ceph.commands import CommandResult
from activities.ceph.errors import Said, failure
from activities.ceph.reading import look, may_destroy
from activities.errors import Blocked, Refused, Transient
from models.ceph import CephExpectation, DestroyAnswer
from rules.ceph import destroy_verdict, judged

CHECK = {
    "severity": "HEALTH_WARN",
    "summary": {"message": "1/3 mons down, quorum a,b", "count": 1},
    "muted": False,
}
POOLS = (("device_health_metrics", 1), ("rbd", 6), (".mgr", 1))
OSDS = [{"osd": 0, "up": 1}, {"osd": 1, "up": 1}]
AGREED = {"skew": 0, "latency": 0.00065, "health": "HEALTH_OK"}


def status(quorum: Sequence[str] = ("a", "b", "c"), **checks: Any) -> Any:
    return {
        "health": {"status": "HEALTH_WARN" if checks else "HEALTH_OK", "checks": checks, "mutes": []},
        "quorum_names": list(quorum),
        "monmap": {"num_mons": 3},
        "pgmap": {"pgs_by_state": [{"state_name": "active+clean", "count": 8}], "num_pgs": 8},
        "mgrmap": {"available": True},
    }


@dataclass
class Paper:
    """Answers by command; every other one is a mistake."""

    answers: dict[str, Any]
    rc: int = 0
    asked: list[str] = field(default_factory=list)
    where: str = "alpha"

    async def command(self, prefix: str, args: Sequence[str], deadline_s: float) -> CommandResult:
        self.asked.append(prefix)
        return CommandResult(self.rc, self.answers[prefix], "its own words" if self.rc else "")


def paper(seen: Any, **skews: Any) -> Paper:
    pools = [{"pool_name": name, "pg_num": number} for name, number in POOLS]
    dump = {"fsid": "f", "osds": OSDS, "pools": pools, "flags_set": ["sortbitwise"]}
    clocks = {"time_skew_status": skews, "timechecks": {"round_status": "finished"}}
    return Paper({"status": seen, "osd dump": dump, "time-sync-status": clocks})


async def test_three_monitors_that_agree_are_well() -> None:
    port = paper(status(), b=AGREED, c=AGREED)
    assert judged(await look(port), CephExpectation(osds=2)).how == "good"
    assert port.asked.count("time-sync-status") == 1


async def test_pools_are_those_that_somebody_keeps_data_in() -> None:
    sample = await look(paper(status(), b=AGREED, c=AGREED))
    assert (sample.pools, sample.groups) == (("rbd",), 8)


async def test_a_clock_apart_is_said_by_its_monitor() -> None:
    apart = AGREED | {"skew": 0.4, "health": "HEALTH_WARN"}
    sample = await look(paper(status(), b=AGREED, c=apart))
    assert judged(sample, CephExpectation()).why == "clock skew of monitor c"


async def test_a_monitor_that_is_missing_blocks() -> None:
    sample = await look(paper(status(("a", "b"), MON_DOWN=CHECK), b=AGREED))
    verdict = judged(sample, CephExpectation())
    assert verdict.how == "block"
    assert verdict.why == "MON_DOWN (1/3 mons down, quorum a,b); of 3 monitors only a, b in quorum"
    assert judged(sample, CephExpectation(after_our_own=True)).how == "wait"


@pytest.mark.parametrize(
    ("rc", "kind"),
    [
        (errno.EACCES, Refused),
        (errno.EINVAL, Refused),
        (errno.EBUSY, Blocked),
        (errno.ENOSPC, Blocked),
        (errno.EAGAIN, Transient),
        (250, Refused),
    ],
)
async def test_an_error_code_has_its_class_and_its_words(rc: int, kind: type[Exception]) -> None:
    with pytest.raises(Said) as caught:
        await look(Paper({"status": None, "osd dump": None}, rc))
    assert isinstance(failure(caught.value), kind)
    assert str(caught.value).endswith("its own words")


async def test_an_answer_that_is_none_is_refused() -> None:
    with pytest.raises(Said, match="no JSON object") as caught:
        await look(Paper({"status": [], "osd dump": None}))
    assert isinstance(failure(caught.value), Refused)


async def test_a_refusal_to_destroy_with_an_error_code_is_an_answer() -> None:
    said = {"safe_to_destroy": [1], "active": [], "missing_stats": [0], "stored_pgs": []}
    answer = await may_destroy(Paper({"osd safe-to-destroy": said}, errno.EAGAIN), (0, 1))
    assert answer == DestroyAnswer(safe=(1,), unknown=(0,))
    assert destroy_verdict(answer, (0, 1)).why == "osd.0 not safe to destroy: osd.0 silent"
    assert destroy_verdict(answer, (1,)).how == "good"
