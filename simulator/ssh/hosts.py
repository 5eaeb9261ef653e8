"""The installed hosts of a region: who may log in, what their commands do, which playbook runs on them.

A host's folder is made when somebody first logs in. Its flags say what its cloud says. What runs on a host
dies with its power, without a word. The ledger has one intent for each playbook that is started: it is a
repeat while one runs, and on a host that is bootstrapped.
"""

import asyncio
import hashlib
import json
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from simulator.bmc.floor import Floor
from simulator.bmc.state import Bmc, Place
from simulator.ceph.program import Clusters
from simulator.cloud import clock, saving
from simulator.cloud.clock import Clock
from simulator.cloud.cloud import Cloud
from simulator.dcmanager import durations
from simulator.dcmanager.landing import BARE, land
from simulator.dcmanager.vault import Archive
from simulator.proof.faults import Fault, Faults
from simulator.proof.ledger import Intent, Ledger
from simulator.ssh import backup_play, playbook, restore_play
from simulator.ssh.ground import PLATFORM, Ground, runner
from simulator.wire.front import Parked

INTENT = "host.bootstrap"
BACKUP_INTENT = "host.backup"


@dataclass
class Played:
    """What runs as ansible-playbook on a host."""

    place: Place
    pid: int
    session: int
    gone: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class InstalledHosts:
    floor: Floor
    clock: Clock
    faults: Faults
    ledger: Ledger
    seed: int
    password: str
    """sysadmin's, on every installed host."""
    bootstrap_seconds: float | None
    parked: list[Parked]
    """What faults hold, in the whole region."""
    ceph: Clusters
    """What `ceph` speaks with on them."""
    grounds: dict[tuple[str, int], Ground] = field(default_factory=dict)
    """By host and how often it was installed."""
    played: list[Played] = field(default_factory=list)
    logins: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    carried: dict[str, int] = field(default_factory=dict)
    """Bytes of files that were brought to a host."""
    folder: Path | None = None
    _server: asyncio.Server | None = None

    # -- who it is ------------------------------------------------------------------------------------

    def host_key(self, place: Place, *, other: bool = False) -> asyncssh.SSHKey:
        return key_of(f"{self.seed}/{place.name}/{'other' if other else 'host'}")

    @property
    def user_key(self) -> asyncssh.SSHKey:
        """Also admits, beside the password."""
        return key_of(f"{self.seed}/user")

    # -- its root -------------------------------------------------------------------------------------

    async def ground(self, place: Place) -> Ground:
        """The host's root, with flags as its cloud is now."""
        await self._open()
        assert self.folder is not None
        bmc = self.floor.bmc(place)
        which = (place.name, bmc.machine.installs)
        found = self.grounds.get(which)
        if found is None:
            root = self.folder / f"{place.site}.{place.host}.{bmc.machine.installs}"
            program = runner(str(self.folder / "socket"), place.name)
            partition = self.folder / f"{place.site}.{place.host}.platform-backup"
            found = self.grounds[which] = Ground(root, program, self.password, partition)
            for intent in restore_play.INTENTS.values():
                self.ledger.ended(place.site, f"host/{place.host}/{intent}", None)
        cloud = self.floor.clouds[place.site]
        found.path(f"{PLATFORM}/platform.conf").write_text(_platform_conf(cloud))
        found.flag(f"{PLATFORM}/.bootstrap_completed", _is_bootstrapped(cloud))
        found.flag(f"{PLATFORM}/.initial_config_complete", _is_finalized(cloud))
        if _is_bootstrapped(cloud):
            found.flag(restore_play.FLAG, cloud.restoring)
        return found

    async def _open(self) -> None:
        if self._server is None:
            self.folder = Path(tempfile.mkdtemp(prefix="sim-"))
            self._server = await asyncio.start_unix_server(self._play, self.folder / "socket")

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for one in list(self.played):
            _kill(one)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def lost_power(self, bmc: Bmc) -> None:
        """Everything that ran there is gone, and has written nothing more."""
        for one in [each for each in self.played if each.place == bmc.place]:
            _kill(one)

    def describe(self, place: Place) -> dict[str, object]:
        """The truth about one host, as far as it is logged in to."""
        ground = self.grounds.get((place.name, self.floor.bmc(place).machine.installs))
        return {
            "root": str(ground.root) if ground else None,
            "logins": self.logins.get(place.name, 0),
            "refused": self.refused.get(place.name, 0),
            "carried_bytes": self.carried.get(place.name, 0),
            "playbooks": sum(one.place == place for one in self.played),
        }

    async def keep(self, site: str, archive: Archive) -> None:
        """On the partition of its first controller, in the place of the one before."""
        ground = await self.ground(self.floor.place(site, "controller-0"))
        folder = ground.partition / archive.release
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / archive.name).write_bytes(archive.content)
        if archive.has_images:
            name = archive.name.replace("_platform_", "_image_registry_")
            (folder / name).write_bytes(random.Random(name).randbytes(backup_play.IMAGES_BYTES))

    # -- the playbook ---------------------------------------------------------------------------------

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = json.loads(await reader.readline())
        site, _, host = said["host"].partition("/")
        one = Played(self.floor.place(site, host), said["pid"], said["session"])
        self.played.append(one)
        watching = asyncio.create_task(_until_gone(reader, one))
        code: int | None = None
        try:
            code = await self._to_its_end(one, playbook.Call.of(said["arguments"]), writer)
        finally:
            watching.cancel()
            self.played.remove(one)
            if code is not None:
                writer.write(f"exit {code}\n".encode())
            with suppress(ConnectionError):
                await writer.drain()
            writer.close()

    async def _to_its_end(self, one: Played, call: playbook.Call, writer: asyncio.StreamWriter) -> int | None:
        """None where it was killed."""

        def tell(text: str) -> None:
            for line in text.split("\n"):
                writer.write(f"say {line}\n".encode())

        if call.playbook.endswith(backup_play.BOOK):
            return await self._backed_up(one, call.values(), tell)
        restores = next((name for book, name in restore_play.INTENTS.items() if call.plays(book)), "")
        if restores:
            return await self._restored(one, restores, call.values(), tell)
        if not call.is_bootstrap:
            tell(f"ERROR! the playbook: {call.playbook} could not be found")
            return 1
        place = one.place
        cloud = self.floor.clouds[place.site]
        intent = Intent(INTENT, f"host/{place.host}/bootstrap", place.host)
        self.ledger.record(place.site, intent, True, self.ledger.seen(place.site, intent), 0)
        total = durations.draw(self.seed, place.site, self.bootstrap_seconds).bootstrap
        play = playbook.Play(
            values=call.values(),
            password=self.password,
            finalized=_is_finalized(cloud),
            fails=self.faults.take("ssh.playbook", place.name, True, "fail") is not None,
            tell=tell,
            wait=partial(self._wait, one, total / playbook.shares()),
        )
        try:
            code = await play.run()
        except _GoneError:
            code = None
        if code == playbook.OK:
            land(cloud, {"system_mode": "simplex"} | play.values)
        else:
            self.ledger.ended(place.site, intent.thing, None)
        return code

    async def _backed_up(
        self, one: Played, values: dict[str, Any], tell: Callable[[str], None]
    ) -> int | None:
        """None where it was killed."""
        place, cloud = one.place, self.floor.clouds[one.place.site]
        intent = Intent(BACKUP_INTENT, f"host/{place.host}/backup", place.host)
        self.ledger.record(place.site, intent, True, self.ledger.seen(place.site, intent), 0)
        total = durations.draw(self.seed, place.site, self.bootstrap_seconds).backup
        play = backup_play.BackupPlay(
            values=values,
            password=self.password,
            ground=await self.ground(place),
            content=saving.pack(cloud),
            finalized=_is_finalized(cloud),
            fails=self.faults.take("ssh.playbook", place.name, True, "fail") is not None,
            tell=tell,
            wait=partial(self._wait, one, total / backup_play.shares()),
        )
        try:
            return await play.run()
        except _GoneError:
            return None
        finally:
            self.ledger.ended(place.site, intent.thing, None)

    async def _restored(
        self, one: Played, name: str, values: dict[str, Any], tell: Callable[[str], None]
    ) -> int | None:
        """None where it was killed."""
        place = one.place
        total = durations.draw(self.seed, place.site, self.bootstrap_seconds).restore
        play = restore_play.RestorePlay(
            intent=name,
            values=values,
            password=self.password,
            ground=await self.ground(place),
            cloud=self.floor.clouds[place.site],
            fails=self.faults.take("ssh.playbook", place.name, True, "fail") is not None,
            tell=tell,
            wait=partial(self._wait, one, total / restore_play.shares("host.restore")),
        )
        intent = Intent(name, f"host/{place.host}/{name}", place.host)
        self.ledger.record(place.site, intent, True, self.ledger.seen(place.site, intent), 0, play.said)
        try:
            code = await play.run()
        except _GoneError:
            code = None
        if code != restore_play.OK:
            self.ledger.ended(place.site, intent.thing, None)
        return code

    async def _wait(self, one: Played, each: float, share: float) -> None:
        """Raises _GoneError when what runs there has died."""
        fault = self.faults.take("ssh.playbook", one.place.name, True, "hold")
        if fault is not None:
            await self.park(fault, one.place, "playbook", one.gone)
        with suppress(TimeoutError):
            await asyncio.wait_for(one.gone.wait(), self.clock.wall(each * share))
        if one.gone.is_set():
            raise _GoneError

    async def park(self, fault: Fault, place: Place, what: str, gone: asyncio.Event) -> None:
        """Until the fault's time is over, it is cleared, or nobody is there any more."""
        parked = Parked(place.site, fault.on, "SSH", what, clock.iso())
        self.parked.append(parked)
        ends = [asyncio.create_task(event.wait()) for event in (parked.release, gone)]
        wall = None if fault.seconds is None else self.clock.wall(fault.seconds)
        await asyncio.wait(ends, timeout=wall, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        self.parked.remove(parked)


class _GoneError(Exception):
    """Killed, or its host lost power."""


async def _until_gone(reader: asyncio.StreamReader, one: Played) -> None:
    with suppress(ConnectionError):
        await reader.read()
    one.gone.set()


def _kill(one: Played) -> None:
    """Whatever started it first, so that it tells nothing of this end."""
    for process in (one.session, one.pid):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _is_bootstrapped(cloud: Cloud) -> bool:
    return BARE not in cloud.dark_for


def _is_finalized(cloud: Cloud) -> bool:
    return _is_bootstrapped(cloud) and cloud.active.invprovision == "provisioned"


def _platform_conf(cloud: Cloud) -> str:
    mode = "simplex" if cloud.identity.simplex else "duplex"
    kind = "Standard" if cloud.identity.standard else "All-in-one"
    lines = {"system_type": kind, "system_mode": mode, "sw_version": cloud.usm.version}
    lines["region_name"] = cloud.identity.region
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def key_of(seed: str) -> asyncssh.SSHKey:
    """Of ed25519, the same for the same seed."""
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return asyncssh.import_private_key(pem)
