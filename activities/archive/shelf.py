"""Where everything of a backup stands in its store, and how a text there says who vouches for it.

    PREFIX/SITE/STAMP-KIND-RUN/begun            who makes it
                               objects/NAME     encrypted
                               entries/NAME     what the writer has put, by the MAC of the backup's key
                               manifest         signed; written last, and deleted first
                               verified/STAMP-good|bad     signed
                               drilled/STAMP-good|bad      signed: it went through a whole restore, or not
                               held/RUN         a restore uses it
                               legal-hold       a person keeps it
                               expiring         it is being deleted

A listing of a site's folder alone tells each backup's age, size, state and marks. The texts are for people,
too: JSON, an empty line, and one line that names the key and holds the signature or MAC.
"""

from dataclasses import dataclass

SEPARATOR = b"\n\n-- "
MANIFEST, BEGUN, EXPIRING, LEGAL_HOLD = "manifest", "begun", "expiring", "legal-hold"
OBJECTS, ENTRIES, VERIFIED, DRILLED, HELD = "objects/", "entries/", "verified/", "drilled/", "held/"


@dataclass(frozen=True)
class Shelf:
    """Of one backup, as keys of its store."""

    prefix: str
    backup: str

    @property
    def folder(self) -> str:
        return site_folder(self.prefix, self.backup)

    def __call__(self, name: str) -> str:
        return self.folder + name

    def object(self, name: str) -> str:
        return self(OBJECTS + name)

    def entry(self, name: str) -> str:
        return self(ENTRIES + name)


def site_folder(prefix: str, site: str) -> str:
    """Of a site, or of SITE/BACKUP."""
    return f"{prefix}/{site}/" if prefix else f"{site}/"


def vouched(text: str, by: str, mark: str) -> bytes:
    return text.encode() + SEPARATOR + f"{by} {mark}\n".encode()


def parted(content: bytes) -> tuple[bytes, str, str]:
    """Text, by whom, and the mark. Raises ValueError."""
    text, found, tail = content.rpartition(SEPARATOR)
    by, _, mark = tail.decode("ascii", "replace").strip().partition(" ")
    if not found or not by or not mark:
        raise ValueError("it ends with no line that vouches for it")
    return text, by, mark
