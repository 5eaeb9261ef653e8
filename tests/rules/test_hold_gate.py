"""The gate of a site's own people, in a patch and in an upgrade."""

from datetime import UTC, datetime

import pytest

from models.holds import SiteHold
from models.outcome import Outcome
from models.patch import CampaignRef
from models.site import Observation, ReleaseState, Strategy
from rules import upgrade_ways as ways
from rules.disturbing import Disturbance
from rules.gates import Decision, judge
from rules.install import PASSED, Gate
from tests.rules import test_upgrade_ways as upgrade
from tests.rules.test_gates import STRATEGY, request, seen

HOLD = SiteHold(until=datetime(2026, 11, 23, 5, 0, tzinfo=UTC), why="power works")
HELD = {"hold": HOLD}
WORDS = "edge-0001 is on hold by its own people until 2026-11-23 05:00 UTC: power works"
AT_WORK: Strategy = STRATEGY.model_copy(update={"state": "applying"})
THERE = (ReleaseState(release="starlingx-26.03.1", state="deployed"),)


def test_a_hold_waits_and_says_who_until_when_and_why() -> None:
    verdict = judge(request(), seen(site=HELD))
    assert (verdict.decision, verdict.outcome, verdict.hold) == (Decision.WAIT, Outcome.BLOCKED, HOLD)
    assert verdict.why == f"{WORDS}; to disregard it: --override-hold WHY"


def test_in_a_campaign_the_words_name_no_option_of_the_single_command() -> None:
    ref = CampaignRef(workflow_id="campaign/night-1", name="night-1", wave=1)
    assert judge(request(campaign=ref), seen(site=HELD)).why == WORDS


def test_an_upgrade_asks_as_a_patch_does() -> None:
    verdict = ways.judge(upgrade.request(), seen(site=HELD))
    assert (verdict.decision, verdict.hold) == (Decision.WAIT, HOLD)
    told = upgrade.request().model_copy(update={"override_hold": "zero day, by anna"})
    assert ways.judge(told, seen(site=HELD)).decision is Decision.GO


@pytest.mark.parametrize(
    ("look", "more", "why"),
    [
        (seen(), {}, "its own people do not hold it"),
        (seen(site=HELD), {"override_hold": "zero day, by anna"}, "disregarded: zero day, by anna"),
        (seen(site=HELD | {"strategy": AT_WORK}, ours=("u-1",)), {}, "is at work there already"),
        (seen(site=HELD | {"releases": THERE}), {}, "nothing is to be done there"),
    ],
    ids=["no hold", "overruled", "ours at work", "already there"],
)
def test_it_passes(look: Observation, more: dict[str, str], why: str) -> None:
    verdict = judge(request(**more), look)
    (gate,) = [gate for gate in verdict.gates if gate.name == "hold"]
    assert gate.decision is Decision.GO
    assert why in gate.why
    assert verdict.hold is None


@pytest.mark.parametrize("state", ["ready-to-apply", "applied", "build-failed"])
def test_a_strategy_of_ours_at_rest_is_not_gone_on_with(state: str) -> None:
    at_rest = STRATEGY.model_copy(update={"state": state})
    verdict = judge(request(), seen(site=HELD | {"strategy": at_rest}, ours=("u-1",)))
    assert (verdict.decision, verdict.hold) == (Decision.WAIT, HOLD)


def test_another_reason_to_wait_is_no_hold() -> None:
    verdict = judge(request(), seen(site=HELD, frozen="stop, by olga"))
    assert (verdict.decision, verdict.hold) == (Decision.WAIT, None)


ASKS = Disturbance("edge-0001")


def test_what_takes_a_site_out_of_service_asks_behind_its_own_gate() -> None:
    gate = ASKS.behind(lambda site, look: PASSED)
    found = gate(seen(site=HELD))
    assert (found.why, found.outcome) == (f"{WORDS}; to disregard it: --override-hold WHY", Outcome.BLOCKED)
    assert (found.waits, found.hold) == (True, None), "a run by itself waits for it"
    assert gate(seen()) == PASSED
    busy = Gate("somebody is at work", Outcome.BLOCKED, waits=True)
    assert ASKS.behind(lambda site, look: busy)(seen(site=HELD)) == busy


def test_a_campaign_comes_back_for_it_and_a_person_overrules_it() -> None:
    found = Disturbance("edge-0001", in_campaign=True).gate(seen(site=HELD))
    assert (found.why, found.hold) == (WORDS, HOLD)
    told = Disturbance("edge-0001", "zero day, by anna")
    assert told.gate(seen(site=HELD)) == PASSED
    assert told.evidence == ("the site's own hold was disregarded: zero day, by anna",)
    assert ASKS.evidence == ()


def test_a_site_that_does_not_answer_cannot_ask_for_anything() -> None:
    assert ASKS.gate(seen().model_copy(update={"site": None})) == PASSED
