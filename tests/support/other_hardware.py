"""Hosts that are other machines after a disaster: at the simulated site, and in the inventory."""

from typing import Any

import yaml

from tests.support.backups import BackupBench
from tests.support.stack import InventoryEdit

NEW = "02:00:5e:77:77:77"
DUPLEX = ("--topology", "aio-dx", "--ceph", "bare-metal")
MANAGEMENT = {"port": "eth0", "name": "mgmt0", "networks": ["mgmt", "cluster-host"]}
OAM = {"port": "eth1", "name": "oam0", "networks": ["oam"]}
PROFILE: dict[str, Any] = {
    "name": "duplex",
    "storage": {"backend": "ceph"},
    "roles": {"controller": {"interfaces": [MANAGEMENT, OAM], "osds": ["/dev/nvme1n1"]}},
}
DEDICATED: dict[str, Any] = {
    "name": "dedicated",
    "storage": {"backend": "ceph"},
    "roles": {
        "controller": {"interfaces": [MANAGEMENT, OAM]},
        "storage": {"interfaces": [MANAGEMENT], "osds": ["/dev/nvme1n1"]},
        "worker": {"interfaces": [MANAGEMENT]},
    },
}
"""Of a Standard site with storage hosts."""


async def replace(bench: BackupBench, site: str, host: str, mac: str = NEW) -> None:
    """Another server of the same model with blank disks."""
    reply = await bench.region.admin.post(f"/sites/{site}/machine", json={"host": host, "mac": mac})
    reply.raise_for_status()


async def declare(
    edit: InventoryEdit, site: str, host: str, mac: str = NEW, profile: dict[str, Any] = PROFILE
) -> None:
    """Its MAC, and a profile that the site does not have yet."""
    document = yaml.safe_load(edit.path.read_text())
    document["site_profiles"] = [profile]
    (declared,) = [each for each in document["sites"] if each["name"] == site]
    (changed,) = [each for each in declared["hosts"] if each["name"] == host]
    changed["mac"] = mac
    edit.path.write_text(yaml.safe_dump(document))
    await edit.set_site(site, timezone="Europe/Berlin")
