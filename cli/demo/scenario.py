"""The scenario `patch`: what goes wrong at which site, and the campaign that must get through it.

The faults are laid so that each kind meets a wave of its own liking: dropped connections from the canary
on, what ends a site badly at the front of the last wave, where its waiting hides behind the others' work.
What each of them dictates is not said here but by the simulator (`GET /expected`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RELEASE = "starlingx-26.03.1"
WIDTH = 50
PER_CELL = 1
"""Neighbours are never down together."""
CANARIES = 2
FEWEST_SITES = 12
PATIENCE_S = 12.0
"""Wall seconds that a dead or busy site is waited for: longer than a worker is away."""


@dataclass(frozen=True)
class Scenario:
    sites: int
    speed: float
    seed: int

    @property
    def name(self) -> str:
        return "demo"

    @property
    def second_wave_percent(self) -> int:
        """10 %; more of a small fleet, so that the wave is not empty."""
        return 10 if self.sites >= 40 else 40

    @property
    def faults(self) -> list[dict[str, Any]]:
        last = self.sites * self.second_wave_percent // 100
        passing = [
            (2, "vim.create", "drop-after"),
            (CANARIES + 1, "vim.create", "drop-before"),
            (last, "vim.apply", "drop-after"),
            (last + 1, "vim.apply", "drop-before"),
            (last + 2, "vim.delete", "drop-after"),
            (self.sites - 2, "keystone", "drop-before"),
            (self.sites - 1, "vim.create", "drop-after"),
            (self.sites, "vim.apply", "drop-after"),
        ]
        standing = [
            (last + 3, "vim.apply", "fail"),
            (last + 4, "site", "dark"),
            (last + 5, "site", "hold"),
        ]
        return [
            *({"site": site(number), "on": on, "do": do, "times": 1} for number, on, do in passing),
            *({"site": site(number), "on": on, "do": do} for number, on, do in standing),
        ]

    @property
    def campaign(self) -> dict[str, Any]:
        patience = f"{max(30, round(PATIENCE_S * self.speed / 60))}m"
        return {
            "name": self.name,
            "operation": {
                "kind": "patch",
                "release": RELEASE,
                "reachable_within": patience,
                "ready_within": patience,
            },
            "select": {"all": True},
            "waves": [
                {"count": CANARIES, "soak": "2m"},
                {"percent": self.second_wave_percent, "soak": "2m"},
                {"percent": 100},
            ],
            "window": {"max_in_flight": WIDTH, "by": {"coverage": PER_CELL}},
            "budget": {"failed": 3, "unreachable": 3, "wave_failed": 3, "consecutive": 5},
        }

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The two files that an operator would write; (campaign, faults)."""
        files = (folder / "campaign.yaml", folder / "faults.yaml")
        for file, content in zip(files, (self.campaign, self.faults), strict=True):
            file.write_text(yaml.safe_dump(content, sort_keys=False))
        return files


def site(number: int) -> str:
    """As the simulator names them."""
    return f"edge-{number:04d}"
