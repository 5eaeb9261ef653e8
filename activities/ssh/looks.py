"""What workflows ask about a host that is bootstrapped: one look at it, and the wait for its playbook.

The wait keeps one session for as long as it lasts and takes another when that is lost. The playbook sets up
the host's network, so silence is bridged up to a limit. It ends when the playbook does, when the playbook
comes to another role (so that progress shows where it is, at a dozen events in all), or, for a run that is
to stop, when what the playbook does may be cut off.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import Refused
from activities.ssh.errors import SshTrouble, failure
from activities.ssh.facts import failure_in
from activities.waiting import Heartbeat, pause, seconds
from inventory.secrets import redact
from models.bootstrap import (
    AwaitFreeRequest,
    AwaitPlaybookRequest,
    BootstrapRef,
    InstalledHost,
    PlaybookEnd,
    PlaybookRun,
    role_of,
)

if TYPE_CHECKING:
    from activities.ssh.client import Session
    from activities.ssh.hosts import Hosts
    from inventory.bootstrap import DeclaredHost

POLL_S = 10.0
LOG_BYTES = 20_000


@dataclass
class BootstrapLooks:
    hosts: "Hosts"

    @activity.defn
    async def look_at_installed_host(self, ref: BootstrapRef) -> InstalledHost:
        """Its declaration is judged first: nothing is asked of a host with mistakes in it."""
        declared = self.hosts.declared(ref.site, ref.book)
        digest = self.hosts.overrides(declared).digest if ref.book == "bootstrap" else ""
        try:
            async with self.hosts.visit(declared) as session:
                seen = await self.hosts.look(declared, session)
        except SshTrouble as error:
            raise failure(error) from error
        return seen.model_copy(update={"digest": digest})

    @activity.defn
    async def await_free_host(self, request: AwaitFreeRequest) -> InstalledHost:
        """As it is then, or when `within` is over."""
        timing = self.hosts.timing
        async with Heartbeat() as heart:
            deadline = heart.began + seconds(timing.paced(request.within))
            while True:
                seen = await self.look_at_installed_host(BootstrapRef(site=request.site, book=request.book))
                if not seen.busy or time.time() > deadline:
                    return seen
                heart.tell(seen.busy)
                await pause(timing.poll_s(POLL_S))

    @activity.defn
    async def await_playbook(self, request: AwaitPlaybookRequest) -> PlaybookEnd:
        timing = self.hosts.timing
        declared = self.hosts.declared(request.site, request.book)
        async with Heartbeat() as heart:
            wait = _Wait(request, heart.began + seconds(timing.paced(request.within)), _heard_before(heart))
            while True:
                try:
                    async with self.hosts.visit(declared) as session:
                        while True:
                            run = await self._run(declared, session, request.run)
                            end = await self._end_of(declared, session, request, run)
                            if end is not None:
                                return end
                            wait.heard = time.time()
                            if wait.is_late:
                                return wait.late(run)
                            heart.tell(wait.heard, run.task if run else "", run.tasks if run else 0)
                            await pause(timing.poll_s(POLL_S))
                except SshTrouble as error:
                    wait.words = _silence(error)
                if wait.is_late or wait.silence > seconds(timing.paced(request.silence)):
                    how = "late" if wait.is_late else "silent"
                    return PlaybookEnd(how=how, words=wait.words, attempt=activity.info().attempt)
                heart.tell(wait.heard, wait.words)
                await pause(timing.poll_s(POLL_S))

    async def _run(self, declared: "DeclaredHost", session: "Session", name: str) -> PlaybookRun | None:
        return (await self.hosts.look(declared, session)).run_named(name)

    async def _end_of(
        self,
        declared: "DeclaredHost",
        session: "Session",
        request: AwaitPlaybookRequest,
        run: PlaybookRun | None,
    ) -> PlaybookEnd | None:
        """None while there is something to wait for."""
        attempt = activity.info().attempt
        if run is None:
            return PlaybookEnd(how="gone", words=f"run {request.run} is not there any more", attempt=attempt)
        seen = PlaybookEnd(how="so", exit_code=run.exit_code, task=run.task, attempt=attempt)
        if run.state == "running":
            if request.to_stop:
                held = any(part in run.task for part in request.not_during)
                return None if held else seen.model_copy(update={"how": "stoppable"})
            moved = role_of(run.task) != request.role
            return seen.model_copy(update={"how": "moved"}) if moved else None
        if run.state == "ended" and run.exit_code == 0:
            return seen
        how = "failed" if run.state == "ended" else "died"
        words = await self._words(declared, session, request.run)
        return seen.model_copy(update={"how": how, "words": words})

    async def _words(self, declared: "DeclaredHost", session: "Session", run: str) -> str:
        """The playbook's own, without our secrets; none where those are not to be had any more."""
        try:
            secrets = self.hosts.placeable(declared).secrets
        except Refused as error:
            return f"its log is not shown, because its secrets cannot be told in it: {error.message}"
        return failure_in(redact(await session.run("log", run, str(LOG_BYTES)), secrets))


@dataclass
class _Wait:
    request: AwaitPlaybookRequest
    deadline: float
    heard: float
    words: str = ""

    @property
    def is_late(self) -> bool:
        return time.time() > self.deadline

    @property
    def silence(self) -> float:
        return time.time() - self.heard

    def late(self, run: PlaybookRun | None) -> PlaybookEnd:
        task = run.task if run else ""
        return PlaybookEnd(how="late", task=task, attempt=activity.info().attempt)


def _silence(error: SshTrouble) -> str:
    """Raises what no waiting will mend, such as another host key."""
    meant = failure(error)
    if not meant.retryable:
        raise meant from error
    return meant.message


def _heard_before(heart: Heartbeat) -> float:
    """When the host last answered, by the heartbeat of an earlier attempt."""
    details = activity.info().heartbeat_details
    return float(details[1]) if len(details) > 1 else heart.began
