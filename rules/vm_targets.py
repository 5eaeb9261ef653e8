"""Which hosts a server could go to, with what others take before it.

Nova's scheduler has the last word: it alone knows NUMA cells, huge pages and virtual functions. What is
known beforehand is counted here, so that a host which cannot be emptied is said before anything is touched:
services that are up and enabled, the zone, aggregates that the flavor asks for, Placement's figures (CPUs,
pinned CPUs, memory, disk), and the members of the server's group on each host. A figure that nobody could
learn keeps nothing away.
"""

from dataclasses import dataclass, field

from models.compute import Compute, ComputeFacts, Group, Vm

AGGREGATE = "aggregate_instance_extra_specs:"
CLASSES = {"VCPU": "CPUs", "PCPU": "pinned CPUs", "MEMORY_MB": "MiB of memory", "DISK_GB": "GiB of disk"}


def is_pinned(vm: Vm) -> bool:
    given = (vm.needs.extra_specs.get("hw:cpu_policy"), vm.needs.image.get("hw_cpu_policy"))
    return "dedicated" in given


def amounts(vm: Vm) -> dict[str, float]:
    """By Placement's resource classes."""
    cpus = "PCPU" if is_pinned(vm) else "VCPU"
    needs = vm.needs
    return {cpus: needs.vcpus, "MEMORY_MB": needs.ram_mib, "DISK_GB": needs.disk_gib}


@dataclass
class Room:
    """The other hosts of a site, as they fill up while a plan is made."""

    facts: ComputeFacts
    free: dict[str, dict[str, float]] = field(init=False)
    hosts: dict[str, dict[str, str]] = field(init=False)
    """Of each group, the host of each member."""

    def __post_init__(self) -> None:
        self.free = {one.host: dict(one.free) for one in self.facts.computes}
        self.hosts = {group.id: dict(group.hosts) for group in self.facts.groups}

    def targets(self, vm: Vm) -> list[str]:
        """The emptiest first."""
        fitting = [one.host for one in self.facts.computes if not self.why_not(vm, one)]
        return sorted(fitting, key=lambda host: (-self.free[host].get("MEMORY_MB", 0.0), host))

    def take(self, vm: Vm, host: str) -> None:
        for name, amount in amounts(vm).items():
            if name in self.free[host]:
                self.free[host][name] -= amount
        if vm.group in self.hosts:
            self.hosts[vm.group][vm.id] = host

    def why_not(self, vm: Vm, compute: Compute) -> str:
        """Why a server cannot go there; empty where it can."""
        host = compute.host
        if host == self.facts.host:
            return "it is there"
        if compute.forced_down or not compute.up:
            return f"nova-compute on {host} is down"
        if not compute.enabled:
            return f"nova-compute on {host} is disabled" + (f" ({compute.reason})" if compute.reason else "")
        if vm.zone and compute.zone and vm.zone != compute.zone:
            return f"{host} is in zone {compute.zone}"
        wanted = {
            key.removeprefix(AGGREGATE): value
            for key, value in vm.needs.extra_specs.items()
            if key.startswith(AGGREGATE)
        }
        if any(not _in_aggregate(compute, key, value) for key, value in wanted.items()):
            return f"{host} is in no aggregate that the flavor asks for"
        return self._lacking(vm, host) or self._group(vm, host)

    def _lacking(self, vm: Vm, host: str) -> str:
        for name, amount in amounts(vm).items():
            free = self.free[host].get(name)
            if free is not None and amount > free:
                return f"{host} has {max(free, 0):g} {CLASSES[name]} free of {amount:g} needed"
        return ""

    def _group(self, vm: Vm, host: str) -> str:
        group = self._group_of(vm)
        if group is None:
            return ""
        others = [there for member, there in self.hosts[group.id].items() if member != vm.id]
        if group.policy == "anti-affinity" and others.count(host) >= group.most:
            return f"{host} has a member of anti-affinity group {group.name}"
        if group.policy == "affinity" and any(there != host for there in others):
            return f"affinity group {group.name} keeps its members on one host"
        return ""

    def _group_of(self, vm: Vm) -> Group | None:
        return next((group for group in self.facts.groups if group.id == vm.group), None)


def _in_aggregate(compute: Compute, key: str, value: str) -> bool:
    return any(one.get(key) == value for one in compute.aggregates)
