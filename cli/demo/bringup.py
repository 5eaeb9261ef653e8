"""The scenario `bringup`: sites of one topology, from powered-off servers to accepted.

Three campaigns, as an operator would run them: controller-0 of each site is installed through its BMC, added
to dcmanager and bootstrapped, then the site is brought up with all of its hosts. What went well is examined
in the end, its Kubernetes by its own API. A site that a fault ends in one campaign is left out of the next.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from cli.demo.scenario import Scenario, Stage, fault

Topology = Literal["aio-sx", "aio-dx", "standard", "standard-storage"]
MORE_HOSTS: dict[Topology, tuple[str, ...]] = {
    "aio-sx": (),
    "aio-dx": ("controller-1",),
    "standard": ("controller-1", "worker-0", "worker-1"),
    "standard-storage": ("controller-1", "storage-0", "storage-1", "worker-0", "worker-1"),
}
"""Beside controller-0; their installation over the network wipes them."""
OSDS = ["/dev/nvme1n1"]
OAM = {"port": "eth0", "name": "oam0", "networks": ["oam"]}
MANAGEMENT = {"port": "eth0", "name": "mgmt0", "networks": ["mgmt", "cluster-host"]}
"""A host that was installed over the network has it on the port it came by."""
FRONTHAUL = {
    "port": "eth1",
    "name": "sriov0",
    "class": "pci-sriov",
    "vfs": 16,
    "vf_driver": "vfio",
    "mtu": 9000,
    "datanetworks": ["physnet0"],
}
LABELS = {"sriovdp": "enabled", "kube-cpu-mgr-policy": "static"}


@dataclass(frozen=True)
class BringUpScenario(Scenario):
    topology: Topology = "aio-sx"

    kind: ClassVar[str] = "bringup"
    usual_sites: ClassVar[int] = 8
    least_sites: ClassVar[int] = 8
    usual_speed: ClassVar[float] = 240.0
    width: ClassVar[int] = 8
    to_look_around: ClassVar[tuple[str, ...]] = (
        "site plan edge-0001",
        "site verify edge-0001",
        "subcloud show edge-0001",
    )
    is_accepted: ClassVar[bool] = True

    @property
    def simulator_options(self) -> tuple[str, ...]:
        return (
            *("--topology", self.topology, "--bare", "--not-added", "*"),
            *("--bmc-flavours", "generic,idrac9,lenovo-xcc", "--kubernetes"),
        )

    @property
    def faults(self) -> list[dict[str, Any]]:
        return [
            fault(2, "bmc.insert", "drop-after", times=1),
            fault(3, "host.unlock", "fail", times=1),
            fault(4, "sysinv", "drop-after", mutating=True, times=3),
            fault(5, "sysinv", "drop-before", mutating=True, times=3),
            fault(6, "deploy.bootstrap", "fail", times=1),
            fault(7, "host.unlock", "fail"),
            fault(8, "bmc", "drop-before"),
        ]

    def stages(self, images: str) -> tuple[Stage, ...]:
        sites = [f"edge-{number:04d}" for number in range(1, self.sites + 1)]
        first = [f"{site}/controller-0" for site in sites]
        patience = {"reachable_within": self.patience, "ready_within": self.patience}
        install = {
            "kind": "install",
            "image": f"{images}/{{site}}.iso",
            "release": "starlingx-26.03.0",
            "wipe": first,
            **patience,
        }
        add = {"kind": "add-subcloud", "install": "none", "manage": False, **patience}
        bring_up = {
            "kind": "bring-up",
            "wipe": [f"{site}/{host}" for site in sites for host in MORE_HOSTS[self.topology]],
            "ready_within": self.patience,
        }
        waves = [{"percent": 100}]
        return (
            Stage("demo-install", "operation=install", install, waves),
            Stage("demo-add", "operation=add-subcloud", add, waves),
            Stage("demo-bring-up", "operation=bring-up", bring_up, waves),
        )

    def declared(self, inventory: dict[str, Any]) -> dict[str, Any]:
        """With the profile, and without configuration by the deployment manager: the bring-up does that."""
        for site in inventory["sites"]:
            site["profile"] = self.profile["name"]
            del site["deploy"]["deploy_config"]
        return inventory | {"site_profiles": [self.profile]}

    @property
    def profile(self) -> dict[str, Any]:
        dedicated = self.topology == "standard-storage"
        return {
            "name": f"demo-{self.topology}",
            "system": {"timezone": "Europe/Berlin"},
            "dns": ["192.0.2.53"],
            "datanetworks": [{"name": "physnet0", "type": "vlan", "mtu": 9000}],
            "storage": {"backend": "ceph"}
            if dedicated
            else {"backend": "ceph-rook", "deployment": "controller"},
            "roles": self._roles,
        }

    @property
    def _roles(self) -> dict[str, Any]:
        ceph = {"filesystems": {"ceph": 20}, "osds": OSDS}
        if self.topology == "aio-sx":
            memory = [{"node": 0, "pages_1g": 16}]
            return {"controller": {"interfaces": [OAM, FRONTHAUL], "labels": LABELS, "memory": memory} | ceph}
        controller = {"interfaces": [MANAGEMENT, OAM | {"port": "eth1"}]}
        if self.topology == "aio-dx":
            return {"controller": controller | {"labels": LABELS} | ceph}
        worker = {"interfaces": [MANAGEMENT, FRONTHAUL], "labels": LABELS}
        if self.topology == "standard":
            return {"controller": controller | ceph, "worker": worker}
        storage = {"interfaces": [MANAGEMENT], "osds": OSDS}
        return {"controller": controller, "storage": storage, "worker": worker}
