"""Deep rehearsals of bring-ups and configurations, by the sites' real profiles, right ones and wrong ones."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.e2e.rehearsed import asked, ends, fleet, read, rehearse, write
from tests.support.simulator import Simulator

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SIMPLEX: dict[str, Any] = {
    "name": "edge-sx",
    "system": {"timezone": "Europe/Berlin", "description": "edge site"},
    "dns": ["192.0.2.53"],
    "datanetworks": [{"name": "physnet0", "type": "vlan", "mtu": 9000}],
    "storage": {"backend": "ceph-rook", "deployment": "controller"},
    "certificates": [{"type": "docker_registry", "file": "env:NOBODY_HAS_SET_THIS"}],
    "applications": [
        {"name": "du-app", "url": "https://apps.example.com/du-app-1.2-3.tgz", "version": "1.2-3"}
    ],
    "roles": {
        "controller": {
            "interfaces": [
                {"port": "enp81s0f0", "name": "oam0", "networks": ["oam"]},
                {
                    "port": "enp23s0f1",
                    "name": "sriov0",
                    "class": "pci-sriov",
                    "vfs": 16,
                    "vf_driver": "vfio",
                    "mtu": 9000,
                    "datanetworks": ["physnet0"],
                },
            ],
            "memory": [{"node": 0, "pages_1g": 16}],
            "labels": {"sriovdp": "enabled", "kube-cpu-mgr-policy": "static"},
            "filesystems": {"ceph": 20},
            "osds": ["/dev/disk/by-path/pci-0000:c3:00.0-nvme-9"],
        }
    },
}
DUPLEX: dict[str, Any] = SIMPLEX | {
    "name": "edge-dx",
    "roles": {
        "controller": {
            "interfaces": [
                {"port": "ens1f1", "name": "oam0", "networks": ["oam"]},
                {"port": "ens1f0", "name": "mgmt0", "networks": ["mgmt", "cluster-host"]},
            ],
            "filesystems": {"ceph": 20},
            "osds": ["/dev/sdx"],
        }
    },
}
GREEDY = SIMPLEX | {
    "name": "greedy",
    "roles": {"controller": SIMPLEX["roles"]["controller"] | {"memory": [{"node": 0, "pages_1g": 4000}]}},
}
AS_PROFILED = [Outcome.SUCCEEDED, Outcome.SUCCEEDED, Outcome.REFUSED]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    folder = tmp_path_factory.mktemp("real")
    async with fleet(
        *(folder, 3, "--topology", "by-turns"), site_profiles=[SIMPLEX, DUPLEX, GREEDY]
    ) as region:
        document = read(region)
        for site, profile in zip(document["sites"], (SIMPLEX, DUPLEX, GREEDY), strict=True):
            site["profile"] = profile["name"]
        write(region, document)
        yield region


async def test_sites_are_brought_up_and_a_profile_that_cannot_be_fails(
    real: Simulator, tmp_path: Path
) -> None:
    operation = {"kind": "bring-up", "wipe": ["edge-0002/controller-1"], "ready_within": "8h"}
    said, found = await rehearse(tmp_path, real, operation, "--speed", "600")
    ended = ends(found)
    assert [end for end, _ in ended.values()] == AS_PROFILED, (said, ended)
    assert "4000" in ended["edge-0003"][1], ended
    assert (found["deep"]["repeats"], await asked(real)) == (0, 0)


async def test_sites_in_service_are_configured(real: Simulator, tmp_path: Path) -> None:
    """Without a lock being allowed: what needs one is there, the rest is what the campaign does."""
    operation = {"kind": "configure", "ready_within": "8h"}
    said, found = await rehearse(tmp_path, real, operation, "--speed", "600")
    ended = ends(found)
    assert [end for end, _ in ended.values()] == AS_PROFILED, (said, ended)
    assert (found["deep"]["repeats"], await asked(real)) == (0, 0)
