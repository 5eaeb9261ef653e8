"""Faults: what goes wrong, where, and how often. Validated when they are given, taken when they strike.

A fault names a site, a point (`on`) and what happens there (`do`). Points are the services, the four calls
of the VIM that a patch makes, and the site as a whole. The table `ALLOWED` is the whole truth about which
pairs exist; docs/simulator.md says what each one means and which outcome it dictates.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SERVICES = ("keystone", "dcmanager", "sysinv", "fm", "usm")
_CALL = frozenset({"drop-before", "drop-after", "hold", "refuse", "fail"})
ALLOWED: dict[str, frozenset[str]] = {
    "keystone": _CALL | {"lie"},
    "dcmanager": _CALL,
    "sysinv": _CALL | {"lie"},
    "fm": _CALL,
    "usm": _CALL,
    "vim.create": _CALL,
    "vim.apply": _CALL | {"dark", "alarm", "lie"},
    "vim.get": frozenset({"drop-before", "hold", "fail"}),
    "vim.delete": _CALL,
    "site": frozenset({"hold", "dark", "alarm"}),
}
_KEYS = ("site", "on", "do", "seconds", "times", "mutating", "timeout")


class FaultError(ValueError):
    """A fault that cannot be meant; `field` is the key at fault."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.field = name


@dataclass(slots=True)
class Fault:
    """One fault. Seconds are simulated; `times` None means every time."""

    site: str
    on: str
    do: str
    seconds: float | None = None
    times: int | None = None
    mutating: bool = False
    timeout: bool = False
    number: int = 0
    struck: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.struck >= self.times

    def view(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in _KEYS if getattr(self, name) not in (None, False)}
        return {"number": self.number, **given, "struck": self.struck}


def parse(raw: Any, sites: Iterable[str], controller: str) -> Fault:
    """One fault from JSON or YAML.

    Raises:
        FaultError: an unknown key, a value of the wrong kind, a pair that does not exist.
    """
    if not isinstance(raw, dict):
        raise FaultError("fault", f"must be a mapping, not {type(raw).__name__}")
    for name in raw:
        if name not in _KEYS:
            raise FaultError(str(name), f"unknown key; known are {', '.join(_KEYS)}")
    for name in ("site", "on", "do"):
        if not isinstance(raw.get(name), str):
            raise FaultError(name, "is required and must be a text")
    site, on, do = raw["site"], raw["on"], raw["do"]
    if on not in ALLOWED:
        raise FaultError("on", f"{on!r} is no point; points are {', '.join(ALLOWED)}")
    if do not in ALLOWED[on]:
        raise FaultError("do", f"{do!r} does not go with on: {on}; it takes {', '.join(sorted(ALLOWED[on]))}")
    if site not in ("*", controller) and site not in set(sites):
        raise FaultError("site", f"{site!r} is no site of this region, nor '*', nor {controller!r}")
    if site == controller and (on == "site" or on.startswith("vim.")):
        raise FaultError("site", f"{controller} takes service faults only")
    fault = Fault(
        site=site,
        on=on,
        do=do,
        seconds=_seconds(raw.get("seconds")),
        times=_times(raw.get("times")),
        mutating=_flag("mutating", raw.get("mutating")),
        timeout=_flag("timeout", raw.get("timeout")),
    )
    _contradictions(fault)
    return fault


def _contradictions(fault: Fault) -> None:
    timed = fault.do in ("hold", "dark") or (fault.on, fault.do) == ("keystone", "lie") or fault.timeout
    if fault.seconds is not None and not timed:
        raise FaultError("seconds", f"do: {fault.do} on {fault.on} takes no time")
    if fault.timeout and (fault.on, fault.do) != ("vim.apply", "fail"):
        raise FaultError("timeout", "goes only with on: vim.apply, do: fail")
    if fault.mutating and (fault.on not in SERVICES or fault.do == "lie"):
        raise FaultError("mutating", "goes only with the services, which are " + ", ".join(SERVICES))
    if fault.times is not None and (fault.on == "site" or fault.do == "lie"):
        raise FaultError(
            "times", f"do: {fault.do} on {fault.on} is a state, it does not happen a number of times"
        )


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise FaultError("seconds", f"must be a number above 0, not {value!r}")
    return float(value)


def _times(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FaultError("times", f"must be a whole number from 1, not {value!r}")
    return value


def _flag(name: str, value: Any) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise FaultError(name, f"must be true or false, not {value!r}")
    return value


@dataclass(slots=True)
class Faults:
    """The faults that stand, by the point they strike."""

    controller: str
    standing: list[Fault] = field(default_factory=list)
    _by_point: dict[str, list[Fault]] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def add(self, fault: Fault) -> Fault:
        fault.number = next(self._numbers)
        self.standing.append(fault)
        self._by_point.setdefault(fault.on, []).append(fault)
        return fault

    def clear(self) -> None:
        self.standing.clear()
        self._by_point.clear()

    def any_at(self, point: str) -> bool:
        return bool(self._by_point.get(point))

    def at(self, point: str, site: str) -> list[Fault]:
        """Those that would strike at a point of a site, in the order given. `*` is every subcloud."""
        here = self._by_point.get(point)
        if not here:
            return []
        return [fault for fault in here if not fault.spent and self._concerns(fault, site)]

    def take(self, point: str, site: str, mutating: bool, *does: str) -> Fault | None:
        """The first fault of these kinds, counted as struck."""
        for fault in self.at(point, site):
            if fault.do in does and (mutating or not fault.mutating):
                fault.struck += 1
                return fault
        return None

    def _concerns(self, fault: Fault, site: str) -> bool:
        if fault.site == site:
            return True
        if fault.site == "*":
            return site != self.controller or fault.on == "dcmanager"
        return False
