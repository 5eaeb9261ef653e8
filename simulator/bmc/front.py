"""From a socket to a BMC and back: let the faults strike, serve, write the ledger.

Order for one request: dark (reset) -> hold (park, then go on even if the client has left) -> drop-before ->
refuse, fail, race, conflict, forget (an answer in the BMC's place, nothing applied) -> serve, one change at a
time -> ledger -> dark (the answer is lost) -> drop-after. `bmc` strikes every request, `bmc.get` those that
read, the other points the one action that they name.
"""

import asyncio
import contextlib
import logging

from simulator.bmc import intents, messages, service
from simulator.bmc.intents import LOGIN, POINTS
from simulator.bmc.state import Bmc
from simulator.cloud import clock
from simulator.dcmanager.rvmc import USER_AGENT as RVMC
from simulator.proof.faults import Fault, Faults
from simulator.proof.ledger import Intent, Ledger
from simulator.wire.front import Parked
from simulator.wire.http import Refusal, Reply, Request

LOG = logging.getLogger("simulator")
_SPOILS = ("lie", "stick", "vanish")


class BmcFront:
    """What stands between the sockets and the BMCs."""

    def __init__(self, faults: Faults, ledger: Ledger, parked: list[Parked]) -> None:
        self.faults, self.ledger, self.parked = faults, ledger, parked

    async def serve(self, bmc: Bmc, request: Request) -> Reply | None:
        """The reply, or None for a connection to be reset."""
        intent = intents.meant(bmc, request)
        points = _points(request, intent)
        if not any(self.faults.any_at(point) for point in points):
            return await self._serve(bmc, request, intent, frozenset(), "")
        held = self._take(bmc, points, request, "hold")
        if held is not None:
            await self._park(held, bmc, points[-1], request)
        if self._take(bmc, points, request, "drop-before") is not None:
            self._refused(bmc, intent, 0, "drop-before")
            return None
        answer = self._answered(bmc, points, request)
        if answer is not None:
            self._refused(bmc, intent, answer.status, "fault")
            return answer
        spoils = frozenset(do for do in _SPOILS if self._take(bmc, points, request, do) is not None)
        reply = await self._serve(bmc, request, intent, spoils, "hold" if held else "")
        dark = self._take(bmc, points, request, "dark")
        if dark is not None:
            bmc.go_dark("fault", dark.seconds if dark.seconds is not None else bmc.pace.bmc_restart)
            return None
        if self._take(bmc, points, request, "drop-after") is not None:
            return None
        return reply

    async def _serve(
        self, bmc: Bmc, request: Request, intent: Intent | None, spoils: frozenset[str], note: str
    ) -> Reply:
        if intent is None:
            reply = await _handled(bmc, request, spoils)
            if request.method == "GET" and reply.status == 200:
                intents.observed(bmc, request, self.ledger)
            return reply
        async with bmc.lock:
            site = bmc.place.site
            # What dcmanager's own script says twice is its affair, as what a foreign strategy does is.
            by_dcmanager = request.headers.get("User-Agent") == RVMC
            repeat = not by_dcmanager and self.ledger.seen(site, intent)
            before, bmc.booted = bmc.booted, bmc.booted and intent.name != "bmc.reset"
            reply = await _handled(bmc, request, spoils)
            applied = reply.status < 300 if reply.applied is None else reply.applied
            if not applied:
                bmc.booted = before
            self.ledger.record(
                site, intent, applied, repeat, reply.status, note or by_dcmanager * "dcmanager"
            )
            return reply

    def _answered(self, bmc: Bmc, points: tuple[str, ...], request: Request) -> Reply | None:
        """What a fault says in the BMC's place."""
        token = request.headers.get("X-Auth-Token")
        if token is not None and self._take(bmc, points, request, "forget") is not None:
            bmc.keeper.sessions.pop(token, None)
            return service.unauthorized().reply
        if self._take(bmc, points, request, "refuse") is not None:
            return messages.refuse(400, "GeneralError", "A general error has occurred.").reply
        if self._take(bmc, points, request, "fail") is not None:
            return _busy().reply
        if self._take(bmc, points, request, "race") is not None:
            return service.stale().reply
        if bmc.machine.on or "bmc.reset" not in points:
            return None
        if self._take(bmc, points, request, "conflict") is not None:
            text = "The parameter ResetType with the requested value conflicts with the state of the system."
            return messages.refuse(409, "ActionParameterValueConflict", text, "ResetType").reply
        return None

    def _take(self, bmc: Bmc, points: tuple[str, ...], request: Request, do: str) -> Fault | None:
        for point in points:
            fault = self.faults.take(point, bmc.place.name, request.mutating, do)
            if fault is not None:
                return fault
        return None

    def _refused(self, bmc: Bmc, intent: Intent | None, status: int, note: str) -> None:
        if intent is not None:
            repeat = self.ledger.seen(bmc.place.site, intent)
            self.ledger.record(bmc.place.site, intent, False, repeat, status, note)

    async def _park(self, fault: Fault, bmc: Bmc, point: str, request: Request) -> None:
        parked = Parked(bmc.place.name, point, request.method, request.path, clock.iso())
        self.parked.append(parked)
        wall = None if fault.seconds is None else bmc.clock.wall(fault.seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(parked.release.wait(), wall)
        self.parked.remove(parked)


async def _handled(bmc: Bmc, request: Request, spoils: frozenset[str]) -> Reply:
    try:
        return await service.serve(bmc, request, spoils)
    except Exception:
        LOG.exception("%s %s on the BMC of %s crashed", request.method, request.path, bmc.place.name)
        return messages.refuse(500, "InternalError", "The request failed due to an internal error.").reply


def _busy() -> Refusal:
    text = "The service is temporarily unavailable. Retry in 5 seconds."
    refusal = messages.refuse(503, "ServiceTemporarilyUnavailable", text, "5")
    refusal.reply.headers["Retry-After"] = "5"
    return refusal


def _points(request: Request, intent: Intent | None) -> tuple[str, ...]:
    if intent is not None and intent.name in POINTS:
        return ("bmc", intent.name)
    if not request.mutating:
        return ("bmc", "bmc.get")
    if request.method == "POST" and request.parts[2:3] == ["SessionService"]:
        return ("bmc", LOGIN)
    return ("bmc",)
