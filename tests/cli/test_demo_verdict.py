"""A demo is only worth what its comparison finds."""

from dataclasses import replace

import pytest

from cli.demo.bringup import BringUpScenario
from cli.demo.install import InstallScenario
from cli.demo.patch import PatchScenario
from cli.demo.scenario import Scenario
from cli.demo.upgrade import UpgradeScenario
from cli.demo.verdict import Ends, Outage, Surprise, Verdict, judged, surprises
from models.outcome import Outcome

EXPECTED = {"edge-0001": "succeeded", "edge-0002": "failed"}
SUCCEEDED, FAILED = Outcome.SUCCEEDED, Outcome.FAILED
FOUND = {"edge-0001": Outcome.SUCCEEDED, "edge-0002": Outcome.FAILED}


def verdict(**other: object) -> Verdict:
    given: dict[str, object] = {
        "scenario": "patch",
        "expected": EXPECTED,
        "found": FOUND,
        "repeated": (),
        "left": (),
        "kills": 1,
        "wall_s": 12.345,
        "ideal_s": 10.0,
        "report": "",
        "ui": "",
    }
    return judged(**(given | other))  # type: ignore[arg-type]


def test_all_as_dictated_is_ok() -> None:
    good = verdict()
    assert good.ok
    assert good.outcomes == {Outcome.SUCCEEDED: 1, Outcome.FAILED: 1}
    assert (good.unexpected, good.reason, good.wall_s) == ((), "", 12.35)


def test_a_fault_that_nobody_expected_comes_out() -> None:
    """The negative control: a site that fails although no known fault says so."""
    bad = verdict(found=FOUND | {"edge-0001": Outcome.FAILED})
    assert not bad.ok
    assert bad.unexpected == (Surprise(site="edge-0001", expected="succeeded", found="failed"),)
    assert bad.reason.startswith("1 sites did not end as their faults dictate; edge-0001: expected succeeded")


def test_a_workload_that_should_have_been_kept_alive_and_was_not_comes_out() -> None:
    keeps = UpgradeScenario(9, 120, 1, "aio-dx", "major").keeps_alive
    given = {"site": "edge-0001", "outage_s": 2.5, "probes": 90, "missed": 3, "period_s": 1}

    def away(workload: str, kind: str, topology: str = "AIO-DX") -> Outage:
        kept = keeps(kind, topology)
        return Outage.model_validate({**given, "workload": workload, "kind": kind, "kept_alive": kept})

    single, bound = away("pod/default/single", "pods-single"), away("vm/gpu-1", "vm-bound")
    alone = away("vm/web-1", "vm-movable", "AIO-SX")
    assert verdict(outages=(single, bound, alone)).ok
    bad = verdict(outages=(single, away("vm/web-1", "vm-movable")))
    assert bad.reason == (
        "1 workloads were away that should have been kept alive: vm/web-1 of edge-0001 for 2.5 s"
    )
    assert not verdict(outages=(away("pod/default/web-1", "pods-replicated", "Standard"),)).ok


def test_a_share_of_a_mixed_region_is_struck_by_one_trouble_each_drawn_from_the_seed() -> None:
    mixed = UpgradeScenario(100, 240, 1, "mixed", "patch", 5)
    struck = [each["site"].partition("/")[0] for each in mixed.faults]
    assert len(set(struck)) == len(mixed.faults) == 5
    assert all("edge-0003" <= site <= "edge-0100" for site in struck)
    assert len({(each["on"], each["do"]) for each in mixed.faults}) == 5
    again, other = replace(mixed, sites=100), replace(mixed, seed=2)
    assert again.faults == mixed.faults != other.faults
    assert replace(mixed, struck_percent=0).faults == []
    assert replace(mixed, struck_percent=20).budget["failed"] == 20


def test_a_fault_that_was_expected_and_did_nothing_comes_out() -> None:
    bad = verdict(found=FOUND | {"edge-0002": Outcome.SUCCEEDED})
    assert [each.site for each in bad.unexpected] == ["edge-0002"]


def test_a_site_without_a_record_and_one_too_many_come_out() -> None:
    found = surprises(EXPECTED, {"edge-0001": "succeeded", "edge-0009": "failed"})
    assert found == (
        Surprise(site="edge-0002", expected="failed", found="none"),
        Surprise(site="edge-0009", expected="none", found="failed"),
    )


def test_one_repeat_is_one_too_many() -> None:
    bad = verdict(repeated=["vim.create at edge-0001"])
    assert (bad.ok, bad.duplicate_mutations) == (False, 1)
    assert bad.reason == "1 requests arrived again after they had been applied: vim.create at edge-0001"


def test_a_medium_that_stays_in_its_drive_is_not_ok() -> None:
    bad = verdict(left=["edge-0001/controller-0: boot.iso"])
    assert (bad.ok, bad.left) == (False, ("edge-0001/controller-0: boot.iso",))
    assert bad.reason == "1 media are still in their drives: edge-0001/controller-0: boot.iso"


def test_a_campaign_that_did_not_end_is_not_ok() -> None:
    assert verdict(reason="the campaign stalls").reason == "the campaign stalls"
    assert not verdict(reason="the campaign stalls").ok


def test_a_site_that_is_not_accepted_comes_out() -> None:
    assert verdict(accepted=1).ok
    bad = verdict(accepted=0, complaints=["edge-0001: host controller-0: locked, wanted unlocked"])
    assert (bad.ok, bad.accepted) == (False, 0)
    assert bad.reason == "1 checks failed: edge-0001: host controller-0: locked, wanted unlocked"


def test_a_bad_end_in_one_campaign_is_the_end_of_a_site() -> None:
    ends = Ends()
    ends.add({"a": "succeeded", "b": "failed", "c": "succeeded"}, {"a": SUCCEEDED, "b": FAILED, "c": FAILED})
    assert (ends.stopped, ends.good) == (["b", "c"], ["a"])
    ends.add({"a": "already", "b": "succeeded", "c": "failed"}, {"a": Outcome.ALREADY})
    assert ends.dictated == {"a": "already", "b": "failed", "c": "failed"}
    assert ends.found == {"a": Outcome.ALREADY, "b": FAILED, "c": FAILED}


@pytest.mark.parametrize("kind", [PatchScenario, InstallScenario, BringUpScenario])
def test_every_fault_strikes_a_site_of_its_own(kind: type[Scenario]) -> None:
    for sites in (kind.least_sites, 20, 39, 40, 200, 1000):
        scenario = kind(sites=sites, speed=120, seed=1)
        struck = [each["site"] for each in scenario.faults]
        assert len(struck) == len(set(struck)), sites
        assert all(f"edge-{1:04d}" < site <= f"edge-{sites:04d}" for site in struck)
