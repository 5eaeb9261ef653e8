"""A region as somebody describes it: many sites by name, and the releases they run (`--region FILE`).

    patches:                       # beside those that the simulator has
      - {release: starlingx-26.03.7, reboot: true}
    firmware:                      # what the BMCs have beside or instead of their own
      - {component: iDRAC, image: iDRAC-7.20.30.exe, version: 7.20.30}
    sites:
      - site: edge-0007            # each as in `--twin`
        subcloud: subcloud-0007
        region: 3f0c...
        topology: AIO-SX
        hosts:
          - name: controller-0
            personality: controller
            mac: "00:00:5e:00:53:07"
            ports: [enp81s0f0]     # what its first ports are called; eth0 and so on where absent
            disks: [/dev/sdc]      # beside those that every machine has
            blank: true            # locked, switched off and without a system, at a site in service
        runs: starlingx-26.03.1    # what is deployed there; the oldest where absent
        ceph: rook                 # rook or bare-metal; none where absent

All else is drawn, as for every other region. Sites begin in service, or as `--bare`, `--bootstrapped`,
`--installed` and `--not-added` have them.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from simulator.bmc.firmware import FirmwareFile
from simulator.ceph.stock import KINDS
from simulator.cloud.releases import Release
from simulator.twin import Twin, TwinError, TwinHost, site_of, word_of


@dataclass(frozen=True, slots=True)
class Described:
    sites: tuple[Twin, ...]
    runs: dict[str, str]
    """By site."""
    patches: tuple[tuple[str, bool], ...]
    """Release and whether it needs a reboot."""
    ceph: dict[str, str] = field(default_factory=dict)
    """By site, of those that have it."""
    firmware: tuple[FirmwareFile, ...] = ()

    @property
    def blank(self) -> frozenset[str]:
        """SITE/HOST"""
        return frozenset(
            f"{each.site}/{host.name}" for each in self.sites for host in each.hosts if host.blank
        )

    def host(self, site: str, name: str) -> TwinHost | None:
        own = next((each.hosts for each in self.sites if each.site == site), ())
        return next((host for host in own if host.name == name), None)

    def with_patches(self, releases: dict[str, Release]) -> dict[str, Release]:
        """Those of the running product version stand before the next major release.

        Raises: TwinError.
        """
        first, *known, following = releases.values()
        more = []
        for name, reboot in self.patches:
            version = name.rpartition("-")[2]
            if version.rpartition(".")[0] != first.version:
                raise TwinError(f"--region: patches: {name} is none of {first.version}")
            if name not in releases:
                commit = f"{abs(hash_of(name)):08x}" * 8
                more.append(Release(name, version, reboot, (first.release_id,), commit, "Described patch"))
        patches = sorted([*known, *more], key=lambda each: _number(each.sw_version))
        return {each.release_id: each for each in (first, *patches, following)}

    def stand(self, site: str, states: dict[str, str], releases: dict[str, Release]) -> dict[str, str]:
        """What is deployed at a site in the end: what it runs and what that stands on.

        Raises: TwinError.
        """
        runs = self.runs.get(site)
        if runs is None:
            return states
        if runs not in releases:
            raise TwinError(f"--region: {site}: runs {runs}, which is none of {', '.join(releases)}")
        number = _number(releases[runs].sw_version)
        older = {name for name, each in releases.items() if _number(each.sw_version) <= number}
        return {name: "deployed" if name in older else state for name, state in states.items()}


def read(path: Path) -> Described:
    """Raises: TwinError."""
    try:
        document = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, yaml.YAMLError) as error:
        raise TwinError(f"--region: {path} cannot be read: {' '.join(str(error).split())}") from None
    rows = document.get("sites") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise TwinError(f"--region: {path}: expected sites, a list of {{site, subcloud, region, ...}}")
    try:
        sites = tuple(site_of(path, row) for row in rows)
    except TwinError as wrong:
        raise TwinError(str(wrong).replace("--twin", "--region", 1)) from None
    for what in ("site", "subcloud", "region"):
        names = [getattr(each, what) for each in sites]
        twice = (
            next((name for name in names if names.count(name) > 1), None)
            if len(set(names)) < len(names)
            else None
        )
        if twice is not None:
            raise TwinError(f"--region: {path}: {what}: {twice!r} stands twice")
    runs = {
        each.site: word_of(path, row, "runs") for each, row in zip(sites, rows, strict=True) if "runs" in row
    }
    ceph = {
        each.site: word_of(path, row, "ceph") for each, row in zip(sites, rows, strict=True) if "ceph" in row
    }
    for site, kind in ceph.items():
        if kind not in KINDS:
            known = ", ".join(KINDS)
            raise TwinError(f"--region: {path}: {site}: ceph: must be one of {known}, not {kind!r}")
    return Described(
        sites,
        runs,
        tuple(_patch(path, row) for row in document.get("patches", [])),
        ceph,
        tuple(_firmware(path, row) for row in document.get("firmware", [])),
    )


def _firmware(path: Path, row: Any) -> FirmwareFile:
    if not isinstance(row, dict):
        raise TwinError(f"--region: {path}: firmware: expected {{component, image, version}}")
    return FirmwareFile(*(word_of(path, row, name, "firmware.") for name in FirmwareFile.__slots__))


def _patch(path: Path, row: Any) -> tuple[str, bool]:
    if not isinstance(row, dict):
        raise TwinError(f"--region: {path}: patches: expected {{release, reboot}}")
    return word_of(path, row, "release", "patches."), bool(row.get("reboot", True))


def hash_of(name: str) -> int:
    """The same in every process."""
    return sum((place + 1) * ord(letter) for place, letter in enumerate(name)) & 0xFFFFFFFF


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
