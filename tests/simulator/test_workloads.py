"""How long a workload could not be reached, in simulated seconds, and how many probes would have noticed."""

from dataclasses import dataclass
from typing import Any

import pytest

from simulator.cloud.workloads import Workloads


@dataclass
class Watch:
    at: float = 100.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def workloads(watch: Watch) -> Workloads:
    return Workloads(watch)


def row(workloads: Workloads) -> dict[str, Any]:
    (found,) = workloads.outages()
    return found


def test_a_workload_that_stays_up_misses_nothing(workloads: Workloads, watch: Watch) -> None:
    workloads.seen("vm/web-1", True, "vm-movable")
    watch.at += 60
    assert row(workloads) == {
        "workload": "vm/web-1",
        "kind": "vm-movable",
        "outage_s": 0,
        "up": True,
        "probes": 60,
        "missed": 0,
        "period_s": 1.0,
    }


def test_an_outage_is_measured_while_it_lasts_and_when_it_is_over(workloads: Workloads, watch: Watch) -> None:
    workloads.seen("pod/default/web", True, "vm-movable")
    watch.at += 10
    workloads.seen("pod/default/web", False, "vm-movable")
    watch.at += 7.5
    assert (row(workloads)["outage_s"], row(workloads)["up"], row(workloads)["missed"]) == (7.5, False, 8)
    workloads.seen("pod/default/web", True, "vm-movable")
    watch.at += 10
    workloads.seen("pod/default/web", False, "vm-movable")
    watch.at += 2
    workloads.seen("pod/default/web", True, "vm-movable")
    assert (row(workloads)["outage_s"], row(workloads)["up"], row(workloads)["missed"]) == (9.5, True, 10)


def test_what_is_said_twice_counts_once(workloads: Workloads, watch: Watch) -> None:
    workloads.seen("vm/a", True, "vm-movable")
    workloads.seen("vm/a", True, "vm-movable")
    watch.at += 5
    workloads.seen("vm/a", False, "vm-movable")
    watch.at += 1
    workloads.seen("vm/a", False, "vm-movable")
    watch.at += 1
    workloads.seen("vm/a", True, "vm-movable")
    assert row(workloads)["outage_s"] == 2


def test_an_interruption_between_two_probes_is_timed_all_the_same(workloads: Workloads, watch: Watch) -> None:
    workloads.seen("vm/a", True, "vm-movable")
    watch.at += 5.25
    workloads.seen("vm/a", False, "vm-movable")
    watch.at += 0.5
    workloads.seen("vm/a", True, "vm-movable")
    assert (row(workloads)["outage_s"], row(workloads)["missed"]) == (0.5, 0)


def test_nothing_is_expected_before_it_was_up_or_after_it_was_deleted(
    workloads: Workloads, watch: Watch
) -> None:
    workloads.seen("vm/a", False, "vm-movable")
    assert workloads.outages() == []
    workloads.seen("vm/a", True, "vm-movable")
    watch.at += 10
    workloads.seen("vm/a", False, "vm-movable")
    watch.at += 3
    workloads.gone("vm/a")
    watch.at += 100
    assert (row(workloads)["outage_s"], row(workloads)["up"], row(workloads)["probes"]) == (3, False, 13)


def test_one_that_comes_back_after_its_deletion_goes_on(workloads: Workloads, watch: Watch) -> None:
    workloads.seen("vm/a", True, "vm-movable")
    watch.at += 10
    workloads.gone("vm/a")
    watch.at += 100
    workloads.seen("vm/a", True, "vm-movable")
    watch.at += 10
    workloads.seen("vm/a", False, "vm-movable")
    watch.at += 4
    assert (row(workloads)["outage_s"], row(workloads)["up"], row(workloads)["probes"]) == (4, False, 24)
