"""Which requests of people a campaign refuses, and why: "" or words that say what to do instead.

These are the validators of the workflow's updates: they read, and change nothing.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from models.base import rate_of
from models.campaign import (
    AbortRequest,
    ApproveRequest,
    OverrideHoldRequest,
    PauseRequest,
    ResumeRequest,
    RetryRequest,
    SetRequest,
    SkipRequest,
)
from models.outcome import Outcome
from models.windows import ForceWindowsRequest
from rules.campaign import RETRIABLE, CampaignState

_NAMED = 3
"""Sites named in a refusal; further ones are counted."""


def pause_refused(state: CampaignState, request: PauseRequest) -> str:
    if over := _over(state):
        return over
    return f"already paused{state.pause_halt}" if state.pause_halt else ""


def resume_refused(state: CampaignState, request: ResumeRequest) -> str:
    if over := _over(state):
        return over
    if state.pause_halt:
        return ""
    frozen = f", but frozen{state.freeze_halt}" if state.freeze_halt else ""
    return f"campaign {state.spec.name} is not paused{frozen}"


def abort_refused(state: CampaignState, request: AbortRequest) -> str:
    """A drain may become a stop; nothing else comes after an abort."""
    if request.mode == "stop" and state.abort_mode == "drain" and not state.finished:
        return ""
    return _over(state)


def approve_refused(state: CampaignState, request: ApproveRequest) -> str:
    if over := _over(state):
        return over
    if request.gate not in state.spec.approvals:
        listed = ", ".join(state.spec.approvals) or "none"
        return f"{request.gate} is not among the approvals of this campaign: {listed}"
    owner = state.approved.get(request.gate)
    return f"{request.gate} is already approved by {owner}" if owner else ""


def skip_refused(state: CampaignState, request: SkipRequest) -> str:
    return _over(state) or _unknown(state, request.sites) or _first(request.sites, _not_skippable(state))


def retry_refused(state: CampaignState, request: RetryRequest) -> str:
    if over := _over(state):
        return over
    if not request.sites:
        return "" if any(state.roster.counts[outcome] for outcome in RETRIABLE) else "no site ended badly"
    return _unknown(state, request.sites) or _first(request.sites, _not_retriable(state))


def set_refused(state: CampaignState, request: SetRequest) -> str:
    if over := _over(state):
        return over
    if request.max_in_flight is None and not request.by and request.budget is None and not request.wan:
        return "nothing to set: give max_in_flight, by, wan or budget"
    pinned = [cap.label for cap in state.roster.caps]
    for label in request.by or {}:
        if label not in pinned:
            return f"no cap can be put on {label}: this campaign began with {', '.join(pinned)}"
    return _wan_refused(state, request)


def _wan_refused(state: CampaignState, request: SetRequest) -> str:
    wan = state.window.limits.wan
    for label, budget in (request.wan or {}).items():
        if wan is None or label not in wan.by:
            has = ", ".join(wan.by) if wan else "none"
            return f"no WAN budget can be put on {label}: this campaign began with {has}"
        if wan.site is not None and rate_of(budget) < rate_of(wan.site):
            return f"{label}={budget} is less than one site takes: at least {wan.site}"
    return ""


def force_windows_refused(state: CampaignState, request: ForceWindowsRequest) -> str:
    if refused := _over(state) or _unknown(state, request.sites) or _first(request.sites, _started(state)):
        return refused
    return "" if state.gate_of_windows.windowed else "no site of this campaign has a maintenance window"


def override_hold_refused(state: CampaignState, request: OverrideHoldRequest) -> str:
    return _over(state) or _unknown(state, request.sites) or _first(request.sites, _started(state))


def _over(state: CampaignState) -> str:
    if state.finished:
        return f"campaign {state.spec.name} has ended"
    return f"campaign {state.spec.name} is already aborted{state.abort_halt}" if state.abort_halt else ""


def _unknown(state: CampaignState, names: Iterable[str]) -> str:
    unknown = [name for name in names if name not in state.roster.position]
    if not unknown:
        return ""
    near = get_close_matches(unknown[0], state.roster.names, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"not in campaign {state.spec.name}: {_some(unknown)}{hint}"


def _not_skippable(state: CampaignState) -> Callable[[str], str]:
    def why(name: str) -> str:
        site = state.roster.position[name]
        if state.roster.is_flying(site):
            return (
                f"{name} is in flight and cannot be skipped: cancel its workflow site/{name}, or let it end"
            )
        outcome = state.roster.outcome(site)
        return f"{name} has already ended {outcome}" if outcome else ""

    return why


def _started(state: CampaignState) -> Callable[[str], str]:
    def why(name: str) -> str:
        site = state.roster.position[name]
        if state.roster.is_flying(site):
            return f"{name} is in flight"
        outcome = state.roster.outcome(site)
        return f"{name} has already ended {outcome}" if outcome else ""

    return why


def _not_retriable(state: CampaignState) -> Callable[[str], str]:
    def why(name: str) -> str:
        site = state.roster.position[name]
        outcome = state.roster.outcome(site)
        if outcome is None:
            return f"{name} is {'in flight' if state.roster.is_flying(site) else 'yet to start'}"
        return "" if outcome in RETRIABLE | {Outcome.ABORTED} else f"{name} did not end badly: {outcome}"

    return why


def _first(names: Iterable[str], why: Callable[[str], str]) -> str:
    """The first refusal, and how many more there are."""
    refusals = [refusal for refusal in map(why, names) if refusal]
    more = f" (and {len(refusals) - 1} more)" if len(refusals) > 1 else ""
    return f"{refusals[0]}{more}" if refusals else ""


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
