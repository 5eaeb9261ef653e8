"""From a site's name to its controller-0: what is declared of it, and sessions with it.

Secrets are resolved here, at the moment of a visit, and are gone with it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from temporalio import activity

from activities.errors import Refused
from activities.ssh.client import Session, Target, script_text, session
from activities.ssh.facts import MARK, Look
from activities.unresolved import unresolved
from inventory.bootstrap import (
    DeclaredHost,
    Overrides,
    Placeable,
    load_host,
    load_overrides,
    placeable,
)
from inventory.load import Inventory, NotDeclared
from inventory.own_backup import backup_files, backup_host, restore_files
from inventory.problems import FileErrors
from inventory.secrets import SecretError, resolve
from inventory.ssh import DeclaredShell, declared_shell
from models.bootstrap import BackupValues, Book, InstalledHost, RestoreValues
from models.bootstrap_files import SshCredential
from models.platform import Door
from models.records import Journal
from models.timing import Timing

NOTHING_MORE = BackupValues()


@dataclass
class Hosts:
    inventory: Callable[[], Inventory]
    timing: Timing
    journal: Journal

    def declared(self, site: str, book: Book = "bootstrap") -> DeclaredHost:
        """Raises Refused."""
        try:
            if book != "bootstrap":
                return replace(backup_host(self.inventory(), site), book=book)
            return load_host(self.inventory(), site)
        except (NotDeclared, FileErrors) as error:
            raise Refused(str(error)) from error

    def overrides(self, declared: DeclaredHost) -> Overrides:
        """Raises Refused with every mistake."""
        try:
            return load_overrides(declared)
        except FileErrors as error:
            raise Refused(str(error)) from error

    def placeable(
        self,
        declared: DeclaredHost,
        values: BackupValues = NOTHING_MORE,
        restore: RestoreValues | None = None,
    ) -> Placeable:
        """Raises Refused. Of a restore without its values: the secrets alone."""
        try:
            if declared.book == "backup":
                return backup_files(declared, values)
            if declared.book != "bootstrap":
                return restore_files(declared, restore)
            return placeable(declared, self.overrides(declared))
        except SecretError as error:
            raise unresolved(error) from error

    def shell(self, site: str, door: Door) -> DeclaredShell:
        """Raises Refused."""
        try:
            return declared_shell(self.inventory(), site, door)
        except (NotDeclared, FileErrors) as error:
            raise Refused(str(error)) from error

    @asynccontextmanager
    async def at(self, shell: DeclaredShell) -> AsyncIterator[Session]:
        """Raises SshTrouble, and Refused where a secret is not to be had."""
        access = shell.access
        wanted = target(
            shell.host,
            shell.port,
            access.credential,
            host_key=access.host_key,
            known_hosts=shell.known_hosts,
            base=shell.base,
        )
        async with session(wanted, self.timing.request_timeout_s) as found:
            yield found

    @property
    def playbook_script(self) -> str:
        """What is placed with a run and started."""
        return script_text("playbook")

    @asynccontextmanager
    async def visit(self, declared: DeclaredHost) -> AsyncIterator[Session]:
        """Raises SshTrouble, and Refused where a secret is not to be had."""
        async with session(self._target(declared), self.timing.request_timeout_s) as found:
            yield found

    async def look(self, declared: DeclaredHost, session: Session) -> InstalledHost:
        """Raises SshTrouble."""
        seen = Look(await session.run("look"))
        marks = await self.journal.marks(declared.site.name)
        ours = frozenset(mark.value for mark in marks if mark.kind == MARK)
        access = declared.access
        return InstalledHost(
            address=str(session.target),
            proof=f"host key {access.host_key}" if access.host_key else f"its key in {access.known_hosts}",
            playbook=seen.says("playbook"),
            lacks=tuple(seen.host.get("lacks", ())),
            bootstrapped=seen.says("bootstrapped"),
            finalized=seen.says("finalized"),
            runs=seen.runs(ours),
            foreign=seen.foreign,
            book=declared.book,
            timing=self.timing,
            attempt=activity.info().attempt,
        )

    def _target(self, declared: DeclaredHost) -> Target:
        return target(
            declared.host,
            declared.port,
            declared.access.credential,
            host_key=declared.access.host_key,
            known_hosts=declared.known_hosts,
            base=declared.base,
        )


def target(
    host: str,
    port: int,
    credential: SshCredential,
    *,
    host_key: str | None,
    known_hosts: Path | None,
    base: Path,
) -> Target:
    """With its secrets, whose files start at `base`. Raises Refused where one is not to be had."""

    def secret(reference: str | None) -> str | None:
        return None if reference is None else resolve(reference, base)

    try:
        return Target(
            host=host,
            port=port,
            username=credential.username,
            password=secret(credential.password),
            private_key=secret(credential.private_key),
            passphrase=secret(credential.passphrase),
            host_key=host_key,
            known_hosts=str(known_hosts) if known_hosts else None,
        )
    except SecretError as error:
        raise unresolved(error) from error
