"""The plan for a host's VMs: the decision table, and what holds for every plan."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.compute import MOVED, STOPPED, Compute, ComputeFacts, Group, Needs, Vm, reason_of
from models.maintenance import VmPolicy, VmRule
from rules.vm_moves import VmPlan, expected, hold_plan, next_target, plan, why_not_live
from rules.vm_targets import Room, amounts

HOST, OTHER, THIRD = "controller-0", "controller-1", "worker-0"
NOW, OLD = (2, 95), (2, 78)
PINNED = {"hw:cpu_policy": "dedicated"}
PLENTY = {"VCPU": 100.0, "PCPU": 100.0, "MEMORY_MB": 100_000.0, "DISK_GB": 1000.0}


def vm(name: str = "web", **more: Any) -> Vm:
    given = {"id": f"id-{name}", "name": name, "status": "ACTIVE", "needs": {"vcpus": 1, "ram_mib": 1024}}
    return Vm.model_validate(given | more)


def special(name: str = "web", **specs: str) -> Vm:
    extra = {key.replace("__", ":"): value for key, value in specs.items()}
    return vm(name, needs=Needs(vcpus=2, ram_mib=1024, extra_specs=extra))


def compute(host: str, **more: Any) -> Compute:
    given = {"id": f"s-{host}", "host": host, "up": True, "enabled": True, "zone": "nova", "free": PLENTY}
    return Compute.model_validate(given | more)


def facts(*vms: Vm, others: tuple[Compute, ...] | None = None, **more: Any) -> ComputeFacts:
    computes = (compute(HOST), *((compute(OTHER),) if others is None else others))
    given = {"declared": True, "site": "edge", "host": HOST, "microversion": NOW}
    return ComputeFacts.model_validate(given | {"vms": vms, "computes": computes} | more)


def of(found: VmPlan) -> dict[str, str]:
    """Each VM's fate, by name."""
    fates: dict[str, str] = {move.vm.name: move.method for move in found.moves}
    fates |= {one.name: "wait" for one in found.waits} | {one.name: "leave" for one in found.stays}
    return fates | {line.split()[1]: "blocked" for line in found.blockers}


ASK = VmPolicy()


def ruled(method: str, **more: Any) -> VmPolicy:
    return VmPolicy(rules=(VmRule.model_validate({"method": method} | more),))


@pytest.mark.parametrize(
    ("server", "policy", "fate"),
    [
        (vm(), ASK, "live"),
        (vm(status="PAUSED"), ASK, "live"),
        (vm(status="SHUTOFF"), ASK, "leave"),
        (vm(status="SHUTOFF"), VmPolicy(shut_off="cold"), "cold"),
        (vm(status="SUSPENDED"), ASK, "blocked"),
        (vm(status="SUSPENDED"), ruled("leave"), "leave"),
        (vm(status="SUSPENDED"), ruled("cold"), "blocked"),
        (vm(status="ERROR"), ASK, "blocked"),
        (vm(status="ERROR"), ruled("live"), "blocked"),
        (vm(status="ERROR"), ruled("leave"), "leave"),
        (vm(status="RESCUE"), ASK, "blocked"),
        (vm(status="VERIFY_RESIZE"), ASK, "blocked"),
        (vm(status="MIGRATING", task="migrating"), ASK, "wait"),
        (vm(status="BUILD", task="spawning"), ASK, "wait"),
        (vm(locked=True), ASK, "blocked"),
        (vm(locked=True), ruled("live"), "blocked"),
        (vm(locked=True), ruled("leave"), "leave"),
        (vm(), ruled("ask"), "blocked"),
        (vm(), ruled("cold"), "cold"),
        (vm(), ruled("stop-start"), "stop-start"),
        (vm(), ruled("stop-start", name="db-*"), "live"),
        (vm("db-1"), ruled("stop-start", name="db-*"), "stop-start"),
        (vm(project="p"), ruled("leave", project="p"), "leave"),
        (vm(project="p"), ruled("leave", project="q"), "live"),
        (vm(metadata={"tier": "db"}), ruled("cold", metadata={"tier": "db"}), "cold"),
        (vm(metadata={"tier": "web"}), ruled("cold", metadata={"tier": "db"}), "live"),
        (vm(status="PAUSED"), ruled("stop-start"), "blocked"),
        (vm(status="PAUSED"), ruled("cold"), "blocked"),
        (vm(status="SHUTOFF"), ruled("live"), "blocked"),
        (vm(status="SHUTOFF", metadata={STOPPED: "run"}), VmPolicy(shut_off="cold"), "leave"),
        (special(pci_passthrough__alias="gpu:1"), ASK, "blocked"),
        (special(pci_passthrough__alias="gpu:1"), VmPolicy(immovable="stop-start"), "stop-start"),
        (special(pci_passthrough__alias="gpu:1"), VmPolicy(immovable="cold"), "cold"),
        (special(pci_passthrough__alias="gpu:1"), ruled("live"), "blocked"),
        (special(hw__tpm_version="2.0"), ASK, "blocked"),
        (special(hw__tpm_version="2.0", hw__tpm_secret_security="host"), ASK, "live"),
        (special(hw__mem_encryption="true"), ASK, "blocked"),
        (special(hw__mem_encryption="false"), ASK, "live"),
        (special(hw__cpu_policy="dedicated", hw__mem_page_size="large"), ASK, "live"),
        (vm(ports=("direct",)), ASK, "live"),
        (vm(ports=("direct-physical",)), ASK, "blocked"),
        (vm(needs=Needs(image={"hw_mem_encryption": "True"})), ASK, "blocked"),
    ],
)
def test_the_decision_table(server: Vm, policy: VmPolicy, fate: str) -> None:
    assert of(plan(facts(server), policy)) == {server.name: fate}


@pytest.mark.parametrize("status", ["SHELVED_OFFLOADED", "DELETED"])
def test_what_runs_on_no_host_is_none_of_our_business(status: str) -> None:
    assert plan(facts(vm(status=status)), ASK).is_empty


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (vm(ports=("direct",)), "SR-IOV (direct) and this Nova is too old"),
        (
            special(hw__cpu_policy="dedicated"),
            "pinned CPUs, NUMA cells or huge pages and this Nova is too old",
        ),
        (special(hw__numa_nodes="2"), "too old to move it live"),
    ],
)
def test_an_old_nova_moves_no_special_vm_live(server: Vm, words: str) -> None:
    assert words in plan(facts(server, microversion=OLD), ASK).blockers[0]
    assert why_not_live(server, NOW) == ""


def test_nothing_is_ever_moved_cold_unless_the_policy_says_so() -> None:
    server = special(pci_passthrough__alias="gpu:1")
    assert plan(facts(server), ASK).blockers == ("VM web (id-web): it has a PCI device",)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (compute(OTHER, up=False), "nova-compute on controller-1 is down"),
        (compute(OTHER, forced_down=True), "nova-compute on controller-1 is down"),
        (compute(OTHER, enabled=False, reason="flaky DIMM"), "is disabled (flaky DIMM)"),
        (compute(OTHER, zone="edge"), "controller-1 is in zone edge"),
        (compute(OTHER, free=PLENTY | {"MEMORY_MB": 1000.0}), "1000 MiB of memory free of 1024 needed"),
        (compute(OTHER, free=PLENTY | {"VCPU": 0.0}), "0 CPUs free of 1 needed"),
    ],
)
def test_why_no_host_can_take_it_is_said(other: Compute, why: str) -> None:
    (line,) = plan(facts(vm(zone="nova"), others=(other,)), ASK).blockers
    assert line.startswith("VM web (id-web): no host can take it: ")
    assert why in line


def test_on_the_only_host_of_a_site_a_vm_is_what_the_policy_makes_of_it() -> None:
    alone = facts(vm(), others=())
    (line,) = plan(alone, ASK).blockers
    assert "the site has no other host for VMs; the policy has to say stop-start or leave" in line
    assert of(plan(alone, VmPolicy(immovable="stop-start"))) == {"web": "stop-start"}
    assert of(plan(alone, VmPolicy(immovable="cold"))) == {"web": "blocked"}


def test_what_is_not_known_of_a_host_keeps_nothing_away() -> None:
    assert of(plan(facts(vm(), others=(compute(OTHER, free={}),)), ASK)) == {"web": "live"}


def test_aggregates_that_a_flavor_asks_for() -> None:
    wants = special(aggregate_instance_extra_specs__ssd="true")
    fast = compute(OTHER, aggregates=({"ssd": "true"},))
    assert of(plan(facts(wants, others=(fast,)), ASK)) == {"web": "live"}
    assert of(plan(facts(wants), ASK)) == {"web": "blocked"}


def grouped(policy: str, *, most: int = 1, **hosts: str) -> Group:
    members = {f"id-{name}": host for name, host in hosts.items()}
    return Group(id="g", name="pair", policy=policy, most=most, hosts=members)


def test_anti_affinity_without_a_spare_host_is_named_before_anything_is_touched() -> None:
    group = grouped("anti-affinity", web=HOST, peer=OTHER)
    server = vm(group="g")
    (line,) = plan(facts(server, groups=(group,)), ASK).blockers
    assert "controller-1 has a member of anti-affinity group pair" in line
    spare = (compute(OTHER), compute(THIRD))
    (move,) = plan(facts(server, groups=(group,), others=spare), ASK).moves
    assert move.target == THIRD
    two = grouped("anti-affinity", most=2, web=HOST, peer=OTHER)
    assert of(plan(facts(server, groups=(two,)), ASK)) == {"web": "live"}


def test_two_of_an_anti_affinity_group_do_not_go_to_one_host() -> None:
    group = grouped("anti-affinity", most=2, web=HOST, db=HOST, peer=OTHER)
    found = plan(facts(vm(group="g"), vm("db", group="g"), groups=(group,)), ASK)
    assert sorted(of(found).values()) == ["blocked", "live"]


def test_members_of_an_affinity_group_keep_each_other() -> None:
    group = grouped("affinity", web=HOST, db=HOST)
    found = plan(facts(vm(group="g"), vm("db", group="g"), groups=(group,)), ASK)
    assert all("keeps its members on one host" in line for line in found.blockers)
    assert len(found.blockers) == 2
    alone = grouped("affinity", web=HOST)
    assert of(plan(facts(vm(group="g"), groups=(alone,)), ASK)) == {"web": "live"}


def test_the_hardest_to_place_come_first() -> None:
    small, large = vm("small"), vm("large", needs=Needs(vcpus=1, ram_mib=8192))
    pinned = vm("pinned", needs=Needs(vcpus=2, ram_mib=512, extra_specs=PINNED))
    member = vm("member", group="g")
    group = grouped("anti-affinity", member=HOST)
    found = plan(facts(small, large, pinned, member, groups=(group,)), ASK)
    assert [move.vm.name for move in found.moves] == ["member", "pinned", "large", "small"]


def test_another_target_is_one_that_has_not_failed_yet() -> None:
    three = facts(vm(), others=(compute(OTHER), compute(THIRD)))
    assert next_target(vm(), three, ASK, frozenset({OTHER})) == THIRD
    assert next_target(vm(), three, ASK, frozenset({OTHER, THIRD})) == ""
    assert next_target(vm(), three, VmPolicy(other_target=False), frozenset({OTHER})) == ""


def test_our_own_unconfirmed_migration_is_confirmed_wherever_it_went() -> None:
    ours = vm(status="VERIFY_RESIZE", metadata={MOVED: "run-0"})
    found = plan(facts(arrived=(ours,)), ASK)
    assert found.confirms == (ours,)
    assert not found.is_empty
    over = vm(metadata={MOVED: "run-0"})
    assert plan(facts(arrived=(over,)), ASK).is_empty


def test_the_plan_in_words() -> None:
    gpu = special("gpu", pci_passthrough__alias="gpu:1")
    big = vm("big", needs=Needs(vcpus=1, ram_mib=10_240, disk_gib=10))
    found = hold_plan(facts(big, vm("off", status="SHUTOFF"), gpu), ASK)
    assert found.steps == (
        "disable nova-compute on controller-0",
        "migrate VM big to controller-1 (live, about 220 s)",
        "VM off stays on controller-0, SHUTOFF",
    )
    assert found.blockers == ("VM gpu (id-gpu): it has a PCI device",)


def test_a_service_that_somebody_else_has_disabled_stays_so() -> None:
    foreign = compute(HOST, enabled=False, reason="flaky DIMM")
    known = facts().model_copy(update={"computes": (foreign, compute(OTHER))})
    assert hold_plan(known, ASK).steps == (
        "nova-compute on controller-0 stays disabled by somebody else: flaky DIMM",
    )
    ours = compute(HOST, enabled=False, reason=reason_of("edge", HOST, "run"))
    assert hold_plan(facts().model_copy(update={"computes": (ours,)}), ASK).steps == ()


def test_where_there_is_no_openstack_or_no_compute_nothing_is_planned() -> None:
    assert hold_plan(ComputeFacts(declared=False, site="edge", host=HOST), ASK).steps == ()
    assert hold_plan(facts().model_copy(update={"computes": (compute(OTHER),)}), ASK).steps == ()


# -- for every plan

RUNNING, ODD = ("ACTIVE", "PAUSED", "SHUTOFF"), ("SUSPENDED", "ERROR", "RESCUE", "VERIFY_RESIZE")
STATUSES = (*RUNNING, *ODD, "SHELVED_OFFLOADED")
PCI, TPM, PAGES = {"pci_passthrough:alias": "x:1"}, {"hw:tpm_version": "2.0"}, {"hw:mem_page_size": "large"}
METHODS = ("live", "cold", "stop-start", "leave", "ask")


@st.composite
def hosts_of_vms(draw: st.DrawFn) -> ComputeFacts:
    count = draw(st.integers(0, 8))
    vms = [
        vm(
            f"vm-{number}",
            status=draw(st.sampled_from(STATUSES)),
            locked=draw(st.booleans()),
            group=draw(st.sampled_from(["", "g"])),
            needs=Needs(
                vcpus=draw(st.integers(1, 8)),
                ram_mib=draw(st.integers(1, 16)) * 512,
                extra_specs=draw(st.sampled_from([{}, PINNED, PCI, TPM, PAGES])),
            ),
        )
        for number in range(count)
    ]
    others = tuple(
        compute(
            f"worker-{number}",
            up=draw(st.booleans()),
            enabled=draw(st.booleans()),
            free={"VCPU": draw(st.integers(0, 20)), "PCPU": draw(st.integers(0, 10)), "MEMORY_MB": 16_384.0},
        )
        for number in range(draw(st.integers(0, 3)))
    )
    members = {one.id: HOST for one in vms if one.group} | {
        "id-peer": draw(st.sampled_from([HOST, "worker-0"]))
    }
    policy = draw(st.sampled_from(["affinity", "anti-affinity"]))
    group = Group(id="g", name="g", policy=policy, most=draw(st.integers(1, 2)), hosts=members)
    microversion = draw(st.sampled_from([NOW, OLD]))
    return facts(*vms, others=others, groups=(group,), microversion=microversion)


policies = st.builds(
    VmPolicy,
    rules=st.lists(
        st.builds(VmRule, name=st.sampled_from(["", "vm-1", "vm-[2-4]"]), method=st.sampled_from(METHODS)),
        max_size=2,
    ).map(tuple),
    immovable=st.sampled_from(METHODS),
    shut_off=st.sampled_from(["cold", "leave"]),
)


@settings(max_examples=300, deadline=None)
@given(hosts_of_vms(), policies)
def test_whatever_is_there(known: ComputeFacts, policy: VmPolicy) -> None:
    found = plan(known, policy)
    # Each VM has one fate.
    fates = [move.vm.name for move in found.moves] + [one.name for one in (*found.waits, *found.stays)]
    fates += [line.split()[1] for line in found.blockers]
    assert sorted(fates) == sorted(one.name for one in known.vms if one.status != "SHELVED_OFFLOADED")
    allowed = {rule.method for rule in policy.rules} | {policy.immovable, policy.shut_off}
    free = {one.host: dict(one.free) for one in known.computes}
    members = dict(known.groups[0].hosts)
    for move in found.moves:
        # Nobody's lock is passed, nothing broken is touched, no guest stopped unless the policy says so.
        assert not move.vm.locked
        assert move.vm.status in ("ACTIVE", "PAUSED", "SHUTOFF")
        assert move.method == "live" or move.method in allowed
        assert move.method != "live" or not why_not_live(move.vm, known.microversion)
        if move.method == "stop-start":
            assert (move.target, expected(move.vm, move.method).total_seconds()) == ("", 0)
            continue
        # All of them fit where the plan puts them, also together.
        target = next(one for one in known.computes if one.host == move.target)
        assert target.host != HOST
        assert target.up
        assert target.enabled
        for name, amount in amounts(move.vm).items():
            if name in free[target.host]:
                free[target.host][name] -= amount
                assert free[target.host][name] >= 0
        if move.vm.group:
            members[move.vm.id] = target.host
    group = known.groups[0]
    moved = [members[move.vm.id] for move in found.moves if move.vm.group and move.target]
    if group.policy == "anti-affinity":
        assert all(list(members.values()).count(host) <= group.most for host in moved)
    else:
        assert all(set(members.values()) == {host} for host in moved)


def test_the_properties_can_fail() -> None:
    """Negative control: a plan that put two where one fits would be caught by the same arithmetic."""
    tight = compute(OTHER, free={"MEMORY_MB": 1500.0})
    two = facts(vm("a"), vm("b"), others=(tight,))
    room = Room(two)
    assert room.targets(two.vms[0]) == room.targets(two.vms[1]) == [OTHER]
    assert sorted(of(plan(two, ASK)).values()) == ["blocked", "live"]
