"""Random lives of a campaign against a shadow that keeps its own, naive books.

The machine plays people, sites, time and the engine over the class that the workflow imports. Each control
at the end breaks that class in one way and expects the same machine to notice.
"""

from collections import Counter
from random import Random
from typing import Any, ClassVar

import pytest
from driving import MINUTE, T0, members, names
from driving import spec as a_spec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from test_updates import EVERY_REQUEST

from models.base import quota_of
from models.campaign import Again, Budget, Window
from models.carry import CampaignCarry
from models.outcome import BAD, GOOD, Outcome
from rules.campaign import RETRIABLE, CampaignState
from rules.explain import progress, waiting_reasons

SITES = 24
LABELS = ("pair", "region", "system_controller")
ENDS = st.sampled_from([Outcome.SUCCEEDED] * 3 + [o for o in Outcome if o is not Outcome.SKIPPED])
WAVES = st.lists(
    st.fixed_dictionaries({"count": st.integers(1, 8), "soak": st.sampled_from(["0s", "15m"])}), max_size=3
)
CAPS = st.dictionaries(st.sampled_from(LABELS), st.integers(1, 4))
QUOTAS = st.one_of(st.integers(0, 6), st.sampled_from(["0%", "10%", "50%", "100%"]))
BUDGETS = st.builds(
    Budget, failed=QUOTAS, unreachable=QUOTAS, wave_failed=QUOTAS, consecutive=st.integers(1, 8)
)
AGAINS = st.builds(Again, failed=st.integers(0, 2), unreachable=st.integers(0, 2), after=st.just("10m"))
SITE_BYTES = 3
WANS = st.none() | st.fixed_dictionaries(
    {
        "by": st.dictionaries(
            st.sampled_from(LABELS), st.integers(SITE_BYTES, 14).map(lambda rate: f"{rate}B"), min_size=1
        ),
        "site": st.just(f"{SITE_BYTES}B"),
    }
)
SOME_SITES = st.lists(st.sampled_from(names(SITES)), min_size=1, max_size=4)


def books(state: CampaignState) -> tuple[object, ...]:
    """All that a state consists of, what is counted from it included."""
    spending = state.roster.spending
    return (
        state.to_carry(),
        state.roster.tallies,
        state.roster.counts,
        (spending.failed, spending.unreachable),
        state.window.in_flight,
        {site: state.tries.round(site) for site in range(len(state.roster.names))},
    )


class CampaignLife(RuleBasedStateMachine):
    state_class: ClassVar[type[CampaignState]] = CampaignState

    @initialize(
        count=st.integers(1, SITES),
        waves=WAVES,
        limit=st.integers(1, 8),
        by=CAPS,
        wan=WANS,
        budget=BUDGETS,
        again=AGAINS,
        seed=st.integers(0, 1000),
    )
    def begin(
        self,
        count: int,
        waves: list[dict[str, Any]],
        limit: int,
        by: dict[str, int],
        wan: dict[str, Any] | None,
        budget: Budget,
        again: Again,
        seed: int,
    ) -> None:
        draw = Random(seed)
        values = [[draw.choice(["", "a", "b", "c"]) for _ in LABELS] for _ in range(SITES)]
        self.spec = a_spec(
            waves=[*waves, {"percent": 100}],
            window={"max_in_flight": limit, "by": by, "wan": wan},
            budget=budget.model_dump(),
            approvals=["after-wave-1", "after-wave-3"],
        )
        columns = {label: lambda site, n=n: values[site][n] for n, label in enumerate(LABELS)}
        self.members = members(count, **columns).model_copy(update={"tries": again})
        self.state = self.state_class.begin(self.spec, self.members, T0)
        self.now = T0
        self.window = Window(max_in_flight=limit, by=by)
        self.wan = {label: int(rate[:-1]) for label, rate in wan["by"].items()} if wan else {}
        """Bytes that the sites of one value of a label may take together."""
        self.budget = budget
        self.again = again
        self.taken: dict[str, list[Outcome]] = {name: [] for name in self.members.names}
        """Tries that were taken, by the ends before them."""
        self.to_try: dict[str, Outcome] = {}
        self.starting: dict[str, None] = {}
        self.flying: dict[str, str] = {}
        self.closed_runs: list[tuple[str, str]] = []
        self.ends: Counter[str] = Counter()
        self.ended_as: dict[str, Outcome] = {}
        self.counted: dict[str, Outcome] = {}
        self.row: list[str] = []
        self.runs = 0
        self.spent = False
        self.held: set[str] = set()

    # -- the engine

    @rule()
    def admit(self) -> None:
        before = list(self.state.roster.status)
        admitted = self.state.admit(self.now)
        assert not (admitted and (self.spent or self.held)), "started while something holds the campaign"
        if self.state.stage == "open" and not self.spent and not self.held:
            assert admitted == self._scan(before), "not what a scan in order would start"
        if self.state.stage == "unproven":
            self.held.add("unproven")
        self.starting.update(dict.fromkeys(admitted))
        self._check_caps()

    def _scan(self, before: list[str]) -> list[str]:
        """Whom a plain scan in order would start, who was tried before behind the others."""
        roster, flying, chosen = self.state.roster, [*self.starting, *self.flying], []
        for site, name in sorted(
            enumerate(roster.names), key=lambda each: (len(self.taken[each[1]]), each[0])
        ):
            due = before[site] == "." or (
                before[site] == "~" and self.state.at(roster.busy[site][1]) <= self.now
            )
            if due and roster.wave_of[site] == self.state.wave and self._has_room(name, flying):
                flying.append(name)
                chosen.append(name)
        return chosen

    def _has_room(self, name: str, flying: list[str]) -> bool:
        own = self.members.names.index(name)
        for label, cap in self.window.by.items():
            values = [self.members.labels[label][self.members.names.index(other)] for other in flying]
            value = self.members.labels[label][own]
            if value and values.count(value) >= cap:
                return False
        fits = self._within_wan([*flying, name])
        return fits and len(flying) < self.window.max_in_flight

    def _within_wan(self, flying: list[str]) -> bool:
        for label, budget in self.wan.items():
            column = dict(zip(self.members.names, self.members.labels[label], strict=True))
            taken = Counter[str]()
            for name in flying:
                taken[column[name]] += SITE_BYTES
            if any(total > budget for value, total in taken.items() if value):
                return False
        return True

    def _fits(self, flying: list[str]) -> bool:
        positions = [self.members.names.index(name) for name in flying]
        for label, cap in self.window.by.items():
            values = Counter(v for position in positions if (v := self.members.labels[label][position]))
            if values and max(values.values()) > cap:
                return False
        return len(flying) <= self.window.max_in_flight

    def _check_caps(self) -> None:
        assert self._within_wan([*self.starting, *self.flying]), "above a WAN budget"
        if self.narrowed:
            self.narrowed = not self._fits([*self.starting, *self.flying])
        else:
            assert self._fits([*self.starting, *self.flying]), "above a cap"

    narrowed = False

    @precondition(lambda self: self.starting)
    @rule(pick=st.randoms(use_true_random=False), early=st.none() | ENDS, stale=st.booleans())
    def start(self, pick: Any, early: Outcome | None, stale: bool) -> None:
        name = pick.choice(list(self.starting))
        del self.starting[name]
        self.runs += 1
        run_id = f"run-{self.runs}"
        if stale:
            assert not self.state.ended(name, "run-of-old", Outcome.FAILED)
        if early:
            assert not self.state.ended(name, run_id, early)
        self.to_try.pop(name, None)
        assert self.state.started(name, run_id, self.now) is (early is not None)
        assert not self.state.started(name, run_id), "a second start"
        self.flying[name] = run_id
        if early:
            self._closed(name, early)

    @precondition(lambda self: self.starting)
    @rule(pick=st.randoms(use_true_random=False), minutes=st.integers(1, 90))
    def busy(self, pick: Any, minutes: int) -> None:
        name = pick.choice(list(self.starting))
        del self.starting[name]
        words = self.state.start_refused_busy(name, "night-0", self.now + minutes * MINUTE, self.now)
        before = self.to_try.pop(name, None)
        if words:
            self._count(name, Outcome.BLOCKED)
        elif before and "abort" in self.held:
            self._count(name, before)

    @precondition(lambda self: self.starting)
    @rule(pick=st.randoms(use_true_random=False), outcome=ENDS)
    def never_ran(self, pick: Any, outcome: Outcome) -> None:
        name = pick.choice(list(self.starting))
        del self.starting[name]
        assert self.state.start_failed(name, outcome)
        self.to_try.pop(name, None)
        self._count(name, outcome)

    @precondition(lambda self: self.flying)
    @rule(pick=st.randoms(use_true_random=False), outcome=ENDS)
    def end(self, pick: Any, outcome: Outcome) -> None:
        name = pick.choice(list(self.flying))
        assert self.state.ended(name, self.flying[name], outcome, self.now)
        self._closed(name, outcome)

    @rule(outcomes=st.lists(ENDS, min_size=1, max_size=6))
    def work_goes_on(self, outcomes: list[Outcome]) -> None:
        """As the days mostly are: everybody starts, the first in flight ends."""
        for outcome in outcomes:
            self.admit()
            self._start_all()
            if not self.flying:
                break
            name = next(iter(self.flying))
            assert not self.state.ended(name, "run-of-nobody", outcome)
            assert self.state.ended(name, self.flying[name], outcome)
            self._closed(name, outcome)

    def _start_all(self) -> None:
        for name in list(self.starting):
            del self.starting[name]
            self.runs += 1
            self.flying[name] = f"run-{self.runs}"
            self.to_try.pop(name, None)
            assert not self.state.started(name, self.flying[name])

    @precondition(lambda self: self.closed_runs)
    @rule(pick=st.randoms(use_true_random=False), outcome=ENDS)
    def end_again(self, pick: Any, outcome: Outcome) -> None:
        before = books(self.state)
        name, run_id = pick.choice(self.closed_runs)
        assert not self.state.ended(name, run_id, outcome)
        if name not in self.starting:
            assert books(self.state) == before

    def _closed(self, name: str, outcome: Outcome) -> None:
        run_id = self.flying.pop(name)
        self.closed_runs.append((name, run_id))
        self.ends[run_id] += 1
        assert self.ends[run_id] == 1
        allowed = {Outcome.FAILED: self.again.failed, Outcome.UNREACHABLE: self.again.unreachable}
        if "abort" not in self.held and self.taken[name].count(outcome) < allowed.get(outcome, 0):
            self.taken[name].append(outcome)
            self.to_try[name] = outcome
        else:
            self._count(name, outcome)

    def _count(self, name: str, outcome: Outcome) -> None:
        self.ended_as[name] = outcome
        self.counted[name] = outcome
        if outcome in BAD | {Outcome.UNREACHABLE}:
            self.row.append(name)
        elif outcome in GOOD:
            self.row.clear()
        self._look_at_budget()

    def _look_at_budget(self) -> None:
        """The books of the shadow: every site that counts, looked at one by one."""
        total = len(self.members.names)
        failed = [name for name, outcome in self.counted.items() if outcome in BAD]
        unreachable = [name for name, outcome in self.counted.items() if outcome is Outcome.UNREACHABLE]
        wave = [name for name in self.members.names if self.state.wave_number(name) == self.state.wave + 1]
        if not self.state.abort_halt:
            self.spent |= (
                len(failed) > quota_of(self.budget.failed, total)
                or len(unreachable) > quota_of(self.budget.unreachable, total)
                or sum(name in wave for name in failed) > quota_of(self.budget.wave_failed, len(wave))
                or len(self.row) >= self.budget.consecutive
            )

    # -- time, people, continue-as-new

    @rule(minutes=st.integers(1, 40))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(well=st.booleans())
    def soak_ends(self, well: bool) -> None:
        if self.state.soak_due(self.now):
            self._soaked(well)

    def _soaked(self, well: bool) -> None:
        if well:
            self.state.soak_passed()
        else:
            self.state.soak_failed(self.state.soaking_sites(), "100.114")
            self.held.add("soak")

    @rule()
    def pause(self) -> None:
        self.state.pause("shift change", "anna")
        self.held.add("pause")

    @rule()
    def resume(self) -> None:
        self.state.resume("anna")
        self.held -= {"pause", "soak", "unproven"}
        if self.spent:
            self.spent = False
            self.counted = {n: o for n, o in self.counted.items() if o not in BAD | {Outcome.UNREACHABLE}}
            self.row.clear()

    @rule()
    def freeze_or_thaw(self) -> None:
        if "freeze" in self.held:
            self.state.thaw()
            self.held.discard("freeze")
        else:
            self.state.freeze("storm", "bob")
            self.held.add("freeze")

    @rule(gate=st.sampled_from(["after-wave-1", "after-wave-3", "after-wave-9"]))
    def approve(self, gate: str) -> None:
        self.state.approve(gate, "anna")

    @rule(sites=SOME_SITES)
    def skip(self, sites: list[str]) -> None:
        for name in dict.fromkeys(sites):
            pending = name in self.members.names and name not in {
                **self.starting,
                **self.flying,
                **self.ended_as,
            }
            assert self.state.skip([name, name]) == f"{int(pending)} {'site' if pending else 'sites'} skipped"
            if pending:
                self._count(name, self.to_try.pop(name, Outcome.SKIPPED))

    @rule(sites=st.just([]) | SOME_SITES)
    def retry(self, sites: list[str]) -> None:
        if self.state.finished or self.state.abort_halt:
            return
        takes = RETRIABLE | ({Outcome.ABORTED} if sites else set())
        again = [n for n in sites or self.members.names if self.ended_as.get(n) in takes]
        self.state.retry(sites)
        for name in dict.fromkeys(again):
            del self.ended_as[name]
            self.counted.pop(name, None)
            self.row = [other for other in self.row if other != name]

    @rule(limit=st.none() | st.integers(1, 8), by=st.none() | CAPS, budget=st.none() | BUDGETS)
    def set_limits(self, limit: int | None, by: dict[str, int] | None, budget: Budget | None) -> None:
        self.state.set_limits(limit, by, budget)
        merged = {**self.window.by, **(by or {})}
        self.window = Window(max_in_flight=limit or self.window.max_in_flight, by=merged)
        self.narrowed = not self._fits([*self.starting, *self.flying])
        if budget:
            self.budget = budget
            self._look_at_budget()

    @precondition(lambda self: self.runs > 12)
    @rule(mode=st.sampled_from(["drain", "stop"]))
    def abort(self, mode: Any) -> None:
        self.state.abort(mode, "wrong release", "anna")
        self.held.add("abort")
        for name in [name for name in self.to_try if name not in self.starting]:
            self._count(name, self.to_try.pop(name))

    @rule()
    def continue_as_new(self) -> None:
        carry = CampaignCarry.model_validate_json(self.state.to_carry().model_dump_json())
        other = self.state_class.from_carry(self.spec, carry)
        assert books(other) == books(self.state)
        self.state = other

    # -- always

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "state"):
            return
        assert bool(self.state.spent) == self.spent, (self.state.spent, self.spent)
        assert [self.members.names[site] for site in self.state.roster.spending.row] == self.row
        assert self.state.in_flight() == self.flying
        assert self.state.starting() == tuple(sorted(self.starting))
        assert set(self.state.sites_to_try()) == set(self.to_try) - set(self.starting)
        assert self.state.roster.counts == {o: list(self.ended_as.values()).count(o) for o in Outcome}
        assert books(self.state_class.from_carry(self.spec, self.state.to_carry())) == books(self.state)

    @invariant()
    def looking_changes_nothing(self) -> None:
        if not hasattr(self, "state"):
            return
        before = books(self.state)
        seen = progress(self.state, self.now)
        assert "\n" not in seen.why
        assert seen.pending + len(seen.in_flight) + sum(seen.counts.values()) == seen.total
        assert len(waiting_reasons(self.state, self.now, 3)) <= 3
        for refused, request in EVERY_REQUEST:
            assert "\n" not in refused(self.state, request)
        wake = self.state.next_wake(self.now)
        assert wake is None or wake > self.now
        assert books(self.state) == before

    def teardown(self) -> None:
        """Gates open and sites end well: then it must finish."""
        if not hasattr(self, "state"):
            return
        for _ in range(40 * SITES):
            if "freeze" in self.held:
                self.freeze_or_thaw()
            self.resume()
            self.approve("after-wave-1")
            self.approve("after-wave-3")
            self.admit()
            self._start_all()
            for name in list(self.flying):
                assert self.state.ended(name, self.flying[name], Outcome.SUCCEEDED)
                self._closed(name, Outcome.SUCCEEDED)
            self.now = self.state.next_wake(self.now) or self.now
            if self.state.soak_due(self.now):
                self._soaked(well=True)
            if self.state.finished:
                break
        assert self.state.finished, f"a deadlock: {progress(self.state, self.now)}"
        if not self.state.abort_halt:
            assert len(self.ended_as) == len(self.members.names)


LIFE = settings(
    max_examples=150,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def test_a_campaign_keeps_its_promises_whatever_happens() -> None:
    run_machine(CampaignLife, settings=LIFE)


# -- controls: one broken promise each, seen by the same machine


class IgnoresLabelCaps(CampaignState):
    def _open_window(self, limits: Window) -> None:
        super()._open_window(limits.model_copy(update={"by": {}}))
        self.window.limits = limits


class IgnoresTheWindow(CampaignState):
    def _open_window(self, limits: Window) -> None:
        super()._open_window(limits)
        self.window._has_room = lambda: True  # type: ignore[method-assign]


class IgnoresTheBudget(CampaignState):
    def _check_budget(self) -> None:
        """Never spent."""


class SpendsOneLate(CampaignState):
    def _check_budget(self) -> None:
        budget = self.budget
        self.budget = budget.model_copy(update={"consecutive": budget.consecutive + 1})
        super()._check_budget()
        self.budget = budget


class ForgetsItsPause(CampaignState):
    def admit(self, now: Any) -> list[str]:
        kept, self.pause_halt = self.pause_halt, None
        admitted = super().admit(now)
        self.pause_halt = self.pause_halt or kept
        return admitted


class BelievesEveryWord(CampaignState):
    def ended(self, name: str, run_id: str, outcome: Outcome) -> bool:
        site = self.roster.position[name]
        return super().ended(name, self.roster.runs.get(site, run_id), outcome)


class CountsTwice(CampaignState):
    def ended(self, name: str, run_id: str, outcome: Outcome) -> bool:
        news = super().ended(name, run_id, outcome)
        if not news and self.roster.outcome(self.roster.position[name]):
            self.roster.end(self.roster.position[name], outcome)
        return news


class LosesTheRow(CampaignState):
    def to_carry(self) -> CampaignCarry:
        return super().to_carry().model_copy(update={"row": ()})


class KeepsBusySitesForever(CampaignState):
    def _return_busy(self, now: Any) -> None:
        """They never come back."""


class NeverWakes(CampaignState):
    def _open_window(self, limits: Window) -> None:
        super()._open_window(limits)
        self.window._wake = lambda groups: None  # type: ignore[method-assign]


class IgnoresTheWanBudget(CampaignState):
    def _open_window(self, limits: Window) -> None:
        super()._open_window(limits.model_copy(update={"wan": None}))
        self.window.limits = limits


class CountsEveryTry(CampaignState):
    def _end_run(self, site: int, outcome: Outcome, now: Any) -> None:
        super()._end_run(site, outcome, now)
        if site in self.tries.waiting:
            self.roster.spending.count(outcome)
            self._check_budget()


class TriesOnceTooOften(CampaignState):
    def _end_run(self, site: int, outcome: Outcome, now: Any) -> None:
        kept = self.tries.again
        self.tries.again = kept.model_copy(update={"failed": kept.failed + 1})
        super()._end_run(site, outcome, now)
        self.tries.again = kept


class ForgetsItsTries(CampaignState):
    def to_carry(self) -> CampaignCarry:
        return super().to_carry().model_copy(update={"tried": ()})


class RetriesStillCount(CampaignState):
    def retry(self, names: Any = ()) -> str:
        spending = self.roster.spending
        failed = spending.failed
        said = super().retry(names)
        spending.failed = failed
        return said


@pytest.mark.parametrize(
    "broken",
    [
        IgnoresLabelCaps,
        IgnoresTheWindow,
        IgnoresTheBudget,
        SpendsOneLate,
        ForgetsItsPause,
        BelievesEveryWord,
        CountsTwice,
        LosesTheRow,
        KeepsBusySitesForever,
        NeverWakes,
        IgnoresTheWanBudget,
        CountsEveryTry,
        TriesOnceTooOften,
        ForgetsItsTries,
        RetriesStillCount,
    ],
)
def test_control_a_broken_campaign_is_caught(broken: type[CampaignState]) -> None:
    machine = type("BrokenLife", (CampaignLife,), {"state_class": broken})
    quick = settings(
        LIFE, max_examples=300, report_multiple_bugs=False, phases=LIFE.phases[:3], print_blob=False
    )
    with pytest.raises(AssertionError):
        run_machine(machine, settings=quick)
