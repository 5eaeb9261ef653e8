"""What an OpenStack stands on: MariaDB and RabbitMQ, Debian's binaries over one folder.

Neither is the machine's service. MariaDB listens on a socket in the folder and nowhere else; nothing is
flushed to disk. RabbitMQ listens on a free port of 127.0.0.1. Erlang's port mapper, which its node would
start as a daemon of its own, runs in the foreground before it. Each is a child process that Linux ends with
the tests (PR_SET_PDEATHSIG): Debian's wrapper, which would change the user, is passed by, and the script
below it becomes the virtual machine.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.nova_launcher import die_with_parent
from workers.embedded import free_port

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb", "epmd", "erl")
START_WITHIN_S = 120.0
DURABILITY_OFF = ("--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0")
SMALL = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M", "--performance-schema=0")


def what_is_missing() -> str:
    """Programs, by name; empty when all are here."""
    missing = [name for name in PROGRAMS if _program(name) is None]
    return ", ".join([*missing, *([] if RABBITMQ.exists() else ["rabbitmq-server"])])


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/erlang/bin")


@dataclass(frozen=True)
class Database:
    socket: Path

    def url(self, name: str) -> str:
        return f"mysql+pymysql://root@localhost/{name}?unix_socket={self.socket}"

    def run(self, statements: str) -> str:
        """Rows, a line each."""
        said = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.socket}", "-u", "root", "-N", "-B"],
            input=statements,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if said.returncode:
            raise RuntimeError(f"mariadb: {said.stderr}")
        return said.stdout


def new_database(data: Path) -> None:
    command = [_program("mariadb-install-db"), "--no-defaults", *_identity(), f"--datadir={data}"]
    made = subprocess.run(
        [*command, "--auth-root-authentication-method=normal", "--skip-test-db", *SMALL],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise RuntimeError(f"mariadb-install-db: {made.stdout}{made.stderr}")


@contextmanager
def mariadb(folder: Path, data: Path, *, orderly: bool = False) -> Iterator[Database]:
    """Over `data`; `orderly` ends it so that a copy of `data` can be started again."""
    database = Database(folder / "mariadb.sock")
    command = [
        _program("mariadbd"),
        "--no-defaults",
        *_identity(),
        f"--datadir={data}",
        f"--socket={database.socket}",
        f"--pid-file={folder / 'mariadb.pid'}",
        "--skip-networking",
        *DURABILITY_OFF,
        *SMALL,
    ]
    with _running(command, folder / "mariadb.log") as process:
        _until(lambda: _answers(database.socket), "MariaDB", process, folder / "mariadb.log")
        yield database
        if orderly:
            process.terminate()
            process.wait(60)


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    """Its address."""
    mapper, port = free_port(), free_port()
    home = folder / "rabbitmq"
    home.mkdir()
    (home / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{port}\n")
    (home / "plugins").write_text("[].\n")
    environment = {
        "PATH": f"{os.environ['PATH']}:/usr/sbin",
        "LANG": "C.UTF-8",
        "HOME": str(home),
        # As for systemd: the script becomes the virtual machine.
        "RUNNING_UNDER_SYSTEMD": "true",
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_NODENAME": "starflock@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
    }
    log = home / "output"
    command = [_program("epmd"), "-address", "127.0.0.1", "-port", str(mapper)]
    with _running(command, home / "epmd.log") as names:
        _until(lambda: _listens(mapper), "epmd", names, home / "epmd.log")
        with _running([RABBITMQ], log, environment) as process:
            _until(lambda: _listens(port), "RabbitMQ", process, log)
            yield f"rabbit://guest:guest@127.0.0.1:{port}/"


@contextmanager
def _running(
    command: list[Any], log: Path, environment: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env=environment,
            process_group=0,
            preexec_fn=die_with_parent,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _until(good: Callable[[], bool], what: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while not good():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as tried:
        try:
            tried.connect(str(path))
        except OSError:
            return False
        # Its greeting.
        return bool(tried.recv(1))


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _identity() -> list[str]:
    """MariaDB runs as root only when told so."""
    return ["--user=root"] if os.geteuid() == 0 else []
