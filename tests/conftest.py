"""The table of real components at the end of a run.

`STARFLOCK_WHOLE_RUN` (set by `make test`) says that every test was meant to run; with `CI=true` a
component that did not run then fails the run.
"""

import os

import pytest

from tests.support import components


def _must_be_complete() -> bool:
    return os.environ.get("CI") == "true" and bool(os.environ.get("STARFLOCK_WHOLE_RUN"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not os.environ.get("STARFLOCK_WHOLE_RUN"):
        return
    terminalreporter.section("real components")
    for name, detail in components.table():
        terminalreporter.write_line(f"{name:38} {detail}")
    if _must_be_complete() and components.missing():
        terminalreporter.write_line(f"missing: {', '.join(components.missing())}", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == 0 and _must_be_complete() and components.missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
