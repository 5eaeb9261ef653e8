"""The account of a resource's exchanges: how many match, and that the others are the known ones.

`differences.yaml` beside the recorded exchanges lists those that the simulator answers otherwise, each with
the reason. An exchange that differs and is not listed fails, and so does one that is listed and matches: the
number can only grow, and only knowingly.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

LINES: list[str] = []
"""For the end of the test run."""
TOTALS: dict[str, list[int]] = {}
"""Matching exchanges and all of them, by system."""


def load(folder: Path, name: str = "cases.jsonl") -> list[dict[str, Any]]:
    with (folder / name).open() as lines:
        return [json.loads(line) for line in lines]


def known(folder: Path) -> dict[str, str]:
    """Exchange to reason, out of reason to exchanges."""
    listed = yaml.safe_load((folder / "differences.yaml").read_text()) or {}
    return {name: reason for reason, names in listed.items() for name in names}


@dataclass
class Tally:
    """What was found in one resource."""

    title: str
    total: int = 0
    found: dict[str, str] = field(default_factory=dict)
    """Exchange to its difference."""

    def add(self, name: str, difference: str) -> None:
        self.total += 1
        if difference:
            self.found[name] = difference

    def settle(self, names: list[str], reasons: dict[str, str]) -> None:
        """Print the number and judge it."""
        line = f"{self.title}: {self.total - len(self.found)} of {self.total} exchanges match"
        LINES.append(line)
        system = TOTALS.setdefault(self.title.split()[0], [0, 0])
        system[0] += self.total - len(self.found)
        system[1] += self.total
        print(line)
        unlisted = {name: words for name, words in self.found.items() if name not in reasons}
        healed = [name for name in names if name in reasons and name not in self.found]
        assert not unlisted, "\n".join(f"{name}: {words}" for name, words in unlisted.items())
        assert not healed, f"listed as different, but these match: {healed}"
