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

from inventory.archive_checks import archive_findings
from inventory.bmc_checks import bundle_trouble, distrust, shared_hardware
from inventory.ceph_checks import ceph_findings
from inventory.install_checks import install_findings
from inventory.kubernetes_checks import kubernetes_findings
from inventory.notify_checks import notify_findings
from inventory.openstack_checks import openstack_findings
from inventory.problems import Data, Finding, Path, entries, field_name
from inventory.profile_checks import profile_findings
from inventory.window_checks import window_findings
from inventory.words import did_you_mean, quoted
from models.inventory import Endpoints, Site

Seen = dict[Any, Path]

_MAX_CONTROLLERS = {"AIO-SX": 1, "AIO-DX": 2, "Standard": 2}
_EXTRA = {"AIO-SX": (), "AIO-DX": ("worker",), "Standard": ("worker", "storage")}
"""Personalities that a topology has beside its controllers."""
_DEFAULT_TOPOLOGY = Site.model_fields["topology"].default
_URL_KEYS = tuple(Endpoints.model_fields)


def findings(data: Data, directory: FilePath) -> Iterator[Finding]:
    """Everything that is wrong between the parts; relative paths in the file start at `directory`."""
    controllers = list(entries(data, "system_controllers"))
    sites = list(entries(data, "sites"))
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
    profiles = list(entries(data, "hardware_profiles"))
    yield from _names("hardware profile", "hardware_profiles", profiles)
    yield from _profiles([each["name"] for _, each in profiles if each.get("name")], sites)
    yield from profile_findings(data)
    yield from shared_hardware(sites)
    yield from distrust(data, directory)
    yield from install_findings(data)
    yield from kubernetes_findings(data, directory)
    yield from ceph_findings(data, directory)
    yield from openstack_findings(data, directory)
    yield from archive_findings(data, directory)
    yield from window_findings(data)
    yield from notify_findings(data, directory)


def _names(what: str, key: str, entries: list[tuple[int, Data]]) -> Iterator[Finding]:
    seen: Seen = {}
    for index, entry in entries:
        name, path = entry.get("name"), (key, index, "name")
        if name is not None and seen.setdefault(name, path) != path:
            message = f"{name!r} is already the name of another {what}, {field_name(seen[name][:2])}"
            yield Finding(path, message, seen[name])


def _profiles(known: list[str], sites: list[tuple[int, Data]]) -> Iterator[Finding]:
    for index, site in sites:
        for number, host in entries(site, "hosts"):
            wanted = host.get("hardware")
            if wanted is not None and wanted not in known:
                message = f"there is no hardware profile {wanted!r}{did_you_mean(wanted, known)}"
                yield Finding(("sites", index, "hosts", number, "hardware"), message)


def _controller(path: Path, controller: Data, directory: FilePath) -> Iterator[Finding]:
    yield from _clean_url((*path, "auth_url"), controller.get("auth_url"))
    yield from _image_url(path, controller)
    bundle = controller.get("ca_bundle")
    if bundle is not None:
        if controller.get("fingerprint") is not None:
            yield Finding((*path, "fingerprint"), "expected either ca_bundle or fingerprint, found both")
        trouble = bundle_trouble(directory / FilePath(bundle).expanduser())
        if trouble:
            yield Finding((*path, "ca_bundle"), f"{quoted(bundle)} {trouble}")


def _image_url(path: Path, entry: Data) -> Iterator[Finding]:
    images = entry.get("boot_images")
    if images:
        yield from _clean_url((*path, "boot_images", "url"), images.get("url"))


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
    yield from _image_url(path, site)
    yield from time_zone_findings((*path, "timezone"), site.get("timezone"))
    endpoints = site.get("endpoints")
    if isinstance(endpoints, dict):
        for key in _URL_KEYS:
            yield from _clean_url((*path, "endpoints", key), endpoints.get(key))
    hosts = list(entries(site, "hosts"))
    if hosts:
        yield from _hosts(path, site.get("topology", _DEFAULT_TOPOLOGY), hosts)


def time_zone_findings(path: Path, zone: str | None) -> Iterator[Finding]:
    if zone is not None and not _is_time_zone(zone):
        yield Finding(path, f"{quoted(zone)} is no IANA time zone{did_you_mean(zone, _time_zones())}")


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
