"""What a campaign waits for and why, in one line; the same in current details, CLI, console and report.

Everything here reads the state as it is after `admit`. The line costs no scan of the members, so that it
can be made anew at every event.
"""

import re
from datetime import UTC, datetime
from typing import Literal

from models.campaign import CampaignProgress, SiteTrouble
from models.carry import BUSY, PENDING
from rules.campaign import CampaignState

Phase = Literal[
    "starting",
    "running",
    "waiting-window",
    "soaking",
    "waiting-approval",
    "paused",
    "frozen",
    "draining",
    "done",
]


def phase(state: CampaignState, opening: str = "") -> Phase:
    tally = state.tally
    if state.finished and not opening:
        return "done"
    if state.abort_halt:
        return "draining"
    if state.pause_halt:
        return "paused"
    if state.freeze_halt:
        return "frozen"
    if state.stage == "soaking":
        return "soaking"
    if state.stage == "soaked" and state.gate and state.more_to_come:
        return "waiting-approval"
    if state.sleeps:
        return "waiting-window"
    return "starting" if state.wave == 0 and not tally.flying and not tally.touched else "running"


def why(state: CampaignState, now: datetime, opening: str = "") -> str:
    """`opening`: what is done before the first wave."""
    if opening:
        held = phase(state, opening) in ("paused", "frozen", "draining")
        return f"{opening}; {_why(state, now, opening)}" if held else opening
    return _why(state, now, opening)


def _why(state: CampaignState, now: datetime, opening: str) -> str:
    match phase(state, opening):
        case "done":
            return _done(state)
        case "draining":
            does = "are being cancelled" if state.stopping else "go on to their end"
            return f"aborted{state.abort_halt}; {state.window.in_flight} in flight {does}"
        case "paused":
            return (
                f"paused{state.pause_halt}{_still_flying(state)}; "
                f"to go on: starflock campaign resume {state.spec.name} --by YOU"
            )
        case "frozen":
            return f"frozen{state.freeze_halt}{_still_flying(state)}"
        case "soaking":
            return f"{_wave(state)}: {_ended(state)}; {_soak(state, now)}"
        case "waiting-approval":
            command = f"starflock campaign approve {state.spec.name} {state.gate} --by YOU"
            return f"waiting for approval {state.gate}: {command}"
        case "waiting-window":
            waits = f"{state.tally.waiting} {'waits' if state.tally.waiting == 1 else 'wait'}"
            return f"waiting for a window, {_wave(state)}: {waits}; {state.gate_of_windows.why_all(now)}"
    return f"{_wave(state)}: {_flying(state, now)}{_unpolled(state)}"


COMMAND = re.compile(r"(?<!`)starflock [^;`]*[^;`\s]")


def in_markdown(text: str) -> str:
    """Commands as code: as plain text Temporal's UI would make a dash of `--`, and nobody could copy them."""
    return COMMAND.sub(lambda found: f"`{found[0]}`", text)


def waiting_reasons(state: CampaignState, now: datetime, limit: int = 20) -> dict[str, str]:
    """Sites of the current wave that could start and do not: which cap or window holds them, or who."""
    roster = state.roster
    reasons: dict[str, str] = {}
    for site, code in enumerate(roster.status):
        if len(reasons) >= limit:
            break
        if roster.wave_of[site] != state.wave or code not in (PENDING, BUSY):
            continue
        if state.gate_of_windows.holds(site):
            reasons[roster.names[site]] = state.gate_of_windows.why(site, now)
        elif code == BUSY and not state.window.is_queued(site):
            holder, back, _ = roster.busy[site]
            by = f"held by {holder}" if state.is_held_by_others(site) else holder
            reasons[roster.names[site]] = f"{by}; tried again at {clock(state.at(back))}"
        elif held := state.window.held_by(site):
            reasons[roster.names[site]] = held
    return reasons


def progress(state: CampaignState, now: datetime, opening: str = "") -> CampaignProgress:
    roster = state.roster
    troubles = [(roster.names[site], roster.outcome(site)) for site in roster.troubles]
    return CampaignProgress(
        name=state.spec.name,
        phase=phase(state, opening),
        why=why(state, now, opening),
        wave=state.wave + 1,
        waves=len(roster.ends),
        total=len(roster.names),
        pending=sum(tally.waiting for tally in roster.tallies),
        in_flight=tuple(roster.names[site] for site in range(len(roster.names)) if roster.is_flying(site)),
        counts={outcome: count for outcome, count in roster.counts.items() if count},
        waiting=waiting_reasons(state, now),
        again=state.sites_to_try(),
        troubles=tuple(SiteTrouble(site=name, outcome=outcome) for name, outcome in troubles if outcome),
        started=state.began,
        resolved_hash=state.inventory_hash,
    )


def clock(at: datetime, now: datetime | None = None) -> str:
    """In UTC, with the day where it is not that of `now`."""
    at = at.astimezone(UTC)
    same_day = now is None or at.date() == now.astimezone(UTC).date()
    return f"{at:%H:%M} UTC" if same_day else f"{at:%Y-%m-%d %H:%M} UTC"


def _done(state: CampaignState) -> str:
    counts = [f"{count} {outcome}" for outcome, count in state.roster.counts.items() if count]
    words = ", ".join(counts) or "no site was started"
    left = sum(tally.waiting for tally in state.roster.tallies)
    if state.abort_halt:
        return f"aborted{state.abort_halt}; {words}; {left} not started"
    return f"done: {words}" + (f"; {left} in no wave" if left else "")


def _still_flying(state: CampaignState) -> str:
    flying = state.window.in_flight
    return (
        f"; {flying} in flight {'goes on to its' if flying == 1 else 'go on to their'} end" if flying else ""
    )


def _unpolled(state: CampaignState) -> str:
    """Sites in work that nobody works on."""
    regions = state.regions
    if not regions.unpolled:
        return ""
    roster = state.roster
    held = [name for site, name in enumerate(roster.names) if roster.is_flying(site) and regions.away(name)]
    return f"; {len(held)} of them on {regions.away(held[0])}" if held else ""


def _wave(state: CampaignState) -> str:
    return f"wave {state.wave + 1} of {len(state.roster.ends)}"


def _ended(state: CampaignState) -> str:
    return f"{state.tally.ended} of {state.tally.size} ended"


def _soak(state: CampaignState, now: datetime) -> str:
    if state.soak_until is None or state.soak_due(now):
        return "soaked, its alarms are being checked"
    return f"soaking until {clock(state.soak_until, now)}"


def _flying(state: CampaignState, now: datetime) -> str:
    flying, waiting = state.window.in_flight, state.tally.waiting
    if not flying and not waiting:
        return _ended(state)
    full = flying >= state.window.limits.max_in_flight
    words = f"{flying} in flight{' (the cap)' if full else ''}"
    if not waiting:
        return f"{words}, {_ended(state)}"
    verb = "waits" if waiting == 1 else "wait"
    return f"{words}; {waiting} {verb}{'' if full else _held(state, now)}"


def _held(state: CampaignState, now: datetime) -> str:
    """Why sites wait although the window has room: caps that are full, workflows of others."""
    causes = state.window.holding_caps(2)
    if clocked := state.gate_of_windows.why_all(now):
        causes.append(clocked)
    roster = state.roster
    held = [
        (back, site, holder) for site, (holder, back, _) in roster.busy.items() if roster.status[site] == BUSY
    ]
    if held:
        back, site, holder = min(held)
        again = f"tried again at {clock(state.at(back), now)}"
        others = f" and {len(held) - 1} more" if len(held) > 1 else ""
        by = f"held by {holder}" if state.is_held_by_others(site) else holder
        causes.append(f"{roster.names[site]} {by}, {again}{others}")
    return f" ({'; '.join(causes)})" if causes else ""
