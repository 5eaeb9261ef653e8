"""May this site be patched now? A verdict over one observation, and the line that explains it.

Gates are asked in the order in which a StarlingX engineer would: is it allowed, is it there, is it the
right one, is it needed, is somebody at work, is it well, is the release there. The first that does not
pass decides; `gates` lists all of them for `plan` and `explain`. The same function serves the run.
"""

from collections.abc import Iterator
from enum import StrEnum

from models.base import Frozen
from models.holds import SiteHold
from models.outcome import Outcome
from models.patch import PatchSiteRequest
from models.site import ControllerFacts, Deployment, Observation, SiteFacts, Strategy
from rules.alarms import IGNORED_BEFORE_PATCH, holding, in_words
from rules.leftovers import left_out

AT_WORK = frozenset({"initial", "building", "applying", "aborting"})
"""States of a strategy in which the VIM does something, and will not let it be deleted."""


HOLD = "hold"
"""The gate of the site's own people."""
CENTRAL_RELEASE = "system controller release"
"""The gate that a system controller of wave 0 opens for its sites."""


class Decision(StrEnum):
    GO = "go"
    """Create a strategy."""
    TAKE_UP = "take-up"
    """A strategy of ours stands there: go on from its state."""
    CLEAR_AWAY = "clear-away"
    """A strategy of ours for another release stands there, at rest: delete it first."""
    PRESTAGE = "prestage"
    """All well but for the release, which dcmanager can bring."""
    ALREADY = "already"
    WAIT = "wait"
    """Look again when something changes; `outcome` is what it comes to at the deadline."""
    END = "end"
    """Nothing to wait for; `outcome` says how it ends."""


class Gate(Frozen):
    """One gate's answer; `decision` GO means that it passes."""

    name: str
    decision: Decision
    why: str
    outcome: Outcome | None = None
    """END: how the run ends; WAIT: how it ends when the wait is over."""


class Verdict(Frozen):
    decision: Decision
    why: str
    outcome: Outcome | None = None
    gates: tuple[Gate, ...] = ()
    hold: SiteHold | None = None
    """What decides is the site's own hold."""


def judge(request: PatchSiteRequest, seen: Observation) -> Verdict:
    gates = tuple(_gates(request, seen))
    for gate in gates:
        if gate.decision is not Decision.GO:
            hold = seen.site.hold if seen.site is not None and gate.name == HOLD else None
            return Verdict(decision=gate.decision, why=gate.why, outcome=gate.outcome, gates=gates, hold=hold)
    return Verdict(decision=Decision.GO, why="every gate passes", gates=gates)


def _gates(request: PatchSiteRequest, seen: Observation) -> Iterator[Gate]:
    """Until one is asked that needs what could not be read."""
    release = request.operation.release
    if not seen.in_inventory:
        yield _end("inventory", f"{request.site} is not in the inventory", Outcome.SKIPPED)
        return
    if seen.elsewhere:
        yield _end("region", seen.elsewhere, Outcome.REFUSED)
        return
    yield _freeze(seen)
    if seen.controller is None:
        yield _silence(seen, "system controller")
        return
    controller = seen.controller
    yield _subcloud(request, controller)
    if seen.site is None:
        yield _silence(seen, "site")
        return
    site = seen.site
    yield _identity(request, controller, site)
    yield _hold(request, seen, site)
    yield _leftover(request, seen, site)
    yield _deployed(release, site)
    yield _strategy(site)
    yield _availability(controller)
    if request.site != controller.name:
        yield _central_release(release, controller)
    yield _dcmanager(controller)
    yield _deployment(request, seen, site.deployment)
    yield _applications(site)
    yield _hosts(request, seen, site)
    yield _alarms(request, site)
    yield _sync(controller)
    yield _release_on_site(request, controller, site)


def _freeze(seen: Observation) -> Gate:
    if seen.frozen:
        return _wait("freeze", f"the fleet is frozen: {seen.frozen}", Outcome.BLOCKED)
    return _go("freeze", "the fleet is not frozen")


def _silence(seen: Observation, who: str) -> Gate:
    if seen.refusal:
        return _end(who, f"{who} does not accept us: {seen.refusal}", Outcome.REFUSED)
    offline = seen.controller is not None and seen.controller.availability == "offline"
    also = "; dcmanager says offline" if offline else ""
    return _wait(who, f"no answer from the {who}{also}: {seen.silence}", Outcome.UNREACHABLE)


def _subcloud(request: PatchSiteRequest, controller: ControllerFacts) -> Gate:
    if not controller.region:
        return _end("subcloud", f"{controller.name} has no subcloud for {request.site}", Outcome.REFUSED)
    return _go("subcloud", f"region {controller.region} of {controller.name}")


def _identity(request: PatchSiteRequest, controller: ControllerFacts, site: SiteFacts) -> Gate:
    if site.region != controller.region:
        return _end(
            "identity",
            f"{request.site}: dcmanager says region {controller.region}, the cloud that answers is "
            f"{site.region}; nothing was sent",
            Outcome.REFUSED,
        )
    return _go("identity", "the cloud that answers is the one that dcmanager means")


def _hold(request: PatchSiteRequest, seen: Observation, site: SiteFacts) -> Gate:
    """Work of ours that goes on there already is seen through: to look away would disturb nobody less."""
    if site.hold is None:
        return _go(HOLD, "its own people do not hold it")
    words = f"{request.site} is {site.hold.words}"
    if request.override_hold:
        return _go(HOLD, f"{words}; disregarded: {request.override_hold}")
    if _deployed(request.operation.release, site).decision is Decision.ALREADY:
        return _go(HOLD, f"{words}; nothing is to be done there")
    strategy = site.strategy
    if strategy is not None and strategy.state in AT_WORK and is_ours(request, seen, strategy):
        return _go(HOLD, f"{words}; our strategy {strategy.uuid} is at work there already")
    alone = "" if request.campaign is not None else "; to disregard it: --override-hold WHY"
    return _wait(HOLD, f"{words}{alone}", Outcome.BLOCKED)


def _leftover(request: PatchSiteRequest, seen: Observation, site: SiteFacts) -> Gate:
    strategy = site.strategy
    if strategy is None or not is_ours(request, seen, strategy):
        return _go("leftover", "no strategy of ours stands there")
    if strategy.release and strategy.release != request.operation.release:
        return _for_another_release(request, strategy)
    return Gate(
        name="leftover",
        decision=Decision.TAKE_UP,
        why=f"our strategy {strategy.uuid} ({strategy.state}) stands there from an earlier run",
    )


def _for_another_release(request: PatchSiteRequest, strategy: Strategy) -> Gate:
    words = f"strategy {strategy.uuid} ({strategy.state}) is for {strategy.release}"
    if strategy.uuid == request.adopt_strategy:
        return _end("leftover", f"{words}, not for {request.operation.release}: not taken", Outcome.REFUSED)
    if strategy.state in AT_WORK:
        return _wait("leftover", f"busy: an earlier run's {words} and at work", Outcome.BLOCKED)
    return Gate(name="leftover", decision=Decision.CLEAR_AWAY, why=f"an earlier run's {words}")


def _strategy(site: SiteFacts) -> Gate:
    """Asked after `leftover`: what stands there now is foreign."""
    strategy = site.strategy
    if strategy is None:
        return _go("strategy", "the VIM holds no strategy")
    return _wait(
        "strategy",
        f"busy: the VIM holds {strategy.name} strategy {strategy.uuid or '(no uuid)'} ({strategy.state}) "
        "of someone else; it is left alone (--adopt-strategy UUID hands it over)",
        Outcome.BLOCKED,
    )


def is_ours(request: PatchSiteRequest, seen: Observation, strategy: Strategy) -> bool:
    """Recorded as ours, or handed over by the operator."""
    return bool(strategy.uuid) and strategy.uuid in (*seen.ours, request.adopt_strategy)


def _deployed(release: str, site: SiteFacts) -> Gate:
    state = site.release_state(release)
    if state in ("deployed", "committed") and site.deployment is None:
        return Gate(name="release", decision=Decision.ALREADY, why=f"{release} is {state} already")
    return _go("release", f"{release} is {state or 'not'} on the site")


def _availability(controller: ControllerFacts) -> Gate:
    if controller.availability != "online":
        return _wait("availability", f"dcmanager says {controller.availability}", Outcome.UNREACHABLE)
    if controller.management_state != "managed":
        return _wait("availability", f"the subcloud is {controller.management_state}", Outcome.BLOCKED)
    if controller.deploy_status != "complete":
        return _wait(
            "availability", f"the subcloud's deploy status is {controller.deploy_status}", Outcome.BLOCKED
        )
    return _go("availability", "online, managed, deploy complete")


def _central_release(release: str, controller: ControllerFacts) -> Gate:
    if controller.deployment is not None:
        return _wait(
            CENTRAL_RELEASE,
            f"{controller.name} has a deployment of its own running: {_in_words(controller.deployment)}",
            Outcome.BLOCKED,
        )
    if controller.release_state not in ("deployed", "committed"):
        return _wait(
            CENTRAL_RELEASE,
            f"{release} is {controller.release_state or 'unknown'} on {controller.name}; "
            "the controller goes first",
            Outcome.BLOCKED,
        )
    return _go(CENTRAL_RELEASE, f"{release} is {controller.release_state} on {controller.name}")


def _dcmanager(controller: ControllerFacts) -> Gate:
    if controller.strategy_step:
        return _wait(
            "dcmanager",
            f"busy: dcmanager's own strategy is at {controller.strategy_step!r} here",
            Outcome.BLOCKED,
        )
    return _go("dcmanager", "no step of dcmanager's own strategy")


def _deployment(request: PatchSiteRequest, seen: Observation, deployment: Deployment | None) -> Gate:
    release = request.operation.release
    if deployment is None:
        return _go("deployment", "no USM deployment")
    words = _in_words(deployment)
    if not deployment.is_to(release) or release not in seen.applied_by_us:
        return _wait(
            "deployment", f"busy: a USM deployment that is not ours stands there: {words}", Outcome.BLOCKED
        )
    if not request.resume_deployment:
        return _wait("deployment", f"our deployment stands half-way: {words}. {RETRY_WORDS}", Outcome.BLOCKED)
    return _go("deployment", f"our deployment is resumed: {words}")


RETRY_WORDS = (
    "`starflock campaign retry` (or `site patch --resume-deployment`) creates a new strategy; the VIM "
    "resumes at the step where USM stands: hosts already deployed stay as they are, nothing is rolled back"
)


def _applications(site: SiteFacts) -> Gate:
    if site.apps_moving:
        moving = ", ".join(f"{app.name} {app.status}" for app in site.apps_moving)
        return _wait("applications", f"applications are not settled: {moving}", Outcome.BLOCKED)
    return _go("applications", "settled")


def _hosts(request: PatchSiteRequest, seen: Observation, site: SiteFacts) -> Gate:
    left = left_out(request.site, seen)
    if left:
        return _wait("hosts", left, Outcome.BLOCKED)
    away = [host.says for host in site.hosts if not host.in_service]
    if away or not site.hosts:
        return _wait("hosts", "; ".join(away) or "sysinv lists no host", Outcome.BLOCKED)
    return _go("hosts", f"{len(site.hosts)} unlocked, enabled and available")


def _alarms(request: PatchSiteRequest, site: SiteFacts) -> Gate:
    operation = request.operation
    ignored = IGNORED_BEFORE_PATCH | frozenset(operation.ignore_alarms)
    held_by = holding(site.alarms, ignored, strict=operation.alarm_restrictions == "strict")
    if held_by:
        return _wait("alarms", f"held by {in_words(held_by)}", Outcome.BLOCKED)
    return _go("alarms", f"none of {site.alarms_total} holds")


def _sync(controller: ControllerFacts) -> Gate:
    if controller.software_sync == "unknown":
        return _wait("sync", "dcmanager has not audited the subcloud's software yet", Outcome.BLOCKED)
    return _go("sync", f"software is {controller.software_sync}")


def _release_on_site(request: PatchSiteRequest, controller: ControllerFacts, site: SiteFacts) -> Gate:
    release = request.operation.release
    state = site.release_state(release)
    if state in ("available", "deploying"):
        return _go("release on site", f"{release} is {state}")
    if controller.prestage_status == "prestaging":
        return Gate(name="release on site", decision=Decision.PRESTAGE, why="a prestage is under way")
    if not state and request.operation.prestage:
        return Gate(
            name="release on site", decision=Decision.PRESTAGE, why=f"{release} is not there: prestage"
        )
    return _wait("release on site", f"{release} is {state or 'not there'}", Outcome.BLOCKED)


def _in_words(deployment: Deployment) -> str:
    return f"{deployment.from_release} -> {deployment.to_release} at {deployment.state}"


def _go(name: str, why: str) -> Gate:
    return Gate(name=name, decision=Decision.GO, why=why)


def _wait(name: str, why: str, outcome: Outcome) -> Gate:
    return Gate(name=name, decision=Decision.WAIT, why=why, outcome=outcome)


def _end(name: str, why: str, outcome: Outcome) -> Gate:
    return Gate(name=name, decision=Decision.END, why=why, outcome=outcome)
