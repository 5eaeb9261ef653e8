"""What goes to standard output: a table for people, JSON or YAML for machines, from the same data.

Standard output carries results only; progress and remarks go to standard error. Colour never says what a
word beside it does not; `NO_COLOR` and pipes get none. A pipe is no narrow terminal: there tables are as
wide as their content, so that `grep` finds whole lines.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console, RenderableType
    from rich.table import Table

Form = Literal["table", "json", "yaml"]
FormOption = Annotated[Form, typer.Option("-o", "--output", help="Form of the answer.")]
PIPE_WIDTH = 400

STYLES = {
    "succeeded": "green",
    "already": "green",
    "failed": "bold red",
    "terminated": "bold red",
    "refused": "red",
    "blocked": "yellow",
    "unreachable": "yellow",
    "aborted": "yellow",
    "skipped": "dim",
}
"""Of outcomes; always beside the word itself."""


@cache
def console() -> "Console":
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(highlight=False, emoji=False, markup=False, width=width)


@cache
def remarks() -> "Console":
    """Standard error, for progress and hints."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True)


def note(text: str) -> None:
    remarks().print(text)


def plain(data: Any) -> Any:
    """Models as JSON values."""
    dump = getattr(data, "model_dump", None)
    if dump is not None:
        return dump(mode="json", by_alias=True)
    if isinstance(data, dict):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(item) for item in data]
    return data


def emit(form: Form, data: Any, people: "Callable[[], Iterable[RenderableType]]") -> None:
    """`data` for machines; `people` draws it, and is asked only if a person reads."""
    if form == "json":
        sys.stdout.write(json.dumps(plain(data), indent=2, ensure_ascii=False) + "\n")
    elif form == "yaml":
        import yaml

        sys.stdout.write(yaml.safe_dump(plain(data), sort_keys=False, allow_unicode=True))
    else:
        for part in people():
            console().print(part)
    sys.stdout.flush()


def table(*columns: str, rows: Iterable[Sequence[Any]]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return drawn


def facts(pairs: Iterable[tuple[str, Any]]) -> "Table":
    """Names and values, one a line; empty values are left out."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(style="bold", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, "", ()):
            drawn.add_row(name, value if isinstance(value, Text) else Text(str(value)))
    return drawn


def outcome(word: str) -> Any:
    from rich.text import Text

    return Text(str(word), style=STYLES.get(str(word), ""))


def counted(counts: "dict[Any, int]") -> str:
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number) or "none ended yet"


def when(at: "datetime | None") -> str:
    from datetime import UTC

    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""
