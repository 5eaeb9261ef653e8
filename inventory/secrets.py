"""Resolves references to secrets, in the process that needs them and at the moment it does.

A declared file and everything that travels hold only the reference (`env:NAME`, `file:PATH`,
`k8s:SECRET/KEY`). Errors name the reference; the value, or anything that was computed from it, appears in
none, not even as the context of an exception. `redact` is for words of foreign systems that may repeat what
was sent to them.
"""

import json
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

from inventory import cluster_secrets

MAX_BYTES = 64 * 1024
MASK = "***"
CLUSTER = re.compile(r"[a-z0-9][a-z0-9.-]*/[A-Za-z0-9._-]+")


class SecretError(Exception):
    """A reference leads to no usable secret. The message is for a person and names the reference."""


def resolve(ref: str, base_dir: str | Path) -> str:
    """The secret behind `env:NAME`, `file:PATH` or `k8s:SECRET/KEY`, without one newline at its end.

    A relative PATH starts at `base_dir` (the directory of the inventory); the file must be closed to group
    and others. Raises `SecretError`.
    """
    kind, _, rest = ref.partition(":")
    if kind == "env" and rest:
        value = os.environ.get(rest)
        if value is None:
            raise SecretError(f"{ref}: this environment variable is not set")
    elif kind == "file" and rest:
        value = _read(ref, Path(base_dir) / Path(rest).expanduser())
    elif kind == "k8s" and CLUSTER.fullmatch(rest):
        name, _, key = rest.partition("/")
        value, trouble = cluster_secrets.read(name, key)
        if trouble:
            raise SecretError(f"{ref}: {trouble}")
    else:
        raise SecretError("a secret must be given as env:NAME or file:PATH (what was given is not shown)")
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise SecretError(f"{ref}: the secret is empty")
    return value


def _read(ref: str, path: Path) -> str:
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SecretError(f"{ref}: there is no such file (looked for {path})") from None
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or "not a usable path"
        raise SecretError(f"{ref}: cannot be read: {words}") from None
    open_to = [who for who, bits in (("group", stat.S_IRWXG), ("others", stat.S_IRWXO)) if mode & bits]
    if open_to:
        raise SecretError(
            f"{ref}: the file is open to {' and '.join(open_to)} (mode {stat.S_IMODE(mode):04o}); "
            f"close it with: chmod 600 {path}"
        )
    if len(content) > MAX_BYTES:
        raise SecretError(f"{ref}: the file is larger than {MAX_BYTES // 1024} KiB, which is no password")
    text = _decoded(content)
    if text is None:
        raise SecretError(f"{ref}: the file is not UTF-8 text")
    return text


def _decoded(content: bytes) -> str | None:
    """None instead of an error, because a UnicodeDecodeError carries the bytes it failed at."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with every secret, also as it stands in JSON and in URLs, replaced by `***`."""
    forms = spellings(secrets)
    if not forms:
        return text
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.sub("|".join(map(re.escape, longest_first)), MASK, text)


def spellings(secrets: Iterable[str]) -> set[str]:
    """The secrets, also as they stand in JSON, in YAML and in URLs."""
    return {
        form
        for secret in secrets
        if secret
        for form in (
            secret,
            secret.replace("'", "''"),
            quote(secret, safe=""),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        )
    }
