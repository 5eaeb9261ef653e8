"""The Kubernetes version of one cloud and its upgrade, as sysinv's conductor moves it (config, 2026-08).

An upgrade is a chain of states; those that end in -ing or -started are work that ends by itself, the others
wait for a caller. Duplex sites upgrade a second control plane and lock hosts for their kubelets, simplex
sites cordon the one host instead and may abort.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud
    from simulator.cloud.hosts import Host

NEXT = {
    "downloading-images": "downloaded-images",
    "pre-updating-apps": "pre-updated-apps",
    "upgrading-networking": "upgraded-networking",
    "upgrading-storage": "upgraded-storage",
    "cordon-started": "cordon-complete",
    "upgrading-first-master": "upgraded-first-master",
    "upgrading-second-master": "upgraded-second-master",
    "uncordon-started": "uncordon-complete",
    "post-updating-apps": "post-updated-apps",
    "upgrade-aborting": "upgrade-aborted",
}
"""What work becomes when it has ended well."""
_SECONDS = {"downloading-images": 300.0, "upgrading-first-master": 240.0, "upgrading-second-master": 240.0}
_OTHER_SECONDS = 90.0
_KUBELET_SECONDS = 120.0


@dataclass(slots=True)
class Version:
    """One version of Kubernetes that the site has images of, or could have."""

    version: str
    state: str
    upgrade_from: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Upgrade:
    """The upgrade under way."""

    uuid: str
    from_version: str
    to_version: str
    state: str = "upgrade-started"


@dataclass(slots=True)
class OfHost:
    """What one host runs, and how far it has come."""

    control_plane: str
    kubelet: str
    status: str | None = None


class Kubernetes:
    """The versions of one cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self.cloud = cloud
        self.versions = [
            Version("v1.32.2", "active"),
            Version("v1.33.0", "available", ["v1.32.2"]),
            Version("v1.34.1", "unavailable", ["v1.33.0"]),
        ]
        self.upgrade: Upgrade | None = None
        self._hosts: dict[str, OfHost] = {}

    @property
    def active(self) -> str:
        return next((one.version for one in self.versions if one.state in ("active", "partial")), "")

    def find(self, version: str) -> Version | None:
        return next((one for one in self.versions if one.version == version), None)

    def of(self, host: "Host") -> OfHost:
        return self._hosts.setdefault(host.uuid, OfHost(self.active, self.active))

    def start(self, to_version: str) -> Upgrade:
        self.upgrade = Upgrade(self.cloud.new_uuid(), self.active, to_version)
        self.cloud.alarms.raise_("900.007", "host=controller")
        return self.upgrade

    def enter(self, state: str) -> None:
        """Move the upgrade on; work ends by itself."""
        upgrade = self.upgrade
        assert upgrade is not None
        upgrade.state = state
        after = NEXT.get(state)
        if after is not None:
            seconds = _SECONDS.get(state, _OTHER_SECONDS)

            def ended() -> None:
                if self.upgrade is upgrade and upgrade.state == state:
                    upgrade.state = after

            self.cloud.clock.later(seconds, ended)

    def control_plane(self, host: "Host") -> None:
        """Upgrade the control plane of a controller."""
        assert self.upgrade is not None
        target = self.upgrade.to_version
        second = self.upgrade.state == "upgraded-first-master"
        mark = self.of(host)
        mark.status = "upgrading-control-plane"
        self.enter("upgrading-second-master" if second else "upgrading-first-master")

        def ended() -> None:
            mark.control_plane, mark.status = target, None

        self.cloud.clock.later(_SECONDS["upgrading-first-master"], ended)

    def kubelet(self, host: "Host") -> None:
        """Upgrade the kubelet of a host."""
        assert self.upgrade is not None
        target = self.upgrade.to_version
        self.upgrade.state = "upgrading-kubelets"
        mark = self.of(host)
        mark.status = "upgrading-kubelet"

        def ended() -> None:
            mark.kubelet, mark.status = target, "upgraded-kubelet"

        self.cloud.clock.later(_KUBELET_SECONDS, ended)

    def complete(self) -> None:
        """All hosts run the new version."""
        assert self.upgrade is not None
        for one in self.versions:
            if one.version == self.upgrade.to_version:
                one.state = "active"
            elif one.state == "active":
                one.state = "unavailable"
        self.upgrade.state = "upgrade-complete"

    def delete(self) -> None:
        self.upgrade = None
        self._hosts.clear()
        self.cloud.alarms.clear("900.007")
        self.cloud.life_ended("kube-upgrade", None)
