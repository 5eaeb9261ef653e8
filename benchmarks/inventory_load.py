"""(f) 5,000 sites loaded and validated: the file as the simulator writes it, 10,000 lines and more.

The best of some rounds counts: it is what the code costs, the others are what the machine did meanwhile.
"""

import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.figures import Bench, Outcome
from inventory.load import load_inventory

NAME = "inventory"
SITES, QUICK_SITES = 5_000, 500
ROUNDS = 5


async def run(bench: Bench) -> Outcome:
    count = QUICK_SITES if bench.quick else SITES
    path = write_inventory(bench.scratch, count)
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        loaded = load_inventory(path)
        taken.append(time.perf_counter() - began)
    assert len(loaded.sites) == count
    outcome = Outcome(NAME, {"sites": count, "rounds": ROUNDS}, detail={"seconds": taken})
    outcome.add(f"load and validate {count} sites", min(taken), "s", at_most=2)
    outcome.add("size of the file", path.stat().st_size / 2**20, "MiB")
    return outcome


def write_inventory(folder: Path, count: int) -> Path:
    """An inventory of AIO-SX sites behind one system controller."""
    path = folder / "inventory.yaml"
    (folder / "password").write_text("none\n")
    path.write_text(yaml.safe_dump(_document(count), sort_keys=False))
    return path


def _document(count: int) -> dict[str, Any]:
    return {
        "system_controllers": [
            {
                "name": "sc-1",
                "auth_url": "http://127.0.0.1:5000/v3",
                "region": "RegionOne",
                "credential": {"username": "admin", "password": "file:password"},
            }
        ],
        "sites": [_site(place) for place in range(1, count + 1)],
    }


def _site(place: int) -> dict[str, Any]:
    mac = ":".join(f"{byte:02x}" for byte in (0x52, 0x54, *place.to_bytes(4, "big")))
    return {
        "name": f"edge-{place:05d}",
        "subcloud": f"subcloud-{place:05d}",
        "system_controller": "sc-1",
        "labels": {"region": "east" if place % 2 else "west", "coverage": f"cell-{place // 2}"},
        "timezone": "Europe/Berlin",
        "topology": "AIO-SX",
        "hosts": [{"name": "controller-0", "personality": "controller", "mac": mac}],
    }
