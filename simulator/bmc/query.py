"""Query parameters: `only`, `$select`, `$expand` and `$filter` on collections, as the service root announces.

`$expand=.` puts subordinate resources in place, `~` those below Links, `*` both; one level of them, or up to
six with `($levels=n)`. `$filter` knows eq, ne, lt, gt, le, ge with and, or, not and parentheses. A `$`
parameter that is not known is 501, any other is ignored.
"""

import operator
import re
from collections.abc import Callable
from typing import Any

from simulator.bmc import messages
from simulator.bmc.tree import Call
from simulator.wire.http import Json, Refusal

MOST_LEVELS = 6
_EXPAND = re.compile(r"^(?P<which>[.~*])(\(\$levels=(?P<levels>\d+)\))?$")
_TOKEN = re.compile(r"\s*(\(|\)|'(?:[^']|'')*'|[^\s()]+)")
_KEPT = ("@odata.id", "@odata.type", "@odata.context", "@odata.etag")
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "gt": operator.gt,
    "le": operator.le,
    "ge": operator.ge,
}
Look = Callable[[Call, str], Json | None]


def applied(call: Call, body: Json, look: Look) -> Json:
    """The body as the query wants it.

    Raises:
        Refusal: a parameter is not known, has no such value, or does not go with this resource.
    """
    asked = call.request.query
    if not asked:
        return body
    for name in asked:
        if name.startswith("$") and name not in ("$select", "$expand", "$filter"):
            raise messages.refuse(501, "QueryNotSupported", f"The query {name} is not supported.")
    if "only" in asked:
        body = _only(call, asked, body, look)
    if "$filter" in asked:
        body = _filtered(call, asked["$filter"], body, look)
    if "$expand" in asked:
        body = _expanded(call, asked["$expand"], body, look)
    if "$select" in asked:
        body = _selected(asked["$select"], body)
    return body


def _wrong(name: str, value: str) -> Refusal:
    text = f"The value '{value}' for the query parameter {name} cannot be used here."
    return messages.refuse(400, "QueryParameterValueFormatError", text, value, name)


def _only(call: Call, asked: dict[str, str], body: Json, look: Look) -> Json:
    if asked["only"]:
        raise _wrong("only", asked["only"])
    if "Members" not in body or len(asked) > 1:
        raise messages.refuse(400, "QueryNotSupportedOnResource", "Querying is not supported here.")
    if len(body["Members"]) != 1:
        return body
    return look(call, body["Members"][0]["@odata.id"]) or body


def _expanded(call: Call, text: str, body: Json, look: Look) -> Json:
    found = _EXPAND.match(text)
    levels = int(found["levels"] or 1) if found else 0
    if not 1 <= levels <= MOST_LEVELS:
        raise _wrong("$expand", text)
    return _grown(call, body, levels, look, found["which"] if found else ".")


def _grown(call: Call, body: Json, levels: int, look: Look, which: str) -> Json:
    if not levels:
        return body

    def put(value: Any, wanted: bool) -> Any:
        if isinstance(value, list):
            return [put(one, wanted) for one in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"@odata.id"}:
            there = look(call, value["@odata.id"]) if wanted and "#" not in value["@odata.id"] else None
            return value if there is None else _grown(call, there, levels - 1, look, which)
        return {key: put(one, _asked_for(key, which, wanted)) for key, one in value.items()}

    return {key: put(one, _asked_for(key, which, which != "~")) for key, one in body.items()}


def _asked_for(name: str, which: str, wanted: bool) -> bool:
    """Whether what stands below a property is to be put in place."""
    return which != "." if name == "Links" else wanted


def _selected(text: str, body: Json) -> Json:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise _wrong("$select", text)
    chosen: Json = {name: value for name, value in body.items() if name in _KEPT}
    for name in names:
        head, _, rest = name.partition("/")
        if head not in body:
            continue
        if rest and isinstance(body[head], dict):
            chosen.setdefault(head, {}).update(_selected(rest, body[head]))
        else:
            chosen[head] = body[head]
    return chosen


def _filtered(call: Call, text: str, body: Json, look: Look) -> Json:
    if "Members" not in body:
        raise messages.refuse(400, "QueryNotSupportedOnResource", "Querying is not supported here.")
    condition = _Condition(text)
    kept = [one for one in body["Members"] if condition.holds(look(call, one["@odata.id"]) or {})]
    return body | {"Members": kept, "Members@odata.count": len(kept)}


class _Condition:
    """A recursive-descent reader of one filter."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._words: list[str] = _TOKEN.findall(text)
        self._at = 0
        self._of: Json = {}

    def holds(self, member: Json) -> bool:
        self._at, self._of = 0, member
        answer = self._or()
        if self._at != len(self._words):
            raise _wrong("$filter", self.text)
        return answer

    def _or(self) -> bool:
        answer = self._and()
        while self._next("or"):
            answer = self._and() or answer
        return answer

    def _and(self) -> bool:
        answer = self._one()
        while self._next("and"):
            answer = self._one() and answer
        return answer

    def _one(self) -> bool:
        if self._next("not"):
            return not self._one()
        if self._next("("):
            answer = self._or()
            if not self._next(")"):
                raise _wrong("$filter", self.text)
            return answer
        name, compare, value = self._take(), self._take(), self._take()
        if compare not in _COMPARE:
            raise _wrong("$filter", self.text)
        try:
            return bool(_COMPARE[compare](self._property(name), _literal(value)))
        except TypeError:
            return False

    def _property(self, name: str) -> Any:
        here: Any = self._of
        for part in name.split("/"):
            here = here.get(part) if isinstance(here, dict) else None
        return here

    def _next(self, word: str) -> bool:
        if self._at < len(self._words) and self._words[self._at] == word:
            self._at += 1
            return True
        return False

    def _take(self) -> str:
        if self._at >= len(self._words):
            raise _wrong("$filter", self.text)
        self._at += 1
        return self._words[self._at - 1]


def _literal(word: str) -> Any:
    if word.startswith("'"):
        return word[1:-1].replace("''", "'")
    named = {"true": True, "false": False, "null": None}
    if word in named:
        return named[word]
    try:
        return float(word)
    except ValueError:
        return word
