"""The files behind a profile's references, on the machine that the worker runs on."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class Unfit(Exception):
    """A file cannot be what it is declared as; the message is for a person."""


@dataclass(frozen=True)
class Files:
    secret: Callable[[str], str]
    """What stands behind `env:NAME` or `file:PATH`; raises SecretError."""
    path: Callable[[str], Path]
    """A path as the inventory means it."""


def license_digest(text: str) -> str:
    """Line ends and blanks around it do not make another licence."""
    return hashlib.sha256("\n".join(text.split()).encode()).hexdigest() if text.strip() else ""
