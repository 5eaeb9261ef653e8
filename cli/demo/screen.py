"""Where the demo's progress goes: a live picture on a terminal, a line for every change elsewhere.

With `-o json` nothing but the verdict may be on standard output, so progress goes to standard error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.live import Live

from cli.output import console, remarks
from cli.watch import Source, line, picture


class Screen:
    """Shows a look; `end` leaves the last one standing."""

    def __init__(self, live: Live | None) -> None:
        self._live = live
        self._last = ""

    def show(self, source: Source, link: str, remark: str) -> None:
        if self._live is not None:
            self._live.update(picture(source, link, remark), refresh=True)
            return
        now = line(source)
        if now != self._last:
            self._last = now
            remarks().print(f"{datetime.now(UTC):%H:%M:%S} {now}")

    def remark(self, text: str) -> None:
        if self._live is None:
            remarks().print(text)

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()


@contextmanager
def screen(output: str) -> Iterator[Screen]:
    drawn_on = remarks() if output == "json" else console()
    if not drawn_on.is_terminal:
        yield Screen(None)
        return
    with Live(console=drawn_on, auto_refresh=False) as live:
        yield Screen(live)
