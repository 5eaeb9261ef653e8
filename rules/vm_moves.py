"""What happens to each server of a host that is to be emptied: the table that docs/guide/maintenance-vms.md
shows.

First what nobody may touch (locked, broken, in the middle of something), then the policy's rule, then the
server's state and devices. A running server is migrated live or, where Nova cannot do that, as the policy
says for immovable ones; never cold by itself, since that stops the guest. Those that are hardest to place
come first, so that a plan which does not come out fails before anything was moved. Sources: API reference of
Nova's server actions (states), nova's `compute/api.py` and release notes (devices), nova 34 with fake
drivers.
"""

from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase

from models.compute import ComputeFacts, MoveKind, Vm
from models.maintenance import HoldPlan, VmMethod, VmPolicy
from rules.vm_targets import Room, amounts, is_pinned

TRAIN = (2, 79)
"""The microversion of the first Nova that moves servers with NUMA placement or SR-IOV ports live."""
GONE = ("SHELVED_OFFLOADED", "DELETED", "SOFT_DELETED")
"""Nothing of them runs on a host."""
RUNNING = ("ACTIVE", "PAUSED")
RATE_MIB = 100.0
"""A second: what a link of 1 Gbit/s carries."""
BESIDE = timedelta(seconds=15)
LIVE_PORTS = ("normal", "virtio-forwarder", "")
DETACHED_PORTS = ("direct", "macvtap")
"""Nova takes them off and puts them on again at the other end."""
_NO_LIVE = {
    "pci_passthrough:alias": "it has a PCI device",
    "hw:mem_encryption": "its memory is encrypted",
    "hw:pmem": "it has persistent memory",
    "accel:device_profile": "it has an accelerator",
    "resources:VGPU": "it has a virtual GPU",
}


@dataclass(frozen=True)
class VmMove:
    """One server, and what is done with it."""

    vm: Vm
    method: VmMethod
    """live, cold or stop-start."""
    target: str = ""
    """Where it fits; Nova may choose another one."""
    expected: timedelta = timedelta()


@dataclass(frozen=True)
class VmPlan:
    moves: tuple[VmMove, ...] = ()
    """In the order in which they are begun."""
    waits: tuple[Vm, ...] = ()
    """Nova is in the middle of something with them: that is waited for."""
    confirms: tuple[Vm, ...] = ()
    """Moved cold by a run of ours that did not come to the end of it."""
    stays: tuple[Vm, ...] = ()
    """They go down with the host, or are shut off already."""
    blockers: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing has to leave any more."""
        return not (self.moves or self.waits or self.confirms or self.blockers)


def plan(facts: ComputeFacts, policy: VmPolicy) -> VmPlan:
    moves: list[VmMove] = []
    waits: list[Vm] = []
    stays: list[Vm] = []
    blockers: list[str] = []
    room = Room(facts)
    for vm in sorted(facts.vms, key=_hardest):
        if vm.status in GONE or _waits_for_us(vm):
            continue
        rule = _rule(vm, policy)
        if why := _untouchable(vm, rule):
            blockers.append(_named(vm, why))
        elif vm.task:
            waits.append(vm)
        else:
            method, why = _method(vm, facts, policy, rule, room)
            if why:
                blockers.append(_named(vm, why))
            elif method == "leave":
                stays.append(vm)
            else:
                target = _place(vm, method, room)
                moves.append(VmMove(vm, method, target, expected(vm, method)))
    confirms = tuple(vm for vm in facts.arrived if _waits_for_us(vm))
    return VmPlan(tuple(moves), tuple(waits), confirms, tuple(stays), tuple(sorted(blockers)))


def hold_plan(facts: ComputeFacts, policy: VmPolicy) -> HoldPlan:
    """In words."""
    own = facts.own
    if not facts.declared or own is None:
        return HoldPlan()
    found = plan(facts, policy)
    steps: list[str] = []
    if own.enabled:
        steps.append(f"disable nova-compute on {facts.host}")
    elif not own.is_ours:
        steps.append(
            f"nova-compute on {facts.host} stays disabled by somebody else: {own.reason or 'no reason'}"
        )
    steps += [f"wait for VM {vm.name}: {vm.task}" for vm in found.waits]
    steps += [f"confirm the migration of VM {vm.name} from an earlier run" for vm in found.confirms]
    steps += [said(move) for move in found.moves]
    steps += [f"VM {vm.name} stays on {facts.host}, {vm.status}" for vm in found.stays]
    return HoldPlan(steps=tuple(steps), blockers=found.blockers)


def said(move: VmMove) -> str:
    name, seconds = move.vm.name, move.expected.total_seconds()
    if move.method == "stop-start":
        return f"stop VM {name}, start it again afterwards"
    how = "live" if move.method == "live" else "cold: it stops meanwhile"
    return f"migrate VM {name} to {move.target} ({how}, about {seconds:.0f} s)"


def expected(vm: Vm, method: VmMethod) -> timedelta:
    """What has to be carried over at a plain link's rate; a busy guest takes longer."""
    if method not in ("live", "cold"):
        return timedelta()
    carried = vm.needs.disk_gib * 1024 + (vm.needs.ram_mib if method == "live" else 0)
    return BESIDE + timedelta(seconds=round(carried / RATE_MIB))


def why_not_live(vm: Vm, microversion: tuple[int, int]) -> str:
    """Why Nova would not move it live; empty where it would."""
    specs, image = vm.needs.extra_specs, vm.needs.image
    for key, why in _NO_LIVE.items():
        in_image = image.get(key.replace(":", "_"), "")
        if specs.get(key, in_image).lower() not in ("", "false", "0"):
            return why
    kept_by = specs.get("hw:tpm_secret_security", image.get("hw_tpm_secret_security"))
    if ("hw:tpm_version" in specs or "hw_tpm_version" in image) and kept_by != "host":
        return "it has a virtual TPM whose secret stays with its user"
    for port in vm.ports:
        if port in DETACHED_PORTS and microversion < TRAIN:
            return f"its port is SR-IOV ({port}) and this Nova is too old to move it live"
        if port not in (*LIVE_PORTS, *DETACHED_PORTS):
            return f"its port is {port}, a device of the host"
    if microversion < TRAIN and (is_pinned(vm) or any(_is_numa(key) for key in specs)):
        return "it has pinned CPUs, NUMA cells or huge pages and this Nova is too old to move it live"
    return ""


def next_target(vm: Vm, facts: ComputeFacts, policy: VmPolicy, failed: frozenset[str]) -> str:
    """Another host for one whose migration has failed on the way to these; empty: none may be tried."""
    if not policy.other_target:
        return ""
    return next((host for host in Room(facts).targets(vm) if host not in failed), "")


def kind_of(method: VmMethod) -> MoveKind:
    return "cold" if method == "cold" else "live"


def _untouchable(vm: Vm, rule: VmMethod | None) -> str:
    """Why a person has to look at it first. A rule that leaves it where it is is such a person's word."""
    if rule == "leave":
        return ""
    if vm.status == "ERROR":
        return "it is in ERROR"
    if vm.status == "RESCUE":
        return "it is being rescued"
    if vm.status == "UNKNOWN":
        return "Nova does not know how it is"
    if vm.status == "VERIFY_RESIZE":
        return "somebody's resize waits for confirmation (VERIFY_RESIZE)"
    if vm.locked and not vm.stopped_by:
        return "it is locked by its owner or an administrator"
    return ""


def _method(
    vm: Vm, facts: ComputeFacts, policy: VmPolicy, rule: VmMethod | None, room: Room
) -> tuple[VmMethod, str]:
    """What is done, or why it cannot be."""
    live = _why_not("live", vm, facts, room)
    if rule is None and vm.status == "SHUTOFF":
        rule = "leave" if vm.stopped_by else policy.shut_off
    elif rule is None and vm.status in RUNNING and not live:
        return "live", ""
    elif rule is None:
        rule = policy.immovable if vm.status in RUNNING else "ask"
        if rule == "ask":
            return rule, live if vm.status in RUNNING else f"it is {vm.status}"
    if rule == "ask":
        return rule, "a rule says that a person is asked"
    if rule == "stop-start" and vm.status == "SHUTOFF":
        return "leave", ""
    return rule, live if rule == "live" else _why_not(rule, vm, facts, room)


def _why_not(method: VmMethod, vm: Vm, facts: ComputeFacts, room: Room) -> str:
    """Why Nova would refuse this method; empty where it would not."""
    if method == "leave":
        return ""
    allowed = {"live": RUNNING, "cold": ("ACTIVE", "SHUTOFF"), "stop-start": ("ACTIVE",)}[method]
    if vm.status not in allowed:
        return f"it is {vm.status}, and Nova does {_WORDS[method]} only of {' and '.join(allowed)} servers"
    if method == "stop-start":
        return ""
    why = why_not_live(vm, facts.microversion) if method == "live" else ""
    return why or _why_nowhere(vm, facts, room)


def _why_nowhere(vm: Vm, facts: ComputeFacts, room: Room) -> str:
    if room.targets(vm):
        return ""
    others = [one for one in facts.computes if one.host != facts.host]
    if not others:
        return "the site has no other host for VMs; the policy has to say stop-start or leave"
    return "no host can take it: " + "; ".join(room.why_not(vm, one) for one in others)


def _place(vm: Vm, method: VmMethod, room: Room) -> str:
    """The host that it takes room on."""
    if method not in ("live", "cold"):
        return ""
    target = room.targets(vm)[0]
    room.take(vm, target)
    return target


def _rule(vm: Vm, policy: VmPolicy) -> VmMethod | None:
    for rule in policy.rules:
        if rule.name and not fnmatchcase(vm.name, rule.name):
            continue
        if rule.project and rule.project != vm.project:
            continue
        if any(vm.metadata.get(key) != value for key, value in rule.metadata.items()):
            continue
        return rule.method
    return None


def _hardest(vm: Vm) -> tuple[bool, bool, bool, float, float, str]:
    """Groups, pinned CPUs and huge pages before the rest, then the largest."""
    needs = amounts(vm)
    bound = any(_is_numa(key) for key in vm.needs.extra_specs)
    return (
        not vm.group,
        not is_pinned(vm),
        not bound,
        -needs["MEMORY_MB"],
        -float(vm.needs.vcpus),
        vm.name + vm.id,
    )


def _is_numa(key: str) -> bool:
    return key.startswith("hw:numa") or key == "hw:mem_page_size"


def _waits_for_us(vm: Vm) -> bool:
    return vm.status == "VERIFY_RESIZE" and bool(vm.moved_by)


def _named(vm: Vm, why: str) -> str:
    return f"VM {vm.name} ({vm.id}): {why}"


_WORDS = {"live": "a live migration", "cold": "a cold migration", "stop-start": "a stop"}
