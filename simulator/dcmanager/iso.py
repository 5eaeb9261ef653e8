"""A boot image with one file: an ISO 9660 volume (ECMA-119) that any reader can open.

Eighteen sectors in front (system area, primary descriptor, terminator), then both path tables, the
directories one inside the other, and the file. No real machine boots it; a simulated one reads the text.
"""

import struct

_SECTOR = 2048
_L_TABLE, _M_TABLE, _ROOT = 18, 19, 20


def volume(label: str, folders: tuple[str, ...], name: str, content: bytes) -> bytes:
    """Names in ISO form: EFI, BOOT and GRUB.CFG;1."""
    depth = len(folders)
    file = _ROOT + depth + 1
    sectors = file + -(-len(content) // _SECTOR)
    image = bytearray(sectors * _SECTOR)
    tables = [_table(order, folders) for order in "<>"]
    _put(image, 16, _descriptor(label, sectors, len(tables[0])))
    _put(image, 17, b"\xffCD001\x01")
    _put(image, _L_TABLE, tables[0])
    _put(image, _M_TABLE, tables[1])
    for number in range(depth + 1):
        here, above = _ROOT + number, _ROOT + max(number - 1, 0)
        entries = _entry(b"\x00", here, _SECTOR, 2) + _entry(b"\x01", above, _SECTOR, 2)
        if number < depth:
            entries += _entry(folders[number].encode(), here + 1, _SECTOR, 2)
        else:
            entries += _entry(name.encode(), file, len(content), 0)
        _put(image, here, entries)
    _put(image, file, content)
    return bytes(image)


def _table(order: str, folders: tuple[str, ...]) -> bytes:
    """One path table: every directory with its sector and the number of the one above it."""
    rows = b""
    for number, folder in enumerate(("\0", *folders)):
        named = folder.encode()
        rows += struct.pack(f"{order}BBIH", len(named), 0, _ROOT + number, max(number, 1)) + named
        rows += bytes(len(named) % 2)
    return rows


def _put(image: bytearray, sector: int, data: bytes) -> None:
    image[sector * _SECTOR : sector * _SECTOR + len(data)] = data


def _both(value: int) -> bytes:
    return struct.pack("<I", value) + struct.pack(">I", value)


def _both_short(value: int) -> bytes:
    return struct.pack("<H", value) + struct.pack(">H", value)


def _entry(name: bytes, sector: int, size: int, flags: int) -> bytes:
    made = bytes([126, 1, 1, 0, 0, 0, 0])
    tail = bytes([flags, 0, 0]) + _both_short(1) + bytes([len(name)]) + name
    body = _both(sector) + _both(size) + made + tail
    padding = len(body) % 2
    return bytes([2 + len(body) + padding, 0]) + body + bytes(padding)


def _descriptor(label: str, sectors: int, table: int) -> bytes:
    head = b"\x01CD001\x01\x00" + b" " * 32 + label.upper()[:32].ljust(32).encode() + bytes(8)
    sizes = _both(sectors) + bytes(32) + _both_short(1) + _both_short(1) + _both_short(_SECTOR) + _both(table)
    tables = struct.pack("<II", _L_TABLE, 0) + struct.pack(">II", _M_TABLE, 0)
    words = b" " * (128 * 4 + 37 * 3) + b"0" * 16 + b"\x00" + b"0" * 16 + b"\x00"
    never = b"0" * 16 + b"\x00"
    return head + sizes + tables + _entry(b"\x00", _ROOT, _SECTOR, 2) + words + never * 2 + b"\x01\x00"
