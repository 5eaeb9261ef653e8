"""Of which turns people are told, once each."""

from models.notices import Listener, Notice, NoticeCarry
from models.outcome import Outcome
from rules.campaign import CampaignState
from rules.notices import due, hears
from tests.rules.driving import T0, campaign, end, end_all, start


class Told:
    """What a campaign's notifier keeps between two looks."""

    def __init__(self) -> None:
        self.carry = NoticeCarry()

    def look(self, state: CampaignState, *, ended: bool = False) -> list[Notice]:
        standing, turns = due(state, self.carry.standing, self.carry.counts, T0, ended=ended)
        counts = self.carry.counts | {notice.kind: notice.ordinal for notice in turns}
        carried = self.carry.model_copy(update={"standing": standing, "counts": counts})
        self.carry = NoticeCarry.model_validate_json(carried.model_dump_json())
        return turns

    def kinds(self, state: CampaignState, *, ended: bool = False) -> list[str]:
        return [f"{notice.kind} {notice.ordinal}" for notice in self.look(state, ended=ended)]


def test_each_turn_is_told_once_and_the_same_turn_later_is_another_one() -> None:
    state, told = campaign(2), Told()
    assert told.kinds(state) == ["start 1"]
    assert told.kinds(state) == []
    state.pause("storm", "anna")
    assert told.kinds(state) == ["pause 1"]
    start(state)
    assert told.kinds(state) == [], "it is still the same pause"
    state.resume("anna")
    assert told.kinds(state) == []
    state.pause("storm", "anna")
    assert told.kinds(state) == ["pause 2"]


def test_a_freeze_is_a_pause_and_a_second_reason_is_news() -> None:
    state, told = campaign(2), Told()
    told.look(state)
    state.freeze("power cut", "fleet office")
    (notice,) = told.look(state)
    assert (notice.kind, notice.words) == ("pause", "frozen by fleet office: power cut")
    state.pause("storm", "anna")
    assert told.kinds(state) == ["pause 2"]


def test_a_gate_that_waits_is_told_once_though_a_pause_comes_between() -> None:
    state, told = campaign(4, waves=[{"count": 1}, {"percent": 100}], approvals=["after-wave-1"]), Told()
    told.look(state)
    start(state)
    end_all(state)
    state.admit(T0)
    (notice,) = told.look(state)
    assert notice.kind == "waiting"
    assert "starflock campaign approve night-1 after-wave-1" in notice.words
    state.pause("storm", "anna")
    told.look(state)
    state.resume("anna")
    assert told.kinds(state) == []


def test_a_spent_budget_is_told_before_the_pause_that_it_causes_is_lifted() -> None:
    state, told = campaign(4, budget={"failed": 0}), Told()
    told.look(state)
    first, *_ = start(state)
    end(state, first, Outcome.FAILED)
    assert told.kinds(state) == ["pause 1", "budget 1"]
    state.resume("anna")
    second, *_ = state.in_flight()
    end(state, second, Outcome.FAILED)
    assert told.kinds(state) == ["pause 2", "budget 2"]


def test_the_end_is_told_with_its_counts_and_only_when_the_campaign_says_so() -> None:
    state, told = campaign(1), Told()
    told.look(state)
    start(state)
    end_all(state)
    state.admit(T0)
    assert told.kinds(state) == [], "a retry may still open it again"
    (notice,) = told.look(state, ended=True)
    assert (notice.kind, notice.words, notice.counts) == ("end", "done: 1 succeeded", {"succeeded": 1})
    assert hears(Listener(name="ops", on=("end",)), notice)
    assert not hears(Listener(name="ops", on=("start",)), notice)
