"""Reads an ISO 9660 image as far as a boot loader does: to the kernel line of its first entry.

Enough of the standard (ECMA-119) to walk from the volume descriptor through directories to a file. GRUB's
file is looked for first, as UEFI would, then isolinux's. What is no ISO image, or has neither, has no kernel
line.
"""

import struct

SECTOR = 2048
_DESCRIPTOR_AT = 16 * SECTOR
_PLACES = (
    ("EFI", "BOOT", "GRUB.CFG"),
    ("BOOT", "GRUB", "GRUB.CFG"),
    ("ISOLINUX", "ISOLINUX.CFG"),
)
_KERNEL = ("linux", "linuxefi", "append")
ENOUGH = _DESCRIPTOR_AT + SECTOR
"""Bytes that tell whether it is one."""


def is_iso(head: bytes | bytearray) -> bool:
    return head[_DESCRIPTOR_AT + 1 : _DESCRIPTOR_AT + 6] == b"CD001"


def kernel_words(image: bytes) -> tuple[str, ...]:
    """The first kernel line's words, without the kernel."""
    for place in _PLACES:
        for line in _file(image, place).decode(errors="replace").splitlines():
            words = line.split()
            if words and words[0].lower() in _KERNEL:
                return tuple(words[1:] if words[0].lower() == "append" else words[2:])
    return ()


def _file(image: bytes, place: tuple[str, ...]) -> bytes:
    """Empty where there is none, or where it lies beyond what was read."""
    if not is_iso(image):
        return b""
    record = image[_DESCRIPTOR_AT + 156 : _DESCRIPTOR_AT + 190]
    for name in place:
        found = _entry(_content(image, record), name)
        if found is None:
            return b""
        record = found
    return _content(image, record)


def _content(image: bytes, record: bytes) -> bytes:
    (start,), (size,) = struct.unpack_from("<I", record, 2), struct.unpack_from("<I", record, 10)
    content = image[start * SECTOR : start * SECTOR + size]
    return content if len(content) == size else b""


def _entry(directory: bytes, name: str) -> bytes | None:
    at = 0
    while at < len(directory):
        length = directory[at]
        if not length:
            # Records do not cross sectors.
            at = (at // SECTOR + 1) * SECTOR
            continue
        record = directory[at : at + length]
        named = record[33 : 33 + record[32]].decode(errors="replace")
        if named.partition(";")[0].rstrip(".").upper() == name:
            return record
        at += length
    return None
