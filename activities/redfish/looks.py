"""What workflows learn of a host: its BMC's facts, the end of what was begun, the answer at its own address.

Nothing here changes anything. A wait is one heartbeating coroutine whose looks are visits; between them it
sleeps, keeps its login (a BMC has eight sessions and logs every one), and opens a new one when the BMC has
forgotten it. Silence of a BMC in a wait is no failure: they restart. What a task of the BMC says is heeded
when it failed; that it is gone again means nothing, the state decides.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from temporalio import activity

from activities.http import NoAnswer, Rejected
from activities.redfish import hardware as parts
from activities.redfish import resources
from activities.redfish.activities import MEDIUM_MARK
from activities.redfish.client import Client, link
from activities.redfish.drives import read_drive
from activities.redfish.facts import facts
from activities.redfish.visits import Visits
from activities.waiting import Heartbeat, pause, seconds
from inventory.bmc import DeclaredBmc
from models.bmc import (
    AddressAnswer,
    AwaitBmcRequest,
    AwaitHostRequest,
    BmcEnd,
    BmcFacts,
    HostRef,
    SettingsRequest,
)
from models.hardware import HostReport, InspectRequest
from models.install import Sign
from models.operations import Proof
from models.records import Journal

Value = TypeVar("Value")
AskProof = Callable[[AwaitHostRequest, str], Awaitable[Sign]]
"""With what the look before has left to know."""

POLL_S = 10.0
HOST_POLL_S = 30.0
"""An installation takes half an hour and more."""
ADDRESS_TIMEOUT_S = 5.0
SSH_PORT = 22
BOOTED = ("OSBootStarted", "OSRunning")
OFF_LOOKS = 2
"""Looks in a row that find the machine off before it counts as switched off: a reset passes through off."""


@dataclass
class Attachment:
    """One login over the looks of a wait."""

    visits: Visits
    declared: DeclaredBmc
    _client: Client | None = field(default=None)

    async def look(self, work: Callable[[Client], Value]) -> Value:
        """Raises NoAnswer, Rejected or ActivityFailure; the next look logs in again."""

        def visit() -> Value:
            if self._client is None:
                self._client = self.visits.client(self.declared).__enter__()
            return work(self._client)

        try:
            return await self.visits.run(self.declared, visit)
        except (NoAnswer, Rejected):
            await self.close()
            raise

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await self.visits.run(self.declared, client.__exit__)


@dataclass
class RedfishLooks:
    visits: Visits
    journal: Journal
    proofs: Mapping[Proof, AskProof] = field(default_factory=dict)
    """Beside SSH, which is asked here."""

    @activity.defn
    async def look_at_bmc(self, host: HostRef) -> BmcFacts:
        declared = self.visits.declared(host)
        ours = await self._ours(host)
        quirks, timing = self.visits.quirks, self.visits.timing

        def look(client: Client) -> BmcFacts:
            return facts(client, declared, quirks, ours, timing)

        found = await self._once(declared, look)
        return found.model_copy(update={"attempt": activity.info().attempt})

    @activity.defn
    async def inspect_host(self, request: InspectRequest) -> HostReport:
        """The facts, and as much of the rest as was asked for."""
        declared = self.visits.declared(request.on)
        ours = await self._ours(request.on)

        def look(client: Client) -> HostReport:
            found = facts(client, declared, self.visits.quirks, ours, self.visits.timing)
            system = client.read(found.system)
            chassis = parts.chassis_of(client, system) if request.hardware or request.sensors else []
            return HostReport(
                facts=found,
                health=parts.health_of(system),
                hardware=parts.hardware(client, system, chassis) if request.hardware else None,
                sensors=parts.sensors(client, chassis) if request.sensors else (),
                profile=declared.profile,
            )

        return await self._once(declared, look)

    @activity.defn
    async def settings_left(self, request: SettingsRequest) -> tuple[str, ...]:
        """Which of the wanted settings are not in force, in words."""

        def look(client: Client) -> tuple[str, ...]:
            _, system = resources.find_system(client, declared)
            bios = resources.optional(client, link(system, "Bios")) or {}
            found = bios.get("Attributes") or {}
            wrong = [
                f"BIOS {name} is {found.get(name)!r}, not {value!r}"
                for name, value in request.attributes.items()
                if found.get(name) != value
            ]
            if request.secure_boot is not None:
                secure = resources.optional(client, link(system, "SecureBoot")) or {}
                if secure.get("SecureBootEnable") is not request.secure_boot:
                    wrong.append(f"secure boot is {'off' if request.secure_boot else 'on'}")
            return tuple(wrong)

        declared = self.visits.declared(request.on)
        return await self._once(declared, look)

    @activity.defn
    async def ask_address(self, host: HostRef) -> AddressAnswer:
        """Whether anybody answers where the installed system would; without an oam nobody is asked."""
        declared = self.visits.declared(host)
        if declared.host.oam is None:
            return AddressAnswer(address="", answers=False)
        return await _ask(declared.host.oam)

    @activity.defn
    async def await_bmc(self, request: AwaitBmcRequest) -> BmcEnd:
        """Waits for power or a drive to be as wanted."""
        timing, words = self.visits.timing, ""
        declared = self.visits.declared(request.on)
        async with Heartbeat() as heart, self._attached(declared) as bmc:
            deadline = heart.began + seconds(timing.paced(request.within))
            while True:
                try:
                    is_so, words, failed = await bmc.look(
                        lambda client: self._state(client, declared, request)
                    )
                    if is_so or failed:
                        return self._end("so" if is_so else "failed", failed or words)
                except (NoAnswer, Rejected) as error:
                    words = self.visits.silence(error)
                if time.time() > deadline:
                    return self._end("late", words)
                heart.tell(words)
                await pause(timing.poll_s(POLL_S))

    @activity.defn
    async def await_host(self, request: AwaitHostRequest) -> BmcEnd:
        """Waits until the medium has been booted from, or until there is proof that the system is installed.

        Booted: by the machine's progress, or by an override that was used up; some BMCs show neither."""
        timing, words, off = self.visits.timing, "", 0
        declared = self.visits.declared(request.on)
        earlier = activity.info().heartbeat_details
        seen = str(earlier[2]) if len(earlier) > 2 else ""
        async with Heartbeat() as heart, self._attached(declared) as bmc:
            deadline = heart.began + seconds(timing.paced(request.within))
            while True:
                sign = await self._sign(request, declared, seen)
                if sign.installed:
                    return self._end("so", sign.words)
                seen = sign.seen
                try:
                    power, progress, override = await bmc.look(lambda client: _boot(client, declared))
                    off = off + 1 if power == "Off" else 0
                    machine = f"the machine is {power}" + (f", {progress}" if progress else "")
                    words = "; ".join(part for part in (sign.words, machine) if part)
                    has_booted = progress.startswith(BOOTED) or (power == "On" and override == "Disabled")
                    if request.until == "installer" and has_booted:
                        return self._end("so", words)
                    if off == OFF_LOOKS:
                        return self._end("off", words)
                except (NoAnswer, Rejected) as error:
                    words = self.visits.silence(error)
                if time.time() > deadline:
                    return self._end("late", words)
                heart.tell(words, seen)
                await pause(timing.poll_s(HOST_POLL_S))

    async def _sign(self, request: AwaitHostRequest, declared: DeclaredBmc, seen: str) -> Sign:
        if request.proof != "ssh":
            return await self.proofs[request.proof](request, seen)
        if declared.host.oam is None:
            return Sign(installed=False, words="")
        answer = await _ask(declared.host.oam)
        is_ssh = answer.banner.startswith("SSH-")
        return Sign(installed=is_ssh, words=answer.banner if is_ssh else "")

    async def _ours(self, host: HostRef) -> tuple[str, ...]:
        marks = [
            mark.value.split(" ", 1)
            for mark in await self.journal.marks(host.site)
            if mark.kind == MEDIUM_MARK
        ]
        return tuple(sorted({image for name, image in marks if name == host.host}))

    async def _once(self, declared: DeclaredBmc, look: Callable[[Client], Value]) -> Value:
        def visit() -> Value:
            try:
                with self.visits.client(declared) as client:
                    return look(client)
            except (NoAnswer, Rejected) as error:
                raise self.visits.failure(error) from error

        async with Heartbeat():
            return await self.visits.run(declared, visit)

    @asynccontextmanager
    async def _attached(self, declared: DeclaredBmc) -> AsyncIterator[Attachment]:
        bmc = Attachment(self.visits, declared)
        try:
            yield bmc
        finally:
            await bmc.close()

    def _state(
        self, client: Client, declared: DeclaredBmc, request: AwaitBmcRequest
    ) -> tuple[bool, str, str]:
        """Whether it is so, how it is, and what its task says if that failed."""
        _, system = resources.find_system(client, declared)
        failed = resources.task_failure(client, request.task)
        if request.until in ("on", "off"):
            power = resources.power(system)
            return power.lower() == request.until, f"the machine is {power}", failed
        who = resources.identity(client, system, [], with_macs=False)
        slot = read_drive(client, request.slot)
        is_empty = self.visits.quirks.is_empty(who, slot)
        words = "the drive is empty" if is_empty else f"the drive holds {slot.image}"
        if request.until == "empty":
            return is_empty, words, failed
        return not is_empty and slot.holds(request.image), words, failed

    def _end(self, how: Any, words: str) -> BmcEnd:
        return BmcEnd(how=how, words=words, attempt=activity.info().attempt)


def _boot(client: Client, declared: DeclaredBmc) -> tuple[str, str, str]:
    """Power, progress, and whether an override stands."""
    path, system = resources.find_system(client, declared)
    found = system.get("BootProgress")
    progress = str(found.get("LastState") or "") if isinstance(found, dict) else ""
    return resources.power(system), progress, resources.boot_of(client, path, system)[1].enabled


async def _ask(address: str) -> AddressAnswer:
    """A TCP connection, and the first line that the other side says by itself."""
    host, port = split(address)
    try:
        async with asyncio.timeout(ADDRESS_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return AddressAnswer(address=address, answers=False)
    banner = b""
    try:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(ADDRESS_TIMEOUT_S):
                banner = await reader.readline()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return AddressAnswer(address=address, answers=True, banner=banner[:100].decode(errors="replace").strip())


def split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":") if address.rpartition(":")[2].isdigit() else (address, "", "")
    return host.strip("[]"), int(port or SSH_PORT)
