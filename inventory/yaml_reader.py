"""Reads one YAML document into plain data, or says in which line it is not one.

The parser is libyaml's, but its events are turned into data here and not by PyYAML's constructor. That is
five times as fast (5,000 sites with hosts in well under a second), keys that stand twice are seen,
nothing is ever constructed from a tag, and the nesting and the unfolding of aliases are bounded while
reading. Scalars are understood as YAML 1.1 (as PyYAML writes them): `on` is true, `52:54:00:12:34:56` a
number to base 60. What no declared file can want (dates, numbers that are not decimal) is a flaw with the
advice to quote it; what only some fields refuse is left to the schema.

The first reading keeps no lines. Only when there is something to report is the text read again with
`locate=True`, which notes where each path stands and how its scalar was written.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from inventory.problems import Path
from inventory.words import IN_CLEAR, is_password, is_secret, quoted

MAX_DEPTH = 32
MAX_UNFOLDED = 100_000
"""Values that aliases may repeat in one document; a bomb wants billions."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_TAG = "tag:yaml.org,2002:"
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?|[-+]?\.[0-9]+")


class Place(NamedTuple):
    """Where a value stands (1-based) and, for a scalar, how it was written."""

    line: int
    column: int
    raw: str | None = None


class Flaw(NamedTuple):
    """A mistake in the YAML itself; `spoils` says that the value at the path means nothing."""

    place: Place
    path: Path
    message: str
    spoils: bool = True


class Document(NamedTuple):
    data: Any
    flaws: list[Flaw]
    places: dict[Path, Place]
    broken: bool
    """Reading ended early: `flaws` says why, `data` means nothing."""


class _Broken(Exception):
    def __init__(self, place: Place, message: str, path: Path = ()) -> None:
        self.flaw = Flaw(place, path, message)


class _Frame:
    """A mapping or list that is being read. A `key` of None drops the value that follows."""

    __slots__ = ("anchor", "expects_key", "items", "key", "place", "size")

    def __init__(self, items: Any, anchor: str | None) -> None:
        self.items = items
        self.anchor = anchor
        self.key: str | None = None
        self.expects_key = type(items) is dict
        self.place = Place(1, 1)
        self.size = 1

    @property
    def step(self) -> str | int | None:
        return self.key if type(self.items) is dict else len(self.items) - 1


def _place(event: Any) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1)


class _Odd(NamedTuple):
    """A plain scalar that YAML reads as something no field can hold."""

    read_as: str


def _read_as(value: Any) -> str:
    if type(value) is _Odd:
        return value.read_as
    if type(value) is bool:
        return "true" if value else "false"
    return "a number"


def _tag_of(text: str) -> str:
    for tag, pattern in [*_RESOLVERS.get(text[:1], ()), *_RESOLVERS.get(None, ())]:
        if pattern.match(text):
            return str(tag)
    return ""


def _plain(text: str) -> Any:
    """A scalar without quotes, as YAML 1.1 understands it."""
    tag = _tag_of(text)
    match tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return yaml.SafeLoader.bool_values[text.lower()]
        case "int" | "float" as kind:
            if not _DECIMAL.fullmatch(text) or len(text) > 30:
                return _Odd("a number to base 60" if ":" in text else "a number, but is not decimal")
            return int(text) if kind == "int" else float(text)
        case "timestamp":
            return _Odd("a date")
        case "merge":
            return _Odd("a merge key")
    return text


class _Builder:
    def __init__(self, content: bytes, locate: bool) -> None:
        self.loader = _LOADER(content)
        self.locate = locate
        self.root: Any = None
        self.documents = 0
        self.frames: list[_Frame] = []
        self.flaws: list[Flaw] = []
        self.places: dict[Path, Place] = {}
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.unfolded = 0
        self.known: dict[str, Any] = {}

    def run(self) -> None:
        get_event = self.loader.get_event
        while True:
            event = get_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self.scalar(event)
            elif kind is yaml.MappingStartEvent:
                self.open(event, {})
            elif kind is yaml.SequenceStartEvent:
                self.open(event, [])
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self.close()
            elif kind is yaml.AliasEvent:
                self.alias(event)
            elif kind is yaml.DocumentStartEvent:
                self.documents += 1
                if self.documents > 1:
                    raise _Broken(_place(event), "a second document begins here; a file holds one")
            elif kind is yaml.StreamEndEvent:
                return

    def path(self) -> Path:
        return tuple("?" if frame.step is None else frame.step for frame in self.frames)

    def flaw(self, event: Any, message: str, *, spoils: bool = True, path: Path | None = None) -> None:
        self.flaws.append(Flaw(_place(event), self.path() if path is None else path, message, spoils))

    def scalar(self, event: Any) -> None:
        text: str = event.value
        value: Any = text
        if event.implicit[0]:
            value = self.known.get(text, self)
            if value is self:
                value = self.known[text] = _plain(text)
        elif event.tag not in (None, "!", _TAG + "str"):
            self.refuse_tag(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (text if type(value) is _Odd else value, 1)
        frame = self.frames[-1] if self.frames else None
        if frame is not None and frame.expects_key:
            self.key(frame, event, value, text)
            return
        if type(value) is not _Odd:
            self.attach(event, value, text)
            return
        self.attach(event, text, text)
        path = self.path()
        if is_password(path):
            self.flaw(event, IN_CLEAR)
        elif is_secret(path):
            self.flaw(event, f"a value (not shown) is read as {value.read_as}; write it in quotes")
        else:
            self.flaw(event, f"{quoted(text)} is read as {value.read_as}; write it in quotes if it is text")

    def key(self, frame: _Frame, event: Any, value: Any, text: str) -> None:
        frame.expects_key = False
        frame.key = text
        if type(value) is _Odd and value.read_as == "a merge key":
            self.flaw(event, "merge keys are not understood here; write the keys out")
            frame.key = None
        elif value is None:
            self.flaw(event, "a key is empty; write its name, in quotes if it is 'null'")
        elif type(value) is not str:
            shown = "(not shown)" if is_secret(self.path()[:-1]) else quoted(text)
            self.flaw(event, f"the key {shown} is read as {_read_as(value)}; write it in quotes")
        if self.locate:
            frame.place = _place(event)
        if frame.key in frame.items:
            first = self.places.get(self.path())
            where = f", first in line {first.line}" if first else ""
            self.flaw(event, f"this key stands twice in its mapping{where}", spoils=False)
            frame.key = None

    def attach(self, event: Any, value: Any, raw: str | None = None) -> None:
        if not self.frames:
            self.root = value
            if self.locate:
                self.places[()] = _place(event)._replace(raw=raw)
            return
        frame = self.frames[-1]
        frame.size += 1
        items = frame.items
        if type(items) is dict:
            if frame.expects_key:
                raise _Broken(_place(event), "a key must be plain text, not a list or mapping")
            frame.expects_key = True
            if frame.key is None:
                return
            items[frame.key] = value
            place = frame.place
        else:
            items.append(value)
            place = _place(event) if self.locate else frame.place
        if self.locate and all(step.step is not None for step in self.frames):
            self.places[self.path()] = place._replace(raw=raw)

    def open(self, event: Any, items: Any) -> None:
        if event.tag not in (None, "!"):
            self.refuse_tag(event)
        self.attach(event, items)
        if len(self.frames) >= MAX_DEPTH:
            raise _Broken(_place(event), f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.frames.append(_Frame(items, event.anchor))

    def close(self) -> None:
        frame = self.frames.pop()
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (frame.items, frame.size)
        if self.frames:
            self.frames[-1].size += frame.size - 1

    def alias(self, event: Any) -> None:
        name = event.anchor
        if name not in self.anchors:
            raise _Broken(_place(event), f"the alias *{name} has no anchor &{name} before it")
        target = self.anchors[name]
        if target is None:
            raise _Broken(_place(event), f"the alias *{name} stands inside its own anchor &{name}")
        value, size = target
        self.unfolded += size
        if self.unfolded > MAX_UNFOLDED:
            raise _Broken(
                _place(event), f"the aliases unfold to more than {MAX_UNFOLDED:,} values; write them out"
            )
        frame = self.frames[-1]
        if frame.expects_key:
            raise _Broken(_place(event), "an alias cannot be a key")
        self.attach(event, value)
        frame.size += size - 1

    def refuse_tag(self, event: Any) -> None:
        name = event.tag.replace(_TAG, "!!", 1)
        self.flaw(event, f"the tag {quoted(name)} is not allowed; write plain values")


_HINTS = {
    "mapping values are not allowed in this context": "a ': ' inside a value needs quotes around the value, "
    "or this line is indented too far",
    "could not find expected ':'": "a key in the line before or in this one lacks its ': '",
    "found character that cannot start any token": "a value that begins with a special character "
    "needs quotes, and lines are indented with spaces, not tabs",
    "did not find expected key": "this line is not indented as its neighbours are",
    "did not find expected '-' indicator": "this line is not indented as the list it belongs to",
    "did not find expected <document start>": "this line does not belong to the mapping or list before it",
}


def _syntax_flaw(content: bytes, error: yaml.YAMLError) -> Flaw:
    """libyaml's words and line, with what usually causes it."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        words = error.problem or error.context or "cannot be read"
        hint = _HINTS.get(words, "")
        return Flaw(place, (), f"not YAML: {words}" + (f" ({hint})" if hint else ""))
    position = getattr(error, "position", 0)
    before = content[:position]
    place = Place(before.count(b"\n") + 1, position - (before.rfind(b"\n") + 1) + 1)
    return Flaw(place, (), "not YAML: a control character stands here")


def parse(content: bytes, *, locate: bool = False) -> Document:
    """`content` is UTF-8 without NUL (see `text.read_content`). Never raises for what the text says."""
    builder = _Builder(content, locate)
    broken = True
    try:
        builder.run()
        broken = False
    except _Broken as error:
        builder.flaws.append(error.flaw)
    except yaml.YAMLError as error:
        builder.flaws.append(_syntax_flaw(content, error))
    finally:
        builder.loader.dispose()
    return Document(builder.root, builder.flaws, builder.places, broken)


def containers(data: Any, path: Path) -> Iterator[Any]:
    """The values along a path, from the top; stops where the path leaves the data."""
    yield data
    for step in path:
        inside = (
            step in data
            if isinstance(data, dict)
            else isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if not inside:
            return
        data = data[step]
        yield data
