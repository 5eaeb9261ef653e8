"""Which queue a site's work goes to, and what happens while nobody polls it."""

from datetime import UTC, datetime, timedelta

from models.campaign import CampaignSpec
from models.fleet import Members
from rules import explain
from rules.campaign import CampaignState

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NAMES = tuple(f"edge-{number}" for number in range(4))
AWAY = "queue starflock-east, which no worker polls"
QUEUES = {"east": "starflock-east"}


def begun(**more: object) -> CampaignState:
    spec = CampaignSpec.model_validate(
        {
            "name": "night",
            "operation": {"kind": "patch", "release": "starlingx-26.03.1"},
            "select": {"all": True},
            "waves": [{"percent": 100}],
            "window": {"max_in_flight": 1},
        }
    )
    labels = {"system_controller": ("east", "east", "west", "")}
    members = Members.model_validate(
        {"names": NAMES, "labels": labels, "inventory_hash": "0", "queues": QUEUES, **more}
    )
    return CampaignState.begin(spec, members, NOW)


def test_a_site_goes_where_its_system_controller_says() -> None:
    state = begun()
    assert [state.regions.queue_of(name) for name in NAMES] == [
        "starflock-east",
        "starflock-east",
        None,
        None,
    ]
    assert state.regions.by_queue(NAMES) == {"starflock-east": list(NAMES[:2]), None: list(NAMES[2:])}
    assert [begun(queues={}).regions.queue_of(name) for name in NAMES] == [None] * 4


def test_nobody_there_takes_no_place_of_the_window() -> None:
    state = begun(unpolled=["starflock-east"])
    admitted: list[str] = []
    for _ in NAMES:
        for name in state.admit(NOW):
            if away := state.regions.away(name):
                assert state.start_refused_busy(name, away, NOW + timedelta(minutes=5), NOW) == ""
            else:
                admitted.append(name)
                state.started(name, f"run-{name}")
    assert admitted == ["edge-2"], "one place, and the first two did not take it"
    assert state.busy_sites() == ("edge-0", "edge-1")
    assert explain.waiting_reasons(state, NOW)["edge-0"].startswith(f"held by {AWAY}")
    assert state.regions.seen(QUEUES, ()) == ("queue starflock-east has a worker again",)
    assert [state.regions.away(name) for name in NAMES] == [""] * 4


def test_sites_in_work_are_said_to_wait() -> None:
    state = begun()
    (name,) = state.admit(NOW)
    state.started(name, "run")
    assert AWAY not in explain.why(state, NOW)
    assert state.regions.seen(QUEUES, ("starflock-east",)) == (f"{AWAY}: its sites wait",)
    assert state.regions.seen(QUEUES, ("starflock-east",)) == (), "said once"
    assert explain.why(state, NOW).endswith(f"; 1 of them on {AWAY}")


def test_a_campaign_takes_it_along() -> None:
    state = begun(unpolled=["starflock-east"])
    again = CampaignState.from_carry(state.spec, state.to_carry())
    assert again.regions.away("edge-0") == AWAY
    assert again.regions.queue_of("edge-2") is None
