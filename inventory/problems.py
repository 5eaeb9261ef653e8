"""What is wrong with a file, in words, with the line it stands in.

A file is never refused for its first mistake only: whoever edits 5,000 sites wants to see all of them.
Every check therefore yields `Finding`s (a path into the document and a sentence), the reader of the file
knows the line of each path, and one `FileErrors` carries the `Problem`s that come of it. Finding lines is
paid for only when there is something to say.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from models.base import Frozen

Path = tuple[str | int, ...]
"""Steps from the top of a document: keys and 0-based list indices."""

Data = dict[str, Any]
"""A mapping of a document, plain; None stands where the model refused a value."""


class Finding(NamedTuple):
    """A sentence about the value at `path`; `other` is where the value it collides with stands."""

    path: Path
    message: str
    other: Path | None = None


class Problem(Frozen):
    """One mistake in one file."""

    file: str
    """The file as the caller named it."""
    line: int
    """1-based; 0 where the problem is the file itself."""
    column: int
    """1-based; 0 where the problem is the file itself."""
    field: str
    """`sites[3].topology`; empty where the problem has no field."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.field, self.message) if part)


class FileErrors(Exception):
    """A declared file cannot be used. `str()` is one line a problem, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)

    @property
    def summary(self) -> str:
        """One line: the first problem, and how many more there are."""
        more = len(self.problems) - 1
        return f"{self.problems[0]}" + (f" (and {more} more)" if more else "")


def entries(data: Data, key: str) -> Iterator[tuple[int, Data]]:
    """The usable mappings of a list, with their index."""
    for index, entry in enumerate(data.get(key) or ()):
        if isinstance(entry, dict):
            yield index, entry


def field_name(path: Path) -> str:
    """`("sites", 3, "labels", "a b")` as `sites[3].labels['a b']`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("-", "_").isidentifier():
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text
