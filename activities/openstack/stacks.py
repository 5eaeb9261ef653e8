"""Which OpenStack is a site's, in which thread it is spoken to, and is it that one.

A client lives as long as one activity: the login costs a fifth of a second, while a connected one holds some
tens of kilobytes, and credentials are read fresh. Nova names its computes after the hosts that they run on,
so an OpenStack that has one on a host that is not the site's is not the site's either.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from activities.bursts import burst
from activities.errors import Refused
from activities.http import Trust
from activities.openstack.account import Account
from activities.openstack.client import Client, Document
from activities.unresolved import unresolved
from inventory.load import Inventory, NotDeclared
from inventory.openstack import DeclaredOpenstack, declared_openstack
from inventory.secrets import SecretError, resolve
from models.timing import Timing

Value = TypeVar("Value")


@dataclass
class Stack:
    """One that is open."""

    declared: DeclaredOpenstack
    client: Client
    _threads: ThreadPoolExecutor

    async def ask(self, work: Callable[[Client], Value]) -> Value:
        """`work` in a thread. Raises what it raises: NoAnswer, Rejected, NotOne."""
        return await burst(self._threads, lambda: work(self.client))


@dataclass
class Stacks:
    inventory: Callable[[], Inventory]
    timing: Timing
    at_once: int = 8
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="openstack")

    def declares(self, site: str) -> bool:
        """Raises Refused for a site that nobody declared."""
        try:
            return self.inventory().site(site).openstack is not None
        except NotDeclared as error:
            raise Refused(str(error)) from error

    @asynccontextmanager
    async def opened(self, site: str) -> AsyncIterator[Stack]:
        """Raises Refused for a declaration or a secret that cannot be used."""
        try:
            declared = declared_openstack(self.inventory(), site)
        except NotDeclared as error:
            raise Refused(str(error)) from error
        account = self._account(declared)
        client = await burst(self._threads, lambda: Client(account))
        try:
            yield Stack(declared, client, self._threads)
        finally:
            await burst(self._threads, client.close)

    def close(self) -> None:
        """Ends with the requests that are under way; each is bounded by its time-out."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _account(self, declared: DeclaredOpenstack) -> Account:
        access = declared.access
        credential = access.credential
        try:
            password = resolve(credential.password, self.inventory().path.parent)
        except SecretError as error:
            raise unresolved(error, f"openstack of {declared.site}") from error
        return Account(
            auth_url=access.auth_url,
            username=credential.username,
            password=password,
            project=credential.project,
            user_domain=credential.user_domain,
            project_domain=credential.project_domain,
            region=access.region,
            interface=access.interface,
            trust=Trust(declared.ca_bundle),
            timeout_s=self.timing.request_timeout_s,
        )


def must_be(declared: DeclaredOpenstack, services: list[Document] | None) -> None:
    """Raises Refused when another OpenStack answers than the site's."""
    hosts = {host.name for host in declared.hosts}
    computes = [each["host"] for each in services or () if each["binary"] == "nova-compute"]
    strange = sorted(set(computes) - hosts)
    if hosts and strange:
        raise Refused(
            f"{declared.site}: nova-compute runs on {', '.join(strange)} in the OpenStack that answers at "
            f"{declared.access.auth_url}, which is no host of the site; nothing was sent"
        )


@asynccontextmanager
async def closing(stacks: Stacks) -> AsyncIterator[Stacks]:
    try:
        yield stacks
    finally:
        await asyncio.to_thread(stacks.close)
