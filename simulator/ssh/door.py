"""The SSH port of an installed host: sshd's manners in front of a real sh in the host's folder.

One protocol factory serves all hosts; which one is meant is read off the address. The server proper is made
when somebody connects, since most hosts are only asked whether they answer. sysadmin logs in with the
region's password or key; a host key, a refused login, a dropped or held command are faults.
"""

import asyncio
import re
import shlex
from functools import cached_property
from typing import cast

import asyncssh

from simulator.bmc.state import Place
from simulator.ceph.program import is_ceph
from simulator.proof.faults import Fault
from simulator.ssh import shell
from simulator.ssh.ground import USER
from simulator.ssh.hosts import InstalledHosts
from simulator.wire.listeners import Listeners

VERSION = "OpenSSH_9.2"
_CHANGES = re.compile(r"\b(mv|mkdir|rm|kill|shred|setsid|tee)\b")
_STARTS = re.compile(r"\b(setsid|nohup|systemd-run)\b")
NO_ROOM = "sh: 1: cannot create /home/sysadmin/x: No space left on device\n"


class Doors:
    """All SSH ports of a region."""

    def __init__(self, hosts: InstalledHosts) -> None:
        self.hosts = hosts
        self.listeners: Listeners | None = None

    def factory(self) -> asyncio.Protocol:
        return _Door(self)

    @cached_property
    def _places(self) -> dict[str, Place]:
        return {place.oam: place for place in self.hosts.floor.places()}

    def admit(self, transport: asyncio.Transport) -> None:
        address = transport.get_extra_info("sockname")[0]
        place = self._places[address]
        if self.listeners is not None:
            self.listeners.seen(address, transport)
        lies = self.hosts.faults.take("ssh", place.name, True, "lie") is not None
        options = asyncssh.SSHServerConnectionOptions(
            server_factory=lambda: _Guard(self, place),
            process_factory=lambda process: self._serve(place, process),
            server_host_keys=[self.hosts.host_key(place, other=lies)],
            server_version=VERSION,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            encoding=None,
        )
        connection = asyncssh.SSHServerConnection(asyncio.get_running_loop(), options)
        transport.set_protocol(connection)
        connection.connection_made(transport)

    async def _serve(self, place: Place, process: shell.Process) -> None:
        command = process.command or ""
        fault = self._fault(place, command)
        if fault is not None and fault.do == "hold":
            await self.hosts.park(fault, place, command.split("\n")[0][:80], asyncio.Event())
        if fault is not None and fault.do == "drop-before":
            shell.dropped(process)
            return
        if fault is not None and fault.do == "fail":
            process.stderr.write(NO_ROOM.encode())
            process.exit(2)
            return
        words = _words(command)
        if is_ceph(words):
            ended = self._ceph(place, words)
        elif shell.CARRY in command:
            ended = await self._taken(place, process)
        else:
            ended = await shell.carried_out(await self.hosts.ground(place), process)
        if fault is not None and fault.do == "drop-after":
            shell.dropped(process)
            return
        await shell.said(process, ended)

    async def _taken(self, place: Place, process: shell.Process) -> tuple[int, bytes, bytes]:
        hosts = self.hosts
        breaks = hosts.faults.take("ssh.carry", place.name, True, "drop-after") is not None

        def taken(count: int) -> None:
            hosts.carried[place.name] = hosts.carried.get(place.name, 0) + count

        return await shell.taken_in(await hosts.ground(place), process, taken, breaks=breaks)

    def _ceph(self, place: Place, words: list[str]) -> tuple[int, bytes, bytes]:
        hosts, cloud = self.hosts, self.hosts.floor.clouds[place.site]
        intent = hosts.ceph.intent(words)
        repeat = intent is not None and hosts.ledger.seen(place.site, intent)
        ended = hosts.ceph.run(cloud, words)
        if intent is not None:
            hosts.ledger.record(place.site, intent, ended.code == 0, repeat, ended.code)
        return ended.code, ended.out.encode(), ended.errors.encode()

    def _fault(self, place: Place, command: str) -> Fault | None:
        does = ("hold", "drop-before", "drop-after", "fail")
        changes = _CHANGES.search(command) is not None
        if self.hosts.ceph.intent(_words(command)) is not None:
            changes = True
            found = self.hosts.faults.take("ceph", place.site, True, *does)
            if found is not None:
                return found
        if _STARTS.search(command):
            found = self.hosts.faults.take("ssh.start", place.name, True, *does)
            if found is not None:
                return found
        return self.hosts.faults.take("ssh", place.name, changes, *does)


class _Door(asyncio.Protocol):
    """Stands at the port until it knows whose it is."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if transport.get_extra_info("sockname") is None:
            transport.close()
            return
        self._doors.admit(cast("asyncio.Transport", transport))


class _Guard(asyncssh.SSHServer):
    """Who may log in."""

    def __init__(self, doors: Doors, place: Place) -> None:
        self._doors, self._place = doors, place

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return self._judged(username == USER and password == self._doors.hosts.password)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        wanted = self._doors.hosts.user_key.public_data
        return self._judged(username == USER and key.public_data == wanted)

    def _judged(self, admitted: bool) -> bool:
        hosts, name = self._doors.hosts, self._place.name
        if hosts.faults.take("ssh", name, True, "refuse") is not None:
            admitted = False
        counted = hosts.logins if admitted else hosts.refused
        counted[name] = counted.get(name, 0) + 1
        return admitted


def _words(command: str) -> list[str]:
    """Empty where it is no plain command: a script has lines of its own."""
    return shlex.split(command) if command.startswith(("timeout ", "ceph ")) else []
