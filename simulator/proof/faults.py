"""Faults: what goes wrong, where, and how often. Validated when they are given, taken when they strike.

A fault names a site, a point (`on`) and what happens there (`do`). Points are the services, the four calls
of the VIM that a patch makes, what OpenStack is asked for, the site as a whole, and a host's BMC with the
actions that an installation takes there, and the SSH port of an installed host; the site of these may be
`SITE/HOST`. The table `ALLOWED` is the whole truth about which pairs exist; docs/simulator.md says what each
one means and which outcome it dictates.
"""

import itertools
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

SERVICES = ("keystone", "dcmanager", "sysinv", "fm", "usm", "kubernetes")
_CALL = frozenset({"drop-before", "drop-after", "hold", "refuse", "fail"})
ALLOWED: dict[str, frozenset[str]] = {
    "keystone": _CALL | {"lie"},
    "dcmanager": _CALL | {"restart"},
    "deploy.create": frozenset({"fail"}),
    "deploy.install": frozenset({"fail"}),
    "deploy.bootstrap": frozenset({"fail"}),
    "deploy.enroll": frozenset({"fail"}),
    "deploy.config": frozenset({"fail"}),
    "backup.create": frozenset({"fail"}),
    "backup.restore": frozenset({"fail"}),
    "sysinv": _CALL | {"lie"},
    "host.unlock": frozenset({"fail", "refuse"}),
    "host.enable": frozenset({"fail"}),
    "host.lock": frozenset({"fail", "refuse"}),
    "host.swact": frozenset({"fail", "refuse"}),
    "host.reboot": frozenset({"fail"}),
    "host.install": frozenset({"fail"}),
    "config.apply": frozenset({"fail"}),
    "application.upload": frozenset({"fail"}),
    "application.apply": frozenset({"fail"}),
    "fm": _CALL,
    "kubernetes": _CALL,
    "ceph": _CALL,
    "ceph.osd": frozenset({"fail"}),
    "ceph.nearfull": frozenset({"fail"}),
    "ceph.warning": frozenset({"fail"}),
    "openstack": _CALL,
    "openstack.servers.create": _CALL,
    "openstack.servers.delete": _CALL,
    "openstack.servers.migrate": _CALL,
    "openstack.servers.cold": _CALL,
    "openstack.servers.confirm": _CALL,
    "openstack.servers.abort": _CALL,
    "openstack.servers.stop": _CALL,
    "openstack.servers.start": _CALL,
    "openstack.servers.mark": _CALL,
    "openstack.services.disable": _CALL,
    "openstack.services.enable": _CALL,
    "openstack.migration": frozenset({"fail", "hold", "vanish"}),
    "openstack.compute": frozenset({"fail"}),
    "openstack.agent": frozenset({"fail"}),
    "openstack.volume": frozenset({"fail"}),
    "openstack.server": frozenset({"fail"}),
    "usm": _CALL | {"restart"},
    "usm.upload": _CALL,
    "usm.precheck": _CALL,
    "usm.start": _CALL | {"dark"},
    "usm.host": _CALL,
    "usm.activate": _CALL,
    "usm.complete": _CALL,
    "usm.delete": _CALL,
    "usm.abort": _CALL,
    "usm.activate_rollback": _CALL,
    "usm.rollback": _CALL,
    "vim.create": _CALL,
    "vim.apply": _CALL | {"dark", "alarm", "lie"},
    "vim.get": frozenset({"drop-before", "hold", "fail"}),
    "vim.delete": _CALL,
    "site": frozenset({"hold", "dark", "alarm", "power-loss"}),
    "bmc": _CALL | {"dark", "forget"},
    "bmc.get": _CALL | {"forget"},
    "bmc.session": _CALL | {"occupy"},
    "bmc.insert": _CALL | {"dark"},
    "bmc.eject": _CALL | {"stick"},
    "bmc.boot": _CALL | {"race"},
    "bmc.reset": _CALL | {"lie", "conflict", "vanish", "dark"},
    "bmc.update": _CALL | {"lie", "vanish", "dark"},
    "ssh": frozenset({"drop-before", "drop-after", "hold", "fail", "refuse", "lie", "dark"}),
    "ssh.start": frozenset({"drop-before", "drop-after", "hold", "fail"}),
    "ssh.stream": frozenset({"drop-after", "hold"}),
    "ssh.carry": frozenset({"drop-after"}),
    "ssh.playbook": frozenset({"fail", "hold"}),
}
USM_POINTS = {
    "usm.deploy_host": "usm.host",
    "usm.rollback_host": "usm.rollback",
    **{point: point for point in ALLOWED if point.startswith("usm.")},
}
"""The point of a call of USM's, by the name of its intent."""
USM_OF_HOSTS = ("usm.host", "usm.rollback")
"""Their site may be SITE/HOST."""
_HOST = re.compile(r"(controller|storage|worker)-\d+")
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


def parse(raw: Any, sites: Iterable[str], controller: str, hosts: Collection[str] = ()) -> Fault:
    """One fault from JSON or YAML; `hosts` are the names SITE/HOST of those that have a BMC.

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
    is_host = is_bmc(on) or (is_ssh(on) and on != "ssh.carry")
    if is_host and not hosts:
        raise FaultError("on", "this region has no BMCs")
    if "/" in site and is_host and site not in hosts:
        raise FaultError("site", f"{site!r} is no host of this region")
    if on in USM_OF_HOSTS and _HOST.fullmatch(site.partition("/")[2]):
        known = site.partition("/")[0] in {controller, *sites}
    else:
        known = site in ("*", controller) or site in set(sites)
    if not known and not (is_host and "/" in site):
        raise FaultError("site", f"{site!r} is no site of this region, nor '*', nor {controller!r}")
    if site == controller and (on == "site" or on.startswith("vim.") or is_host):
        raise FaultError("site", f"{controller} takes service faults only")
    if site == controller and on.startswith(("host.", "application.", "openstack")):
        raise FaultError("site", f"{controller} takes service faults only")
    if (on, do) == ("dcmanager", "restart") and site != controller:
        raise FaultError("site", f"do: restart is of all dcmanager: say site: {controller}")
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


def is_bmc(on: str) -> bool:
    return on == "bmc" or on.startswith("bmc.")


def is_ssh(on: str) -> bool:
    return on == "ssh" or on.startswith("ssh.")


def _contradictions(fault: Fault) -> None:
    timed = (
        fault.do in ("hold", "dark", "occupy", "power-loss")
        or (fault.on, fault.do) == ("keystone", "lie")
        or fault.timeout
    )
    if fault.seconds is not None and not timed:
        raise FaultError("seconds", f"do: {fault.do} on {fault.on} takes no time")
    if fault.timeout and (fault.on, fault.do) != ("vim.apply", "fail"):
        raise FaultError("timeout", "goes only with on: vim.apply, do: fail")
    if fault.mutating and (fault.on not in (*SERVICES, "bmc", "ssh") or fault.do in ("lie", "restart")):
        raise FaultError("mutating", "goes only with bmc, ssh and the services: " + ", ".join(SERVICES))
    lies = fault.do == "lie" and not is_bmc(fault.on) and not is_ssh(fault.on)
    if fault.times is not None and (fault.on == "site" or lies or fault.do in ("occupy", "restart")):
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
        if fault.site in (site, site.partition("/")[0]):
            return True
        if fault.site == "*":
            return site.partition("/")[0] != self.controller or fault.on == "dcmanager"
        return False
