"""What an operation comes to at each site of a region: the outcome its faults dictate, and the shortest time.

Independent of any client. The time is that of the simulated machines and clouds alone, in wall seconds: a
campaign that takes longer has waited for something else.
"""

from dataclasses import asdict

from simulator.bmc.durations import Pace
from simulator.cloud import plan
from simulator.cloud.cloud import Cloud
from simulator.dcmanager.durations import CAST_S
from simulator.proof.expectations import expected
from simulator.proof.faults import Fault
from simulator.proof.install_expectations import expected_install
from simulator.proof.site_expectations import expected_added, expected_brought_up, expected_kept
from simulator.proof.upgrade_expectations import expected_upgraded
from simulator.proof.upgrade_forecast import upgrade_seconds
from simulator.region import CONTROLLER, Region

OPERATIONS = (
    "patch", "upgrade", "prestage", "journey", "install", "add-subcloud", "bring-up", "backup", "restore",
    "firmware",
)  # fmt: skip
WITHOUT_BMCS = ("patch", "upgrade", "prestage", "journey", "backup")
Seconds = dict[str, float]


class UnknownOperation(ValueError):
    """There is none of this name here; the message is for a person."""


class Forecast:
    """Of one region and one operation. Raises: UnknownOperation."""

    def __init__(self, region: Region, operation: str, release: str, *, configures: bool = False) -> None:
        if operation not in OPERATIONS:
            known = ", ".join(OPERATIONS)
            raise UnknownOperation(f"there is no operation {operation}; known are {known}")
        if operation not in WITHOUT_BMCS and region.floor is None:
            raise UnknownOperation("this region has no BMCs (--no-bmcs)")
        self.region, self.operation, self.release = region, operation, release
        self.configures = configures
        """The deployment manager has a configuration of each site that is added."""

    def outcomes(self) -> dict[str, str]:
        """By site; of an installation that of the site's first host."""
        return {name: self._outcome(cloud) for name, cloud in self.region.sites.items()}

    def durations(self) -> dict[str, Seconds]:
        """By site: the parts, and as `ideal` the whole."""
        wall = self.region.clock.wall
        return {
            name: {part: wall(seconds) for part, seconds in self._seconds(cloud).items()}
            for name, cloud in self.region.sites.items()
        }

    def _outcome(self, cloud: Cloud) -> str:
        if self.operation == "install":
            return expected_install(self._faults(cloud.name, f"{cloud.name}/{cloud.machines[0].name}"))
        if self.operation == "add-subcloud":
            return expected_added(self._faults(cloud.name, CONTROLLER))
        if self.operation == "bring-up":
            return expected_brought_up(self._faults(cloud.name))
        if self.operation in ("backup", "restore"):
            return expected_kept(self.operation, self._faults(cloud.name, CONTROLLER))
        if self.operation == "upgrade":
            hosts = [f"{cloud.name}/{host.name}" for host in cloud.hosts]
            return expected_upgraded(self._faults(cloud.name, *hosts))
        options = self.region.options
        newest = self.release == sorted(cloud.catalogue)[1]
        already = bool({"*", cloud.name} & set(options.already)) and newest
        prestaged = not {"*", cloud.name} & set(options.not_prestaged)
        return expected(self._faults(cloud.name, CONTROLLER), already, prestaged)

    def _faults(self, *names: str) -> list[Fault]:
        return [fault for fault in self.region.faults.standing if fault.site in ("*", *names)]

    def _seconds(self, cloud: Cloud) -> Seconds:
        if self.operation == "patch":
            not_prestaged = {"*", cloud.name} & set(self.region.options.not_prestaged)
            return patch_seconds(cloud, self.release, bool(not_prestaged))
        if self.operation == "prestage":
            return {"prestage": cloud.durations.prestage, "ideal": cloud.durations.prestage}
        if self.operation in ("upgrade", "journey"):
            return self._upgrade_seconds(cloud)
        if self.operation == "add-subcloud":
            return self._add_seconds(cloud)
        if self.operation == "backup":
            pace = self.region.deployer.pace_of(cloud.name)
            return {"backup": pace.backup, "ideal": CAST_S + pace.prepare + pace.backup}
        assert self.region.floor is not None
        paces = {bmc.place.host: bmc.pace for bmc in self.region.floor.of(cloud.name)}
        if self.operation == "install":
            first = paces[cloud.machines[0].name]
            return {"install": first.install, "ideal": install_seconds(first)}
        if self.operation == "restore":
            return self._restore_seconds(cloud, paces)
        if self.operation == "firmware":
            return self._firmware_seconds(paces)
        return bring_up_seconds(cloud, paces)

    def _restore_seconds(self, cloud: Cloud, paces: dict[str, Pace]) -> Seconds:
        """The installation, the playbook, the unlock, and applications applied again; then the other hosts,
        all workers at once and storage hosts as they are."""
        first, others = paces[cloud.machines[0].name], cloud.hosts[1:]
        pace = self.region.deployer.pace_of(cloud.name)
        parts = {
            "prepare": CAST_S + 2 * pace.prepare,
            "install": install_seconds(first),
            "restore": pace.restore,
            "unlock": cloud.durations.reboot,
            "applications": 4 * cloud.durations.settle,
        }
        for host in others:
            if host.personality != "worker" or host.name == "worker-0":
                kept = host.personality == "storage"
                installed = 0.0 if kept else install_seconds(paces[host.machine or host.name])
                parts[host.name] = installed + cloud.durations.reboot
        return parts | {"ideal": sum(parts.values())}

    def _upgrade_seconds(self, cloud: Cloud) -> Seconds:
        """A journey brings the release first, where the site lacks it."""
        parts = upgrade_seconds(cloud, self.release)
        lacks = self.operation == "journey" and {"*", cloud.name} & set(self.region.options.not_prestaged)
        return parts | {"ideal": parts["ideal"] + (cloud.durations.prestage if lacks else 0.0)}

    def _firmware_seconds(self, paces: dict[str, Pace]) -> Seconds:
        """Of all components that are described, on one host after the other; no boot."""
        described = self.region.options.described
        count = len(described.firmware) if described is not None else 1
        updates = sum(count * pace.update for pace in paces.values())
        return {"updates": updates, "ideal": updates}

    def _add_seconds(self, cloud: Cloud) -> Seconds:
        """Its first host is installed, unless its disk is blank; it is configured where somebody says so."""
        pace = self.region.deployer.pace_of(cloud.name)
        parts = asdict(pace) | {"ideal": CAST_S + pace.prepare + pace.bootstrap}
        assert self.region.floor is not None
        first = self.region.floor.of(cloud.name)[0]
        if first.machine.disk == "blank":
            parts["ideal"] += CAST_S + pace.prepare + install_seconds(first.pace)
        if self.configures:
            parts["ideal"] += CAST_S + pace.prepare + pace.configure + cloud.durations.reboot
        return parts


def patch_seconds(cloud: Cloud, release: str, prestage: bool) -> Seconds:
    """What a patch of this site takes when nobody waits for anything but the site."""
    parts = {
        "prestage": cloud.durations.prestage if prestage else 0.0,
        "build": cloud.durations.build,
        "apply": plan.whole_apply_seconds(cloud, release),
    }
    return parts | {"ideal": sum(parts.values())}


def install_seconds(pace: Pace) -> float:
    """From the power button of a bare server to its installed system: two boots and the installer between."""
    return pace.power_on + pace.post + pace.install + pace.post + pace.os_boot


def bring_up_seconds(cloud: Cloud, paces: dict[str, Pace]) -> Seconds:
    """The unlocks, and the installations of all hosts but the first; workers at once, the others in turn."""
    others = cloud.machines[1:]
    times = {host.name: install_seconds(paces[host.machine or host.name]) for host in others}
    workers = [times.pop(host.name) for host in others if host.personality == "worker"]
    reboots = 1 + len(times) + bool(workers)
    parts = {
        "unlocks": reboots * cloud.durations.reboot,
        "installs": sum(times.values()) + max(workers, default=0.0),
    }
    return parts | {"ideal": sum(parts.values())}
