"""Payloads leave this process encrypted, and are readable to those who hold the key.

Each payload (argument, result, heartbeat, memo, summary, words of a failure) becomes one of encoding
`binary/encrypted`: the whole of it, sealed with AES-256-GCM under a fresh 96-bit nonce, and the id of its
key. The first declared key writes, all of them read; so a key is changed by putting the new one behind the
old one everywhere, then in front, and taking the old one away when the last workflow that it wrote is past
its retention. One key is good for 2^32 payloads, some twenty thousand campaigns of a thousand sites.

What has another encoding is passed on as it is: people start workflows by hand, from the UI or the `temporal`
CLI, and what ran before the keys came must go on. Workflow ids, types, search attributes and times are not
payloads: Temporal needs them in clear, and so they name sites, campaigns, regions and releases.
"""

import base64
import binascii
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, EncodingPayloadConverter, PayloadCodec

from inventory.secrets import SecretAway, SecretError, resolve

OFF = "off"
ENCODING = b"binary/encrypted"
CIPHER = b"AES-256-GCM"
KEY_BYTES = 32
NONCE_BYTES = 12
BOUND = b"starflock payload 1 "
"""Authenticated with the key's id, so that an envelope is opened as what it was sealed as."""
KEY = re.compile(r"(?P<id>[A-Za-z0-9][A-Za-z0-9._-]{0,63})=(?P<reference>\S+)")
EXPECTED = "expected ID=REFERENCE[,ID=REFERENCE...], such as 2026b=file:/etc/starflock/payload-2026b"


class PayloadKeysError(Exception):
    """Keys are missing or unusable; the message is for a person and holds no key."""


@dataclass(frozen=True)
class PayloadKeys:
    writing: str
    """Id of the key that seals; it is one of `sealers`."""
    sealers: dict[str, AESGCM]


def read_keys(declared: str, base: Path) -> PayloadKeys:
    """Keys of `ID=REFERENCE,...`; a relative file starts at `base`. Raises: PayloadKeysError, and
    RuntimeError where a key is kept in a store that is away: the next start may find it."""
    sealers: dict[str, AESGCM] = {}
    for part in (each.strip() for each in declared.split(",")):
        matched = KEY.fullmatch(part)
        if matched is None:
            raise PayloadKeysError(f"payload keys: {EXPECTED} (what was given is not shown)")
        name = matched["id"]
        if name in sealers:
            raise PayloadKeysError(f"payload keys: {name} stands twice")
        sealers[name] = AESGCM(_key(name, matched["reference"], base))
    return PayloadKeys(next(iter(sealers)), sealers)


def _key(name: str, reference: str, base: Path) -> bytes:
    try:
        text = resolve(reference, base)
    except SecretAway as error:
        raise RuntimeError(f"payload key {name}: {error}") from None
    except SecretError as error:
        raise PayloadKeysError(f"payload key {name}: {error}") from None
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        words = f"expected {KEY_BYTES} bytes in base64; make one with: openssl rand -base64 {KEY_BYTES}"
        raise PayloadKeysError(f"payload key {name} ({reference}): {words}")
    return key


class EncryptingCodec(PayloadCodec):
    def __init__(self, keys: PayloadKeys) -> None:
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self.sealed(each) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises: PayloadKeysError (its key is not here, or the payload was tampered with)."""
        return [self.opened(each) for each in payloads]

    def sealed(self, payload: Payload) -> Payload:
        name = self._keys.writing
        nonce = os.urandom(NONCE_BYTES)
        content = self._keys.sealers[name].encrypt(nonce, payload.SerializeToString(), BOUND + name.encode())
        metadata = {"encoding": ENCODING, "encryption-cipher": CIPHER, "encryption-key-id": name.encode()}
        return Payload(metadata=metadata, data=nonce + content)

    def opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        name = payload.metadata.get("encryption-key-id", b"").decode(errors="replace")
        sealer = self._keys.sealers.get(name)
        if sealer is None:
            have = ", ".join(self._keys.sealers)
            raise PayloadKeysError(f"a payload was encrypted with key {name!r}; keys here: {have}")
        nonce, content = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(sealer.decrypt(nonce, content, BOUND + name.encode()))
        except (InvalidTag, ValueError):
            words = f"a payload that names key {name!r} cannot be opened with it: another key, or altered"
            raise PayloadKeysError(words) from None


class _Locked(EncodingPayloadConverter):
    @property
    def encoding(self) -> str:
        return ENCODING.decode()

    def to_payload(self, value: Any) -> Payload | None:
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        name = payload.metadata.get("encryption-key-id", b"").decode(errors="replace")
        raise PayloadKeysError(
            f"what Temporal holds is encrypted with key {name!r}: set STARFLOCK_PAYLOAD_KEYS"
        )


class ClearConverter(CompositePayloadConverter):
    """Where no keys are declared: JSON by Pydantic, and of what is encrypted it says how to read it."""

    def __init__(self) -> None:
        super().__init__(*PydanticPayloadConverter().converters.values(), _Locked())
