"""A file that holds one secret: closed to group and others, small, UTF-8."""

import os
import stat
from pathlib import Path

MAX_BYTES = 64 * 1024


def read_private(path: Path) -> tuple[str, str]:
    """The text, or an empty one and the words for a person, which hold nothing of the file."""
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return "", f"there is no such file (looked for {path})"
    except (OSError, ValueError) as error:
        return "", f"cannot be read: {getattr(error, 'strerror', None) or 'not a usable path'}"
    open_to = [who for who, bits in (("group", stat.S_IRWXG), ("others", stat.S_IRWXO)) if mode & bits]
    if open_to:
        return "", (
            f"the file is open to {' and '.join(open_to)} (mode {stat.S_IMODE(mode):04o}); "
            f"close it with: chmod 600 {path}"
        )
    if len(content) > MAX_BYTES:
        return "", f"the file is larger than {MAX_BYTES // 1024} KiB, which is no password"
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError:
        return "", "the file is not UTF-8 text"
