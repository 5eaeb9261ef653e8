"""A PostgreSQL server of our own: Debian's binaries over a temporary folder, not the machine's cluster.

It listens on a free port of 127.0.0.1, its socket lies in the folder, and nothing is flushed to disk.
Debian's package starts a daemon through its wrappers; here `postgres` itself is a child process that Linux
ends with the tests (PR_SET_PDEATHSIG). PostgreSQL refuses to run as root, so root gives folder and process
to the user `postgres`; the parent's death is asked for after the change of user, which would clear it.

Where the binaries have ICU the databases sort as English does: few in the field sort by bytes.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.components import used
from workers.embedded import PR_SET_PDEATHSIG, free_port

START_WITHIN_S = 60.0
ICU_SINCE = 15
UNFLUSHED = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB")


def binaries() -> Path | None:
    """The newest of Debian's folders, else what `pg_config` or PATH name."""
    debian = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if folder.parent.name.isdigit()]
    candidates = sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)
    if shutil.which("pg_config"):
        said = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(Path(said.stdout.strip()))
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    return next((folder for folder in candidates if _complete(folder)), None)


def _complete(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("initdb", "postgres", "createdb"))


@dataclass
class PostgreSQL:
    binaries: Path
    folder: Path
    port: int
    version: str
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _databases: int = 0

    def start(self) -> None:
        """Until it answers; on the same port and data as before."""
        command = [self.binaries / "postgres", "-D", self.folder / "data", "-p", str(self.port)]
        for setting in ("listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", *UNFLUSHED):
            command += ["-c", setting]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                process_group=0,
                preexec_fn=_die_with_parent,
                **_identity(),
            )
        deadline = time.monotonic() + START_WITHIN_S
        while not self._ready(self._process.pid):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """As an operator restarts it: connections are cut, transactions are undone."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """At once; the next start recovers."""
        self._end(signal.SIGQUIT)

    def database(self) -> str:
        """The address of a new, empty one."""
        self._databases += 1
        name = f"starflock_{self._databases}"
        command = [
            self.binaries / "createdb",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "starflock",
            name,
        ]
        subprocess.run(command, check=True)
        return f"postgresql+asyncpg://starflock@127.0.0.1:{self.port}/{name}"

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ready(self, pid: int) -> bool:
        """As pg_ctl finds it: the eighth line of postmaster.pid, if the file is not an earlier server's."""
        with suppress(FileNotFoundError):
            lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False


@contextmanager
def postgresql(found: Path) -> Iterator[PostgreSQL]:
    """A server of these binaries, gone with its folder afterwards."""
    said = subprocess.run([found / "postgres", "--version"], capture_output=True, text=True, check=True)
    version = said.stdout.split()[2]
    folder = Path(tempfile.mkdtemp(prefix="starflock-postgresql-"))
    try:
        if identity := _identity():
            os.chown(folder, identity["user"], identity["group"])
        command = [found / "initdb", "--no-sync", "--auth=trust", "-U", "starflock", "--encoding=UTF8"]
        if int(version.split(".")[0]) >= ICU_SINCE:
            command += ["--locale-provider=icu", "--icu-locale=en-US"]
        made = subprocess.run(
            [*command, "-D", folder / "data"],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
            **_identity(),
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")
        server = PostgreSQL(found, folder, free_port(), version)
        try:
            server.start()
            used("PostgreSQL", version)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _identity() -> dict[str, Any]:
    """For `subprocess`: nothing unless we are root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
