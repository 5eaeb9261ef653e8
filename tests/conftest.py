"""The order of the tests, and what is told at the end of a run: where the time went, and the table of real
components.

What takes minutes comes first, so that no process is left alone with it in the end. Both tables are gathered
from all test processes.

`STARFLOCK_WHOLE_RUN` (set by `make test`) says that every test was meant to run; with `CI=true` a
component that did not run then fails the run.
"""

import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

from tests.support import components, forked

LONGEST_FIRST = ("chaos", "e2e", "real_boot", "contract")
"""Folders below this one; the others come after them."""
SHARE_A_REAL_ONE = (
    "contract/archive",
    "contract/ceph",
    "contract/ironic",
    "contract/kubernetes",
    "contract/redfish",
    "deploy/containers",
    "records",
)
"""Folders whose files share a server that takes seconds to start and works all the while: one test process
has all of such a folder. Elsewhere each file may go to another."""
SLOWEST_SHOWN = 25
_spent_s: defaultdict[str, float] = defaultdict(float)
"""By file: set-up, calls and teardown, by the clock on the wall."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)


class _Together(LoadFileScheduling):
    """A file's tests go to one process, and so do the files of a folder that share a server."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = PurePosixPath(file).parent.relative_to("tests").as_posix()
        return folder if folder in SHARE_A_REAL_ONE else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return _Together(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    try:
        return (yield)
    finally:
        forked.end()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _spent_s[report.location[0]] += report.duration


def _must_be_complete() -> bool:
    return os.environ.get("CI") == "true" and bool(os.environ.get("STARFLOCK_WHOLE_RUN"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not os.environ.get("STARFLOCK_WHOLE_RUN"):
        return
    terminalreporter.section("where the time went")
    for name, seconds in sorted(_spent_s.items(), key=lambda each: -each[1])[:SLOWEST_SHOWN]:
        terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
    terminalreporter.write_line(f"{sum(_spent_s.values()):7.1f} s  in {len(_spent_s)} files")
    terminalreporter.section("real components")
    for name, detail in components.table():
        terminalreporter.write_line(f"{name:38} {detail}")
    if _must_be_complete() and components.missing():
        terminalreporter.write_line(f"missing: {', '.join(components.missing())}", red=True)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """pytest-xdist: a test process has ended."""
    for name, detail in getattr(node, "workeroutput", {}).get("components", {}).items():
        components.used(name, detail)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["components"] = components.told()
        return
    if exitstatus == 0 and _must_be_complete() and components.missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
