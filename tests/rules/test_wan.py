"""A WAN budget by label: how many sites of one value it lets be in work, and in which words."""

from datetime import timedelta

import pytest
from driving import T0, campaign, end, members, spec, start
from pydantic import ValidationError

from models.base import rate_of
from models.campaign import SetRequest, WanBudget, Window
from models.carry import CampaignCarry
from rules.campaign import CampaignState
from rules.estimate import campaign_time
from rules.explain import waiting_reasons
from rules.updates import set_refused
from rules.wan import told

UPLINKS = {"uplink": lambda site: f"dc-{'east' if site % 2 else 'west'}"}
WINDOW = {"max_in_flight": 100, "wan": {"by": {"uplink": "10MB"}, "site": "4MB"}}


@pytest.mark.parametrize(
    ("text", "rate"), [("1B", 1), ("100MB", 10**8), ("1.5KiB", 1536), ("800Mbit", 10**8), ("2GiB", 2**31)]
)
def test_a_rate_says_its_unit(text: str, rate: int) -> None:
    assert rate_of(text) == rate
    assert WanBudget(by={"uplink": text}).by["uplink"] == text


@pytest.mark.parametrize("text", [100, "100", "100 MB", "fast", "0MB", "-1MB", "0.1B"])
def test_what_is_no_rate_is_refused(text: object) -> None:
    with pytest.raises(ValidationError, match="expected how much a second"):
        WanBudget.model_validate({"by": {"uplink": text}})


def test_as_many_sites_of_an_uplink_as_its_budget_bears() -> None:
    state = campaign(8, UPLINKS, window=WINDOW)
    assert start(state) == ["edge-0000", "edge-0001", "edge-0002", "edge-0003"], "two of each"
    end(state, "edge-0001")
    assert start(state) == ["edge-0005"]
    words = "uplink dc-west: 2 in flight (its WAN budget, 10MB a second)"
    assert waiting_reasons(state, T0)["edge-0004"] == words


def test_the_smaller_of_cap_and_budget_holds() -> None:
    assert Window.model_validate({**WINDOW, "by": {"uplink": 5, "ring": 3}}).caps == {"uplink": 2, "ring": 3}
    assert Window.model_validate({**WINDOW, "by": {"uplink": 1}}).caps == {"uplink": 1}


def test_a_cap_that_is_set_later_does_not_lift_the_budget() -> None:
    state = campaign(8, UPLINKS, window=WINDOW)
    assert state.set_limits(by={"uplink": 4}) == "at most 100 in flight, uplink 2"
    assert len(start(state)) == 4


def test_the_budget_may_change_while_the_campaign_runs() -> None:
    state = campaign(12, UPLINKS, window=WINDOW)
    start(state)
    assert state.set_limits(wan={"uplink": "16MB"}) == "at most 100 in flight, uplink 4"
    assert len(start(state)) == 4


@pytest.mark.parametrize(
    ("wan", "words"),
    [
        ({"uplink": "3MB"}, "uplink=3MB is less than one site takes: at least 4MB"),
        ({"ring": "30MB"}, "no WAN budget can be put on ring: this campaign began with uplink"),
        ({"uplink": "20MB"}, ""),
    ],
)
def test_a_new_budget_that_cannot_be_kept_is_refused(wan: dict[str, str], words: str) -> None:
    state = campaign(4, UPLINKS, window=WINDOW)
    assert set_refused(state, SetRequest(wan=wan, owner="anna")) == words


def test_what_the_archives_say_is_pinned_for_the_campaigns_life() -> None:
    declared = spec(window={"wan": {"by": {"uplink": "10MB"}}})
    fleet = members(8, **UPLINKS).model_copy(update={"wan_site": "5000000B"})
    state = CampaignState.begin(declared, fleet, T0)
    assert len(start(state)) == 4
    carry = CampaignCarry.model_validate_json(state.to_carry().model_dump_json())
    assert CampaignState.from_carry(declared, carry).window.caps == {"uplink": 2}


def test_the_plan_tells_each_uplink() -> None:
    fleet = members(3, uplink=lambda site: ["dc-east", "dc-west", ""][site])
    assert told(Window.model_validate(WINDOW), fleet) == (
        "uplink=dc-east: 2 sites at once (10MB a second, 4MB a site)",
        "uplink=dc-west: 2 sites at once (10MB a second, 4MB a site)",
    )
    assert told(Window(), fleet) == ()


def test_the_estimate_of_a_plan_goes_through_the_same_budget() -> None:
    fleet = members(8, **UPLINKS)
    hour = [timedelta(hours=1)] * 8
    declared = spec(window=WINDOW)
    assert campaign_time(declared, hour) == timedelta(hours=1), "nothing is known of uplinks"
    assert campaign_time(declared, hour, fleet) == timedelta(hours=2), "two of each at once"
    one_link = members(8, uplink=lambda site: "dc-east")
    assert campaign_time(declared, hour, one_link) == timedelta(hours=4)
