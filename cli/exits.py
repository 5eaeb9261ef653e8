"""Exit codes, and how everything that may go wrong becomes one of them and a sentence.

A command raises `Failure` where it knows what to say. What comes from below (a file's errors, Temporal's
refusals, a database that does not open) is translated here, once, so that no command prints a traceback for
what can be expected. `STARFLOCK_DEBUG=1` or the hidden option `--debug` shows the traceback as well.

Imports of Temporal and Pydantic would cost `--help` half a second, so classes are recognised only if their
module was loaded: what is not loaded cannot have been raised.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NoReturn


class Code(IntEnum):
    OK = 0
    BAD_END = 1
    BAD_INPUT = 2
    NO_SERVER = 3
    NOT_FOUND = 4
    REFUSED = 5
    INTERRUPTED = 130


MEANING = {
    Code.OK: "done as asked",
    Code.BAD_END: "it ended badly: a site that was waited for, a campaign that was watched, a demo",
    Code.BAD_INPUT: "a wrong option or a wrong file; all mistakes are listed, nothing was started",
    Code.NO_SERVER: "no Temporal server, worker or records answer, or a port is taken",
    Code.NOT_FOUND: "no such site, campaign or workflow",
    Code.REFUSED: "refused, in words: wrong now, or held by somebody else",
    Code.INTERRUPTED: "Ctrl-C, or the reader of a pipe went away",
}


class Failure(Exception):
    """Ends the command with a code and words for a person."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def guarded(call: Callable[[], Any]) -> int:
    """Runs the command line; returns the exit code."""
    try:
        call()
    except SystemExit as end:
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":  # typer has met a broken pipe
            _abandon_stdout()
            return Code.INTERRUPTED
        return end.code if isinstance(end.code, int) else Code.OK if end.code is None else Code.BAD_END
    except KeyboardInterrupt:
        return Code.INTERRUPTED
    except BrokenPipeError:
        _abandon_stdout()
        return Code.INTERRUPTED
    except Exception as error:
        told = explained(error)
        if told is None or os.environ.get("STARFLOCK_DEBUG"):
            raise
        print(str(told) or type(error).__name__, file=sys.stderr)
        return told.code
    return Code.OK


def leave(code: int) -> NoReturn:
    """Ends the process at once; what was written gets out first."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError, ValueError):
            stream.flush()
    os._exit(code)


def explained(error: BaseException) -> Failure | None:
    """What an exception means to a person; None for a mistake of ours."""
    if isinstance(error, Failure):
        return error
    for recognise in (_of_files, _of_temporal, _of_records, _of_input):
        told = recognise(error)
        if told is not None:
            return told
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(Code.BAD_INPUT, f"{error.filename}: {error.strerror}")
    return None


def _of_files(error: BaseException) -> Failure | None:
    if _is(error, "inventory.problems", "FileErrors"):
        return Failure(Code.BAD_INPUT, str(error))
    if _is(error, "inventory.load", "NotDeclared"):
        return Failure(Code.NOT_FOUND, str(error))
    if _is(error, "workers.codec", "PayloadKeysError"):
        return Failure(Code.BAD_INPUT, str(error))
    return None


def _of_temporal(error: BaseException) -> Failure | None:
    if _is(error, "temporalio.service", "RPCError"):
        return _of_rpc(error)
    failed = ("WorkflowUpdateFailedError", "WorkflowFailureError")
    if any(_is(error, "temporalio.client", name) for name in failed):
        cause = _first_cause(error)
        refused = getattr(cause, "type", None) in ("refused", "Refused")
        return Failure(
            Code.REFUSED if refused else Code.BAD_END, getattr(cause, "message", None) or str(cause)
        )
    if _is(error, "temporalio.client", "WorkflowQueryFailedError"):
        return Failure(Code.REFUSED, str(error))
    return None


def _first_cause(error: BaseException) -> BaseException | None:
    """What an activity or a child said; the engine's own words around it help nobody."""
    cause: BaseException | None = getattr(error, "cause", None)
    wrappers = ("ActivityError", "ChildWorkflowError", "TimeoutError")
    while cause is not None and any(_is(cause, "temporalio.exceptions", name) for name in wrappers):
        inner: BaseException | None = getattr(cause, "cause", None)
        if inner is None:
            break
        cause = inner
    return cause


def _of_rpc(error: Any) -> Failure:
    name, words = error.status.name, error.message
    if name == "NOT_FOUND":
        return Failure(Code.NOT_FOUND, f"Temporal does not know it: {words}")
    if name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNAUTHENTICATED", "PERMISSION_DENIED"):
        return Failure(Code.NO_SERVER, f"Temporal does not answer ({name.lower()}): {words}")
    return Failure(Code.REFUSED, f"Temporal refuses ({name.lower()}): {words}")


def _of_records(error: BaseException) -> Failure | None:
    if _is(error, "records.database", "RecordsError"):
        return Failure(Code.NO_SERVER, str(error))
    if _is(error, "sqlalchemy.exc", "SQLAlchemyError"):
        return Failure(Code.NO_SERVER, f"the records cannot be read: {getattr(error, 'orig', None) or error}")
    return None


def _of_input(error: BaseException) -> Failure | None:
    """A model that refuses what the options said."""
    if not _is(error, "pydantic", "ValidationError"):
        return None
    from inventory.refusals import refusal

    problems: list[Any] = error.errors()  # type: ignore[attr-defined]
    lines = []
    for problem in problems:
        place = ".".join(str(step) for step in problem["loc"])
        words = refusal(problem, tuple(problem["loc"]), None, ())
        lines.append(f"{place}: {words}" if place else words)
    return Failure(Code.BAD_INPUT, "\n".join(lines))


def _is(error: BaseException, module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, getattr(loaded, name))


def _abandon_stdout() -> None:
    """So that the interpreter does not fail again when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
