"""The region of a deep rehearsal: what the inventory and the records tell of the real one, and nothing of it.

From the real inventory come names, labels, time zones, windows, topologies and hosts; from the records what
is deployed. Endpoints, BMCs and secrets are the simulated region's own, one for each system controller, so
that the inventory which the rehearsal's worker reads has no way to a real address: `ways_out` is asked before
the worker starts.
"""

import ipaddress
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from inventory.load import Inventory
from inventory.select import SelectionError, select
from models.archive_access import ArchiveTarget
from models.campaign import CampaignSpec, Selector
from models.inventory import Host, Site, Topology
from models.operations import BackupOperation, JourneyOperation, PrestageOperation, VerifyOperation
from workers.rehearsal import CannotRehearse

KINDS = ("patch", "upgrade", "prestage", "journey", "backup", "verify")
DIALECTS = {"26.03": "12", "26.09": "next"}
"""What the simulator speaks, by the product version that its sites run."""
BEFORE = {"26.09": "26.03", "27.03": "26.09"}
PROFILE = "rehearsal"
"""Declares nothing: what a site is examined for all the same is looked at."""
ARCHIVE, ARCHIVE_KEY = "archive", "archive-key"
HOSTS_OF: dict[Topology, tuple[str, ...]] = {
    "AIO-SX": ("controller-0",),
    "AIO-DX": ("controller-0", "controller-1"),
    "Standard": ("controller-0", "controller-1", "worker-0", "worker-1"),
}
"""Where the inventory names none."""
_RELEASE = re.compile(r"(?P<version>\d+\.\d+)\.(?P<patch>\d+)$")
_ADDRESSES = ("address", "oam", "bmc", "url", "auth_url", "endpoint")
_SECRETS = ("env:", "vault:", "k8s:")


@dataclass(frozen=True)
class Cast:
    """Who takes part, and in which play."""

    inventory: Inventory
    spec: CampaignSpec
    """Of all the sites that are left."""
    sites: tuple[Site, ...]
    options: tuple[str, ...]
    """For every simulator."""
    regions: Mapping[str, Mapping[str, Any]]
    """By system controller: what `--region` is told."""
    assumed: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(site.name for site in self.sites)


def cast(spec: CampaignSpec, inventory: Inventory, versions: Mapping[str, str]) -> Cast:
    """`versions`: what is deployed by site, as far as it was recorded. Raises: CannotRehearse."""
    kind = spec.operation.kind
    if kind not in KINDS:
        raise CannotRehearse(
            f"--deep has {', '.join(KINDS)}; a campaign of kind {kind} is rehearsed without it"
        )
    if spec.select.groups:
        raise CannotRehearse(
            "select.groups asks dcmanager, and a rehearsal speaks to nobody: select by labels"
        )
    try:
        sites = select(inventory, spec.select)
    except SelectionError as error:
        raise CannotRehearse(f"select: {error}") from None
    themselves = [site.name for site in sites if site.is_controller]
    if themselves:
        raise CannotRehearse(
            f"{', '.join(themselves[:4])}: stands for a system controller itself, and --deep has subclouds "
            "only: take it out with select.except"
        )
    if not sites:
        raise CannotRehearse("select: no site of the inventory is selected")
    base, options, patches = _releases(spec)
    runs = {site.name: versions[site.name] for site in sites if site.name in versions}
    _of_one_version(runs, base)
    patches += [{"release": each, "reboot": True} for each in sorted(set(runs.values()))]
    assumed = ["no site is held by others", "the sites run what is recorded last, else the oldest release"]
    if any(site.ceph for site in sites):
        assumed.append("Ceph is left out")
    if any(not site.hosts for site in sites):
        assumed.append("hosts that are not declared are those of the topology")
    if spec.approvals:
        assumed.append(f"given at once: {', '.join(spec.approvals)}")
    if any(site.kubernetes for site in sites):
        options += ("--kubernetes",)
    if any(site.openstack for site in sites):
        options += ("--openstack",)
    own = spec.model_copy(update={"select": Selector(all=True), "approvals": ()})
    controllers = dict.fromkeys(site.system_controller for site in sites)
    regions = {
        name: {
            "patches": patches,
            "sites": [_described(site, runs) for site in sites if site.system_controller == name],
        }
        for name in controllers
    }
    return Cast(inventory, own, sites, ("--no-bmcs", *options), regions, tuple(assumed))


def _releases(spec: CampaignSpec) -> tuple[str, tuple[str, ...], list[dict[str, Any]]]:
    """The product version that the sites run, options, and patches that the simulator has to be told of."""
    operation = spec.operation
    if isinstance(operation, BackupOperation):
        return "26.03", ("--dialect", "12", "--controller-ssh"), []
    if isinstance(operation, VerifyOperation):
        return "26.03", ("--dialect", "12"), []
    release = operation.target
    found = _RELEASE.search(release)
    version = found["version"] if found else ""
    is_major = found is not None and found["patch"] == "0"
    base = BEFORE.get(version, "") if is_major else version
    if base not in DIALECTS:
        raise CannotRehearse(
            f"{release}: the simulator has patches of {', '.join(DIALECTS)} and the releases after them"
        )
    options: tuple[str, ...] = ("--dialect", DIALECTS[base])
    if is_major:
        options += ("--major", "available" if spec.controllers == "first" else "controller")
    if isinstance(operation, PrestageOperation) or (
        isinstance(operation, JourneyOperation) and operation.prestages
    ):
        options += ("--not-prestaged", "*")
    return base, options, [] if is_major else [{"release": release, "reboot": True}]


def _of_one_version(runs: Mapping[str, str], base: str) -> None:
    others = [name for name, release in runs.items() if f"-{base}." not in release]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise CannotRehearse(
            f"{others[0]}{more}: by the records it runs {runs[others[0]]}, and a simulated region has sites "
            f"of {base} only: take it out with select.except"
        )


def _described(site: Site, runs: Mapping[str, str]) -> dict[str, Any]:
    """As `simulator/described.py` has it."""
    order = ("controller", "storage", "worker")
    declared = sorted(site.hosts, key=lambda host: (order.index(host.personality), host.name))
    hosts = [_host(site, host, host.name, host.personality) for host in declared]
    if not hosts or hosts[0]["name"] != "controller-0":
        hosts = [_host(site, None, name, name.partition("-")[0]) for name in HOSTS_OF[site.topology]]
    row = {
        "site": site.name,
        "subcloud": site.subcloud_name,
        "region": _number(site, "region").hex,
        "topology": site.topology,
        "hosts": hosts,
    }
    return row | ({"runs": runs[site.name]} if site.name in runs else {})


def _host(site: Site, declared: Host | None, name: str, personality: str) -> dict[str, str]:
    digits = _number(site, name).hex[:6]
    made = f"02:00:5e:{digits[:2]}:{digits[2:4]}:{digits[4:]}"
    mac = declared.mac.lower() if declared is not None and declared.mac else made
    return {"name": name, "personality": personality, "mac": mac}


def _number(site: Site, of: str) -> uuid.UUID:
    """The same in every rehearsal."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{site.system_controller}/{site.name}/{of}")


def declared(play: Cast, simulated: Mapping[str, Path]) -> dict[str, Any]:
    """The rehearsal's inventory. `simulated`: by system controller, what its simulator has written."""
    import yaml

    rows: dict[str, dict[str, Any]] = {}
    controllers = []
    for name, written in simulated.items():
        document = _absolute(yaml.safe_load(written.read_text()), written.parent)
        (controller,) = document["system_controllers"]
        controllers.append(controller | {"name": name})
        rows |= {row["name"]: row | {"system_controller": name} for row in document["sites"]}
    file = play.inventory.file
    document = {
        "system_controllers": controllers,
        "sites": [_site(site, rows[site.name]) for site in play.sites],
        "windows": [each.model_dump(mode="json") for each in file.windows],
        "blackouts": [each.model_dump(mode="json") for each in file.blackouts],
        "site_profiles": [{"name": PROFILE}],
    }
    if isinstance(play.spec.operation, BackupOperation):
        document["archives"] = [_archive(number, each) for number, each in enumerate(file.archives, 1)]
    return document


def _archive(number: int, target: ArchiveTarget) -> dict[str, Any]:
    """A folder and a key of the rehearsal's own for the sites that the real one takes."""
    made: dict[str, Any] = {
        "name": target.name,
        "labels": dict(target.labels),
        "directory": f"{ARCHIVE}/{number}",
        "keys": [{"id": "rehearsal", "secret": f"file:{ARCHIVE_KEY}"}],
    }
    rate = target.bytes_per_second
    return made | ({"bytes_per_second": rate} if rate is not None else {})


def _site(site: Site, row: dict[str, Any]) -> dict[str, Any]:
    hosts = [{key: value for key, value in host.items() if key != "bmc"} for host in row["hosts"]]
    kept = {key: value for key, value in row.items() if key not in ("kubernetes", "openstack")}
    for part in ("kubernetes", "openstack"):
        if getattr(site, part) is not None:
            kept[part] = row[part]
    kept |= {"labels": dict(site.labels), "timezone": site.timezone, "hosts": hosts, "profile": PROFILE}
    return kept | ({"windows": list(site.windows)} if site.windows is not None else {})


def ways_out(document: Mapping[str, Any], folder: Path) -> list[str]:
    """What in an inventory leads to other machines than this one, or to secrets that are not `folder`'s."""
    found = []
    for place, key, text in _texts(document):
        if "://" in text or key in _ADDRESSES:
            leads_out = not _is_loopback(urlsplit(text if "://" in text else f"//{text}").hostname or "")
        elif text.startswith("file:"):
            secret = (folder / text.removeprefix("file:")).resolve()
            leads_out = not secret.is_relative_to(folder.resolve())
        else:
            leads_out = text.startswith(_SECRETS)
        if leads_out:
            found.append(f"{place}: {text}")
    return found


def _texts(value: Any, place: str = "", key: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name != "labels":
                yield from _texts(each, f"{place}.{name}" if place else str(name), str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, each in enumerate(value):
            yield from _texts(each, f"{place}[{number}]", key)
    elif isinstance(value, str):
        yield place, key, value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _absolute(value: Any, folder: Path) -> Any:
    """References to files, from wherever they are read."""
    if isinstance(value, dict):
        made = {key: _absolute(each, folder) for key, each in value.items()}
        return made | ({"ca_bundle": str(folder / made["ca_bundle"])} if "ca_bundle" in made else {})
    if isinstance(value, list):
        return [_absolute(each, folder) for each in value]
    if isinstance(value, str) and value.startswith("file:"):
        return f"file:{folder / value.removeprefix('file:')}"
    return value
