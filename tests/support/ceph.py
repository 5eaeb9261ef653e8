"""A real Ceph cluster of Debian's binaries: one monitor, one manager, three OSDs, all below one folder.

Each daemon runs in the foreground (`-f`) as a child process that Linux ends with the tests
(PR_SET_PDEATHSIG); none is a service. They listen on 127.0.0.1, below the ports that Linux gives to clients.
An OSD keeps its objects in a sparse file (BlueStore without a loop device), so it can be stopped and started
with what it had. The failure domain is an OSD and pools have two copies: one OSD may stop, two may not.

The `restful` module, which Debian's package enables and which listens on every address, is disabled before
the manager starts. A file counts as a rotating disk, which recovers with pauses; those are switched off.
`client.starflock` is the least-privilege user of docs/reference/ceph.md.
"""

import ctypes
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.components import used
from workers.embedded import PR_SET_PDEATHSIG

PROGRAMS = ("ceph", "ceph-authtool", "ceph-mgr", "ceph-mon", "ceph-osd", "monmaptool")
OSDS = 3
GROUPS = 8
PORTS = 60
START_WITHIN_S = 120.0
MARK = "key=starflock/noout"
CAPABILITIES = (
    "mon",
    'allow r, allow command "osd set" with key=noout, allow command "osd unset" with key=noout, '
    f'allow command "config-key dump" with {MARK}, allow command "config-key set" with {MARK}, '
    f'allow command "config-key rm" with {MARK}',
    "mgr",
    "allow r",
)
SETTINGS = """\
[global]
fsid = {fsid}
mon initial members = a
mon host = [v2:127.0.0.1:{port},v1:127.0.0.1:{second}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
auth allow insecure global id reclaim = false
ms bind ipv6 = false
ms bind port min = {first}
ms bind port max = {last}
keyring = {folder}/ceph.$name.keyring
run dir = {folder}/run
pid file = {folder}/run/$name.pid
log file = {folder}/log/$name.log
crash dir = {folder}/crash
osd pool default size = 2
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
[mon]
mon data = {folder}/mon
mon data avail warn = 2
mon data avail crit = 1
[mgr]
mgr data = {folder}/mgr
[osd]
osd data = {folder}/osd/$id
keyring = {folder}/osd/$id/keyring
osd objectstore = bluestore
bluestore block size = 2147483648
osd memory target = 939524096
bluestore cache autotune = false
bluestore cache size = 33554432
osd class update on start = false
osd recovery sleep hdd = 0
"""


def what_is_missing() -> str:
    """Why this cannot run here, in words; empty when it can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"no {', '.join(missing)} here; `make test` installs Ceph as root" if missing else ""


@dataclass
class Ceph:
    folder: Path
    port: int
    fsid: str = field(default_factory=lambda: str(uuid.uuid4()))
    osds: int = OSDS
    settings: str = SETTINGS
    has_manager: bool = True
    """Without one nothing tells how the cluster is, while clients read and write all the same."""
    _daemons: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict, repr=False)

    @property
    def conf(self) -> Path:
        return self.folder / "ceph.conf"

    def admin(self, *words: str, given: str | None = None) -> Any:
        """What the command says as JSON, by somebody who may do everything."""
        command = ["ceph", "-c", self.conf, "--connect-timeout", "20", "-f", "json", *words]
        said = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
        if said.returncode:
            raise RuntimeError(f"ceph {' '.join(words)}: {said.stderr}")
        return json.loads(said.stdout) if said.stdout.strip() else None

    def start(self, name: str) -> None:
        """`mon.a`, `mgr.x` or `osd.N`; it need not answer yet."""
        kind, _, number = name.partition(".")
        self.run(name, f"ceph-{kind}", "-c", str(self.conf), "-i", number, "-f")

    def run(self, name: str, *command: str) -> None:
        """A daemon of the cluster, which ends with it."""
        log = (self.folder / "log" / f"{name}.out").open("ab")
        with log:
            self._daemons[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=_die_with_parent,
            )

    def stop(self, name: str) -> None:
        """In order, as a host that is shut down does it."""
        process = self._daemons.pop(name)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def signal(self, name: str, which: signal.Signals) -> None:
        self._daemons[name].send_signal(which)

    def until(self, good: Callable[[dict[str, Any]], bool], within_s: float = START_WITHIN_S) -> float:
        """Seconds until `status` is so."""
        began = time.monotonic()
        while not good(status := self.admin("status")):
            if time.monotonic() - began > within_s:
                raise RuntimeError(f"Ceph is not so within {within_s:g} s:\n{json.dumps(status)}")
            time.sleep(0.5)
        return time.monotonic() - began

    def make(self) -> None:
        for each in ("run", "log", "crash", "mgr"):
            (self.folder / each).mkdir(parents=True)
        places = {"folder": self.folder, "fsid": self.fsid, "port": self.port, "second": self.port + 1}
        self.conf.write_text(self.settings.format(**places, first=self.port + 2, last=self.port + PORTS - 1))
        admin, mon = self.folder / "ceph.client.admin.keyring", self.folder / "mon.keyring"
        every = ("--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        _run("ceph-authtool", "-C", mon, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        _run("ceph-authtool", "-C", admin, "--gen-key", "-n", "client.admin", *every)
        _run("ceph-authtool", mon, "--import-keyring", admin)
        address = f"[v2:127.0.0.1:{self.port},v1:127.0.0.1:{self.port + 1}]"
        monmap = self.folder / "monmap"
        _run("monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", address, monmap)
        _run("ceph-mon", "-c", self.conf, "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", mon)
        self.start("mon.a")
        if self.has_manager:
            self._start_manager()
        self.key("client.starflock", *CAPABILITIES)
        with ThreadPoolExecutor(self.osds) as at_once:
            made = list(at_once.map(self._make_osd, range(self.osds)))
        # From this thread: Linux ends a child with the thread that made it.
        for name in made:
            self.start(name)
        self.admin("osd", "pool", "create", "rbd", str(GROUPS), str(GROUPS))
        self.admin("osd", "pool", "application", "enable", "rbd", "rbd")

    def end(self) -> None:
        for process in self._daemons.values():
            process.kill()
            process.wait()

    def _start_manager(self) -> None:
        self.admin("mgr", "module", "disable", "restful")
        # Else it makes a pool of its own at some time; the monitor does not know the option before.
        monitoring = "mgr/devicehealth/enable_monitoring"
        self.admin("config", "set", "mgr", monitoring, "false", "--force")
        self.key("mgr.x", "mon", "allow profile mgr", "osd", "allow *", "mds", "allow *")
        self.start("mgr.x")

    def key(self, name: str, *capabilities: str) -> None:
        key = self.admin("auth", "get-or-create", name, *capabilities)[0]["key"]
        (self.folder / f"ceph.{name}.keyring").write_text(f"[{name}]\n\tkey = {key}\n")

    def _make_osd(self, number: int) -> str:
        its_id, folder = str(uuid.uuid4()), self.folder / "osd" / str(number)
        folder.mkdir(parents=True)
        key = _run("ceph-authtool", "--gen-print-key").strip()
        self.admin("osd", "new", its_id, str(number), "-i", "-", given=json.dumps({"cephx_secret": key}))
        _run("ceph-authtool", "-C", folder / "keyring", "-n", f"osd.{number}", "--add-key", key)
        _run("ceph-osd", "-c", self.conf, "-i", str(number), "--mkfs", "--osd-uuid", its_id)
        return f"osd.{number}"


def is_clean(status: dict[str, Any]) -> bool:
    osds, states = status["osdmap"], status["pgmap"].get("pgs_by_state", [])
    clean = sum(each["count"] for each in states if each["state_name"] == "active+clean")
    # A new pool is reported some seconds after it was made.
    return (
        GROUPS == clean == status["pgmap"]["num_pgs"]
        and osds["num_up_osds"] == OSDS
        and status["health"]["status"] == "HEALTH_OK"
    )


@contextmanager
def ceph() -> Iterator[Ceph]:
    """A healthy cluster, gone with its folder afterwards."""
    # Paths of sockets are short.
    folder = Path(tempfile.mkdtemp(prefix="starflock-ceph-"))
    cluster = Ceph(folder, free_ports(PORTS))
    try:
        cluster.make()
        cluster.until(is_clean)
        version = cluster.admin("version")["version"].split()[2]
        used("Ceph", version)
        yield cluster
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> int:
    """The first of so many in a row, below those that Linux gives to clients."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(100):
        first = random.randrange(10_000, lowest - count)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _run(*command: str | os.PathLike[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if said.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {said.stderr}{said.stdout}")
    return said.stdout


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
