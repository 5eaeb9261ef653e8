"""May a host be taken out, what happens to it then, and how a loss of power is told."""

from typing import Any

import pytest

from models.host_maintenance import HostLook
from models.maintenance import HoldPlan, HostAct
from models.outcome import Outcome
from models.site import HostState
from rules import maintenance as rules
from tests.rules.test_gates import seen

C0, C1 = "controller-0", "controller-1"
SITE = "edge-0001"


def host(name: str, **more: Any) -> HostState:
    plain = {
        "name": name,
        "personality": name.split("-")[0],
        "administrative": "unlocked",
        "operational": "enabled",
        "availability": "available",
        "active_controller": name == C0,
    }
    return HostState.model_validate(plain | more)


LOCKED = {"administrative": "locked", "operational": "disabled", "availability": "online"}
AWAY = {"operational": "disabled", "availability": "offline", "task": "Graceful Recovery Wait"}
PAIR = (host(C0), host(C1))


def look(*hosts: HostState, **more: Any) -> HostLook:
    found = hosts or PAIR
    return HostLook(region="r", simplex=len(found) == 1, hosts=found, **more)


@pytest.mark.parametrize(
    ("act", "on", "steps"),
    [
        ("reboot", C1, ["lock", "reboot", "unlock"]),
        ("reboot", C0, ["swact:", "lock", "reboot", "unlock"]),
        ("maintain", C0, ["swact:", "lock", "wait", "unlock"]),
        ("lock", C1, ["lock"]),
        ("unlock", C1, ["unlock"]),
        ("swact", C0, ["swact:"]),
    ],
)
def test_steps_of_a_pair(act: HostAct, on: str, steps: list[str]) -> None:
    plan = rules.own_plan(look(), on, act)
    assert ([step.split()[0] for step in plan.steps], plan.blockers) == (steps, ())


def test_the_only_host_hands_over_to_none_and_reboots_by_its_unlock() -> None:
    plan = rules.own_plan(look(host(C0)), C0, "reboot")
    assert [step.split()[0] for step in plan.steps] == ["lock", "unlock"]
    assert "its workloads stop" in plan.steps[0]
    assert rules.own_plan(look(host(C0)), C0, "swact").blockers == (
        f"{C0} is the only controller: there is none to hand over to",
    )


def test_who_serves_the_site_is_not_locked_while_the_other_one_cannot_take_over() -> None:
    away = look(host(C0), host(C1, **AWAY))
    assert f"{C1} is unlocked-disabled-offline" in rules.own_plan(away, C0, "lock").blockers[0]
    assert rules.own_plan(away, C1, "reboot").blockers == ()


def test_a_lock_of_somebody_else_is_left_and_one_of_ours_is_gone_on_with() -> None:
    found = look(host(C0), host(C1, **LOCKED))
    assert "no run of ours has locked it" in rules.own_plan(found, C1, "reboot").blockers[0]
    ours = found.model_copy(update={"marked": (C1,)})
    assert rules.own_plan(ours, C1, "reboot").blockers == ()


def test_what_holds_a_host_stands_between_swact_and_lock() -> None:
    own = rules.own_plan(look(), C0, "lock")
    vms, pods = HoldPlan(steps=("VMs",), blockers=("a VM is in ERROR",)), HoldPlan(steps=("pods",))
    joined = rules.joined(own, (vms, pods))
    assert [step.split()[0] for step in joined.steps] == ["swact:", "VMs", "pods", "lock"]
    assert joined.blockers == ("a VM is in ERROR",)


@pytest.mark.parametrize(
    ("hosts", "recovers"),
    [
        ((host(C0, booted_lately=True), host(C1, **AWAY)), True),
        # A standby that is away by itself: the active controller did not lose its power.
        ((host(C0), host(C1, **AWAY)), False),
        # All are back, so mtce has left its recovery.
        ((host(C0, booted_lately=True), host(C1, booted_lately=True)), False),
        # A locked host is not waited for.
        ((host(C0, booted_lately=True), host(C1, **LOCKED)), False),
        ((host(C0, booted_lately=True),), False),
    ],
)
def test_power_came_back_where_the_active_host_booted_and_others_are_away(
    hosts: tuple[HostState, ...], recovers: bool
) -> None:
    assert bool(rules.recovers(hosts)) is recovers
    gate = rules.gate(SITE, seen(site={"hosts": hosts}))
    assert (gate.outcome, gate.waits) == ((Outcome.BLOCKED, True) if recovers else (None, False))


@pytest.mark.parametrize(
    ("found", "must"),
    [
        (host(C1), False),
        (host(C1, **LOCKED), True),
        (host(C1, task="Locking"), True),
        (host(C1, task="Swact: Failed"), False),
        (host(C1, **AWAY), True),
    ],
)
def test_what_must_be_brought_back(found: HostState, must: bool) -> None:
    assert rules.must_come_back(found) is must


GIVEN_UP = "Configuration failure, threshold reached, Lock/Unlock to retry"


@pytest.mark.parametrize(
    ("found", "given_up"),
    [
        (host(C1, operational="disabled", availability="failed", task=GIVEN_UP), True),
        (host(C1, operational="disabled", availability="failed", task="Booting"), False),
        (host(C1, **LOCKED, task=GIVEN_UP), False),
        (host(C1), False),
    ],
)
def test_who_mtce_has_given_up(found: HostState, given_up: bool) -> None:
    assert rules.was_given_up(found) is given_up
