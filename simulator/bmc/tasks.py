"""Long work of a BMC: tasks, and the monitors that a 202 points to.

A monitor answers 202 while its task runs and 200 with the task afterwards. Two vendors' ways are simulated:
the URL of a fresh task that is not there yet, and one that is purged as soon as the task has ended.
"""

from dataclasses import dataclass, field

from simulator.cloud import clock as wall
from simulator.cloud.clock import Clock
from simulator.wire.http import Json

RUNNING = ("New", "Starting", "Running")


@dataclass(slots=True)
class Task:
    """One piece of work."""

    id: str
    name: str
    target: str
    begun: float
    """Simulated."""
    started: str
    state: str = "Running"
    percent: int = 0
    ended: str | None = None
    messages: list[Json] = field(default_factory=list)
    hidden_until: float = float("-inf")
    """Simulated; before it the URL is 404."""
    vanishes: bool = False
    """Its URLs are gone once it has ended."""
    lost: bool = False
    """Its URLs are gone."""

    @property
    def running(self) -> bool:
        return self.state in RUNNING


@dataclass(slots=True)
class Tasks:
    """The tasks of one BMC; the last hundred are kept."""

    clock: Clock
    rows: dict[str, Task] = field(default_factory=dict)
    _next: int = 1

    def begin(self, name: str, target: str, hidden_s: float = 0.0, vanishes: bool = False) -> Task:
        now = self.clock.now()
        task = Task(str(self._next), name, target, now, wall.iso(), vanishes=vanishes)
        task.hidden_until = now + hidden_s if hidden_s else float("-inf")
        self._next += 1
        self.rows[task.id] = task
        while len(self.rows) > 100:
            del self.rows[next(iter(self.rows))]
        return task

    def end(self, task: Task, state: str, *messages: Json) -> None:
        task.state, task.ended = state, wall.iso()
        task.percent = 100 if state == "Completed" else task.percent
        task.messages += messages

    def find(self, ref: str) -> Task | None:
        """What its URL shows now."""
        task = self.rows.get(ref)
        if task is None or task.lost or task.hidden_until > self.clock.now():
            return None
        return None if task.vanishes and not task.running else task

    def visible(self) -> list[Task]:
        return [task for ref in list(self.rows) if (task := self.find(ref)) is not None]
