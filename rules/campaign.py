"""The campaign's state machine: what `FleetCampaign` drives and what it continues as new with.

Events come in (`started`, `ended`, `start_refused_busy`, a person's pause), and `admit(now)` brings the
state forward to `now` and answers with the sites to start: it is the only place where a wave ends, a soak
begins, the next wave opens. So a workflow's loop is: admit, start those, wait for an event or `next_wake`,
until `finished`. Nothing here reads a clock or a file or iterates over a hash order: replay decides alike.

Nothing starts while the campaign is paused, frozen, aborting, or between waves. A spent budget pauses (or
aborts) at the end of a site, before anything else can start. When nothing is left to start, nothing is left
to hold: the campaign then finishes, paused or not, once the last wave has soaked.

Mutators answer with words for the person who asked; they ignore what makes no sense any more. Whether a
request makes sense is asked before, in `rules.updates`; what the state means is told by `rules.explain`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Self

from models.base import format_duration
from models.campaign import Budget, CampaignSpec, Window
from models.carry import BUSY, PENDING, STARTING, CampaignCarry, Halt, Stage
from models.fleet import Members
from models.holds import SiteHold
from models.outcome import BAD, Outcome
from models.windows import SiteWindows
from rules.books import MILLISECOND, CampaignBooks
from rules.regions import Regions
from rules.returning import Returning
from rules.roster import Roster, first_carry
from rules.site_holds import SiteHolds, comes_back
from rules.tries import Tries
from rules.waves import Tally
from rules.window import SlidingWindow
from rules.window_gate import WindowGate

RETRIABLE = BAD | {Outcome.UNREACHABLE, Outcome.BLOCKED}
"""What `retry` without names takes; by name it also takes aborted sites."""
READ_WINDOWS_AGAIN = timedelta(days=1)
"""Windows are read when one opens, and at least this often: somebody may have declared others."""


class CampaignState(CampaignBooks):
    """One campaign. Positions (`site: int`) are inside; names are at its surface."""

    def __init__(self, spec: CampaignSpec, carry: CampaignCarry) -> None:
        self.spec = spec
        self.roster = Roster(carry)
        self.wave = carry.wave
        """From 0."""
        self.stage: Stage = carry.stage
        self.soak_until = carry.soak_until
        self.pause_halt = carry.pause
        self.freeze_halt = carry.frozen
        self.abort_halt = carry.abort
        self.abort_mode: Literal["", "drain", "stop"] = carry.abort_mode
        self.spent = carry.spent
        self.approved = dict(carry.approved)
        self.budget = carry.budget
        self.pace = carry.pace
        self.began = carry.started
        self.inventory_hash = carry.inventory_hash
        self.gate_of_windows = WindowGate(len(carry.sites), carry.windowed, carry.forced)
        self.site_holds = SiteHolds(carry.on_hold, carry.overridden)
        self.regions = Regions(carry, self.roster.position)
        self.tries = Tries(carry.tries, carry.tried, carry.to_try)
        self._returning = Returning(self.roster)
        self._looked_at = carry.started
        self._open_window(carry.window)

    @classmethod
    def begin(cls, spec: CampaignSpec, members: Members, now: datetime) -> Self:
        """Members start in their order; their labels are those on which a cap stands or may stand later."""
        state = cls(spec, first_carry(spec, members, now))
        if members.windows is not None:
            state.windows_read(members.windows)
        return state

    @classmethod
    def from_carry(cls, spec: CampaignSpec, carry: CampaignCarry) -> Self:
        return cls(spec, carry)

    def to_carry(self) -> CampaignCarry:
        """All of the state; `from_carry` of it goes on exactly as this one would."""
        return CampaignCarry.model_validate(
            self.roster.carry()
            | self.site_holds.carry()
            | self.regions.carry()
            | self.tries.carry()
            | {
                "wave": self.wave,
                "stage": self.stage,
                "soak_until": self.soak_until,
                "pause": self.pause_halt,
                "frozen": self.freeze_halt,
                "abort": self.abort_halt,
                "abort_mode": self.abort_mode,
                "spent": self.spent,
                "approved": tuple(self.approved.items()),
                "windowed": self.gate_of_windows.windowed,
                "forced": tuple(self.gate_of_windows.forced),
                "window": self.window.limits,
                "budget": self.budget,
                "pace": self.pace,
                "started": self.began,
                "inventory_hash": self.inventory_hash,
            }
        )

    # -- what to do now

    def admit(self, now: datetime) -> list[str]:
        """Come forward to `now`; the sites to start, which from here on hold their places."""
        self._looked_at = now
        while not self.abort_halt and self._step(now):
            pass
        if self.stage != "open" or self.pause_halt or self.freeze_halt or self.abort_halt or self.spent:
            return []
        self._return_busy(now)
        self._heed_windows(now)
        admitted = []
        while (site := self.window.take()) is not None:
            self.gate_of_windows.withdraw(site)
            self.roster.start(site)
            admitted.append(self.roster.names[site])
        return admitted

    def next_wake(self, now: datetime) -> datetime | None:
        """When `admit` or `soak_due` may have news without an event; always after `now`."""
        wakes = []
        if self.stage == "soaking" and self.soak_until and not self.abort_halt:
            wakes.append(self.soak_until)
        if self.stage == "open" and not (self.pause_halt or self.freeze_halt or self.abort_halt):
            if (back := self._returning.next()) is not None:
                wakes.append(self.at(back))
            wakes.extend(self._window_wakes(now))
        return min((wake for wake in wakes if wake > now), default=None)

    # -- what happened to sites

    def started(self, name: str, run_id: str, now: datetime | None = None) -> bool:
        """The site's workflow runs. True: word of its end had come before, and counts now."""
        site = self._starting(name)
        if site is None:
            return False
        held = self.site_holds.early.pop(site, {}).get(run_id)
        self.site_holds.on_hold.pop(site, None)
        self.tries.waiting.pop(site, None)
        outcome = self.roster.run(site, run_id)
        if held is not None:
            self._hold_site(site, *held)
            return True
        if outcome is not None:
            self._end_run(site, outcome, now)
        return outcome is not None

    def start_refused_busy(self, name: str, holder: str, retry_at: datetime, now: datetime) -> str:
        """Another workflow holds the site. It comes back at `retry_at`, in the end once more at its deadline
        (`ready_within` after the first refusal); refused then, it ends blocked: the answer says why."""
        site = self._starting(name)
        if site is None:
            return ""
        at = (now - self.began) // MILLISECOND
        was_held = site in self.roster.busy and self.is_held_by_others(site)
        since = self.roster.busy[site][2] if was_held else at
        self.site_holds.on_hold.pop(site, None)
        ended = self.tries.waiting.pop(site, None)
        if ended is not None and self.abort_halt:
            self._end(site, ended)
            return ""
        patience = self.spec.operation.ready_within
        deadline = since + patience / self.pace // MILLISECOND
        if at >= deadline:
            self._end(site, Outcome.BLOCKED)
            return f"{holder} has held {name} for more than {format_duration(patience)} (ready_within)"
        back = min(max(-((self.began - retry_at) // MILLISECOND), at + 1), deadline)
        self.window.release(site)
        self.roster.hold_busy(site, holder, back, since)
        self._returning.add(back, site)
        return ""

    def held(self, name: str, run_id: str, hold: SiteHold, now: datetime) -> bool:
        """Its own people hold the site; its run has ended and touched nothing. True: this is news."""
        site = self.roster.position.get(name)
        if site is None:
            return False
        if self.roster.status[site] == STARTING:
            self.site_holds.early.setdefault(site, {})[run_id] = (hold, now)
            return False
        if self.roster.runs.get(site) != run_id:
            return False
        self._hold_site(site, hold, now)
        return True

    def hold_seen(self, name: str, hold: SiteHold | None, now: datetime) -> str:
        """How a site on hold stands now; None: its people have lifted it. What is new of it, in words."""
        site = self.roster.position[name]
        old = self.site_holds.on_hold.get(site)
        if old is None or hold == old:
            return ""
        if hold is None:
            self.came_free(name)
            return f"{name} is no longer on hold by its own people"
        self._come_back(site, hold, now)
        return f"{name} is {hold.words}"

    def override_hold(self, names: Iterable[str], reason: str, owner: str) -> str:
        """Sites that have not started may do so although their own people hold them."""
        overridden = 0
        for name in names:
            site = self.roster.position.get(name)
            if site is not None and self.roster.is_pending(site):
                self.site_holds.overridden[site] = f"{reason}, by {owner}"
                overridden += 1
                if site in self.site_holds.on_hold:
                    self.came_free(name)
        which = "1 site" if overridden == 1 else f"{overridden} sites"
        return f"holds of {which} by their own people are disregarded, by {owner}: {reason}"

    def override_of(self, name: str) -> str:
        return self.site_holds.overridden.get(self.roster.position[name], "")

    def came_free(self, name: str) -> None:
        """Nobody holds the site any more: it comes back with the next `admit`."""
        site = self.roster.position.get(name)
        if site is not None and self.roster.status[site] == BUSY and not self.window.is_queued(site):
            self.site_holds.on_hold.pop(site, None)
            holder, _, since = self.roster.busy[site]
            self.roster.busy[site] = (holder, since, since)
            self._returning.add(since, site)

    def start_failed(self, name: str, outcome: Outcome) -> bool:
        """A site that was admitted came to no run at all."""
        site = self._starting(name)
        if site is not None:
            self._end(site, outcome)
        return site is not None

    def ended(self, name: str, run_id: str, outcome: Outcome, now: datetime | None = None) -> bool:
        """True: this is news. Doubles, unknown run ids and late words of an older run are not.

        `now`: from when on a next try is reckoned; None: the latest `admit`."""
        site = self.roster.position.get(name)
        if site is None:
            return False
        if self.roster.status[site] == STARTING:
            self.roster.early.setdefault(site, {})[run_id] = outcome
            return False
        if self.roster.runs.get(site) != run_id:
            return False
        self._end_run(site, outcome, now)
        return True

    def soak_due(self, now: datetime) -> bool:
        """The soak's time is over: check alarms, then say `soak_passed` or `soak_failed`."""
        return self.stage == "soaking" and self.soak_until is not None and now >= self.soak_until

    def soak_passed(self) -> None:
        if self.stage == "soaking":
            self.stage, self.soak_until = "soaked", None

    def soak_failed(self, sites: Sequence[str], why: str) -> None:
        if self.stage == "soaking":
            self.stage, self.soak_until = "unsound", None
            named = ", ".join(sites[:3]) + (f" and {len(sites) - 3} more" if len(sites) > 3 else "")
            self._hold(f"wave {self.wave + 1} did not soak well at {named}: {why}")

    # -- what people say

    def pause(self, reason: str, owner: str) -> str:
        self._hold(reason, owner)
        return f"paused by {owner}: {reason}; {self.window.in_flight} in flight go on to their end"

    def resume(self, owner: str) -> str:
        """Also says yes to what paused the campaign: a spent budget is forgiven, a wave that proved nothing
        or soaked badly is accepted."""
        if not self.pause_halt:
            return f"campaign {self.spec.name} is not paused"
        said = [f"resumed by {owner}"]
        if self.spent:
            said.append(f"forgiven: {self.spent}; the count starts again from here")
            self.spent = ""
            self.roster.forgive()
        if self.stage == "unproven":
            self.stage = "proven"
            said.append(f"wave {self.wave + 1} is accepted though no site of it succeeded")
        if self.stage == "unsound":
            self.stage = "soaked"
            said.append(f"wave {self.wave + 1} is accepted with the alarms of its soak")
        self.pause_halt = None
        return "; ".join(said)

    def abort(self, mode: Literal["drain", "stop"], reason: str, owner: str = "") -> str:
        """Nothing starts any more. drain: sites in work go on; stop: cancel them (`in_flight`)."""
        self.abort_halt, self.abort_mode = Halt(reason=reason, owner=owner), mode
        for site, outcome in list(self.tries.waiting.items()):
            if self.roster.is_pending(site):
                self._end(site, outcome)
        does = "go on to their end" if mode == "drain" else "are cancelled and end at a safe point"
        return f"aborted{self.abort_halt}; {self.window.in_flight} in flight {does}"

    def freeze(self, reason: str, owner: str = "") -> None:
        """The whole fleet is held, from outside of this campaign."""
        self.freeze_halt = Halt(reason=reason, owner=owner)

    def thaw(self) -> None:
        self.freeze_halt = None

    def approve(self, gate: str, owner: str) -> str:
        if gate in self.spec.approvals:
            self.approved.setdefault(gate, owner)
        return f"{gate} is approved by {owner}"

    def skip(self, names: Iterable[str]) -> str:
        """Take out sites that have not started; one that waits for its next try has ended as it did."""
        skipped = 0
        for name in names:
            site = self.roster.position.get(name)
            if site is not None and self.roster.is_pending(site):
                self.window.drop(site)
                self.gate_of_windows.withdraw(site)
                self._end(site, self.tries.waiting.get(site, Outcome.SKIPPED))
                skipped += 1
        return f"{skipped} {'site' if skipped == 1 else 'sites'} skipped"

    def retry(self, names: Iterable[str] = ()) -> str:
        """Queue sites that ended badly again, in the current wave, which is then open again; no names: all
        of them. Their earlier end no longer counts."""
        again = [] if self.finished or self.abort_halt else self._retriable(list(dict.fromkeys(names)))
        for site in again:
            self.roster.reopen(site, self.wave)
            self._queue(site)
            self.stage, self.soak_until = "open", None
        return f"{len(again)} {'site' if len(again) == 1 else 'sites'} to be tried again"

    def set_limits(
        self,
        max_in_flight: int | None = None,
        by: Mapping[str, int] | None = None,
        budget: Budget | None = None,
        wan: Mapping[str, str] | None = None,
    ) -> str:
        """What is absent stays, also within `by`, `wan` and `budget`. What the new budget finds spent is."""
        old = self.window.limits
        limits = Window(
            max_in_flight=old.max_in_flight if max_in_flight is None else max_in_flight,
            by={**old.by, **(by or {})},
            wan=old.wan and old.wan.model_copy(update={"by": {**old.wan.by, **(wan or {})}}),
        )
        if limits != old:
            self._open_window(limits)
        if budget is not None:
            said = {name: getattr(budget, name) for name in budget.model_fields_set}
            self.budget = self.budget.model_copy(update=said)
            self._check_budget()
        caps = "".join(f", {label} {cap}" for label, cap in limits.caps.items())
        told = f"; budget {self.budget.model_dump_json()}" if budget is not None else ""
        return f"at most {limits.max_in_flight} in flight{caps}{told}"

    # -- maintenance windows

    def windows_due(self, now: datetime) -> bool:
        """What is known of the windows is old, or nothing."""
        gate = self.gate_of_windows
        if not gate.windowed or self.finished:
            return False
        return gate.read is None or now >= gate.read + READ_WINDOWS_AGAIN / self.pace

    def windows_read(self, windows: SiteWindows) -> None:
        for site in self.gate_of_windows.adopt(windows, self.roster.position):
            self.window.drop(site)
            self._queue(site)

    def wants_windows(self) -> tuple[str, ...]:
        """Sites that have not ended, whose windows matter still."""
        roster = self.roster
        return tuple(name for site, name in enumerate(roster.names) if roster.is_pending(site))

    @property
    def sleeps(self) -> bool:
        """Nothing is in work, and the clock alone holds what is left of the wave."""
        gate = self.gate_of_windows
        if not (gate.windowed and gate.held) or self.window.in_flight or self.stage != "open":
            return False
        return (
            not (self.pause_halt or self.freeze_halt or self.abort_halt) and gate.held == self.tally.waiting
        )

    def force_windows(self, names: Iterable[str], reason: str, owner: str) -> str:
        """Sites that have not started may do so outside of their windows."""
        forced = 0
        for name in names:
            site = self.roster.position.get(name)
            if site is not None and self.roster.is_pending(site):
                was_held = self.gate_of_windows.holds(site)
                self.gate_of_windows.force(site)
                forced += 1
                if was_held:
                    self.window.queue(site, self.tries.round(site))
        which = "1 site" if forced == 1 else f"{forced} sites"
        return f"{which} may start outside of maintenance windows, forced by {owner}: {reason}"

    def _window_wakes(self, now: datetime) -> Iterator[datetime]:
        gate = self.gate_of_windows
        if gate.held and gate.read is not None:
            yield gate.read + READ_WINDOWS_AGAIN / self.pace
            opens = gate.next_opening(now)
            if opens is not None:
                yield opens

    # -- gates between waves

    @property
    def tally(self) -> Tally:
        return self.roster.tallies[self.wave]

    @property
    def more_to_come(self) -> bool:
        """Whether a later wave has a site to start."""
        return any(not tally.over for tally in self.roster.tallies[self.wave + 1 : -1])

    @property
    def gate(self) -> str:
        """The approval that the next wave still needs."""
        gate = f"after-wave-{self.wave + 1}"
        return gate if gate in self.spec.approvals and gate not in self.approved else ""

    def _step(self, now: datetime) -> bool:
        """One stage further; False: something keeps the wave where it is."""
        match self.stage:
            case "open" | "unproven" if self.tally.over:
                if self.tally.proven or not self.more_to_come:
                    self.stage = "proven"
                elif self.stage == "open":
                    self.stage = "unproven"
                    self._hold(f"wave {self.wave + 1} proved nothing: none of its sites succeeded")
                return self.stage == "proven"
            case "proven":
                soak = self.spec.waves[self.wave].soak
                self.stage = "soaking" if soak and self.tally.touched else "soaked"
                self.soak_until = now + soak / self.pace if self.stage == "soaking" else None
                return True
            case "soaked" if not self.more_to_come:
                self.stage = "closed"
            case "soaked" if not (self.pause_halt or self.spent or self.gate):
                self.wave += 1
                self.stage = "open"
                self._queue_wave()
                return True
        return False

    # -- inside

    def _starting(self, name: str) -> int | None:
        site = self.roster.position.get(name)
        return site if site is not None and self.roster.status[site] == STARTING else None

    def _retriable(self, named: list[str]) -> list[int]:
        takes = RETRIABLE | {Outcome.ABORTED} if named else RETRIABLE
        position = self.roster.position
        chosen = [position[name] for name in named if name in position] if named else range(len(position))
        return [site for site in chosen if self.roster.outcome(site) in takes]

    def _hold(self, reason: str, owner: str = "") -> None:
        """Pause; what held already keeps its owner and both reasons stand."""
        old = self.pause_halt
        reason = f"{old.reason}; {reason}" if old else reason
        self.pause_halt = Halt(reason=reason, owner=old.owner if old else owner)

    def _end_run(self, site: int, outcome: Outcome, now: datetime | None) -> None:
        """With it the site has ended, unless it has a try left."""
        if self.abort_halt or not self.tries.has_one(site, outcome):
            self._end(site, outcome)
            return
        self.window.release(site)
        back = self._milliseconds(self.tries.soonest(now or self._looked_at, self.pace))
        self.roster.hold_busy(site, self.tries.take(site, outcome), back, 0)
        self.roster.again[site] = None
        self._returning.add(back, site)

    def _end(self, site: int, outcome: Outcome) -> None:
        if self.roster.is_flying(site):
            self.window.release(site)
        self.site_holds.on_hold.pop(site, None)
        self.tries.waiting.pop(site, None)
        self.roster.end(site, outcome)
        self._check_budget()

    def _milliseconds(self, at: datetime) -> int:
        """Of the campaign's life, as the roster keeps them; the first whole one that is not before `at`."""
        return -((self.began - at) // MILLISECOND)

    def _hold_site(self, site: int, hold: SiteHold, now: datetime) -> None:
        self.window.release(site)
        self.roster.hold_busy(site, "", 0, 0)
        self._come_back(site, hold, now)

    def _come_back(self, site: int, hold: SiteHold, now: datetime) -> None:
        back = self._milliseconds(comes_back(hold, now, self.pace))
        self.roster.busy[site] = (hold.words, back, self._milliseconds(now))
        self.site_holds.on_hold[site] = hold
        self._returning.add(back, site)

    def _check_budget(self) -> None:
        if self.spent or self.abort_halt:
            return
        total = len(self.roster.names)
        self.spent = self.roster.spending.spent(self.budget, total, self.wave + 1, self.tally)
        if self.spent and self.budget.on_spent == "abort":
            self.abort("drain", self.spent)
        elif self.spent:
            self._hold(self.spent)

    def _return_busy(self, now: datetime) -> None:
        for site in self._returning.due((now - self.began) // MILLISECOND):
            self._queue(site)

    def _open_window(self, limits: Window) -> None:
        self.window = SlidingWindow(limits, self.roster.caps, len(self.roster.names))
        for site in range(len(self.roster.names)):
            if self.roster.is_flying(site):
                self.window.occupy(site)
        self.gate_of_windows.forget()
        self._queue_wave()

    def _queue(self, site: int) -> None:
        """It starts when its turn comes, there is room, and its maintenance window is open."""
        if self.gate_of_windows.ask(site):
            self.window.queue(site, self.tries.round(site))

    def _heed_windows(self, now: datetime) -> None:
        opened, closed = self.gate_of_windows.come_to(now)
        for site in closed:
            self.window.drop(site)
        for site in opened:
            self.window.queue(site, self.tries.round(site))

    def _queue_wave(self) -> None:
        """All pending sites of the current wave; those that others hold come when their time has come."""
        self._returning.count_afresh()
        for site, code in enumerate(self.roster.status):
            if code == PENDING and self.roster.wave_of[site] == self.wave:
                self._queue(site)
