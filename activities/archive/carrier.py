"""A program inside a site that carries one object between its storage and the store.

    python3 -m activities.archive.carrier FILE RESULT

FILE says what to carry, with the credentials for it. To send, a program's output is encrypted and put by
parts; it counts only where the program ends with 0, because what ended early looks whole to whoever reads it.
To receive, a program is given what was decrypted, each chunk verified before; the last one is held back until
the whole object is known to be the manifest's, so a program that waits for its end never sees that of a
damaged object.

How far it is goes to standard output, line by line, and why it failed to RESULT, in a line. Nothing here
knows Ceph, Kubernetes or Temporal: any Job, or a session with a host, runs it. Memory: two parts of 16 MiB.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from activities.archive.cipher import opened
from activities.archive.errors import Damaged, StoreError
from activities.archive.sender import SenderAccess
from activities.archive.shelf import Shelf
from activities.archive.writing import PutSpec
from models.base import Frozen
from models.carrying import Cargo

PIECE = 2**20
TOLD_EVERY = 64 * 2**20
SHOWN = 400


class Carriage(Frozen):
    access: SenderAccess
    cargo: Cargo


class ProgramFailed(Exception):
    """In the program's own words."""


class Told:
    """How far it is, for whoever reads the log; not for every part of a large volume."""

    def __init__(self, name: str) -> None:
        self._name, self._last = name, 0

    def __call__(self, count: int) -> None:
        if count - self._last >= TOLD_EVERY or self._last == 0:
            self._last = count
            print(f"{self._name}: {count} bytes", flush=True)


def carry(carriage: Carriage) -> None:
    """Raises StoreError, Damaged and ProgramFailed."""
    cargo = carriage.cargo
    with _files(cargo) as folder:
        program = [word.replace("{folder}", str(folder)) for word in cargo.program]
        if cargo.way == "send":
            _send(carriage, program, folder)
        else:
            _receive(carriage, program, folder)


def _send(carriage: Carriage, program: list[str], folder: Path) -> None:
    cargo = carriage.cargo
    spec = PutSpec(cargo.name, "volume", about=cargo.about, parent=cargo.parent)
    entry = carriage.access.writer().put(spec, _output(program, folder), Told(cargo.name))
    print(f"{cargo.name}: sent, {entry.size} bytes, sha256 {entry.sha256}", flush=True)


def _output(program: list[str], folder: Path) -> Iterator[bytes]:
    with _running(program, folder, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        while piece := running.stdout.read(PIECE):
            yield piece
        _require_success(running, program, folder)


def _receive(carriage: Carriage, program: list[str], folder: Path) -> None:
    cargo, access = carriage.cargo, carriage.access
    assert cargo.entry is not None
    key = Shelf(access.prefix, access.backup).object(cargo.name)
    pieces = opened(access.key, cargo.entry, access.writer().store.read(key))
    told, count, held = Told(cargo.name), 0, b""
    with _running(program, folder, stdin=subprocess.PIPE) as running:
        assert running.stdin is not None
        try:
            for piece in pieces:
                running.stdin.write(held)
                count += len(held)
                told(count)
                held = piece
            # The whole object is what the manifest says.
            running.stdin.write(held)
            running.stdin.close()
        except BrokenPipeError:
            # It has ended before its input: why is said below.
            with contextlib.suppress(BrokenPipeError):
                running.stdin.close()
        _require_success(running, program, folder)
    print(f"{cargo.name}: received, {cargo.entry.size} bytes", flush=True)


@contextmanager
def _running(
    program: list[str], folder: Path, *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> "Iterator[subprocess.Popen[bytes]]":
    """Ended where what reads or feeds it fails."""
    with _errors(folder).open("wb") as errors:
        try:
            # What to run is in the file that the worker has written.
            running = subprocess.Popen(program, stdin=stdin, stdout=stdout, stderr=errors)  # noqa: S603
        except OSError as error:
            raise ProgramFailed(f"{program[0]}: {error.strerror}") from error
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.wait()
        for pipe in (running.stdin, running.stdout):
            _closed(pipe)


def _closed(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        # What was still to be written to a program that was ended is nobody's loss.
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _require_success(running: "subprocess.Popen[bytes]", program: list[str], folder: Path) -> None:
    code = running.wait()
    if code != 0:
        said = " ".join(_errors(folder).read_text(errors="replace").split())[-SHOWN:]
        raise ProgramFailed(f"{program[0]} ended with {code}: {said or 'it said nothing'}")


def _errors(folder: Path) -> Path:
    return folder / "program-errors"


@contextmanager
def _files(cargo: Cargo) -> Iterator[Path]:
    """Readable by us alone, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="starflock-carry-"))
    try:
        for name, content in cargo.files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(content)
        yield folder
    finally:
        shutil.rmtree(folder)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("expected: FILE RESULT", file=sys.stderr)
        return 2
    source, result = map(Path, arguments)
    # As Kubernetes ends a pod: files and the program below us go with us.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        carry(Carriage.model_validate_json(source.read_text()))
    except ValidationError as error:
        # Its own words would show what was given, secrets among it.
        words = f"{source} is not what this program takes ({error.error_count()} mistakes): other versions?"
    except (StoreError, Damaged, ProgramFailed, OSError) as error:
        words = str(error)
    else:
        return 0
    print(words, file=sys.stderr, flush=True)
    result.write_text(words[-SHOWN:])
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
