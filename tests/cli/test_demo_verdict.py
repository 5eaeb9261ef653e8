"""A demo is only worth what its comparison finds."""

from cli.demo.scenario import Scenario
from cli.demo.verdict import Surprise, Verdict, judged, surprises
from models.outcome import Outcome

EXPECTED = {"edge-0001": "succeeded", "edge-0002": "failed"}
FOUND = {"edge-0001": Outcome.SUCCEEDED, "edge-0002": Outcome.FAILED}


def verdict(**other: object) -> Verdict:
    given: dict[str, object] = {
        "scenario": "patch",
        "expected": EXPECTED,
        "found": FOUND,
        "repeated": (),
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


def test_a_campaign_that_did_not_end_is_not_ok() -> None:
    assert verdict(reason="the campaign stalls").reason == "the campaign stalls"
    assert not verdict(reason="the campaign stalls").ok


def test_every_fault_strikes_a_site_of_its_own() -> None:
    for sites in (12, 20, 39, 40, 200, 1000):
        scenario = Scenario(sites=sites, speed=120, seed=1)
        struck = [each["site"] for each in scenario.faults]
        assert len(struck) == len(set(struck)), sites
        assert all(f"edge-{1:04d}" < site <= f"edge-{sites:04d}" for site in struck)
