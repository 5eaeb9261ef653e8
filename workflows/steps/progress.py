"""What a run tells while it runs: its steps with times, and the one line that says what it waits for.

The same words stand in the Temporal UI (`current details`, Markdown), in the `progress` query and, at the
end, in the records.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from temporalio import workflow

from models.base import Frozen
from models.records import StepTime


class SiteProgress(Frozen):
    """The answer to a site run's `progress` query."""

    site: str
    step: str
    why: str
    began: datetime | None = None
    stopping: bool = False
    steps: tuple[StepTime, ...] = ()
    hosts: tuple[str, ...] = ()
    """Hosts under way in child workflows, which tell their own progress."""


@dataclass
class StepLog:
    title: str
    steps: list[StepTime] = field(default_factory=list)
    step: str = "starting"
    why: str = ""
    stopping: bool = False
    attempts: int = 1
    """Of the activity that the current step ran last."""
    hosts: tuple[str, ...] = ()
    """Under way in child workflows."""

    @contextmanager
    def during(self, name: str, why: str = "") -> Iterator[None]:
        """Times a step; repeated steps of one name in a row are one."""
        began = workflow.now()
        self.step, self.attempts = name, 1
        self.waits_for(why)
        try:
            yield
        finally:
            # Not when the worker lets the workflow go: there is no clock any more.
            if workflow.in_workflow():
                self._took(name, began)

    def _took(self, name: str, began: datetime) -> None:
        if self.steps and self.steps[-1].name == name:
            last = self.steps.pop()
            began, self.attempts = last.began, max(last.attempts, self.attempts)
        self.steps.append(StepTime(name=name, began=began, ended=workflow.now(), attempts=self.attempts))

    def waits_for(self, why: str) -> None:
        self.why = why
        workflow.set_current_details(self.markdown())

    def markdown(self) -> str:
        lines = [f"### {self.title}", ""]
        for step in self.steps:
            tries = f", {step.attempts} attempts" if step.attempts > 1 else ""
            lines.append(f"- {step.name}: {(step.ended - step.began).total_seconds():.0f} s{tries}")
        lines.append(f"- **{self.step}**" + (f": {self.why}" if self.why else ""))
        if self.stopping:
            lines.append("\nCancel was asked for: it ends at the next safe point.")
        return "\n".join(lines)

    @property
    def retries(self) -> int:
        return sum(step.attempts - 1 for step in self.steps)
