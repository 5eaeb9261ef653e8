"""Calls home of installed systems, kept in the records: who is expected, and who has called.

Each run that waits for a call expects it under a token of its own, which goes into the host's boot image. A
call with a token that nobody expects is not taken. Expectation and call are marks in the records, so it does
not matter which worker hears the call and which one waits, nor which of them dies in between: the wait reads
the records again. The token is no secret (whoever fetches the image can read it), it only cannot be guessed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from activities.errors import Refused
from models.bmc import AwaitHostRequest, HostRef
from models.install import ExpectCallRequest, ExpectedCall, Sign
from models.records import Journal, Mark

EXPECTED_MARK, CALLED_MARK = "call-expected", "called-home"
PATH = "installed"


@dataclass
class Calls:
    journal: Journal
    url: str
    """Where the workers hear calls, as installed systems reach it; empty where they do not."""

    @activity.defn
    async def expect_call(self, request: ExpectCallRequest) -> ExpectedCall:
        """Raises Refused where nobody would hear it."""
        if not self.url:
            raise Refused(
                f"{request.on} is to call home, and no worker listens: set STARFLOCK_PHONE_HOME_LISTEN, or "
                "take another proof (ssh, sysinv)"
            )
        run_id = activity.info().workflow_run_id or ""
        await self._remember(EXPECTED_MARK, request.on, request.token, run_id)
        on = request.on
        return ExpectedCall(url=f"{self.url.rstrip('/')}/{PATH}/{on.site}/{on.host}/{request.token}")

    async def take(self, on: HostRef, token: str) -> bool:
        """Keeps a call; False when nobody expects it."""
        expected = await self._find(EXPECTED_MARK, on, token)
        if expected is None:
            return False
        if await self._find(CALLED_MARK, on, token) is None:
            await self._remember(CALLED_MARK, on, token, expected.run_id)
        return True

    async def ask(self, request: AwaitHostRequest, seen: str) -> Sign:
        """Whether this run's call has come."""
        call = await self._find(CALLED_MARK, request.on, request.token)
        if call is None:
            return Sign(installed=False, words="it has not called home")
        return Sign(installed=True, words=f"called home at {call.made:%Y-%m-%d %H:%M:%S} UTC")

    async def _find(self, kind: str, on: HostRef, token: str) -> Mark | None:
        value = _value(on, token)
        marks = await self.journal.marks(on.site)
        return next((mark for mark in marks if mark.kind == kind and mark.value == value), None)

    async def _remember(self, kind: str, on: HostRef, token: str, run_id: str) -> None:
        await self.journal.remember(
            Mark(site=on.site, kind=kind, value=_value(on, token), run_id=run_id, made=datetime.now(UTC))
        )


def _value(on: HostRef, token: str) -> str:
    return f"{on.host} {token}"
