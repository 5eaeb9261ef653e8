"""What a platform's archive looks like from inside: read to its end, nothing of it is written anywhere.

backup.yml makes a gzip-compressed tar of the active controller, /etc among it; with a passphrase it is
encrypted beyond that (.gpg). (StarlingX: back up and restore, system backup; ansible-playbooks.)
"""

import io
import tarfile
import zlib
from collections.abc import Iterator

from models.drill import Content

GZIP, SIMULATED, PGP = b"\x1f\x8b", b"\x78", (b"\x85", b"\x8c", b"\xc3", b"\xa3")
ETC = ("etc/", "./etc/")
PIECE = 2**16


def content_of(name: str, pieces: Iterator[bytes]) -> Content:
    """`name` of the object, `pieces` its plaintext. Raises what reading raises, Damaged among it."""
    stream = _Stream(pieces)
    head = stream.peek(2)
    if name.endswith(".gpg") or head[:1] in PGP:
        words = "it is encrypted with a passphrase of the site's own, which a drill does not have"
        return Content(kind="encrypted", words=words)
    if head.startswith(GZIP):
        return _tar(stream)
    if head.startswith(SIMULATED):
        return Content(kind="simulated")
    return Content(kind="unreadable", words=f"it is no compressed tar: it begins with {head.hex()}")


def _tar(stream: "_Stream") -> Content:
    members, has_etc, inflated = 0, False, _Inflated(stream)
    try:
        with tarfile.open(fileobj=inflated, mode="r|", bufsize=PIECE) as archive:
            for member in archive:
                members += 1
                has_etc = has_etc or member.name.startswith(ETC)
        # tarfile takes a header that is cut off for the end.
        while inflated.read(PIECE):
            continue
    except (tarfile.TarError, zlib.error) as error:
        words = f"its tar breaks off after {members} members: {error}"
        return Content(kind="unreadable", members=members, words=words)
    if not inflated.ended:
        words = f"it breaks off after {members} members: its end is missing"
        return Content(kind="unreadable", members=members, words=words)
    if not has_etc:
        words = f"of its {members} members none is below /etc, of which every platform's archive has some"
        return Content(kind="unreadable", members=members, words=words)
    return Content(kind="platform", members=members)


class _Inflated(io.RawIOBase):
    """What gzip has compressed, held against its checksum at its end."""

    def __init__(self, stream: "_Stream") -> None:
        self._stream, self._inflate = stream, zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        return self._inflate.eof

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        found = b""
        while not found and not self._inflate.eof:
            given = self._inflate.unconsumed_tail or self._stream.read(PIECE)
            found = self._inflate.decompress(given, max(size, 0))
            if not given and not found:
                break
        return found


class _Stream(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def readable(self) -> bool:
        return True

    def peek(self, count: int) -> bytes:
        while len(self._left) < count and (piece := next(self._pieces, b"")):
            self._left += piece
        return self._left[:count]

    def read(self, size: int = -1, /) -> bytes:
        found = self.peek(size) if size >= 0 else self._left + b"".join(self._pieces)
        self._left = self._left[len(found) :]
        return found
