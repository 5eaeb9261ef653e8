"""May a host be taken out of service now, and what happens to it if it is: from one look, before any send."""

from datetime import timedelta

from models.host_maintenance import HostLook
from models.maintenance import HoldPlan, HostAct
from models.outcome import Outcome
from models.site import HostState, Observation
from rules.bringup import site_gate
from rules.install import PASSED, Gate

TAKES_OUT = frozenset({"maintain", "reboot", "lock"})
"""Acts that empty the host and lock it."""
BEFORE_FORCE = timedelta(minutes=5)
"""How long a lock is asked for in the ordinary way before it is forced: nfv tries three times."""


def gate(site: str, seen: Observation) -> Gate:
    """Somebody is at work, nobody answers, it is another cloud, or power has just come back."""
    found = site_gate(site, seen)
    if found.outcome is not None or seen.site is None:
        return found
    recovering = recovers(seen.site.hosts)
    if recovering:
        return Gate(f"{site} recovers from a loss of power: {recovering}", Outcome.BLOCKED, waits=True)
    return PASSED


def recovers(hosts: tuple[HostState, ...]) -> str:
    """What says so, empty where nothing does.

    mtce does not tell of its dead office recovery. It enters it when it starts on a controller that is up for
    less than 20 minutes, and leaves it once every unlocked host has come back (mtcNodeCtrl.cpp).
    """
    active = next((host for host in hosts if host.active_controller), None)
    if active is None or not active.booted_lately:
        return ""
    away = [host.says for host in hosts if host.administrative == "unlocked" and not host.in_service]
    return f"{active.name} has booted within 20 minutes, and {'; '.join(away)}" if away else ""


def host_of(look: HostLook, name: str) -> HostState:
    return next(host for host in look.hosts if host.name == name)


def peer_of(look: HostLook, name: str) -> HostState | None:
    """The other controller."""
    return next((each for each in look.hosts if each.personality == "controller" and each.name != name), None)


def must_swact(look: HostLook, name: str) -> bool:
    return host_of(look, name).active_controller and not look.simplex


def must_come_back(host: HostState) -> bool:
    """It is out of service or on its way out. What mtce said of a swact that failed goes on standing."""
    return not host.in_service or bool(host.task and not host.task.startswith("Swact"))


def was_given_up(host: HostState) -> bool:
    """mtce tries it no more until somebody has locked and unlocked it, as it says itself."""
    return host.administrative == "unlocked" and host.task.endswith("threshold reached, Lock/Unlock to retry")


def own_plan(look: HostLook, name: str, act: HostAct) -> HoldPlan:
    """Without what holds the host: those plan for themselves."""
    host, peer = host_of(look, name), peer_of(look, name)
    steps: list[str] = []
    blockers: list[str] = []
    if act == "swact" or (act in TAKES_OUT and must_swact(look, name)):
        if look.simplex:
            blockers.append(f"{name} is the only controller: there is none to hand over to")
        elif peer is None or not peer.in_service:
            blockers.append(f"{name} can hand over to none: {peer.says if peer else 'no other controller'}")
        else:
            steps.append(f"swact: {peer.name} takes over from {name}; no APIs for about a minute")
    if act in TAKES_OUT:
        if host.administrative != "unlocked" and name not in look.marked:
            blockers.append(
                f"{host.says}, and no run of ours has locked it: `starflock host unlock` unlocks it"
            )
        out = "; it is the only host: its workloads stop until it is unlocked" if look.simplex else ""
        steps.append(f"lock {name}{out}")
    if act == "reboot" and not look.simplex:
        steps.append(f"reboot {name}")
    if act == "maintain":
        steps.append("wait until somebody says that the work is done")
    if act in ("maintain", "reboot", "unlock"):
        steps.append(f"unlock {name}; that reboots it")
    return HoldPlan(steps=tuple(steps), blockers=tuple(blockers))


def joined(own: HoldPlan, holds: tuple[HoldPlan, ...]) -> HoldPlan:
    """What holds the host is done after a swact and before the lock."""
    swacts = [step for step in own.steps if step.startswith("swact")]
    rest = [step for step in own.steps if not step.startswith("swact")]
    return HoldPlan(
        steps=(*swacts, *(step for plan in holds for step in plan.steps), *rest),
        blockers=(*own.blockers, *(blocker for plan in holds for blocker in plan.blockers)),
    )
