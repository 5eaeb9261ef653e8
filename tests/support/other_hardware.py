"""Hosts that are other machines after a disaster: at the simulated site, and in the inventory."""

import yaml

from tests.support.backups import BackupBench
from tests.support.stack import InventoryEdit

NEW = "02:00:5e:77:77:77"
DUPLEX = ("--topology", "aio-dx", "--ceph", "bare-metal")
PROFILE = {
    "name": "duplex",
    "storage": {"backend": "ceph"},
    "roles": {
        "controller": {
            "interfaces": [
                {"port": "eth0", "name": "mgmt0", "networks": ["mgmt", "cluster-host"]},
                {"port": "eth1", "name": "oam0", "networks": ["oam"]},
            ],
            "osds": ["/dev/nvme1n1"],
        }
    },
}


async def replace(bench: BackupBench, site: str, host: str) -> None:
    """Another server of the same model with blank disks."""
    reply = await bench.region.admin.post(f"/sites/{site}/machine", json={"host": host, "mac": NEW})
    reply.raise_for_status()


async def declare(edit: InventoryEdit, site: str, host: str) -> None:
    """Its MAC, and a profile that the site does not have yet."""
    document = yaml.safe_load(edit.path.read_text())
    document["site_profiles"] = [PROFILE]
    (declared,) = [each for each in document["sites"] if each["name"] == site]
    (changed,) = [each for each in declared["hosts"] if each["name"] == host]
    changed["mac"] = NEW
    edit.path.write_text(yaml.safe_dump(document))
    await edit.set_site(site, timezone="Europe/Berlin")
