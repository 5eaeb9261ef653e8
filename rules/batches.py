"""Which workers may be out of service together, from what stands on each of them.

A host joins a batch only where each of the batch can be emptied with all of them away:

    VMs    with the others' nova-compute disabled and the room that their VMs take gone, no VM is stuck that
           was not stuck before; no two hosts have members of one anti-affinity group of which one is stopped
    pods   budgets that cover pods on several of them let all these go at once; a node is left that takes pods
    Ceph   one with an OSD or a monitor goes alone

The first one always may: what holds it alone is said by its own plan, and waited for there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from models.ceph import CephHost
from models.compute import Compute, ComputeFacts, Group
from models.drain import DrainLook
from models.maintenance import MaintenancePolicy, PodPolicy, VmPolicy
from rules.ceph_host import concerns
from rules.drain import evictable, moves
from rules.vm_moves import VmMove, VmPlan, plan
from rules.vm_targets import amounts

APART = ("anti-affinity", "soft-anti-affinity")


@dataclass(frozen=True)
class Load:
    """What stands on a host; None where the site has no such thing."""

    host: str
    vms: ComputeFacts | None = None
    pods: DrainLook | None = None
    ceph: CephHost | None = None


def batch(loads: Sequence[Load], at_once: int, policy: MaintenancePolicy) -> tuple[str, ...]:
    """The first of them, and in their order as many more as may be away with it."""
    chosen: list[Load] = []
    for load in loads:
        if len(chosen) < at_once and not (chosen and why_not([*chosen, load], policy)):
            chosen.append(load)
    return tuple(load.host for load in chosen)


def why_not(loads: Sequence[Load], policy: MaintenancePolicy) -> str:
    """Why these hosts may not be away together; empty where they may."""
    return _storage(loads) or _servers(loads, policy.vms) or _budgets(loads, policy.pods)


def _storage(loads: Sequence[Load]) -> str:
    held = [load.host for load in loads if load.ceph is not None and concerns(load.ceph)]
    return f"{held[0]} carries a part of Ceph and goes alone" if held and len(loads) > 1 else ""


# -- VMs


def _servers(loads: Sequence[Load], policy: VmPolicy) -> str:
    found = [(load, load.vms) for load in loads if load.vms is not None and load.vms.own is not None]
    away = {load.host for load, _ in found}
    placed: list[VmMove] = []
    stopped: dict[str, str] = {}
    members: dict[str, set[str]] = {}
    for load, facts in found:
        together = plan(_without(facts, away - {load.host}, placed), policy)
        stuck = set(map(_vm, together.blockers)) - set(map(_vm, plan(facts, policy).blockers))
        if stuck:
            return f"{' '.join(sorted(stuck))} of {load.host} has no place while the others are away"
        placed += together.moves
        for group in _apart(facts):
            on_host = {vm.id for vm in facts.vms if vm.group == group.id}
            members.setdefault(group.id, set()).update({load.host} if on_host else ())
            if on_host & _down(together):
                stopped[group.id] = group.name
    split = next((name for group, name in stopped.items() if len(members[group]) > 1), "")
    return f"members of anti-affinity group {split} stop on several of them" if split else ""


def _without(facts: ComputeFacts, away: set[str], placed: Sequence[VmMove]) -> ComputeFacts:
    """As the site is with these hosts disabled, and those VMs where they were placed."""
    taken = [(move.target, amounts(move.vm)) for move in placed if move.target]

    def seen(one: Compute) -> Compute:
        free = {
            name: amount - sum(used.get(name, 0.0) for target, used in taken if target == one.host)
            for name, amount in one.free.items()
        }
        return one.model_copy(update={"free": free, "enabled": one.enabled and one.host not in away})

    where = {move.vm.id: move.target for move in placed if move.target}
    groups = [
        group.model_copy(
            update={"hosts": {vm: where.get(vm, host) for vm, host in group.hosts.items()}},
        )
        for group in facts.groups
    ]
    return facts.model_copy(update={"computes": tuple(map(seen, facts.computes)), "groups": tuple(groups)})


def _apart(facts: ComputeFacts) -> list[Group]:
    return [group for group in facts.groups if group.policy in APART]


def _down(found: VmPlan) -> set[str]:
    """Ids of those that do not run while their host is out, or stop on the way from it."""
    stays = {vm.id for vm in found.stays if vm.status == "ACTIVE"}
    return stays | {move.vm.id for move in found.moves if move.method != "live"}


def _vm(blocker: str) -> str:
    return blocker.partition(":")[0]


# -- pods


def _budgets(loads: Sequence[Load], policy: PodPolicy) -> str:
    found = [(load.host, load.pods) for load in loads if load.pods is not None and moves(load.pods)]
    leaving: dict[str, Counter[str]] = {}
    allowed: dict[str, int] = {}
    for host, look in found:
        if evictable(look, policy) and look.takers <= _taking(found, host):
            return f"no node is left that takes the pods of {host}"
        for pod in evictable(look, policy):
            for name in pod.budgets if pod.is_running else ():
                leaving.setdefault(name, Counter())[host] += 1
        for budget in look.budgets:
            allowed[budget.name] = min(budget.allowed, allowed.get(budget.name, budget.allowed))
    for name, counts in leaving.items():
        if len(counts) > 1 and counts.total() > allowed.get(name, 0):
            lets = allowed.get(name, 0)
            return f"budget {name} lets {lets} go, and {counts.total()} stand on {', '.join(counts)}"
    return ""


def _taking(found: Sequence[tuple[str, DrainLook]], host: str) -> int:
    """Of the others those that take pods now."""
    return sum(look.is_node and not look.cordon for name, look in found if name != host)
