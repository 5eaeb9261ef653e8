"""What must hold between the parts of an inventory, and between it and this machine.

The model has judged each value by itself. Here are the rules that need two of them (names that stand
twice, controllers that nobody declared, hosts that do not fit the topology) or something outside the file
(certificates, time zones). A wrong answer to any of them would otherwise come to light inside a window, at
a site. The data is plain and may hold None wherever the model refused something, so that these rules speak
together with the model and not after it.
"""

import zoneinfo
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

from inventory.problems import Finding, Path, field_name
from inventory.words import did_you_mean, quoted
from models.inventory import Endpoints, Site

Data = dict[str, Any]
Seen = dict[Any, Path]

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_MAX_CONTROLLERS = {"AIO-SX": 1, "AIO-DX": 2, "Standard": 2}
_EXTRA = {"AIO-SX": (), "AIO-DX": ("worker",), "Standard": ("worker", "storage")}
"""Personalities that a topology has beside its controllers."""
_DEFAULT_TOPOLOGY = Site.model_fields["topology"].default
_URL_KEYS = tuple(Endpoints.model_fields)


def findings(data: Data, directory: FilePath) -> Iterator[Finding]:
    """Everything that is wrong between the parts; relative paths in the file start at `directory`."""
    controllers = list(_entries(data, "system_controllers"))
    sites = list(_entries(data, "sites"))
    yield from _names("system controller", "system_controllers", controllers)
    for index, controller in controllers:
        yield from _controller(("system_controllers", index), controller, directory)
    yield from _names("site", "sites", sites)
    are_all_named = all(
        isinstance(entry, dict) and entry.get("name") for entry in data.get("system_controllers") or (None,)
    )
    yield from _membership({each["name"] for _, each in controllers} if are_all_named else None, sites)
    for index, site in sites:
        yield from _site(("sites", index), site)
    yield from _shared_hardware(sites)


def _entries(data: Data, key: str) -> Iterator[tuple[int, Data]]:
    """The usable mappings of a list, with their index."""
    for index, entry in enumerate(data.get(key) or ()):
        if isinstance(entry, dict):
            yield index, entry


def _names(what: str, key: str, entries: list[tuple[int, Data]]) -> Iterator[Finding]:
    seen: Seen = {}
    for index, entry in entries:
        name, path = entry.get("name"), (key, index, "name")
        if name is not None and seen.setdefault(name, path) != path:
            message = f"{name!r} is already the name of another {what}, {field_name(seen[name][:2])}"
            yield Finding(path, message, seen[name])


def _controller(path: Path, controller: Data, directory: FilePath) -> Iterator[Finding]:
    yield from _clean_url((*path, "auth_url"), controller.get("auth_url"))
    bundle = controller.get("ca_bundle")
    if bundle is not None:
        if controller.get("fingerprint") is not None:
            yield Finding((*path, "fingerprint"), "expected either ca_bundle or fingerprint, found both")
        trouble = _bundle_trouble(directory / FilePath(bundle).expanduser())
        if trouble:
            yield Finding((*path, "ca_bundle"), f"{quoted(bundle)} {trouble}")


def _bundle_trouble(bundle: FilePath) -> str:
    try:
        if _CERTIFICATE in bundle.read_bytes():
            return ""
        return "holds no certificate in PEM form"
    except FileNotFoundError:
        return f"does not exist (looked for {bundle})"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def _clean_url(path: Path, url: str | None) -> Iterator[Finding]:
    if not url:
        return
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        yield Finding(
            path, "expected a URL such as https://10.10.10.2:5000/v3; the host or port is malformed"
        )
        return
    if "@" in parts.netloc:
        yield Finding(path, "a user or password in a URL is refused (not shown here); use credential")


def _membership(known: set[str] | None, sites: list[tuple[int, Data]]) -> Iterator[Finding]:
    """Each site's controller and subcloud; `known` is None where a controller's own name is unusable."""
    seen: Seen = {}
    names: set[str | None] = {None}
    for index, site in sites:
        path: Path = ("sites", index)
        owner, name, subcloud = site.get("system_controller"), site.get("name"), site.get("subcloud", "")
        if owner is None:
            continue
        if known is not None and owner not in known:
            message = f"no system controller is named {owner!r}{did_you_mean(owner, sorted(known))}"
            yield Finding((*path, "system_controller"), message)
        is_repeated = name in names
        names.add(name)
        subcloud = name if subcloud == "" else subcloud
        if subcloud is None or (is_repeated and name is not None):
            continue
        if seen.setdefault((owner, subcloud), path) != path:
            first = seen[owner, subcloud]
            message = f"subcloud {subcloud!r} of {owner!r} is already {field_name(first)}"
            yield Finding((*path, "subcloud" if site.get("subcloud") else "name"), message, first)


def _site(path: Path, site: Data) -> Iterator[Finding]:
    zone = site.get("timezone")
    if zone is not None and not _is_time_zone(zone):
        near = did_you_mean(zone, _time_zones())
        yield Finding((*path, "timezone"), f"{quoted(zone)} is no IANA time zone{near}")
    endpoints = site.get("endpoints")
    if isinstance(endpoints, dict):
        for key in _URL_KEYS:
            yield from _clean_url((*path, "endpoints", key), endpoints.get(key))
    hosts = list(_entries(site, "hosts"))
    if hosts:
        yield from _hosts(path, site.get("topology", _DEFAULT_TOPOLOGY), hosts)


@lru_cache(maxsize=1024)
def _is_time_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=1)
def _time_zones() -> tuple[str, ...]:
    return tuple(sorted(zoneinfo.available_timezones()))


def _hosts(path: Path, topology: str | None, hosts: list[tuple[int, Data]]) -> Iterator[Finding]:
    seen: Seen = {}
    controllers = 0
    for index, host in hosts:
        at: Path = (*path, "hosts", index)
        name, personality = host.get("name"), host.get("personality")
        if name is not None and seen.setdefault(name, at) != at:
            yield Finding((*at, "name"), f"this site has two hosts named {name!r}", seen[name])
        if topology is None or personality is None:
            continue
        most = _MAX_CONTROLLERS[topology]
        if personality == "controller":
            controllers += 1
            if controllers == most + 1:
                count = "one controller" if most == 1 else f"{most} controllers"
                yield Finding((*at, "personality"), f"topology {topology} has at most {count}")
        elif personality not in _EXTRA[topology]:
            yield Finding((*at, "personality"), f"topology {topology} has no {personality} hosts")


def _shared_hardware(sites: list[tuple[int, Data]]) -> Iterator[Finding]:
    """Two hosts with one MAC or one BMC: a power-off would hit the wrong server."""
    seen: Seen = {}
    for site_index, site in sites:
        for host_index, host in _entries(site, "hosts"):
            for key in ("mac", "bmc"):
                value = host.get(key)
                if not value:
                    continue
                path: Path = ("sites", site_index, "hosts", host_index, key)
                first = seen.setdefault((key, value.lower()), path)
                if first != path:
                    message = f"{value!r} is already the {key.upper()} of {field_name(first[:-1])}"
                    yield Finding(path, message, first)
