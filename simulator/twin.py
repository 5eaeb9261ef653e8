"""One site as somebody describes it, simulated as the only one of a region (`--twin FILE`).

    site: edge-0007
    subcloud: subcloud-0007
    region: 3f0c...            # sysinv's name of it
    topology: AIO-SX           # AIO-SX, AIO-DX or Standard
    hosts:
      - {name: controller-0, personality: controller, mac: "00:00:5e:00:53:07"}

What the site is called, how it is built and by which MACs its machines are known is taken from there; all
else is drawn, as for every other site. It begins in service.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from simulator.cloud.cloud import Identity
from simulator.cloud.hosts import Host

TOPOLOGIES = ("AIO-SX", "AIO-DX", "Standard")
_PERSONALITIES = ("controller", "storage", "worker")
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_FIRST = "controller-0"


class TwinError(Exception):
    """The description is none; the message is for a person."""


@dataclass(frozen=True, slots=True)
class TwinHost:
    name: str
    personality: str
    mac: str
    ports: tuple[str, ...] = ()
    """What its first ports are called, the one with the MAC first."""
    disks: tuple[str, ...] = ()
    """Device nodes or paths that it has beside its own."""
    blank: bool = False
    """Locked, switched off and to be installed, at a site in service."""


@dataclass(frozen=True, slots=True)
class Twin:
    site: str
    subcloud: str
    region: str
    topology: str
    hosts: tuple[TwinHost, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(host.name for host in self.hosts)

    def name(self, identity: Identity) -> None:
        identity.name, identity.subcloud, identity.region = self.site, self.subcloud, self.region
        identity.simplex, identity.standard = self.topology == "AIO-SX", self.topology == "Standard"

    def build(self, hosts: list[Host]) -> None:
        """`hosts`: one for each of ours, in their order."""
        for host, wanted in zip(hosts, self.hosts, strict=True):
            host.personality, host.mac = wanted.personality, wanted.mac
            host.subfunctions = wanted.personality if self.topology == "Standard" else "controller,worker"
            if wanted.blank:
                host.enter("locked", "disabled", "offline", "")


def read(path: Path) -> Twin:
    """Raises: TwinError."""
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise TwinError(f"--twin: {path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise TwinError(f"--twin: {path}: expected site, subcloud, region, topology and hosts")
    return site_of(path, document)


def site_of(path: Path, document: dict[str, Any]) -> Twin:
    """One site of a file. Raises: TwinError."""
    hosts = document.get("hosts")
    if not isinstance(hosts, list) or not hosts:
        raise TwinError(f"--twin: {path}: hosts: expected a list of {{name, personality, mac}}")
    topology = word_of(path, document, "topology")
    if topology not in TOPOLOGIES:
        raise TwinError(f"--twin: {path}: topology: must be one of {', '.join(TOPOLOGIES)}, not {topology!r}")
    found = tuple(_host(path, place, host) for place, host in enumerate(hosts))
    if found[0].name != _FIRST:
        raise TwinError(f"--twin: {path}: hosts[0].name: must be {_FIRST}, not {found[0].name!r}")
    site, subcloud, region = (word_of(path, document, name) for name in ("site", "subcloud", "region"))
    return Twin(site, subcloud, region, topology, found)


def _host(path: Path, place: int, host: Any) -> TwinHost:
    at = f"hosts[{place}]."
    if not isinstance(host, dict):
        raise TwinError(f"--twin: {path}: {at[:-1]}: expected {{name, personality, mac}}")
    name, personality, mac = (word_of(path, host, key, at) for key in ("name", "personality", "mac"))
    ports, disks = (_words(path, host, key, at) for key in ("ports", "disks"))
    made = TwinHost(name, personality, mac, ports, disks, bool(host.get("blank", False)))
    if made.personality not in _PERSONALITIES:
        known = ", ".join(_PERSONALITIES)
        raise TwinError(f"--twin: {path}: {at}personality: must be one of {known}, not {made.personality!r}")
    if not _MAC.fullmatch(made.mac):
        raise TwinError(f"--twin: {path}: {at}mac: must look like 00:00:5e:00:53:07, not {made.mac!r}")
    return made


def _words(path: Path, host: dict[str, Any], name: str, at: str) -> tuple[str, ...]:
    found = host.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        raise TwinError(f"--twin: {path}: {at}{name}: expected a list of words, found {found!r}")
    return tuple(found)


def word_of(path: Path, document: dict[str, Any], name: str, at: str = "") -> str:
    """Raises: TwinError."""
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise TwinError(f"--twin: {path}: {at}{name}: expected a word, found {value!r}")
    return value
