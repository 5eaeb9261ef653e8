"""How far an answer is what was recorded: words and values, with placeholders for what differs by nature.

Returns words instead of asserting, because a difference may be a known one.
"""

import re
from typing import Any

_PATTERNS = {
    "<id>": r"\d+",
    "<uuid>": r"[0-9a-f-]{36}",
    "<region-32hex>": r"[0-9a-f]{32}",
    "<date-space>": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}",
    "<date-T>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}",
}
CRASHED = "<unhandled server exception; body depends on the WSGI server>"
_SAME = "<same-keys-x>"


def difference(recorded: Any, got: Any, where: str = "body", ignored: frozenset[str] = frozenset()) -> str:
    """The first difference in words, empty when there is none."""
    if isinstance(recorded, str):
        return _of_texts(recorded, got, where)
    if isinstance(recorded, dict):
        return _of_objects(recorded, got, where, ignored)
    if isinstance(recorded, list):
        return _of_lists(recorded, got, where, ignored)
    if type(recorded) is not type(got) or recorded != got:
        return f"{where}: recorded {recorded!r}, got {got!r}"
    return ""


def _of_texts(recorded: str, got: Any, where: str) -> str:
    pattern = _PATTERNS.get(recorded)
    if pattern is not None:
        good = re.fullmatch(pattern, str(got)) is not None
    else:
        same = got == recorded
        good = same or (isinstance(got, str) and re.fullmatch(_loose(recorded), got, re.DOTALL) is not None)
    return "" if good else f"{where}: recorded {recorded!r}, got {got!r}"


def _loose(text: str) -> str:
    """The text, with room for the host's own address and for identifiers."""
    escaped = re.escape(text).replace(re.escape("<host>"), r"[\w.:]+")
    return escaped.replace(re.escape("{uuid}"), r"[0-9a-f-]{36}").replace(re.escape("{date}"), r"[\dT:.+ -]+")


def _of_objects(recorded: dict[str, Any], got: Any, where: str, ignored: frozenset[str]) -> str:
    if not isinstance(got, dict):
        return f"{where}: recorded an object, got {got!r}"
    if set(recorded) != set(got):
        missing, added = sorted(set(recorded) - set(got)), sorted(set(got) - set(recorded))
        return f"{where}: without {missing}, with {added}"
    for name, value in recorded.items():
        found = "" if name in ignored else difference(value, got[name], f"{where}.{name}", ignored)
        if found:
            return found
    return ""


def _of_lists(recorded: list[Any], got: Any, where: str, ignored: frozenset[str]) -> str:
    """A long list is recorded by its first item and how many more there are."""
    if not isinstance(got, list):
        return f"{where}: recorded a list, got {got!r}"
    rows, more = recorded, 0
    if rows and isinstance(rows[-1], dict) and set(rows[-1]) == {_SAME}:
        rows, more = rows[:-1], rows[-1][_SAME]
    if len(got) != len(rows) + more:
        return f"{where}: recorded {len(rows) + more} items, got {len(got)}"
    for place, value in enumerate(rows):
        found = difference(value, got[place], f"{where}[{place}]", ignored)
        if found:
            return found
    return next(
        (f"{where}: items differ in their keys" for item in got[len(rows) :] if set(item) != set(rows[0])), ""
    )
