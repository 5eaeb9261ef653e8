"""Processes of ours, forked from one that has imported everything.

Importing costs a worker four seconds of processor time and a command one, and tests start hundreds of both.
So one process for each test process imports what they run, has no thread and no event loop, and forks on
request: over a Unix socket of its own per child, it takes a request and three files for the child's standard
streams, answers with the child's number, and at its end with its exit code. What is forked runs the same
`main()` as the installed program, with its own environment and folder, and ends as an interpreter does. The
tests that are about a process as such (signals, `up`, the end of a parent) start a real one.

All of them die with the test process, killed or not (PR_SET_PDEATHSIG).
"""

import asyncio
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from workers.embedded import PR_SET_PDEATHSIG


@dataclass
class Forked:
    """What a test sees of it, named as asyncio's own."""

    pid: int
    returncode: int | None
    _line: socket.socket

    def __post_init__(self) -> None:
        # A test may end without waiting for what it has killed.
        weakref.finalize(self, self._line.close)

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended: its code is told by `wait`."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    async def wait(self) -> int:
        if self.returncode is None:
            said = await asyncio.get_running_loop().sock_recv(self._line, 64)
            assert said, "what forks processes has ended"
            self.returncode = int(said)
            self._line.close()
        return self.returncode


async def forked(
    program: str, *arguments: str, env: dict[str, str], cwd: Path | None = None, out: int, err: int
) -> Forked:
    """`program` is `workers` or `cli`. `out` and `err` are files of the caller's, who closes them."""
    loop = asyncio.get_running_loop()
    request = {"program": program, "arguments": arguments, "env": env, "cwd": str(cwd or Path.cwd())}
    with ExitStack() as failing:
        line = failing.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        line.setblocking(False)
        await loop.sock_connect(line, str(nursery()))
        socket.send_fds(line, [json.dumps(request).encode()], [out, err])
        said = await loop.sock_recv(line, 64)
        assert said, f"{program} could not be forked"
        failing.pop_all()
    return Forked(int(said), None, line)


def unmeasured(env: "dict[str, str] | os._Environ[str]") -> dict[str, str]:
    """For a process of which no coverage is asked: measuring costs it a quarter more."""
    return {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}


_STARTED = ExitStack()


@lru_cache(maxsize=1)
def nursery() -> Path:
    path = Path(_STARTED.enter_context(tempfile.TemporaryDirectory(prefix="starflock-forked-"))) / "line"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        preexec_fn=_die_with_parent,
    )
    _STARTED.callback(process.wait)
    _STARTED.callback(process.terminate)
    assert process.stdout is not None
    assert process.stdout.readline(), "what forks processes did not start"
    process.stdout.close()
    return path


def end() -> None:
    """Once all tests have run: what was imported is then told to who measures coverage."""
    _STARTED.close()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


# -- the process that forks


class _Nursery:
    def __init__(self, path: str) -> None:
        self._lines: dict[int, socket.socket] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(path)
        self._listener.listen(16)
        self._wake, wakes = socket.socketpair()
        wakes.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        self._wakes = wakes
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        # In order, so that what it has imported counts as covered.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())

    def serve(self) -> "tuple[str, list[str]]":
        """Returns in a child only: what it is to run."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._listener, selectors.EVENT_READ)
            waiting.register(self._wake, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    if key.fileobj is self._wake:
                        self._wake.recv(4096)
                        self._tell_ended()
                    else:
                        line, _ = self._listener.accept()
                        told = self._fork(line)
                        if told is not None:
                            return told

    def _fork(self, line: socket.socket) -> "tuple[str, list[str]] | None":
        message, files, _, _ = socket.recv_fds(line, 1 << 20, 2)
        if not message:
            line.close()
            return None
        request = json.loads(message)
        parent = os.getpid()
        # A child that is asked to end before it has handlers of its own must not run those of this process.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            for each in files:
                os.close(each)
            self._lines[pid] = line
            _say(line, pid)
            return None
        _die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        for opened in (line, self._listener, self._wake, self._wakes, *self._lines.values()):
            opened.close()
        for number, each in enumerate(files, start=1):
            os.dup2(each, number)
            os.close(each)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        return request["program"], request["arguments"]

    def _tell_ended(self) -> None:
        while self._lines:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self._lines.pop(pid) as line:
                _say(line, os.waitstatus_to_exitcode(status))


def _say(line: socket.socket, number: int) -> None:
    """A test that was ended hears nothing; those after it still need this process."""
    with suppress(BrokenPipeError, ConnectionResetError):
        line.send(str(number).encode())


def _run() -> NoReturn:
    import cli.app
    import workers.__main__

    nursery = _Nursery(sys.argv[1])
    print("ready", flush=True)
    program, arguments = nursery.serve()
    sys.argv[:] = [program, *arguments]
    sys.exit(workers.__main__.main() if program == "workers" else cli.app.main())


if __name__ == "__main__":
    _run()
