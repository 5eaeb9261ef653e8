"""What a demo shows: the region, campaigns one after the other, what goes wrong, where the truth is asked.

One subclass a scenario. What its faults dictate and how long a campaign would take at best is never said
there but by the simulator, from its own state (`GET /expected`, `GET /ideal`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from cli.demo.verdict import Night

if TYPE_CHECKING:
    from cli.demo.house import House

PATIENCE_S = 12.0
"""Wall seconds that a dead or busy site is waited for: longer than a worker is away."""


@dataclass(frozen=True)
class Stage:
    """One campaign. Sites that an earlier one has not brought on are left out."""

    name: str
    query: str
    """What `/expected` and `/ideal` are asked for."""
    operation: dict[str, Any]
    waves: list[dict[str, Any]]


@dataclass(frozen=True)
class Scenario(ABC):
    sites: int
    speed: float
    seed: int

    kind: ClassVar[str]
    usual_sites: ClassVar[int]
    least_sites: ClassVar[int] = 12
    why_least: ClassVar[str] = "each fault strikes a site of its own"
    usual_speed: ClassVar[float] = 120.0
    work_s: ClassVar[float] = 0.2
    """Processor time of a site that a busy machine may need beside the ideal, before the demo is stalled."""
    send_window_s: ClassVar[float] = 2.0
    """In which a worker sends what it has looked for; longer where many hosts share few processors."""
    width: ClassVar[int]
    """Sites in flight at most."""
    per_cell: ClassVar[int] = 0
    """Of neighbours at most; 0: no cap."""
    to_look_around: ClassVar[tuple[str, ...]]
    """Commands that show something while everything is kept."""
    is_accepted: ClassVar[bool] = False
    """Whether each site that came to a good end is examined as by `starflock site verify`."""

    is_measured: ClassVar[bool] = False
    """Whether it is asked in the end how long the sites' workloads were away."""

    is_killed: ClassVar[bool] = True
    """Whether its worker is killed half-way, unless somebody asks that it is not."""

    @property
    def at_once(self) -> int:
        """Sites in flight at most, of as many as there are."""
        return self.width

    @property
    def keeps_env(self) -> frozenset[str]:
        """Environment variables that its worker needs, though they look like settings of another fleet."""
        return frozenset()

    @property
    def budget(self) -> dict[str, int]:
        return {"failed": 3, "unreachable": 3, "wave_failed": 3, "consecutive": 5}

    def keeps_alive(self, kind: str, topology: str) -> bool:
        """Whether a workload of this kind must be up all the time at a site that came to a good end."""
        return False

    @property
    def simulator_options(self) -> tuple[str, ...]:
        return ()

    @property
    @abstractmethod
    def faults(self) -> list[dict[str, Any]]: ...

    @abstractmethod
    def stages(self, images: str) -> tuple[Stage, ...]:
        """`images`: below this URL every name is a boot image."""

    def declared(self, inventory: dict[str, Any]) -> dict[str, Any]:
        """The simulator's inventory with what an operator adds to it."""
        return inventory

    def campaign(self, stage: Stage, leave_out: list[str]) -> dict[str, Any]:
        by = {"by": {"coverage": self.per_cell}} if self.per_cell else {}
        return {
            "name": stage.name,
            "operation": stage.operation,
            "select": {"all": True} | ({"except": leave_out} if leave_out else {}),
            "waves": stage.waves,
            "window": {"max_in_flight": self.at_once} | by,
            "budget": self.budget,
        }

    async def before(self, stage: Stage, house: "House") -> None:
        """What happens at the sites and to the inventory right before a campaign."""
        return

    async def nights(self, stage: Stage, house: "House") -> tuple[Night, ...]:
        """When its sites were worked on, where they have windows."""
        return ()

    def complaints(self, nights: Sequence[Night]) -> list[str]:
        """What speaks against those."""
        return []

    async def after(self, stage: Stage, house: "House", good: Sequence[str]) -> list[str]:
        """What speaks against the sites that a campaign has brought to a good end."""
        return []

    @property
    def patience(self) -> str:
        """How long a campaign waits for what does not come, as a duration of the site's clock."""
        return f"{max(30, round(PATIENCE_S * self.speed / 60))}m"

    def declare(self, file: Path) -> None:
        _written(file, self.declared(yaml.safe_load(file.read_text())))

    def write_faults(self, folder: Path) -> Path:
        return _written(folder / "faults.yaml", self.faults)

    def write_campaign(self, folder: Path, stage: Stage, leave_out: list[str]) -> Path:
        """The file that an operator would write."""
        return _written(folder / f"{stage.name}.yaml", self.campaign(stage, leave_out))


def _written(file: Path, content: Any) -> Path:
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def fault(number: int, on: str, do: str, **more: Any) -> dict[str, Any]:
    """At a site by its number."""
    return {"site": f"edge-{number:04d}", "on": on, "do": do, **more}
