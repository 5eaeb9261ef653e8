"""What the processors and the memory of a host are for, and which kernel it runs (config, 2026-08).

All of it needs a locked host. `host_cpus_modify` takes physical cores for each NUMA node, or a list of
logical processors; an unknown function is taken and changes nothing, as sysinv's own code has it. Huge pages
are checked before platform memory, and their errors name the node.
"""

import re
from collections import defaultdict

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.rows import Cpu, Memory, Node
from simulator.services.envelope import reject
from simulator.services.sysinv.patches import changes_of
from simulator.services.sysinv.resource import Resource, host_of, must_be_locked
from simulator.wire.http import Json, Request

FUNCTIONS = ("Platform", "Vswitch", "Shared", "Application-isolated", "Application")
_MIB = {"2M": 2, "1G": 1024}
_KERNELS = ["lowlatency", "standard"]
_NUMBERS = (
    "platform_reserved_mib", "vm_hugepages_nr_2M_pending", "vm_hugepages_nr_1G_pending",
    "vswitch_hugepages_reqd", "vswitch_hugepages_size_mib",
)  # fmt: skip


def modify(cloud: Cloud, host_uuid: str, request: Request) -> Json:
    """PUT /v1/ihosts/<uuid>/state/host_cpus_modify: the whole list of the host's processors.

    Raises:
        Refusal: 400 with sysinv's text, 404 for an unknown host.
    """
    host = host_of(cloud, host_uuid)
    if host is None:
        raise reject(f"Server {host_uuid} could not be found.", 404)
    must_be_locked(host)
    cpus = sorted(cloud.tables.below(Cpu, host.uuid), key=lambda one: (one.core, one.thread))
    wanted = request.json() or []
    nodes = [row.numa_node for row in cloud.tables.below(Node, host.uuid)]
    for one in wanted:
        _check_wanted(host, one, nodes, cpus)
    counts, listed = _counts(wanted, nodes, cpus)
    _check_allocation(cloud, host, counts, listed, cpus)
    _allocate(host, counts, listed, cpus)
    rows = cloud.tables.below(Cpu, host.uuid)
    return {"icpus": [row.wire() for row in rows]}


def _check_wanted(host: Host, one: Json, nodes: list[int], cpus: list[Cpu]) -> None:
    function, sockets, cpulist = one.get("function"), one.get("sockets", []), one.get("cpulist")
    if sockets and cpulist:
        raise reject(f"host {host.uuid}:  socket={sockets} and cpulist={cpulist} may not both be specified")
    if not function or not (sockets or cpulist):
        raise reject(
            f"host {host.uuid}:  cpu function={function} or (socket={sockets} and cpulist={cpulist}) "
            "not specified"
        )
    for socket in sockets:
        number, value = next(iter(socket.items()))
        if int(number) >= len(nodes):
            raise reject(f"There is no Processor (Socket) {number} on this host.")
        if int(value) < 0:
            raise reject("Specified cpu values must be non-negative.")
    if cpulist and max(numbers(cpulist)) > max(cpu.cpu for cpu in cpus):
        raise reject("Specified cpulist contains nonexistant CPUs.")


Counts = dict[tuple[int, str], int]


def _counts(wanted: list[Json], nodes: list[int], cpus: list[Cpu]) -> tuple[Counts, dict[str, list[int]]]:
    """Logical processors by node and function as they are, changed as wanted, and those listed by number."""
    threads = 1 + max(cpu.thread for cpu in cpus)
    counts: Counts = defaultdict(int)
    for cpu in cpus:
        counts[(cpu.numa_node, cpu.allocated_function)] += 1
    listed: dict[str, list[int]] = {}
    for one in wanted:
        given = str(one["function"])
        function = next((name for name in FUNCTIONS if name.lower() == given.lower()), given)
        sockets = one.get("sockets", [])
        if not sockets:
            listed[function] = numbers(one["cpulist"])
            counts.update({(node, function): 0 for node in nodes})
        for socket in sockets:
            number, value = next(iter(socket.items()))
            counts[(int(number), function)] = int(value) * threads
    return counts, listed


def _check_allocation(
    cloud: Cloud, host: Host, counts: Counts, listed: dict[str, list[int]], cpus: list[Cpu]
) -> None:
    flat = [number for several in listed.values() for number in several]
    if len(flat) != len(set(flat)):
        raise reject("Some CPUs are specified for more than one function.")
    nodes = sorted({cpu.numa_node for cpu in cpus})
    threads = 1 + max(cpu.thread for cpu in cpus)
    for node in nodes:
        there = sum(cpu.numa_node == node for cpu in cpus)
        if sum(counts[(node, function)] for function in FUNCTIONS[:-1]) > there:
            raise reject(
                f"More total logical cores requested than present on Processor {node} ({there} cores)."
            )

    def total(function: str) -> int:
        return sum(counts[(node, function)] for node in nodes) + len(listed.get(function, []))

    if "controller" in host.subfunctions and "worker" in host.subfunctions:
        if total("Platform") < 2:
            raise reject("Platform must have at least two cores.")
    elif total("Platform") == 0:
        raise reject("Platform must have at least one core.")
    if any(counts[(node, "Shared")] / threads > 1 for node in nodes):
        raise reject("Shared cores are limited to 1 per processor.")
    vswitch = total("Vswitch")
    if vswitch and cloud.system.get("capabilities", {}).get("vswitch_type", "none") == "none":
        raise reject("vSwitch cpus can only be used with a vswitch_type specified.")
    if vswitch / threads > 8:
        raise reject("The vswitch function can only be assigned up to 8 cores.")
    if len(cpus) - total("Platform") - vswitch - total("Application-isolated") <= 0:
        raise reject("There must be at least one unused core for Application.")


def _allocate(host: Host, counts: Counts, listed: dict[str, list[int]], cpus: list[Cpu]) -> None:
    """Listed processors first, then by count in the order of functions; the rest gets the default."""
    left = dict.fromkeys(FUNCTIONS, 0)
    rest = "Application" if "worker" in host.subfunctions else "Platform"
    named = {number: function for function, several in listed.items() for number in several}
    for node in sorted({cpu.numa_node for cpu in cpus}):
        left = {function: counts[(node, function)] for function in FUNCTIONS[:-1]}
        for cpu in (one for one in cpus if one.numa_node == node):
            if cpu.cpu in named:
                cpu.allocated_function = named[cpu.cpu]
                continue
            function = next((name for name in FUNCTIONS[:-1] if left[name] > 0), rest)
            if function in left:
                left[function] -= 1
            cpu.allocated_function = function


def numbers(text: str) -> list[int]:
    """`3-5,7` as a list."""
    found: list[int] = []
    for part in re.split(r"\s*,\s*", text.strip()):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def change_memory(cloud: Cloud, row: Memory, changes: Json) -> None:
    """Check a patch of a node's memory and store it."""
    host = host_of(cloud, row.ihost_uuid)
    assert host is not None
    must_be_locked(host)
    if "worker" in host.subfunctions:
        _check_pages(cloud, row, changes)
    elif set(changes) & set(_NUMBERS[1:]):
        raise reject("Hugepages memory configuration is not supported for this node.")
    reserved = changes.get("platform_reserved_mib")
    if reserved is not None:
        _check_reserved(row, changes, int(reserved))
    for name, value in changes.items():
        setattr(row, name, int(value) if name in _NUMBERS and value is not None else value)


def _check_reserved(row: Memory, changes: Json, reserved: int) -> None:
    if reserved < row.minimum_platform_reserved_mib:
        raise reject(
            f"Platform reserved memory for numa node {row.numa_node} must be greater than the minimum value "
            f"{row.minimum_platform_reserved_mib}"
        )
    most = row.node_memtotal_mib * 2 // 3
    if reserved > most:
        raise reject(
            f"Platform reserved memory {reserved} MiB on node {row.numa_node} is not within range "
            f"[{row.minimum_platform_reserved_mib}, {most}]"
        )
    taken = sum(_pages(row, changes, size) * mib for size, mib in _MIB.items())
    available = row.node_memtotal_mib - taken
    if reserved > available + 32:
        short = reserved - available
        raise reject(
            f"Platform reserved memory {reserved} MiB exceeds {available} MiB available by {short} MiB "
            f"(2M: {short // 2} pages; 1G: {short // 1024} pages). total memory={row.node_memtotal_mib} MiB, "
            f"allocated={taken} MiB."
        )


def _check_pages(cloud: Cloud, row: Memory, changes: Json) -> None:
    node = f"Processor {row.numa_node}: "
    for size in _MIB:
        given = changes.get(f"vm_hugepages_nr_{size}_pending")
        if given is not None and not re.fullmatch(r"-?\d+", str(given)):
            raise reject(f"{node}VM huge pages {size} must be a number")
        if given is not None and int(given) < 0:
            raise reject(f"{node}VM huge pages {size} must be greater than or equal to zero")
    vswitch_type = cloud.system.get("capabilities", {}).get("vswitch_type", "none")
    vswitch = int(changes.get("vswitch_hugepages_reqd") or row.vswitch_hugepages_nr or 0)
    if changes.get("vswitch_hugepages_reqd") and not changes.get("vswitch_hugepages_size_mib"):
        raise reject(f"{node}No vswitch hugepage size specified.")
    if vswitch_type == "none" and int(changes.get("vswitch_hugepages_reqd") or 0) != 0:
        raise reject(f"{node}vSwitch huge pages must be 0 when vSwitch type is none")
    pages = {size: _pages(row, changes, size) for size in _MIB}
    if all(pages.values()) and vswitch_type == "none":
        raise reject(f"{node}Host only supports single huge page size.")
    reserved = int(changes.get("platform_reserved_mib") or row.platform_reserved_mib)
    taken = vswitch * int(changes.get("vswitch_hugepages_size_mib") or row.vswitch_hugepages_size_mib)
    possible = row.node_memtotal_mib - reserved
    wanted = sum(pages[size] * mib for size, mib in _MIB.items()) + taken
    if possible < wanted:
        if pages["1G"]:
            most = max(0, (possible - taken) // 1024)
            raise reject(
                f"{node}For a requested vSwitch hugepage allocation of {taken} MiB, max 1G pages: {most}. . "
                f"hp_possible: {possible}. hp_requested: {wanted}"
            )
        most = max(0, (possible - taken) // 2)
        raise reject(
            f"{node}For a requested vSwitch hugepage allocation of {taken} MiB, max 2M pages: {most}"
        )


def _pages(row: Memory, changes: Json, size: str) -> int:
    """What is asked for, else what is pending, else what is there."""
    given = changes.get(f"vm_hugepages_nr_{size}_pending")
    if given is not None:
        return int(given)
    pending = getattr(row, f"vm_hugepages_nr_{size}_pending")
    there: int = getattr(row, f"vm_hugepages_nr_{size}")
    return int(pending) if pending is not None else there


def kernel(cloud: Cloud, host_uuid: str, request: Request) -> Json:
    """GET or PATCH /v1/ihosts/<uuid>/kernel."""
    host = host_of(cloud, host_uuid)
    if host is None:
        raise reject(f"Server {host_uuid} could not be found.", 404)
    if request.method == "PATCH":
        wanted = changes_of(request).get("kernel_provisioned")
        must_be_locked(host)
        if wanted not in _KERNELS:
            raise reject(f"Supported kernels: {_KERNELS}")
        host.provision_kernel(str(wanted))
    return {
        "ihost_uuid": host.uuid,
        "hostname": host.name,
        "kernel_provisioned": host.kernel_provisioned,
        "kernel_running": host.kernel_running,
    }


RESOURCES = (
    Resource("icpus", Cpu),
    Resource("inodes", Node),
    Resource("imemorys", Memory, change=change_memory),
)
