"""What fits on a host: cells of NUMA with dedicated CPUs and huge pages, and what floats over all of them.

Every host has two cells. A server with pinned CPUs or huge pages lives in one cell; others share the rest of
the memory and CPUs that are given out sixteen times, as Nova does by default. Placement, which Nova asks
first, counts over the whole host: it knows no cell and no huge page.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.openstack.servers import Server

CELLS = (0, 1)
DEDICATED, SHARED = 12, 4
"""CPUs of a cell."""
MEMORY_MIB, HUGE_MIB = 49_152, 24_576
"""Of a cell; of it in huge pages."""
RESERVED_MIB = 2_048
OVERCOMMIT = 16.0
DISK_GIB = 800


def is_pinned(flavor: Json) -> bool:
    return bool(flavor.get("extra_specs", {}).get("hw:cpu_policy") == "dedicated")


def has_huge_pages(flavor: Json) -> bool:
    return "hw:mem_page_size" in flavor.get("extra_specs", {})


def cell_for(server: "Server", there: "Iterable[Server]") -> int | None:
    """The cell in which it fits; -1 where it needs none; None where it does not fit."""
    flavor, there = server.flavor, [one for one in there if one is not server]
    if is_pinned(flavor) or has_huge_pages(flavor):
        return next((cell for cell in CELLS if _fits(flavor, cell, there)), None)
    floating = [one for one in there if one.cell < 0]
    memory = len(CELLS) * (MEMORY_MIB - HUGE_MIB) - RESERVED_MIB - sum(one.flavor["ram"] for one in floating)
    cpus = len(CELLS) * SHARED * OVERCOMMIT - sum(one.flavor["vcpus"] for one in floating)
    return -1 if flavor["ram"] <= memory and flavor["vcpus"] <= cpus else None


def _fits(flavor: Json, cell: int, there: "Iterable[Server]") -> bool:
    here = [one for one in there if one.cell == cell]
    cpus = DEDICATED - sum(one.flavor["vcpus"] for one in here if is_pinned(one.flavor))
    pages = HUGE_MIB - sum(one.flavor["ram"] for one in here if has_huge_pages(one.flavor))
    return not (is_pinned(flavor) and flavor["vcpus"] > cpus) and not (
        has_huge_pages(flavor) and flavor["ram"] > pages
    )


def inventories() -> dict[str, Json]:
    """Of a host, as Placement has them."""
    return {
        "VCPU": _inventory(len(CELLS) * SHARED, OVERCOMMIT, 0),
        "PCPU": _inventory(len(CELLS) * DEDICATED, 1.0, 0),
        "MEMORY_MB": _inventory(len(CELLS) * MEMORY_MIB, 1.0, RESERVED_MIB),
        "DISK_GB": _inventory(DISK_GIB, 1.0, 0),
    }


def usages(there: "Iterable[Server]") -> dict[str, int]:
    there = list(there)
    return {
        "VCPU": sum(one.flavor["vcpus"] for one in there if not is_pinned(one.flavor)),
        "PCPU": sum(one.flavor["vcpus"] for one in there if is_pinned(one.flavor)),
        "MEMORY_MB": sum(one.flavor["ram"] for one in there),
        "DISK_GB": sum(one.flavor["disk"] for one in there if one.image is not None),
    }


def _inventory(total: int, ratio: float, reserved: int) -> Json:
    return {
        "total": total,
        "reserved": reserved,
        "min_unit": 1,
        "max_unit": total,
        "step_size": 1,
        "allocation_ratio": ratio,
    }
