"""The machine and its processes, by /proc: cores, versions, CPU time and resident memory.

CPU time is user plus system time of one process, from its own counters, so that neither the neighbours
on the machine nor the benchmark itself are in it.
"""

import os
import platform
import re
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workers.embedded import temporal_binary

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MIB = 2**20


@cache
def facts() -> dict[str, Any]:
    """What figures depend on; no names and no paths."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "temporalio": version("temporalio"),
        "temporal": _temporal_version(),
    }


def cpu_s(pid: int) -> float:
    """User plus system seconds of a process, all threads. 0 when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0.0
    # The second field is the command in brackets and may hold anything.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def rss_mib(pid: int) -> float:
    return _status_kib(pid, "VmRSS") / 1024


def peak_rss_mib(pid: int) -> float:
    return _status_kib(pid, "VmHWM") / 1024


def load_of_others() -> float:
    """The one-minute load when the benchmarks begin: what else runs here."""
    return os.getloadavg()[0]


def _status_kib(pid: int, key: str) -> float:
    found = re.search(rf"^{key}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.processor()


def _temporal_version() -> str:
    told = subprocess.run([temporal_binary(), "--version"], capture_output=True, text=True, check=False)
    return told.stdout.strip()
