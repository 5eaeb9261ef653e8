"""Turns what a check found into words: nearest names, and values described without giving secrets away.

Values are quoted with `repr`, so that a control character in a file cannot speak to the terminal, and cut
at 60 characters. Below `credential` nothing is ever quoted: a password in the wrong place stays unseen.
"""

import difflib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from inventory.problems import Path
from models.archive_access import StoreCredential
from models.inventory import Credential

QUOTED_AT_MOST = 60
SUGGESTED_AT_MOST = 20
"""Names in one list that get a suggestion; comparing thousands with thousands would take minutes."""

CREDENTIALS = frozenset((*Credential.model_fields, *StoreCredential.model_fields))
REFERENCES = "env:NAME, file:PATH, k8s:SECRET/KEY or vault:MOUNT/PATH#KEY"
IN_CLEAR = (
    f"a secret in clear is refused (not shown here); write {REFERENCES}, and change the secret if others "
    "could read this file"
)


@lru_cache(maxsize=1024)
def _nearest(word: str, known: tuple[str, ...]) -> str:
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'topology'?`, or nothing where no known name is near."""
    near = _nearest(word, tuple(known))
    return f"; did you mean {near!r}?" if near else ""


def listed(names: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    *head, tail = names
    return f"{', '.join(head)} {last} {tail}" if head else tail


def quoted(text: str) -> str:
    return repr(text if len(text) <= QUOTED_AT_MOST else text[:QUOTED_AT_MOST] + "...")


def is_secret(path: Path) -> bool:
    """Whether a value at this path may be, or may have been meant as, a secret."""
    return "credential" in path or is_password(path) or path[-1:] == ("webhook",)


def is_password(path: Path) -> bool:
    return str(path[-1] if path else "").endswith(
        ("password", "token", "kubeconfig", "secret", "secret_key", "access_key", "apprise")
    )


def without_secrets(path: Path) -> Path:
    """The path, cut below `credential` where a step is no key of it: `password:hunter2` may be one."""
    for number, step in enumerate(path[:-1], start=1):
        if step == "credential" and path[number] not in CREDENTIALS:
            return path[:number]
    return path


def described(value: Any, raw: str | None, path: Path) -> str:
    """What stands in the file, for after `found`: `'AIO'`, `the number 1.10`, `a list`."""
    if value is None:
        return "nothing"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if is_secret(path):
        return "another value (not shown)"
    if isinstance(value, bool):
        word = "true" if value else "false"
        return word if raw in (word, None) else f"{raw}, which YAML reads as {word}"
    if isinstance(value, str):
        return quoted(value)
    return f"the number {raw or value}"


def quote_it(value: Any, raw: str | None, path: Path) -> str:
    """Advice where text was wanted and YAML read something else."""
    if isinstance(value, bool | int | float) and raw is not None:
        return "; write it in quotes" + ("" if is_secret(path) else f": '{raw}'")
    return ""
