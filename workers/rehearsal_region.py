"""The region of a deep rehearsal: what the inventory and the records tell of the real one, and nothing of it.

From the real inventory come names, labels, time zones, windows, topologies and hosts; from the records what
is deployed. Endpoints, BMCs and secrets are the simulated region's own, one for each system controller, so
that the inventory which the rehearsal's worker reads has no way to a real address: `ways_out` is asked before
the worker starts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from inventory.bmc import declared_bmc
from inventory.load import Inventory, NotDeclared
from inventory.select import SelectionError, select
from models.archive_access import ArchiveTarget
from models.campaign import CampaignSpec, Selector
from models.inventory import Site
from models.operations import (
    AddSubcloudOperation,
    JourneyOperation,
    PatchOperation,
    PrestageOperation,
    UpgradeOperation,
)
from workers.rehearsal import CannotRehearse
from workers.rehearsal_kinds import Setting, installs, setting, with_images_of
from workers.rehearsal_profiles import stood_in
from workers.rehearsal_sites import described, has_ceph

DIALECTS = {"26.03": "12", "26.09": "next"}
"""What the simulator speaks, by the product version that its sites run."""
BEFORE = {"26.09": "26.03", "27.03": "26.09"}
PROFILE = "rehearsal"
"""Declares nothing: what a site is examined for all the same is looked at."""
ARCHIVE, ARCHIVE_KEY = "archive", "archive-key"
_RELEASE = re.compile(r"(?P<version>\d+\.\d+)\.(?P<patch>\d+)$")
_OPTIONAL = ("kubernetes", "openstack", "ceph")
"""Parts of a site that it has where the real one declares them."""
_FILES = ("bootstrap_values", "install_values", "deploy_config")


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
    setting: Setting = field(default_factory=Setting)

    def with_images(self, images: str) -> "Cast":
        """`images`: the URL below which a simulated region has one of every name."""
        operation = with_images_of(self.spec.operation, images)
        return replace(self, spec=self.spec.model_copy(update={"operation": operation}))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(site.name for site in self.sites)


def cast(spec: CampaignSpec, inventory: Inventory, versions: Mapping[str, str]) -> Cast:
    """`versions`: what is deployed by site, as far as it was recorded. Raises: CannotRehearse."""
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
    stage = setting(spec.operation, sites, inventory, versions)
    is_in_service = has_ceph(stage) and "--not-added" not in stage.options
    runs = {site.name: versions[site.name] for site in sites if site.name in versions and is_in_service}
    base, options, patches = _releases(spec, runs)
    _of_one_version(runs, base)
    patches += [{"release": each, "reboot": True} for each in sorted(set(runs.values()))]
    own = spec.model_copy(update={"select": Selector(all=True), "approvals": ()})
    controllers = dict.fromkeys(site.system_controller for site in sites)
    rows = {site.name: described(site, spec, inventory, stage, runs) for site in sites}
    regions = {
        name: {
            "patches": patches,
            "firmware": list(stage.firmware),
            "sites": [rows[site.name] for site in sites if site.system_controller == name],
        }
        for name in controllers
    }
    kinds_of_ceph = {row["ceph"] for row in rows.values() if "ceph" in row}
    options += stage.options
    if not stage.has_bmcs and "bare-metal" not in kinds_of_ceph:
        options += ("--no-bmcs",)
    if any(site.kubernetes for site in sites) or "rook" in kinds_of_ceph:
        options += ("--kubernetes",)
    if any(site.openstack for site in sites):
        options += ("--openstack",)
    assumed = _assumed(spec, sites, stage, is_in_service=is_in_service)
    return Cast(inventory, own, sites, options, regions, assumed, stage)


def _assumed(
    spec: CampaignSpec, sites: tuple[Site, ...], stage: Setting, *, is_in_service: bool
) -> tuple[str, ...]:
    assumed = ["no site is held by others", *stage.assumed]
    if is_in_service:
        assumed.append("the sites run what is recorded last, else the oldest release")
    if any(site.ceph and site.ceph.volumes for site in sites):
        assumed.append("volumes of Ceph are not backed up")
    if any(not site.hosts for site in sites):
        assumed.append("hosts that are not declared are those of the topology")
    if spec.approvals:
        assumed.append(f"given at once: {', '.join(spec.approvals)}")
    return tuple(assumed)


def _releases(
    spec: CampaignSpec, runs: Mapping[str, str]
) -> tuple[str, tuple[str, ...], list[dict[str, Any]]]:
    """The product version that the sites run, options, and patches that the simulator has to be told of."""
    operation = spec.operation
    if not isinstance(operation, PatchOperation | UpgradeOperation | PrestageOperation | JourneyOperation):
        versions = {name for name in DIALECTS for release in runs.values() if f"-{name}." in release}
        base = min(versions, default="26.03")
        return base, ("--dialect", DIALECTS[base]), []
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
        "sites": [_site(play, site, rows[site.name]) for site in play.sites],
        "windows": [each.model_dump(mode="json") for each in file.windows],
        "blackouts": [each.model_dump(mode="json") for each in file.blackouts],
        "site_profiles": [{"name": PROFILE}],
    }
    if play.setting.has_profiles:
        used = {site.profile for site in play.sites}
        document["site_profiles"] = [
            stood_in(each, play.setting) for each in file.site_profiles if each.name in used
        ]
    if play.setting.has_archive:
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


def _site(play: Cast, site: Site, row: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key not in (*_OPTIONAL, "deploy")}
    for part in _OPTIONAL:
        if getattr(site, part) is not None and part in row:
            kept[part] = row[part]
    if "deploy" in row and site.deploy is not None:
        kept["deploy"] = _deploy(play, site, row["deploy"])
    hosts = [_host(play, site, host) for host in row["hosts"]]
    profile = site.profile if play.setting.has_profiles else PROFILE
    kept |= {"labels": dict(site.labels), "timezone": site.timezone, "hosts": hosts, "profile": profile}
    return kept | ({"windows": list(site.windows)} if site.windows is not None else {})


def _host(play: Cast, site: Site, host: dict[str, Any]) -> dict[str, Any]:
    """With as much of a machine as is declared of the real one, and the simulated one's own values."""
    if not play.setting.has_bmcs:
        return {key: value for key, value in host.items() if key != "bmc"}
    declared = next((each for each in site.hosts if each.name == host["name"]), None)
    parts = ("serial", "uuid", "mac", "oam", "bmc")
    kept = {
        key: value
        for key, value in host.items()
        if key not in parts or declared is None or getattr(declared, key) is not None
    }
    if declared is not None and declared.mac and "mac" in kept:
        kept["mac"] = declared.mac
    if "bmc" in kept and declared is not None:
        try:
            declared_bmc(play.inventory, site.name, host["name"])
        except NotDeclared:
            kept["bmc"] = {key: value for key, value in kept["bmc"].items() if key != "credential"}
    return kept


def _deploy(play: Cast, site: Site, simulated: dict[str, Any]) -> dict[str, Any]:
    """Of the simulator's files those that are declared of the real site."""
    assert site.deploy is not None
    wanted = {name for name in _FILES if getattr(site.deploy, name) is not None}
    operation = play.spec.operation
    if isinstance(operation, AddSubcloudOperation) and not installs(operation, site):
        wanted.discard("install_values")
    words = {"description": site.deploy.description, "location": site.deploy.location}
    return {name: value for name, value in simulated.items() if name in wanted} | words


def _absolute(value: Any, folder: Path) -> Any:
    """References to files, from wherever they are read."""
    if isinstance(value, dict):
        made = {key: _absolute(each, folder) for key, each in value.items()}
        paths = {key: str(folder / made[key]) for key in ("ca_bundle", *_FILES) if key in made}
        return made | paths
    if isinstance(value, list):
        return [_absolute(each, folder) for each in value]
    if isinstance(value, str) and value.startswith("file:"):
        return f"file:{folder / value.removeprefix('file:')}"
    return value
