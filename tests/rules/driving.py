"""A campaign driven in virtual time, for the tests of this folder: specs, members, a loop over events."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any

from models.campaign import CampaignSpec
from models.fleet import Members
from models.outcome import Outcome
from rules.campaign import CampaignState

T0 = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def names(count: int, first: int = 0) -> tuple[str, ...]:
    return tuple(f"edge-{number:04}" for number in range(first, first + count))


def members(count: int, **labels: Callable[[int], str]) -> Members:
    """`labels`: from the position of a site to its value; "" for none."""
    return Members(
        names=names(count),
        labels={label: tuple(value(site) for site in range(count)) for label, value in labels.items()},
        inventory_hash="abc",
    )


def spec(**parts: Any) -> CampaignSpec:
    """One wave and no budget to speak of, unless said otherwise."""
    return CampaignSpec.model_validate(
        {
            "name": "night-1",
            "operation": {"kind": "patch", "release": "starlingx-26.03.1"},
            "select": {"all": True},
            "waves": [{"percent": 100}],
            "budget": {"failed": "100%", "unreachable": "100%", "wave_failed": "100%", "consecutive": 10_000},
            **parts,
        }
    )


def campaign(
    count: int, labels: dict[str, Callable[[int], str]] | None = None, **parts: Any
) -> CampaignState:
    return CampaignState.begin(spec(**parts), members(count, **(labels or {})), T0)


def start(state: CampaignState, now: datetime = T0) -> list[str]:
    """Admit, and let each start at once with the run id `run-<name>`."""
    admitted = state.admit(now)
    for name in admitted:
        state.started(name, f"run-{name}")
    return admitted


def end(state: CampaignState, name: str, outcome: Outcome = Outcome.SUCCEEDED) -> bool:
    return state.ended(name, state.in_flight()[name], outcome)


def end_all(state: CampaignState, outcome: Outcome = Outcome.SUCCEEDED) -> None:
    for name in state.in_flight():
        end(state, name, outcome)


@dataclass
class Drive:
    """Runs a campaign to its end: sites last `minutes` each and end as `outcome` says; gates open at once."""

    state: CampaignState
    minutes: Callable[[str], float] = lambda name: 20
    outcome: Callable[[str], Outcome] = lambda name: Outcome.SUCCEEDED
    now: datetime = T0
    started: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    most_in_flight: int = 0
    _ends: list[tuple[datetime, str]] = field(default_factory=list)

    def run(self, most_turns: int = 100_000) -> "Drive":
        for _ in range(most_turns):
            self._admit()
            if self.state.finished:
                return self
            self._next()
        raise AssertionError(f"never finished: {self.state.stage}, {self.state.pause_halt}")

    def _admit(self) -> None:
        for name in self.state.admit(self.now):
            self.state.started(name, f"run-{len(self.started)}")
            self.started.append(name)
            heappush(self._ends, (self.now + self.minutes(name) * MINUTE, name))
        self.most_in_flight = max(self.most_in_flight, len(self._ends))

    def _next(self) -> None:
        if self.state.soak_due(self.now):
            self.state.soak_passed()
        elif self.state.stage == "soaked" and self.state.gate and not self.state.pause_halt:
            self.state.approve(self.state.gate, "anna")
        elif self._ends:
            self.now, name = heappop(self._ends)
            assert self.state.ended(name, self.state.in_flight()[name], self.outcome(name))
            self.ended.append(name)
        elif wake := self.state.next_wake(self.now):
            self.now = wake
        elif self.state.pause_halt:
            self.state.resume("anna")
        else:
            raise AssertionError("nothing in flight, nothing to wait for, and not finished")
