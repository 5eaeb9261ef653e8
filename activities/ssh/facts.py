"""What the scripts on the host say, as facts: `name value` lines, runs with their lines after them."""

import re
from datetime import UTC, datetime
from typing import get_args

from models.bootstrap import Book, PlaybookRun, RunState

MARK = "bootstrap"
"""In the records: a playbook's run that we have begun at a site."""
FATAL = re.compile(r"^(fatal|failed): \[", re.M)
NEXT = re.compile(r"^(TASK \[|PLAY RECAP|RUNNING HANDLER|NO MORE HOSTS)", re.M)
WORDS_AT_MOST = 1200


class Look:
    """One answer of look.sh."""

    def __init__(self, text: str) -> None:
        self.host: dict[str, list[str]] = {}
        self._runs: dict[str, dict[str, str]] = {}
        facts: dict[str, str] | None = None
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            if name == "run":
                facts = self._runs.setdefault(value, {})
            elif facts is not None:
                facts[name] = value
            else:
                self.host.setdefault(name, []).append(value)

    def says(self, name: str) -> bool:
        return name in self.host

    @property
    def foreign(self) -> tuple[str, ...]:
        """Playbooks that no run of ours has started."""
        rows = [line.split(" ", 2) for line in self.host.get("process", ())]
        return tuple(f"{playbook} as process {pid}" for pid, run, playbook in rows if run == "-")

    def runs(self, ours: frozenset[str]) -> tuple[PlaybookRun, ...]:
        alive = {line.split(" ", 2)[1] for line in self.host.get("process", ())}
        return tuple(_run(name, facts, name in alive, name in ours) for name, facts in self._runs.items())


def _run(name: str, facts: dict[str, str], has_process: bool, ours: bool) -> PlaybookRun:
    code = facts.get("exit", "")
    return PlaybookRun(
        run=name,
        state=_state(facts, has_process),
        ours=ours,
        book=_book(facts.get("book", "")),
        backup=facts.get("backup", ""),
        started=datetime.fromtimestamp(int(facts["started"]), UTC) if "started" in facts else None,
        exit_code=int(code) if code.isdigit() else None,
        task=facts.get("task", ""),
        tasks=int(facts.get("tasks", "0") or 0),
        has_secrets="secrets" in facts,
    )


def _book(said: str) -> Book:
    """A run without a word of it bootstraps."""
    known: tuple[Book, ...] = get_args(Book)
    return next((book for book in known if book == said), "bootstrap")


def _state(facts: dict[str, str], has_process: bool) -> RunState:
    if "exit" in facts:
        return "ended"
    if has_process or "alive" in facts:
        return "running"
    return "died" if "started" in facts else "placed"


def failure_in(log: str) -> str:
    """The playbook's own words: the last `fatal:` with what belongs to it; else how the log ends."""
    found = list(FATAL.finditer(log))
    start = found[-1].start() if found else max(0, len(log) - WORDS_AT_MOST)
    after = NEXT.search(log, start + 1)
    words = log[start : after.start() if after and found else len(log)]
    return " ".join(words.split())[:WORDS_AT_MOST]
