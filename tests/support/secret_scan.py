"""Where a secret has been written: raw, as base64 at any offset, percent-encoded, or as JSON spells it.

Base64 of a text that contains the secret (an `Authorization: Basic` header) spells it in one of three ways,
by its offset modulo three; those are searched without the characters that neighbours change.
What is searched is bytes by name: files, and what a Temporal server tells of workflows.
"""

import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from temporalio.client import Client

SHORTEST = 8
"""Less would be found by chance."""


def spellings(secret: str) -> dict[str, frozenset[bytes]]:
    """By the name of the encoding."""
    assert len(secret) >= SHORTEST, "too short to be told from other text"
    raw = secret.encode()
    quoted = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    quoted |= {re.sub("%..", lambda byte: byte[0].lower(), text) for text in quoted}
    encoded = {_base64_at(raw, offset) for offset in range(3)}
    return {
        "raw": frozenset({raw}),
        "json": frozenset({json.dumps(secret)[1:-1].encode(), raw.replace(b"/", b"\\/")}) - {raw},
        "base64": frozenset(encoded | {each.translate(bytes.maketrans(b"+/", b"-_")) for each in encoded}),
        "url": frozenset(text.encode() for text in quoted) - {raw},
    }


def found(secret: str, written: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """(what was written, in which encoding) of each find."""
    return {
        (name, encoding)
        for encoding, patterns in spellings(secret).items()
        for name, content in written.items()
        if any(pattern in content for pattern in patterns)
    }


def files(*folders: Path) -> dict[str, bytes]:
    """Every file below these folders."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in paths}


async def histories(client: Client) -> dict[str, bytes]:
    """Every run that the server knows: its events with the payloads as they are, and its memo."""
    return {name: content async for name, content in _histories(client)}


async def _histories(client: Client) -> AsyncIterator[tuple[str, bytes]]:
    async for run in client.list_workflows():
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        events = (await handle.fetch_history()).events
        described = (await handle.describe()).raw_description
        content = b"".join(event.SerializeToString() for event in events)
        yield f"{run.id} ({run.run_id})", content + described.SerializeToString()


def _base64_at(raw: bytes, offset: int) -> bytes:
    """The characters that no byte before or after the secret can change."""
    encoded = base64.b64encode(b"\0" * offset + raw)
    first = -(-offset * 8 // 6)
    return encoded[first : (offset + len(raw)) * 8 // 6]
