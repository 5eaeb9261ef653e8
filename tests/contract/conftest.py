"""The numbers of matching exchanges stand at the end of every run."""

import pytest

from .tally import LINES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LINES:
        terminalreporter.section("recorded exchanges")
        for line in LINES:
            terminalreporter.write_line(line)
