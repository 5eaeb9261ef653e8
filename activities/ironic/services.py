"""Which Ironic serves a host, and in which thread it is spoken to.

ironicclient blocks, while the house's waits are coroutines that beat, hand over at a shutdown and sleep
nearly always. So an activity here is a coroutine, and each burst of requests runs in a thread; there are as
many threads as bursts may be at once. A service has one client (connections, token, version of the API), made
when it is first needed, and made anew when its declaration or its secret has changed, and after a 401 or a
lost answer.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from activities.bursts import burst
from activities.errors import Refused
from activities.http import NoAnswer, Rejected, Trust
from activities.ironic.account import Account
from activities.unresolved import unresolved
from inventory.ironic import DeclaredNode, declared_node
from inventory.load import Inventory, NotDeclared
from inventory.secrets import SecretError, resolve
from models.bmc import HostRef
from models.timing import Timing

if TYPE_CHECKING:
    from activities.ironic.client import Client

Value = TypeVar("Value")


@dataclass
class Services:
    inventory: Callable[[], Inventory]
    timing: Timing
    at_once: int = 16
    _threads: ThreadPoolExecutor = field(init=False)
    _clients: dict[Account, "tuple[str, Client]"] = field(default_factory=dict)
    """By account without its password, with the password they were opened with."""
    _opening: dict[str, threading.Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="ironic")

    def declared(self, host: HostRef) -> DeclaredNode:
        """Read fresh each time. Raises Refused in words."""
        try:
            return declared_node(self.inventory(), host.site, host.host)
        except NotDeclared as error:
            raise Refused(str(error)) from error

    async def run(self, declared: DeclaredNode, work: "Callable[[Client], Value]") -> Value:
        """`work` in a thread. Raises what it raises, Refused for a secret that is not there."""
        account = self._account(declared)

        def asked() -> Value:
            try:
                return work(self._client(account))
            except (NoAnswer, Rejected) as error:
                if isinstance(error, NoAnswer) or error.status == 401:
                    self._forget(account)
                raise

        return await burst(self._threads, asked)

    def password_of_bmc(self, declared: DeclaredNode) -> str:
        """For enrolling only. Raises Refused."""
        assert declared.credential is not None
        return self._secret(declared.credential.password, f"BMC of {declared}")

    def close(self) -> None:
        """Ends with the requests that are under way; each is bounded by its time-out."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for _, client in self._clients.values():
            client.close()

    def _account(self, declared: DeclaredNode) -> Account:
        service = declared.service
        account = Account(
            url=service.url.rstrip("/").removesuffix("/v1"),
            trust=Trust(declared.ca_bundle, service.fingerprint),
            unverified=service.unverified,
            timeout_s=self.timing.request_timeout_s,
        )
        credential = service.credential
        if credential is None:
            return account
        return replace(
            account,
            auth_url=service.auth_url or "",
            username=credential.username,
            password=self._secret(credential.password, f"Ironic of {declared.site}"),
            project=credential.project,
            domain=credential.domain,
        )

    def _secret(self, reference: str, of: str) -> str:
        try:
            return resolve(reference, self.inventory().path.parent)
        except SecretError as error:
            raise unresolved(error, of) from error

    def _client(self, account: Account) -> "Client":
        from activities.ironic.client import Client

        key = replace(account, password="")
        # One that does not answer holds up nobody else.
        with self._opening.setdefault(account.url, threading.Lock()):
            known = self._clients.get(key)
            if known is None or known[0] != account.password:
                self._forget(account)
                self._clients[key] = known = (account.password, Client(account))
            return known[1]

    def _forget(self, account: Account) -> None:
        """Requests that are under way in other threads end undisturbed."""
        known = self._clients.pop(replace(account, password=""), None)
        if known is not None:
            known[1].close()


@asynccontextmanager
async def closing(services: Services) -> AsyncIterator[Services]:
    try:
        yield services
    finally:
        await asyncio.to_thread(services.close)
