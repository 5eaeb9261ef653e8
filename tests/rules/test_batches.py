"""Which workers go out of service together: by VMs and their groups, budgets, nodes and storage."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.ceph import CephHost
from models.compute import Compute, ComputeFacts, Group, Vm
from models.drain import DrainLook, FoundBudget, NodePod
from models.maintenance import MaintenancePolicy, VmPolicy
from rules.batches import Load, batch, why_not

POLICY = MaintenancePolicy()
STOPS = MaintenancePolicy(vms=VmPolicy.model_validate({"rules": [{"name": "*", "method": "stop-start"}]}))
WORKERS = ("worker-0", "worker-1", "worker-2", "worker-3")


def vm(name: str, group: str = "", ram_mib: int = 1024) -> Vm:
    needs = {"vcpus": 1, "ram_mib": ram_mib}
    return Vm.model_validate(
        {"id": f"id-{name}", "name": name, "status": "ACTIVE", "group": group, "needs": needs}
    )


def servers(on: dict[str, list[Vm]], room_mib: int = 8192, most: int = 1) -> list[Load]:
    """Workers with these VMs, each with the same room left."""
    computes = [
        Compute(id=f"s-{host}", host=host, up=True, enabled=True, free={"MEMORY_MB": room_mib}) for host in on
    ]
    where = {each.id: host for host, vms in on.items() for each in vms if each.group}
    groups = (Group(id="g", name="pair", policy="anti-affinity", most=most, hosts=where),) if where else ()
    return [
        Load(
            host,
            ComputeFacts(
                declared=True,
                site="edge",
                host=host,
                microversion=(2, 95),
                vms=tuple(vms),
                computes=tuple(computes),
                groups=groups,
            ),
        )
        for host, vms in on.items()
    ]


def pods(host: str, *budgets: FoundBudget, takers: int = 3, **more: Any) -> Load:
    standing = tuple(
        NodePod(
            namespace="shop",
            name=f"{budget.name.rpartition('/')[2]}-{host}",
            uid=f"{budget.name}-{host}",
            controller="ReplicaSet/web",
            budgets=(budget.name,),
        )
        for budget in budgets
    )
    look = DrainLook(is_node=True, pods=standing, budgets=budgets, others=3, takers=takers)
    return Load(host, pods=look.model_copy(update=more))


def lets(allowed: int, name: str = "shop/web") -> FoundBudget:
    return FoundBudget(name=name, allowed=allowed, healthy=4, needed=4 - allowed, expected=4)


def test_bare_workers_go_together_and_no_more_than_asked_for() -> None:
    loads = [Load(host) for host in WORKERS]
    assert batch(loads, 3, POLICY) == WORKERS[:3]
    assert batch(loads, 1, POLICY) == WORKERS[:1]


def test_two_hosts_that_are_each_others_only_place_never_go_together() -> None:
    found = servers({"worker-0": [vm("a")], "worker-1": [vm("b")]})
    assert batch(found, 2, POLICY) == ("worker-0",)
    assert why_not(found, POLICY) == ("VM a (id-a) of worker-0 has no place while the others are away")


def test_members_of_a_group_need_a_place_each_that_is_apart() -> None:
    two = {"worker-0": [vm("a", "g")], "worker-1": [vm("b", "g")]}
    assert "VM b (id-b) of worker-1 has no place" in why_not(
        [load for load in servers(two | {"worker-2": []}) if load.host != "worker-2"], POLICY
    )
    roomy = servers(two | {"worker-2": [], "worker-3": []})
    assert batch(roomy, 2, POLICY) == ("worker-0", "worker-1")


def test_room_that_the_first_ones_vms_take_is_gone_for_the_next() -> None:
    loads = {"worker-0": [vm("a", ram_mib=4096)], "worker-1": [vm("b", ram_mib=4096)], "worker-2": []}
    assert batch(servers(loads, room_mib=8192)[:2], 2, POLICY) == ("worker-0", "worker-1")
    assert batch(servers(loads, room_mib=6000)[:2], 2, POLICY) == ("worker-0",)


def test_members_of_a_group_are_not_stopped_on_two_hosts_at_once() -> None:
    grouped = servers({"worker-0": [vm("a", "g")], "worker-1": [vm("b", "g")]})
    assert why_not(grouped, STOPS) == "members of anti-affinity group pair stop on several of them"
    apart = servers({"worker-0": [vm("a")], "worker-1": [vm("b")]})
    assert why_not(apart, STOPS) == ""


def test_a_vm_that_is_stuck_by_itself_holds_nobody_back() -> None:
    locked = vm("a").model_copy(update={"locked": True})
    found = servers({"worker-0": [locked], "worker-1": [], "worker-2": []})
    assert batch(found, 2, POLICY) == ("worker-0", "worker-1")


@pytest.mark.parametrize(("allowed", "taken"), [(2, 2), (1, 1), (0, 1)])
def test_a_budget_lets_all_pods_of_a_batch_go_or_the_batch_is_smaller(allowed: int, taken: int) -> None:
    budget = lets(allowed)
    assert len(batch([pods("worker-0", budget), pods("worker-1", budget)], 2, POLICY)) == taken


def test_budgets_of_their_own_do_not_keep_hosts_apart() -> None:
    loads = [pods("worker-0", lets(0, "shop/a")), pods("worker-1", lets(0, "shop/b"))]
    assert batch(loads, 2, POLICY) == ("worker-0", "worker-1")


def test_a_node_is_left_that_takes_their_pods() -> None:
    loads = [pods(host, lets(9), takers=2) for host in WORKERS[:3]]
    assert batch(loads, 3, POLICY) == ("worker-0", "worker-1")
    assert why_not(loads, POLICY) == "no node is left that takes the pods of worker-0"


def test_what_carries_storage_goes_alone() -> None:
    monitor = Load("worker-0", ceph=CephHost(declared=True, monitor=True))
    others = [Load(host, ceph=CephHost(declared=True)) for host in WORKERS[1:3]]
    assert batch([monitor, *others], 3, POLICY) == ("worker-0",)
    assert batch([*others, monitor], 3, POLICY) == ("worker-1", "worker-2")


placements = st.dictionaries(
    st.sampled_from([f"vm-{number}" for number in range(6)]),
    st.tuples(st.sampled_from(WORKERS), st.sampled_from(["", "g"]), st.sampled_from([1024, 4096])),
)


@settings(max_examples=150)
@given(placements, st.integers(4096, 16384), st.integers(1, 4))
def test_any_batch_can_be_emptied_whole(
    placed: dict[str, tuple[str, str, int]], room_mib: int, at_once: int
) -> None:
    """Counted here anew: every VM finds room on hosts that stay, one of a group on each."""
    on: dict[str, list[Vm]] = {host: [] for host in WORKERS}
    for name, (host, group, ram_mib) in placed.items():
        # A group that was split over the hosts to begin with.
        if not group or not any(each.group for each in on[host]):
            on[host].append(vm(name, group, ram_mib))
    # No host is stuck by itself: that is its own plan's word.
    assume(not all(any(each.group for each in vms) for vms in on.values()))
    assume(all(sum(each.needs.ram_mib for each in vms) <= room_mib for vms in on.values()))
    loads = servers(on, room_mib)
    chosen = batch(loads, at_once, POLICY)
    assert chosen[0] == WORKERS[0]
    assert len(chosen) <= at_once
    assert list(chosen) == [host for host in WORKERS if host in chosen]
    if len(chosen) > 1:
        leaving = [each for host in chosen for each in on[host]]
        stay = [host for host in WORKERS if host not in chosen]
        assert sum(each.needs.ram_mib for each in leaving) <= room_mib * len(stay)
        taken = sum(any(each.group for each in on[host]) for host in stay)
        assert sum(bool(each.group) for each in leaving) <= len(stay) - taken


@settings(max_examples=100)
@given(
    st.lists(st.lists(st.sampled_from("ab"), unique=True), min_size=4, max_size=4),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(1, 4),
)
def test_no_batch_breaks_a_budget(standing: list[list[str]], a: int, b: int, at_once: int) -> None:
    allowed = {"a": a, "b": b}
    loads = [
        pods(host, *(lets(allowed[name], f"shop/{name}") for name in names), takers=9)
        for host, names in zip(WORKERS, standing, strict=True)
    ]
    chosen = batch(loads, at_once, POLICY)
    for name, most in allowed.items():
        on = [host for host, names in zip(WORKERS, standing, strict=True) if name in names and host in chosen]
        assert len(on) <= max(most, 1)
