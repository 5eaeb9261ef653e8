"""What a carrying program is told, in a file: one object, one program, and the way between them."""

from typing import Literal

from models.archive import ChainLink, ObjectEntry, ObjectName
from models.base import Frozen


class Cargo(Frozen):
    way: Literal["send", "receive"]
    name: ObjectName
    program: tuple[str, ...]
    """Its arguments; `{folder}` in one stands for where the files are. Its standard output is sent, its
    standard input is what was received."""
    files: dict[str, str] = {}
    """That the program reads, by name; some are secret."""
    about: dict[str, str] = {}
    """send: what the manifest says of the object."""
    parent: ChainLink | None = None
    """send: the object without which this one says nothing."""
    entry: ObjectEntry | None = None
    """receive: the object as a signed manifest has it."""
