"""Adding hosts: one by one, by a discovered host's personality, and in bulk by XML (config, 2026-08).

The semantic checks of one host come in sysinv's order. A bulk file is checked as a whole before anything of
it is added; then hosts are added one after the other, and what fails is told in words beside what did not,
with status 200 whatever happened.
"""

import re
import xml.etree.ElementTree as Xml

from simulator.cloud.arrival import CONTROLLERS
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.site_rows import StorageBackend
from simulator.services.envelope import reject
from simulator.services.sysinv import view
from simulator.services.sysinv.form import fields
from simulator.wire.http import Json, Refusal, Request

PERSONALITIES = ("controller", "worker", "storage", "edgeworker")
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_ELEMENTS = (
    "hostname", "personality", "subfunctions", "mgmt_mac", "bm_ip", "bm_type", "bm_username", "bm_password",
    "boot_device", "rootfs_device", "hw_settle", "install_output", "console", "vsc_controllers", "power_on",
    "location", "apparmor", "sw_version",
)  # fmt: skip
_STORED = ("boot_device", "rootfs_device", "console", "install_output", "location")
_NO_CEPH = "Storage nodes can only be configured if storage cluster is configured for the Ceph backend."


def create(cloud: Cloud, body: Json) -> Json:
    """POST /v1/ihosts: the host as it was made, which is not what a read shows."""
    _check(cloud, body)
    _check_new(cloud, body)
    host = _add(cloud, body)
    return view.posted(cloud, host) | {"mgmt_ip": host.mgmt_ip}


def _check(cloud: Cloud, body: Json) -> None:
    """What is checked of each host before any is added."""
    if cloud.simplex:
        raise reject("Host-add Rejected: Adding a host on a simplex system is not allowed.")
    name, personality = body.get("hostname"), body.get("personality")
    if personality is not None and personality not in PERSONALITIES:
        raise reject(f"{name}: Reject attempt to configure with invalid personality={personality} ")
    if not name and personality not in ("controller", "storage"):
        raise reject(f"Host-add Rejected. Must provide a hostname for a node of personality {personality}")
    if personality == "storage" and not _has_ceph(cloud):
        raise reject(f"Personality [{personality}] for host is not compatible with the configured system.")
    if name in CONTROLLERS and personality != "controller":
        raise reject(f"{name} Reject attempt to configure invalid hostname for personality {personality}.")
    if name and personality == "controller" and name not in CONTROLLERS:
        raise reject(f"Host with personality=controller can only have a hostname from {list(CONTROLLERS)}")
    if not _MAC.fullmatch(str(body.get("mgmt_mac", "")).lower()):
        raise reject("Host-add Rejected: Must provide a valid format of a MAC Address")


def _check_new(cloud: Cloud, body: Json) -> None:
    """What may also go wrong when an earlier host of the same file has been added."""
    personality, mac = body.get("personality"), str(body["mgmt_mac"]).lower()
    controllers = [host for host in cloud.hosts if host.personality == "controller"]
    if personality == "controller" and len(controllers) >= len(CONTROLLERS):
        raise reject(
            "Two controller nodes have already been configured. This host can not be configured as a "
            "controller."
        )
    if any(host.mac == mac for host in cloud.hosts):
        raise reject(f"Host-add Rejected: Host with mgmt_mac {mac} already exists")
    if body.get("hostname") and cloud.host(str(body["hostname"])) is not None:
        raise reject("Host-add Rejected: Hostname already exists")
    address = body.get("bm_ip")
    if address and any(host.bmc == address and host.bm_type not in (None, "none") for host in cloud.hosts):
        raise reject(f"Host-add Rejected: bm_ip {address} already exists")


def _add(cloud: Cloud, body: Json) -> Host:
    personality = str(body["personality"])
    name = body.get("hostname") or _next_name(cloud, personality)
    host = cloud.arrivals.add(
        str(name), personality, str(body["mgmt_mac"]).lower(), body.get("subfunctions") or None
    )
    if body.get("bm_type") not in (None, "none", ""):
        host.bm_type, host.bmc = str(body["bm_type"]), body.get("bm_ip")
        host.bm_username = body.get("bm_username")
    host.free.update({field: body[field] for field in _STORED if body.get(field)})
    if body.get("power_on") not in (None, False, "False"):
        cloud.hooks.power_on(host)
    return host


def _next_name(cloud: Cloud, personality: str) -> str:
    taken = {host.name for host in cloud.hosts}
    return next(name for name in (f"{personality}-{number}" for number in range(1000)) if name not in taken)


def _has_ceph(cloud: Cloud) -> bool:
    return cloud.tables.find(StorageBackend, backend="ceph") is not None


def give_personality(cloud: Cloud, host: Host, changes: Json) -> None:
    """A discovered host becomes something.

    Raises:
        Refusal: 400 with sysinv's text.
    """
    personality, name = changes.get("personality"), changes.get("hostname")
    if personality not in PERSONALITIES:
        raise reject("Please provision 'hostname' and 'personality'.")
    if personality == "storage" and not _has_ceph(cloud):
        raise reject(_NO_CEPH)
    if not name and personality not in ("controller", "storage"):
        raise reject(f"Host {host.uuid} of personality {personality}, must be provisioned with a hostname.")
    if name and not _NAME.fullmatch(str(name)):
        raise reject("Name may only contain letters, numbers, underscores, periods and hyphens.")
    if personality == "controller":
        _check_new(cloud, {"personality": personality, "mgmt_mac": "", "hostname": name})
    elif name and cloud.host(str(name)) is not None:
        raise reject(f"Host-add Rejected: Hostname {name} already exists")
    given = str(name or _next_name(cloud, str(personality)))
    cloud.arrivals.configure(host, given, str(personality), changes.get("subfunctions") or None)


def bulk_add(cloud: Cloud, request: Request) -> Json:
    """POST /v1/ihosts/bulk_add: `success` and `error`, both texts."""
    if cloud.simplex:
        return {"success": "", "error": "Bulk add on a simplex system is not allowed."}
    controllers = [host for host in cloud.hosts if host.personality == "controller"]
    if not any(not host.locked and host.operational == "enabled" for host in controllers):
        return {
            "success": "",
            "error": "Bulk_add requires enabled controller. Please unlock controller-0, wait for it to "
            "enable and then retry.",
        }
    try:
        root = Xml.fromstring(fields(request).get("file", b""))  # noqa: S314 - read as the real one reads it
    except Xml.ParseError:
        return {"success": "", "error": "No hosts have been added, invalid XML document"}
    wanted = [_parsed(element) for element in root.findall("host")]
    for place, body in enumerate(wanted):
        try:
            _check(cloud, body)
        except Refusal as refused:
            culprit = body.get("hostname") or f"with index {place}"
            words = view.words(refused.reply)
            return {
                "success": "",
                "error": f" No hosts have been added, error parsing host {culprit}: {words}",
            }
    return _added(cloud, wanted)


def macs_of(request: Request) -> str:
    """Of a bulk file, for who only wants to know what it means; empty where it is none."""
    try:
        root = Xml.fromstring(fields(request).get("file", b""))  # noqa: S314 - see above
    except Xml.ParseError:
        return ""
    return ",".join(sorted((element.text or "").lower() for element in root.iter("mgmt_mac")))


def _added(cloud: Cloud, wanted: list[Json]) -> Json:
    success = error = ""
    for body in wanted:
        name = body.get("hostname") or body.get("personality")
        own = next((host for host in cloud.hosts if host.mac == str(body["mgmt_mac"]).lower()), None)
        if own is not None and own.active:
            own.bm_type, own.bmc, own.bm_username = body["bm_type"], body["bm_ip"], body["bm_username"]
            success += f"\n {own.name}"
            continue
        try:
            _check_new(cloud, body)
        except Refusal as refused:
            error += f" {name}: {view.words(refused.reply)}\n"
            continue
        success += f"\n {_add(cloud, body).name}"
    return {"success": success, "error": error}


def _parsed(element: Xml.Element) -> Json:
    """A missing element is None, an empty one the empty text; `power_on` is said by being there."""
    found = {name: element.find(name) for name in _ELEMENTS}
    body: Json = {name: None if one is None else (one.text or "") for name, one in found.items()}
    body["power_on"] = found["power_on"] is not None
    return body


def bulk_export(cloud: Cloud) -> Json:
    """GET /v1/ihosts/bulk_export: the hosts as a file to add them by."""
    lines = ['<?xml version="1.0" ?>', f'<hosts version="{cloud.dialect.version}">']
    for host in cloud.hosts:
        lines.append("\t<host>")
        lines += [f"\t\t{line}" for line in _exported(host)]
        lines.append("\t</host>")
    return {"content": "\n".join([*lines, "</hosts>", ""])}


def _exported(host: Host) -> list[str]:
    def element(name: str, value: object) -> str:
        return f"<{name}>{value}</{name}>" if value else f"<{name}/>"

    managed = host.bm_type not in (None, "none")
    root = host.free.get("rootfs_device", view.ROOT_DEVICE)
    named = [element("hostname", host.name)] if host.personality == "worker" else []
    return [
        element("personality", host.personality),
        *named,
        element("mgmt_mac", host.mac),
        "<!--Uncomment the statement below to power on the host automatically through board management.-->",
        "<!--<power_on />-->",
        element("bm_type", host.bm_type if managed else ""),
        element("bm_username", host.bm_username if managed else ""),
        "<bm_password/>",
        element("boot_device", host.free.get("boot_device", root)),
        element("rootfs_device", root),
        element("hw_settle", "0"),
        element("install_output", "text"),
        element("console", "ttyS0,115200"),
        "<tboot/>",
    ]
