"""Resolves references to secrets, in the process that needs them and at the moment it does.

A declared file and everything that travels hold only the reference (`env:NAME`, `file:PATH`,
`k8s:SECRET/KEY`, `vault:MOUNT/PATH#KEY`). Errors name the reference; the value, or anything that was computed
from it, appears in none, not even as the context of an exception. `redact` is for words of foreign systems
that may repeat what was sent to them.
"""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

from inventory import cluster_secrets, vault_secrets
from inventory.private_file import read_private
from models.base import IN_CLUSTER, IN_VAULT

MASK = "***"


class SecretError(Exception):
    """A reference leads to no usable secret. The message is for a person and names the reference."""


class SecretAway(SecretError):
    """Where it is kept does not answer, or is sealed: the reference may be right, and it is asked again."""


def resolve(ref: str, base_dir: str | Path) -> str:
    """The secret behind `env:NAME`, `file:PATH`, `k8s:SECRET/KEY` or `vault:MOUNT/PATH#KEY`, without one
    newline at its end.

    A relative PATH starts at `base_dir` (the directory of the inventory); the file must be closed to group
    and others. Raises `SecretError`, and `SecretAway` where a store does not answer.
    """
    kind, _, rest = ref.partition(":")
    if kind == "env" and rest:
        value = os.environ.get(rest)
        if value is None:
            raise SecretError(f"{ref}: this environment variable is not set")
    elif kind == "file" and rest:
        value, trouble = read_private(Path(base_dir) / Path(rest).expanduser())
        if trouble:
            raise SecretError(f"{ref}: {trouble}")
    elif kind == "k8s" and re.fullmatch(IN_CLUSTER, rest):
        name, _, key = rest.partition("/")
        value, trouble = cluster_secrets.read(name, key)
        if trouble:
            raise SecretError(f"{ref}: {trouble}")
    elif kind == "vault" and re.fullmatch(IN_VAULT, rest):
        path, _, key = rest.partition("#")
        value, failure = vault_secrets.read(path, key)
        if failure is not None:
            raise (SecretAway if failure.passes else SecretError)(f"{ref}: {failure.words}")
    else:
        raise SecretError(
            "a secret must be given as env:NAME, file:PATH, k8s:SECRET/KEY or vault:MOUNT/PATH#KEY (what was "
            "given is not shown)"
        )
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise SecretError(f"{ref}: the secret is empty")
    return value


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
