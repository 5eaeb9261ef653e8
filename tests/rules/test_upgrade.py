"""The next step of an upgrade and of its rollback: tables for each kind of site, and what holds for all."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.outcome import Outcome
from models.site import HostState
from models.upgrade import Direction, UpgradeLook, UpgradeStep, UsmDeployment, UsmHost
from rules.upgrade import (
    StuckError,
    after,
    host_order,
    host_step,
    is_held,
    next_step,
    others_due,
    steps_ahead,
)

MAJOR, REBOOTS, IN_SERVICE = "starlingx-26.09.0", "starlingx-26.03.2", "starlingx-26.03.1"


def host(name: str, *, active: bool = False, state: str = "unlocked") -> HostState:
    personality = next((kind for kind in ("storage", "worker") if name.startswith(kind)), "controller")
    up = state == "unlocked"
    return HostState(
        name=name,
        personality=personality,
        administrative=state,
        operational="enabled" if up else "disabled",
        availability="available" if up else "online",
        active_controller=active,
    )


def site(*names: str, active: str = "controller-0", reboot: bool = True, dialect: str = "12") -> UpgradeLook:
    names = names or ("controller-0",)
    return UpgradeLook.model_validate(
        {
            "region": "r",
            "dialect": dialect,
            "simplex": names == ("controller-0",),
            "hosts": tuple(host(name, active=name == active) for name in names),
            "version": "starlingx-26.03.0",
            "release_state": "available",
            "reboot_required": reboot,
        }
    )


DUPLEX = ("controller-0", "controller-1")
STANDARD = (*DUPLEX, "storage-1", "storage-0", "worker-1", "worker-0")


def words(look: UpgradeLook, release: str, direction: Direction = "forward") -> list[str]:
    return [step.words for step in steps_ahead(look, release, direction)]


def through(name: str, act: str = "deploy") -> list[str]:
    return [f"take out {name}", f"{act} {name}", f"bring back {name}"]


DUPLEX_HOSTS = ["start", *through("controller-1"), "swact controller-0", *through("controller-0")]
OTHERS = [each for name in ("storage-0", "storage-1", "worker-0", "worker-1") for each in through(name)]
BACK_ONE = through("controller-1", "roll back")
BACK = [
    "swact controller-0",
    *through("controller-0", "roll back"),
    "swact controller-1",
    *BACK_ONE,
    "delete",
]
END = ["activate", "complete", "delete"]


@pytest.mark.parametrize(
    ("look", "release", "wanted"),
    [
        (site(), REBOOTS, ["start", *through("controller-0"), *END]),
        (site(), MAJOR, ["start", *through("controller-0"), *END]),
        (site(reboot=False), IN_SERVICE, ["start", "deploy controller-0", *END]),
        (
            site(*DUPLEX),
            MAJOR,
            [*DUPLEX_HOSTS, "swact controller-1", *END],
        ),
        (
            site(*DUPLEX, active="controller-1"),
            MAJOR,
            ["swact controller-1", *DUPLEX_HOSTS, "swact controller-1", *END],
        ),
        (
            site(*DUPLEX),
            REBOOTS,
            ["start", *through("controller-1"), "swact controller-0", *through("controller-0"), *END],
        ),
        (
            site(*DUPLEX, active="controller-1"),
            REBOOTS,
            ["start", *through("controller-0"), "swact controller-1", *through("controller-1"), *END],
        ),
        (
            site(*DUPLEX, reboot=False),
            IN_SERVICE,
            ["start", "deploy controller-1", "deploy controller-0", *END],
        ),
        (
            site(*STANDARD),
            MAJOR,
            [*DUPLEX_HOSTS, *OTHERS, "swact controller-1", *END],
        ),
    ],
    ids=[
        "sx-rr",
        "sx-major",
        "sx-nrr",
        "dx-major",
        "dx-major-c1",
        "dx-rr",
        "dx-rr-c1",
        "dx-nrr",
        "std-major",
    ],
)
def test_the_way_forward(look: UpgradeLook, release: str, wanted: list[str]) -> None:
    assert words(look, release) == wanted


def walked(look: UpgradeLook, release: str, count: int) -> UpgradeLook:
    """After so many steps forward."""
    for step in steps_ahead(look, release, "forward")[:count]:
        look = after(look, release, step)
    return look


@pytest.mark.parametrize(
    ("count", "wanted"),
    [
        (1, ["delete"]),
        (
            4,
            ["abort", *through("controller-1", "roll back"), "delete"],
        ),
        (
            8,
            ["abort", *BACK[1:]],
        ),
        (
            10,
            ["abort", "activate rollback", *BACK],
        ),
        (
            11,
            ["abort", "activate rollback", *BACK],
        ),
        (12, []),
    ],
    ids=["started", "one host", "both hosts", "activated", "completed", "deleted"],
)
def test_the_way_back_of_a_duplex_major(count: int, wanted: list[str]) -> None:
    assert words(walked(site(*DUPLEX), MAJOR, count), MAJOR, "back") == wanted


def test_a_patch_is_taken_back_in_reverse_by_the_coming_dialect_only() -> None:
    whole = UsmDeployment(
        from_release="26.03.0",
        to_release="26.03.2",
        state="host-done",
        hosts=tuple(UsmHost(name=name, state="deployed") for name in STANDARD),
    )
    now, coming = site(*STANDARD), site(*STANDARD, dialect="next")
    assert host_order(now, whole, "back")[:2] == ("controller-1", "controller-0")
    assert host_order(coming, whole, "back")[0].startswith("worker")
    assert host_order(coming, whole, "back")[-2:] == ("controller-1", "controller-0")


def test_what_was_turned_back_goes_forward_no_more() -> None:
    turned = after(walked(site(*DUPLEX), MAJOR, 4), MAJOR, UpgradeStep(kind="abort"))
    with pytest.raises(StuckError, match="site rollback"):
        next_step(turned, MAJOR, "forward")


def test_another_deployment_is_nobodys_to_touch() -> None:
    look = walked(site(), REBOOTS, 1)
    with pytest.raises(StuckError) as stuck:
        next_step(look, IN_SERVICE, "forward")
    assert stuck.value.outcome is Outcome.BLOCKED


def test_work_under_way_is_waited_for() -> None:
    look = walked(site(*DUPLEX), MAJOR, 2)
    assert look.deployment is not None
    hosts = tuple(
        each.model_copy(update={"state": "deploying" if each.name == "controller-1" else "pending"})
        for each in look.deployment.hosts
    )
    busy = look.model_copy(
        update={"deployment": look.deployment.model_copy(update={"state": "host", "hosts": hosts})}
    )
    assert next_step(busy, MAJOR, "forward") == UpgradeStep(kind="wait", host="controller-1")
    assert next_step(busy, MAJOR, "back") == UpgradeStep(kind="wait", host="controller-1")


def test_a_worker_that_is_left_out_stays_locked_and_holds_the_activation() -> None:
    look = walked(site(*DUPLEX, "worker-0", "worker-1"), MAJOR, 9)
    assert next_step(look, MAJOR, "forward") == UpgradeStep(kind="deploy host", host="worker-0")
    assert is_held(look, "worker-0")
    for wanted in through("worker-1"):
        step = next_step(look, MAJOR, "forward", without=("worker-0",))
        assert step is not None
        assert step.words == wanted
        look = after(look, MAJOR, step)
    with pytest.raises(StuckError, match="worker-0 could not be deployed"):
        next_step(look, MAJOR, "forward", without=("worker-0",))


topologies = st.sampled_from([("controller-0",), DUPLEX, (*DUPLEX, "worker-0"), STANDARD])
sites = st.builds(
    lambda names, active, reboot, dialect: site(
        *names,
        active="controller-1" if active and "controller-1" in names else "controller-0",
        reboot=reboot,
        dialect=dialect,
    ),
    topologies,
    st.booleans(),
    st.booleans(),
    st.sampled_from(["12", "next"]),
)


@settings(deadline=None, max_examples=60)
@given(look=sites, release=st.sampled_from([MAJOR, REBOOTS]), cut=st.integers(0, 40))
def test_from_everywhere_both_ways_end_with_every_host_in_service(
    look: UpgradeLook, release: str, cut: int
) -> None:
    look = look.model_copy(update={"reboot_required": look.reboot_required or release == MAJOR})
    stopped = walked(look, release, cut)
    for direction in ("forward", "back"):
        now, steps = stopped, steps_ahead(stopped, release, direction)
        for step in steps:
            was = now
            now = after(now, release, step)
            out = [each.name for each in now.hosts if not each.in_service]
            assert len(out) <= 1, "one host at a time"
            if step.kind in ("deploy host", "roll back host") and look.reboot_required:
                assert out == [step.host]
            if step.kind == "take out" and not look.simplex:
                assert was.active is not None
                assert was.active.name != step.host, "the active controller is never locked"
        assert now.deployment is None
        assert all(each.in_service for each in now.hosts)
        assert all(one != other for one, other in pairwise(steps)), "nothing is asked twice in a row"


@settings(deadline=None, max_examples=60)
@given(look=sites, cut=st.integers(0, 40))
def test_what_is_gone_on_with_is_what_was_left(look: UpgradeLook, cut: int) -> None:
    look = look.model_copy(update={"reboot_required": True})
    whole = steps_ahead(look, MAJOR, "forward")
    assert whole[:cut] + steps_ahead(walked(look, MAJOR, cut), MAJOR, "forward") == whole


@pytest.mark.parametrize("release", [MAJOR, REBOOTS])
@pytest.mark.parametrize("direction", ["forward", "back"])
def test_hosts_that_find_their_own_steps_go_the_same_way(release: str, direction: Direction) -> None:
    """As children do: from a host's first step on it is asked about that host alone until it is through."""
    look, taken = site(*STANDARD), list[str]()
    if direction == "back":
        look = walked(look, release, len(steps_ahead(look, release, "forward")) - 1)
    wanted = words(look, release, direction)
    while (step := next_step(look, release, direction)) is not None:
        if step.kind in ("take out", "deploy host", "roll back host"):
            while (own := host_step(look, release, direction, step.host)) is not None:
                assert own.host == step.host
                taken.append(own.words)
                look = after(look, release, own)
        else:
            taken.append(step.words)
            look = after(look, release, step)
    assert taken == wanted
    assert sum(each.startswith("take out") for each in taken) == len(STANDARD)


def test_only_workers_are_due_beside_a_worker() -> None:
    begun = site(*STANDARD, "worker-2")
    begun = after(begun, MAJOR, UpgradeStep(kind="start"))
    assert others_due(begun, "storage-0") == others_due(begun, "controller-1") == ()
    assert others_due(begun, "worker-0") == ("worker-1", "worker-2")
    assert others_due(begun, "worker-0", without=("worker-1",)) == ("worker-2",)
    deployed = after(begun, MAJOR, UpgradeStep(kind="deploy host", host="worker-2"))
    assert others_due(deployed, "worker-0") == ("worker-1",)
    aborted = after(begun, MAJOR, UpgradeStep(kind="abort"))
    assert others_due(aborted, "worker-0") == ()


def test_a_host_has_no_step_of_its_own_once_the_deployment_goes_another_way() -> None:
    begun = after(site(*DUPLEX), MAJOR, UpgradeStep(kind="start"))
    first = host_step(begun, MAJOR, "forward", "controller-1")
    assert first is not None
    assert first.words == "take out controller-1"
    assert host_step(after(begun, MAJOR, UpgradeStep(kind="abort")), MAJOR, "forward", "controller-1") is None
    assert host_step(begun, MAJOR, "back", "controller-1") is None
    assert host_step(begun, REBOOTS, "forward", "controller-1") is None
    assert host_step(site(*DUPLEX), MAJOR, "forward", "controller-1") is None
