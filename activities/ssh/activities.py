"""What workflows ask a host to do: take files, start the playbook, end it, lose its secrets.

Each looks, decides, acts at most once and looks again. That a playbook starts once is held on the host, too:
the run's folder `started` is made by one start alone, whoever sends a second. Placing and wiping may be
repeated at will. Secrets travel through standard input and lie in one file of mode 600, for as long as the
playbook may read it.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import Busy, NotYet, Refused, Transient
from activities.send_window import SendWindow
from activities.ssh.errors import NoSession, SshTrouble, failure
from activities.ssh.facts import MARK
from activities.waiting import seconds
from inventory.bootstrap import SECRETS, VALUES
from inventory.secrets import spellings
from models.bootstrap import (
    BootstrapRunRef,
    InstalledHost,
    PlaybookRun,
    PlaybookStep,
    StopRequest,
    Wiped,
    WipeSecretsRequest,
)
from models.records import Mark

if TYPE_CHECKING:
    from activities.ssh.client import Session
    from activities.ssh.hosts import Hosts
    from inventory.bootstrap import DeclaredHost

SETTLE = timedelta(seconds=30)
"""For a process to begin or to end on a busy host."""
WATCH_S = 0.5
SHORTEST_LINE = 4
"""Of a secret; less would take lines out of a log that hold none."""


@dataclass
class BootstrapActivities:
    hosts: "Hosts"

    @activity.defn
    async def place_run(self, ref: BootstrapRunRef) -> PlaybookStep:
        """The files of a run, before its start; what was started already is left alone."""
        declared = self.hosts.declared(ref.site, ref.book)
        files = self.hosts.placeable(declared, ref.values, ref.restore)
        try:
            async with self.hosts.visit(declared) as session:
                there = (await self.hosts.look(declared, session)).run_named(ref.run)
                if there is None or there.state == "placed":
                    await self._remember(ref)
                    if ref.book != "bootstrap":
                        await session.put(ref.run, "book", ref.book)
                    if ref.restore is not None:
                        await session.put(ref.run, "backup", ref.restore.backup)
                    await session.put(ref.run, "playbook.sh", self.hosts.playbook_script)
                    await session.put(ref.run, f"overrides/{VALUES}", files.values)
                    await session.put(ref.run, f"overrides/{SECRETS}", files.secret_values)
                    there = await self._run(declared, session, ref.run)
        except SshTrouble as error:
            raise failure(error) from error
        return _step(there)

    @activity.defn
    async def start_playbook(self, ref: BootstrapRunRef) -> PlaybookStep:
        """Runs, or has ended already. Raises Busy where another playbook runs."""
        window = SendWindow(self.hosts.timing.send_window_s)
        declared = self.hosts.declared(ref.site, ref.book)

        def has_begun(run: PlaybookRun | None) -> bool:
            return run is not None and run.state in ("running", "ended")

        try:
            async with self.hosts.visit(declared) as session:
                seen = await self.hosts.look(declared, session)
                run = seen.run_named(ref.run)
                if run is None:
                    raise Refused(f"{declared}: the files of run {ref.run} are gone; start again")
                if has_begun(run):
                    return _step(run)
                if run.state == "placed":
                    _refuse_others(declared, seen)
                    window.check()
                    await session.run("start", ref.run, ref.book)
        except NoSession as error:
            if not error.maybe_applied:
                raise failure(error) from error
        except SshTrouble as error:
            raise failure(error) from error
        return _step(await self._watch(declared, ref.run, has_begun, "the start of the playbook"))

    @activity.defn
    async def stop_playbook(self, request: StopRequest) -> PlaybookStep:
        """Asks it to end; an attempt after that insists. Raises NotYet during what may not be cut off."""
        window = SendWindow(self.hosts.timing.send_window_s)
        declared = self.hosts.declared(request.site, request.book)

        def is_over(run: PlaybookRun | None) -> bool:
            return run is None or run.state != "running"

        try:
            async with self.hosts.visit(declared) as session:
                run = await self._run(declared, session, request.run)
                if is_over(run):
                    return _step(run)
                if run is not None and any(part in run.task for part in request.not_during):
                    raise NotYet(f"{declared}: {run.task!r} may not be cut off")
                window.check()
                await session.run("stop", request.run)
        except NoSession as error:
            if not error.maybe_applied:
                raise failure(error) from error
        except SshTrouble as error:
            raise failure(error) from error
        return _step(await self._watch(declared, request.run, is_over, "the end of the playbook"))

    @activity.defn
    async def wipe_secrets(self, request: WipeSecretsRequest) -> Wiped:
        """Of this run and of ours that are over, files and logs; a look afterwards says what is
        left. Another Starflock's are its own."""
        declared = self.hosts.declared(request.site, request.book)
        try:
            lines = _lines(self.hosts.placeable(declared).secrets)
        except Refused:
            # The overrides were edited or their secrets are gone: the files go all the same.
            lines = ""
        try:
            async with self.hosts.visit(declared) as session:
                seen = await self.hosts.look(declared, session)
                runs = {run.run for run in seen.left_behind} | ({request.run} if request.run else set())
                left = (await session.run("wipe", *sorted(runs))).split("\n")
                if lines:
                    await session.run("scrub", given=lines)
                seen = await self.hosts.look(declared, session)
        except SshTrouble as error:
            raise failure(error) from error
        left += [f"secrets of run {run.run}" for run in seen.runs if run.has_secrets and run.run in runs]
        return Wiped(left=tuple(filter(None, left)), attempt=activity.info().attempt)

    async def _watch(
        self,
        declared: "DeclaredHost",
        name: str,
        is_so: Callable[[PlaybookRun | None], bool],
        what: str,
    ) -> PlaybookRun | None:
        """Looks until it is so or the settle time is over. Raises Transient; a start that came to nothing is
        returned, because it can never come to something."""
        deadline = time.monotonic() + seconds(self.hosts.timing.paced(SETTLE)) + 2 * WATCH_S
        trouble = ""
        run = None
        while True:
            is_last = time.monotonic() >= deadline
            try:
                async with self.hosts.visit(declared) as session:
                    run = await self._run(declared, session, name)
                if is_so(run):
                    return run
            except SshTrouble as error:
                trouble = f": {error}"
            if is_last:
                if run is not None and run.state == "died":
                    return run
                raise Transient(f"{declared}: {what} is not seen{trouble}")
            await asyncio.sleep(WATCH_S)

    async def _run(self, declared: "DeclaredHost", session: "Session", name: str) -> PlaybookRun | None:
        return (await self.hosts.look(declared, session)).run_named(name)

    async def _remember(self, ref: BootstrapRunRef) -> None:
        info = activity.info()
        await self.hosts.journal.remember(
            Mark(
                site=ref.site,
                kind=MARK,
                value=ref.run,
                run_id=info.workflow_run_id or "",
                made=datetime.now(UTC),
            )
        )


def _refuse_others(declared: "DeclaredHost", seen: InstalledHost) -> None:
    if seen.running is not None:
        raise Busy(f"{declared}: run {seen.running.run} of Starflock is at work")
    if seen.foreign:
        raise Busy(f"{declared}: somebody runs {seen.foreign[0]}")
    if declared.book == "bootstrap" and (seen.bootstrapped or seen.finalized):
        raise Busy(f"{declared} has been bootstrapped meanwhile")


def _lines(secrets: tuple[str, ...]) -> str:
    """Of all spellings, as grep takes them."""
    lines = {line for form in spellings(secrets) for line in form.splitlines()}
    return "".join(f"{line}\n" for line in sorted(lines) if len(line) >= SHORTEST_LINE)


def _step(run: PlaybookRun | None) -> PlaybookStep:
    state = run.state if run else "gone"
    return PlaybookStep(state=state, attempt=activity.info().attempt)
