"""Who may speak to a BMC, when, and in which thread.

DMTF's library blocks, while the house's waits are coroutines that beat, hand over at a shutdown and sleep
nearly always. So an activity here is a coroutine, and each burst of requests, a *visit*, runs in a thread: an
hour's wait for an installer costs threads for its looks only. There are as many threads as visits may be at
once.

A BMC is a small computer: one visit at a time to each, a few to each site, a bounded number in all. A visit
whose activity was cancelled keeps its places until its thread has really ended. Between processes the lock of
the site (one change per site) sees to it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from activities.errors import ActivityFailure, Refused
from activities.http import NoAnswer, Rejected, Trust
from activities.redfish.client import Account, Client
from activities.redfish.errors import failure
from activities.unresolved import unresolved
from inventory.bmc import DeclaredBmc, declared_bmc
from inventory.load import Inventory, NotDeclared
from inventory.secrets import SecretError, resolve
from models.bmc import HostRef
from models.bmc_wire import Quirks
from models.timing import Timing

Value = TypeVar("Value")


@dataclass
class Visits:
    inventory: Callable[[], Inventory]
    timing: Timing
    quirks: Quirks
    request_timeout_s: float = 30.0
    at_once: int = 50
    per_site: int = 4
    _threads: ThreadPoolExecutor = field(init=False)
    _all: asyncio.Semaphore = field(init=False)
    _places: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="bmc")
        self._all = asyncio.Semaphore(self.at_once)

    def declared(self, host: HostRef) -> DeclaredBmc:
        """Read fresh each time. Raises Refused in words."""
        try:
            return declared_bmc(self.inventory(), host.site, host.host)
        except NotDeclared as error:
            raise Refused(str(error)) from error

    def client(self, declared: DeclaredBmc) -> Client:
        """Not yet logged in. Raises Refused for a secret that is not there."""
        try:
            password = resolve(declared.credential.password, self.inventory().path.parent)
        except SecretError as error:
            raise unresolved(error, f"BMC of {declared.site}/{declared.host.name}") from error
        return Client(
            Account(
                url=declared.url,
                username=declared.credential.username,
                password=password,
                trust=Trust(declared.ca_bundle, declared.fingerprint),
                unverified=declared.unverified,
                timeout_s=self.request_timeout_s,
            ),
            self.quirks.sessions_are_full,
        )

    def failure(self, error: NoAnswer | Rejected) -> ActivityFailure:
        """What an answer to a read means."""
        return failure(error, "read", self.quirks.judgement, self.timing.pace)

    def silence(self, error: NoAnswer | Rejected) -> str:
        """What a wait says of it. Raises what no waiting will mend, such as credentials that are no longer
        accepted."""
        meant = self.failure(error)
        if not meant.retryable:
            raise meant
        return meant.message

    async def run(self, declared: DeclaredBmc, work: Callable[[], Value]) -> Value:
        """`work` in a thread, when it is this BMC's turn."""
        places = (
            self._place(f"bmc {declared.url}", 1),
            self._place(f"site {declared.site}", self.per_site),
            self._all,
        )
        taken: list[asyncio.Semaphore] = []
        try:
            for place in places:
                await place.acquire()
                taken.append(place)
        except BaseException:
            _release(taken)
            raise
        going = asyncio.get_running_loop().run_in_executor(self._threads, work)
        going.add_done_callback(lambda ended: _after(ended, taken))
        return await asyncio.shield(going)

    def _place(self, name: str, many: int) -> asyncio.Semaphore:
        return self._places.setdefault(name, asyncio.Semaphore(many))

    def close(self) -> None:
        """Ends with the requests that are under way; each is bounded by its time-out."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def _after(ended: "asyncio.Future[Any]", places: list[asyncio.Semaphore]) -> None:
    """Also when nobody waits for it any more, its failure has been looked at."""
    _release(places)
    if not ended.cancelled():
        ended.exception()


def _release(places: list[asyncio.Semaphore]) -> None:
    for place in places:
        place.release()


@asynccontextmanager
async def closing(visits: Visits) -> AsyncIterator[Visits]:
    try:
        yield visits
    finally:
        await asyncio.to_thread(visits.close)
