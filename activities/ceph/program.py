"""The `ceph` and `rbd` programs: how they are called and what they have written, wherever they run.

`--connect-timeout` ends its search for a monitor; a command that has one and is answered by nobody, which a
manager that hangs brings about, has to be ended from outside. Words go to standard error and JSON to standard
output, also where it ends with an error code. `rbd` has no such option: what it is told of time is Ceph's own
setting for a client's first answer. A site's name, a user and options travel as arguments, never a
key: the program finds its keyring where it runs.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from activities.ceph.commands import Command, CommandResult, RbdCommand
from activities.ceph.errors import SILENT
from activities.http import NoAnswer

UNANSWERED = re.compile(r"^timed out$|RADOS timed out")
DIARY = re.compile(r"^\d{4}-\d\d-\d\dT\S+ [0-9a-f]{8,} +-?\d+ ")
"""Lines of the library's log, which it also writes to standard error."""
SHOWN = 400


@dataclass(frozen=True)
class Ran:
    """A program that has ended, or was ended by a signal (negative code)."""

    code: int
    out: str = ""
    errors: str = ""


def arguments(asked: Command, user: str, connect_s: int, *before: str) -> list[str]:
    """`before`: options of the place where it runs."""
    options = ("-n", user, "-f", "json", "--connect-timeout", str(connect_s))
    return ["ceph", *before, *options, *asked.prefix.split(), *asked.args]


def rbd_arguments(asked: RbdCommand, user: str, connect_s: int, *before: str) -> list[str]:
    return ["rbd", *before, "-n", user, f"--client_mount_timeout={connect_s}", *asked.args]


def result(asked: Command | RbdCommand, where: str, ran: Ran) -> CommandResult:
    """Raises NoAnswer where nobody answered it."""
    lines = _words(ran.errors)
    unheard = any(UNANSWERED.search(line) for line in lines)
    if ran.code < 0 or ran.code in SILENT or (ran.code != 0 and unheard):
        # A search for a monitor that found none has sent nothing.
        words = "; ".join(lines) if ran.code >= 0 else f"ended by signal {-ran.code}"
        sent = ran.code < 0 or ran.code in SILENT
        raise NoAnswer(str(asked), f"at {where}", words, maybe_applied=sent)
    return CommandResult(ran.code, _json(ran.out), "; ".join(lines)[-SHOWN:])


def _words(said: str) -> Sequence[str]:
    """By line, without the library's own log."""
    return [line.strip() for line in said.splitlines() if line.strip() and not DIARY.match(line)]


def _json(out: str) -> object:
    try:
        return json.loads(out)
    except ValueError:
        return None
