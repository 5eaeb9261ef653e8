"""Keys of an archive, all derived (HKDF-SHA256, RFC 5869) of one secret that the inventory refers to by id.

    secret, 32 bytes
    |- signing key          Ed25519 of manifests and verifications; never leaves the worker
    `- key of one backup    of its id; all that a sender inside a site gets
       |- note key          HMAC-SHA256 of what the sender says it has put
       `- key of one object
          |- salt key
          `- key of one part, of its salt

A site that is broken into so loses the backup that it is making and no other, of no other site, and cannot
sign. Ed25519 and not another HMAC because whoever checks a manifest, at a spare site on the day that the
fleet burns, then needs the public key only and could forge nothing with it. Nothing random is stored: a
killed worker's successor derives the same keys again.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

SECRET_BYTES = 32


class BadSecret(ValueError):
    """Says what was expected, and nothing of what was given."""


def secret_of(text: str) -> bytes:
    """Raises BadSecret."""
    for decode in (bytes.fromhex, lambda given: base64.b64decode(given, validate=True)):
        try:
            found = decode(text.strip())
        except (ValueError, binascii.Error):
            continue
        if len(found) == SECRET_BYTES:
            return found
    raise BadSecret(
        f"expected {SECRET_BYTES} bytes in base64 or hexadecimal, as `openssl rand -base64 32` says them"
    )


def _derived(secret: bytes, *info: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info="\0".join(("starflock archive 1", *info)).encode()).derive(
        secret
    )


@dataclass(frozen=True)
class ObjectKey:
    part_root: bytes
    salt_key: bytes

    def salt(self, place: bytes, digest: bytes) -> bytes:
        """Of a part: another one as soon as anything before its end differs."""
        return hmac.digest(self.salt_key, place + digest, hashlib.sha256)[:16]

    def part(self, salt: bytes) -> bytes:
        return HKDFExpand(SHA256(), 32, info=b"part" + salt).derive(self.part_root)


@dataclass(frozen=True)
class BackupKey:
    backup: str
    secret: bytes

    def of_object(self, name: str) -> ObjectKey:
        return ObjectKey(_derived(self.secret, "parts", name), _derived(self.secret, "salts", name))

    def note_mac(self, note: bytes) -> str:
        return hmac.digest(_derived(self.secret, "notes"), note, hashlib.sha256).hex()

    def is_note(self, note: bytes, mac: str) -> bool:
        return hmac.compare_digest(self.note_mac(note), mac)


@dataclass(frozen=True)
class ArchiveSecret:
    id: str
    secret: bytes

    def of_backup(self, backup: str) -> BackupKey:
        return BackupKey(backup, _derived(self.secret, "backup", backup))

    def sign(self, purpose: str, text: bytes) -> str:
        """`purpose` keeps what was signed as one thing from being shown as another."""
        return base64.b64encode(self._signing().sign(_said(purpose, text))).decode()

    def is_signed(self, purpose: str, text: bytes, signature: str) -> bool:
        try:
            self.public.verify(base64.b64decode(signature, validate=True), _said(purpose, text))
        except (InvalidSignature, ValueError):
            return False
        return True

    @property
    def public(self) -> Ed25519PublicKey:
        return self._signing().public_key()

    def _signing(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(_derived(self.secret, "signing"))


def _said(purpose: str, text: bytes) -> bytes:
    return f"starflock {purpose} 1\n".encode() + text
