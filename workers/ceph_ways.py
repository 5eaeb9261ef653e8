"""The ways to the Ceph of every site: a toolbox pod of Rook's, or the controller of bare-metal Ceph.

Ceph, Kubernetes and SSH do not know each other; here the port of the first is carried by one of the others.
The program is given its end where it runs (`timeout`), because neither a closed WebSocket nor a lost session
ends it. What is temporary there, a toolbox that moves to another host or an API that restarts, is silence.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn

from activities.ceph import program
from activities.ceph.commands import Command, CommandResult, RbdCommand, RbdPort
from activities.ceph.program import Ran
from activities.errors import Refused
from activities.http import NoAnswer, Rejected
from activities.kubernetes import errors as kubernetes
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.execution import Execution, executing
from activities.ssh import errors as ssh
from activities.ssh.client import Session, session
from activities.ssh.hosts import target
from inventory.ceph import DeclaredCeph, DeclaredLogin, declared_ceph, is_alone
from inventory.load import Inventory, NotDeclared
from models.timing import Timing
from models.volumes import VolumePolicy

CONNECT_S = 10
ENDED = 124
"""What `timeout` says of a program that it has ended (coreutils)."""
KILLED_AFTER_S = 2
ON_THE_WAY_S = 5.0
"""Beyond the program's own time, for what it has said to reach us."""

Run = Callable[[Sequence[str], float], Awaitable[Ran]]


@dataclass(frozen=True)
class RemoteCli:
    """`ceph` and `rbd` where somebody lets us run them."""

    run: Run
    """A program with its arguments, and how long we wait. Raises NoAnswer and ActivityFailure."""
    where: str
    user: str

    async def command(self, prefix: str, args: Sequence[str], deadline_s: float) -> CommandResult:
        asked = Command(prefix, tuple(args))
        return await self._bounded(asked, program.arguments(asked, self.user, CONNECT_S), deadline_s)

    async def rbd(self, args: Sequence[str], deadline_s: float) -> CommandResult:
        asked = RbdCommand(tuple(args))
        return await self._bounded(asked, program.rbd_arguments(asked, self.user, CONNECT_S), deadline_s)

    async def _bounded(
        self, asked: Command | RbdCommand, words: Sequence[str], deadline_s: float
    ) -> CommandResult:
        bound = ("timeout", "-k", str(KILLED_AFTER_S), f"{deadline_s:g}")
        ran = await self.run((*bound, *words), deadline_s + KILLED_AFTER_S + ON_THE_WAY_S)
        if ran.code == ENDED:
            late = f"no answer within {deadline_s:g} s"
            raise NoAnswer(str(asked), f"at {self.where}", late, maybe_applied=True)
        return program.result(asked, self.where, ran)


@dataclass
class CephWays:
    inventory: Callable[[], Inventory]
    clusters: Clusters
    timing: Timing

    def has_ceph(self, site: str) -> bool:
        return self.inventory().site(site).ceph is not None

    def is_alone(self, site: str) -> bool:
        return is_alone(self.inventory(), site)

    def volumes(self, site: str) -> VolumePolicy | None:
        access = self.inventory().site(site).ceph
        return access.volumes if access is not None else None

    @asynccontextmanager
    async def opened(self, site: str) -> AsyncIterator[RbdPort]:
        try:
            declared = declared_ceph(self.inventory(), site)
        except NotDeclared as error:
            raise Refused(str(error)) from error
        if declared.login is None:
            async with executing(self.clusters, site) as client:
                yield await self._in_toolbox(client, declared)
        else:
            async with self._controller(declared.login) as found:
                yield _on_controller(found, declared.access.user)

    async def _in_toolbox(self, client: Execution, declared: DeclaredCeph) -> RbdPort:
        access = declared.access
        try:
            pod = await client.running_pod(access.namespace, access.toolbox)
        except Rejected as error:
            _not_begun(error)
        if not pod:
            words = f"no pod with {access.toolbox} is ready: it moves, or Rook's toolbox is not deployed"
            raise NoAnswer("ceph", f"in {access.namespace} of {declared.site}", words, maybe_applied=False)

        async def run(words: Sequence[str], within_s: float) -> Ran:
            try:
                done = await client.execute(access.namespace, pod, words, within_s)
            except Rejected as error:
                _not_begun(error)
            return Ran(done.code, done.out, done.errors)

        return RemoteCli(run, f"{access.namespace}/{pod} of {declared.site} as {access.user}", access.user)

    @asynccontextmanager
    async def _controller(self, login: DeclaredLogin) -> AsyncIterator[Session]:
        whom = target(
            login.host,
            login.port,
            login.credential,
            host_key=login.host_key,
            known_hosts=login.known_hosts,
            base=login.base,
        )
        try:
            async with session(whom, self.timing.request_timeout_s) as found:
                yield found
        except ssh.SshTrouble as error:
            _lost(error)


def _on_controller(found: Session, user: str) -> RbdPort:
    async def run(words: Sequence[str], within_s: float) -> Ran:
        try:
            code, out, errors = await found.program(words, "ceph", within_s=within_s)
        except ssh.SshTrouble as error:
            _lost(error)
        return Ran(code, out, errors)

    return RemoteCli(run, f"{found.target} as {user}", user)


def _not_begun(error: Rejected) -> NoReturn:
    """Silence where it passes, or the way has to be opened by a person."""
    status = error.status
    if status >= 500 or status in (404, 408, 409, 429):
        words = f"{status} {error.words}"
        raise NoAnswer(error.reply.method, error.reply.url, words, maybe_applied=False) from error
    raise kubernetes.failure(error) from error


def _lost(error: ssh.SshTrouble) -> NoReturn:
    if isinstance(error, ssh.NoSession):
        raise NoAnswer("ceph", "over SSH", str(error), maybe_applied=error.maybe_applied) from error
    raise ssh.failure(error) from error
