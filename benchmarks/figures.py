"""What a benchmark returns: figures, each with its target where it has one.

A figure that misses its target is a finding, no error. A benchmark that cannot measure raises
`CannotRun`, whose words are for a person.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import facts


class CannotRun(Exception):
    """The benchmark could not measure: what is missing, in words."""


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""
    excused: bool = False
    """The target is met in the other way that it allows; the note says how."""

    @property
    def met(self) -> bool | None:
        """None where there is no target."""
        if self.at_most is None and self.at_least is None:
            return None
        if self.excused:
            return True
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    @property
    def target(self) -> str:
        bounds = [("<=", self.at_most), (">=", self.at_least)]
        return " and ".join(f"{sign} {number(bound)}" for sign, bound in bounds if bound is not None)


@dataclass
class Outcome:
    """One benchmark's figures, and how it was set up, so that the file can be read on its own."""

    benchmark: str
    setup: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)
    incomplete: str = ""
    """What could not be measured, and why, in words; the figures that are there hold."""

    def add(self, name: str, value: float, unit: str = "", **more: Any) -> None:
        self.figures.append(Figure(name, round(value, 4), unit, **more))

    def value(self, name: str) -> float:
        return next(each.value for each in self.figures if each.name == name)

    def document(self) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark,
            "machine": facts(),
            "setup": self.setup,
            "figures": [asdict(each) | {"target": each.target, "met": each.met} for each in self.figures],
            "detail": self.detail,
            "incomplete": self.incomplete,
        }


@dataclass(frozen=True)
class Bench:
    """How a benchmark is to run."""

    quick: bool
    scratch: Path
    """A folder of its own, removed afterwards."""
    say: Callable[[str], None] = lambda words: None
    """Tells a person how far it is."""


def number(value: float) -> str:
    """As a person reads it: three significant digits, no needless zeros."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
