"""Virtual media: the slots of one BMC, and the image that is really fetched before it counts as inserted.

A BMC mounts over the network and reads on demand; here the first bytes are read, within a bounded time, so
that a wrong URL, a refused connection and a silent server fail as they do on a real one. Certificates are
not verified unless the slot is told to. Of an ISO image as much is read as holds its boot configuration: the
installer has the words of its kernel line, `ip=` and `phone_home=` among them. A query in the image's URL
tells what the medium will do beside that: `after=poweroff`, `phone-home=URL`.
"""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import aiohttp

from simulator.bmc import iso
from simulator.bmc.machine import Medium

PATIENCE_S = 20.0
"""Wall seconds for the first bytes of an image."""
_FIRST_BYTES = 65_536
_CALLS, _CALL_EVERY_S = 60, 0.5
"""Of an installed system that calls home; wall time."""
_LONGEST_READ = 64 * 1024 * 1024
"""Of an ISO image; its boot configuration lies near its beginning."""


class UnreachableError(Exception):
    """The image cannot be read from the BMC; the message says why."""


@dataclass(slots=True)
class Slot:
    """One virtual drive."""

    id: str
    usable: bool = True
    image: str | None = None
    inserted: bool = False
    write_protected: bool = True
    verify: bool = False
    user: str | None = None
    was_tried: bool = False
    """For BMCs whose first insert fails."""
    ejected_at: float = float("-inf")
    """Simulated."""

    def insert(self, image: str) -> None:
        self.image, self.inserted = image, True

    def eject(self, now: float) -> None:
        self.inserted, self.ejected_at = False, now


@dataclass(slots=True)
class Fetcher:
    """Reads images; one client for all BMCs, made when the first image is asked for."""

    patience_s: float = PATIENCE_S
    session: aiohttp.ClientSession | None = None
    tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Kernel lines of the images that were read, by URL."""

    async def probe(self, url: str, verify: bool) -> None:
        """Raises: UnreachableError."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UnreachableError(f"{url} is no HTTP or HTTPS URL")
        try:
            async with self._client().get(url, ssl=verify) as reply:
                if reply.status != 200:
                    raise UnreachableError(f"the server answered {reply.status} {reply.reason}")
                head = await reply.content.read(_FIRST_BYTES)
                if not head:
                    raise UnreachableError("the image is empty")
                self.words[url] = await _kernel_words(reply.content, head)
        except (aiohttp.ClientError, ValueError) as error:
            raise UnreachableError(str(error) or type(error).__name__) from None
        except TimeoutError:
            raise UnreachableError(f"no answer within {self.patience_s:g} s") from None

    def call_home(self, url: str) -> None:
        """POST there until somebody has heard it; in the background, and not for ever."""
        task = asyncio.get_running_loop().create_task(self._call(url))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _call(self, url: str) -> None:
        for _ in range(_CALLS):
            try:
                async with self._client().post(url, ssl=False) as reply:
                    if reply.ok:
                        return
            except (aiohttp.ClientError, TimeoutError):
                # Nobody listens just now.
                pass
            except ValueError:
                return
            await asyncio.sleep(_CALL_EVERY_S)

    def _client(self) -> aiohttp.ClientSession:
        if self.session is None:
            self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.patience_s))
        return self.session

    async def close(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        if self.session is not None:
            await self.session.close()


async def _kernel_words(content: aiohttp.StreamReader, head: bytes) -> tuple[str, ...]:
    read = bytearray(head)
    while len(read) < (_LONGEST_READ if iso.is_iso(read) else iso.ENOUGH):
        more = await content.read(_FIRST_BYTES)
        if not more:
            break
        read += more
    return iso.kernel_words(bytes(read))


def medium_of(image: str, words: tuple[str, ...]) -> Medium:
    """What the image does when a machine boots it."""
    asked = parse_qs(urlsplit(image).query)
    told = dict(word.split("=", 1) for word in words if "=" in word)
    return Medium(
        image=image,
        after="poweroff" if asked.get("after", [""])[0] == "poweroff" else "reboot",
        phone_home=told.get("phone_home") or asked.get("phone-home", [""])[0],
        address=told.get("ip", "").partition(",")[0].strip("[]"),
        words=words,
    )
