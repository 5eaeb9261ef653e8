"""The numbers of matching exchanges stand at the end of every run."""

import pytest

from .tally import LINES, TOTALS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LINES:
        terminalreporter.section("recorded exchanges")
        for line in LINES:
            terminalreporter.write_line(line)
        for system, (matching, total) in TOTALS.items():
            terminalreporter.write_line(f"{system}, all together: {matching} of {total}")
