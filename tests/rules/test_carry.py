"""What continues as new: its size, and that nothing depends on what is not in it."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from driving import MINUTE, T0, Drive, campaign

from models.carry import CODE_OUTCOME, OUTCOME_CODE, CampaignCarry
from models.outcome import Outcome
from rules.campaign import CampaignState

ROOT = Path(__file__).parents[2]
RUN_ID = "0197{0:04x}-aaaa-7bbb-8ccc-dddddddd{0:04x}"
"""As long as Temporal's."""


def large(count: int, in_flight: int = 1500) -> CampaignState:
    labels = {"pair": lambda site: f"pair-{site // 2:04}", "system_controller": lambda site: f"sc-{site % 7}"}
    window = {"max_in_flight": in_flight, "by": {"pair": 2, "system_controller": 1500}}
    return campaign(count, labels, window=window)


def per_site(state: CampaignState) -> float:
    return len(state.to_carry().model_dump_json()) / len(state.roster.names)


@pytest.mark.parametrize("count", [1000, 5000])
def test_a_carry_costs_at_most_100_bytes_a_site_at_any_moment(count: int) -> None:
    state, draw, now, dearest = large(count), Random(7), T0, 0.0
    for step in range(40):
        for name in state.admit(now):
            chance = draw.random()
            if chance < 0.1:
                state.start_refused_busy(name, f"campaign night-{draw.randrange(9)}", now + 9 * MINUTE, now)
            elif chance < 0.98:
                state.started(name, RUN_ID.format(draw.randrange(65536)))
        dearest = max(dearest, per_site(state))
        for name, run_id in state.in_flight().items():
            if draw.random() < 0.5:
                state.ended(name, run_id, draw.choice(list(Outcome)))
        if step % 5 == 4:
            state.retry()
        now += 5 * MINUTE
        dearest = max(dearest, per_site(state))
    assert dearest <= 100


def test_a_carry_with_every_site_in_flight_again_stays_within_100_bytes_a_site() -> None:
    state = large(1000, in_flight=1000)
    for turn in range(2):
        for name in state.admit(T0):
            state.started(name, RUN_ID.format(turn))
        for name, run_id in state.in_flight().items():
            if turn == 0:
                state.ended(name, run_id, Outcome.FAILED)
        if turn == 0:
            state.retry()
    assert len(state.in_flight()) == 1000
    assert per_site(state) <= 100


def test_control_a_carry_that_names_the_sites_in_flight_would_not() -> None:
    state = large(1000, in_flight=1000)
    for name in state.admit(T0):
        state.started(name, RUN_ID.format(1))
    spelt = state.to_carry().model_copy(update={"troubles": tuple(state.in_flight().items())})
    assert len(spelt.model_dump_json(warnings=False)) / 1000 > 100


def test_every_outcome_has_a_letter_of_its_own() -> None:
    assert set(OUTCOME_CODE) == set(Outcome)
    assert len(CODE_OUTCOME) == 2 * len(Outcome)


def test_a_campaign_carried_at_every_turn_starts_the_same_sites_at_the_same_times() -> None:
    def life(carried: bool) -> list[tuple[str, float]]:
        drive = Drive(
            campaign(
                200,
                {"pair": lambda site: f"{site // 2}", "region": lambda site: f"{site % 3}"},
                waves=[{"count": 3, "soak": "15m"}, {"percent": 20}, {"percent": 100}],
                window={"max_in_flight": 20, "by": {"pair": 1, "region": 6}},
                approvals=["after-wave-2"],
                budget={"failed": 3, "unreachable": "5%", "wave_failed": "10%", "consecutive": 5},
            ),
            minutes=lambda name: 10 + int(name[-4:]) * 7 % 13,
            outcome=lambda name: Outcome.FAILED if int(name[-4:]) % 17 == 5 else Outcome.SUCCEEDED,
        )
        starts: list[tuple[str, float]] = []
        for _ in range(5000):
            if carried:
                carry = CampaignCarry.model_validate_json(drive.state.to_carry().model_dump_json())
                drive.state = CampaignState.from_carry(drive.state.spec, carry)
            drive._admit()
            starts += [(name, (drive.now - T0).total_seconds()) for name in drive.started[len(starts) :]]
            if drive.state.finished:
                return starts
            drive._next()
        raise AssertionError("never finished")

    assert life(carried=True) == life(carried=False)


def test_the_hash_seed_changes_nothing() -> None:
    told = {_life_under_hash_seed(seed) for seed in ("0", "1", "4711")}
    assert len(told) == 1


LIFE = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests/rules"]
from driving import Drive, campaign
from models.outcome import Outcome
from rules.explain import progress
labels = {"pair": lambda site: f"p{site // 2}", "region": lambda site: "nse"[site % 3]}
drive = Drive(
    campaign(60, labels, window={"max_in_flight": 9, "by": {"region": 4, "pair": 1}}, budget={"failed": 2}),
    minutes=lambda name: int(name[-4:]) % 7 + 3,
    outcome=lambda name: list(Outcome)[int(name[-4:]) % 9],
).run()
print(drive.started, drive.ended, progress(drive.state, drive.now), drive.state.to_carry())
"""


def _life_under_hash_seed(seed: str) -> str:
    run = subprocess.run(
        [sys.executable, "-B", "-c", LIFE, str(ROOT)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout
