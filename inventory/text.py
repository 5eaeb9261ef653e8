"""Gets the bytes of a declared file, or says in words why there are none to be had.

A file that a person or an importer wrote by mistake (a directory, an archive, UTF-16 from an editor) is
refused here, before a parser sees it, because a parser's words about it would lead nobody to the cause.
"""

from pathlib import Path

from inventory.problems import FileErrors, Problem

MAX_BYTES = 64 * 1024 * 1024
"""Twenty times 5,000 sites with hosts."""

_BOM = b"\xef\xbb\xbf"


def refused(file: str, message: str, line: int = 0, column: int = 0) -> FileErrors:
    """A problem of the file as a whole."""
    return FileErrors([Problem(file=file, line=line, column=column, field="", message=message)])


def read_content(path: Path, file: str) -> bytes:
    """UTF-8 without byte order mark and without NUL. Raises `FileErrors`; `file` is its name in them."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refused(file, "there is no such file") from None
    except IsADirectoryError:
        raise refused(file, "is a directory, not a file") from None
    except PermissionError:
        raise refused(file, "may not be read by this user") from None
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise refused(file, f"cannot be read: {words}") from None
    if len(content) > MAX_BYTES:
        raise refused(file, f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return content


def require_text(content: bytes, file: str) -> bytes:
    """Without the byte order mark; refuses what is not UTF-8 or holds a NUL."""
    content = content.removeprefix(_BOM)
    try:
        content.decode("utf-8")
        position = len(content)
    except UnicodeDecodeError as error:
        position = error.start
    nul = content.find(b"\0", 0, position)
    if nul >= 0:
        position = nul
    if position == len(content):
        return content
    before = content[:position]
    what = "a NUL byte: this is no text file" if nul >= 0 else "not UTF-8; save the file as UTF-8"
    raise refused(file, what, before.count(b"\n") + 1, position - before.rfind(b"\n"))
