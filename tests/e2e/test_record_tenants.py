"""VMs and claims in a backup's record, where they are declared; and what the comparison makes of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from activities.kubernetes.clusters import Clusters
from activities.kubernetes.resources import CLAIMS
from activities.openstack import nova
from activities.openstack.stacks import Stacks
from inventory.load import load_inventory
from models.outcome import Outcome
from models.site_record import SiteRecord
from models.timing import Timing
from tests.support.backups import BackupBench, backup_bench
from tests.support.stack import until
from workers.fetching import fetch

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

SITE, BARE = "edge-0001", "edge-0002"
TENANTS = ("--kubernetes", "--ceph", "rook", "--openstack", "--vms", "2")
TIMING = Timing(request_timeout_s=4)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 2, *TENANTS) as running:
        yield running


@pytest.fixture(scope="module")
def clusters(bench: BackupBench) -> Clusters:
    return Clusters(lambda: load_inventory(bench.region.inventory), TIMING)


async def claim(clusters: Clusters, name: str) -> None:
    """Made by somebody, and bound."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    async with clusters.opened(SITE) as cluster:
        await cluster.create(CLAIMS, "default", {"metadata": {"name": name}, "spec": spec})

        async def bound() -> bool:
            found = await cluster.find(CLAIMS, name, "default")
            return found is not None and found["status"]["phase"] == "Bound"

        await until(bound, f"{name} is bound")


async def record_of(bench: BackupBench, backup: str, folder: Path) -> SiteRecord:
    await asyncio.to_thread(fetch, bench.region.inventory, backup, folder, lambda words: None)
    return SiteRecord.model_validate_json((folder / "record/site.json").read_text())


async def test_what_is_declared_is_recorded_and_compared(
    bench: BackupBench, clusters: Clusters, tmp_path: Path
) -> None:
    for name in ("kept", "lost"):
        await claim(clusters, name)
    made = await bench.back_up(SITE)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    tenants = (await record_of(bench, made.backup, tmp_path / "out")).tenants
    assert tenants is not None
    assert tenants.not_recorded == ()
    assert tenants.claims is not None
    assert [(each.name, each.size, each.storage_class) for each in tenants.claims] == [
        ("default/kept", "5Gi", "general"),
        ("default/lost", "5Gi", "general"),
    ]
    assert all(each.volume.startswith("pvc-") for each in tenants.claims)
    assert tenants.vms is not None
    assert [(each.host, each.status) for each in tenants.vms] == [("controller-0", "ACTIVE")] * len(
        tenants.vms
    )
    same = await bench.compare(SITE)
    assert (same.differences, same.remarks) == ((), ())

    gone = tenants.vms[0]
    async with clusters.opened(SITE) as cluster:
        found = await cluster.find(CLAIMS, "lost", "default")
        assert found is not None
        await cluster.delete(CLAIMS, "lost", "default", found["metadata"]["uid"])
    await claim(clusters, "new")
    stacks = Stacks(lambda: load_inventory(bench.region.inventory), TIMING)
    async with stacks.opened(SITE) as stack:
        await stack.ask(lambda client: client.nova("DELETE", f"/servers/{gone.id}", nova.READ))

        async def is_gone() -> bool:
            return await stack.ask(lambda client: nova.server(client, gone.id)) is None

        await until(is_gone, f"{gone.says} is gone")
    stacks.close()
    other = await bench.compare(SITE)
    assert other.differences == (f"VM {gone.says}: controller-0 -> none", "claim default/lost: 5Gi -> none")
    assert other.remarks == ("claim default/new: new",)


async def test_what_is_not_declared_is_said_and_not_guessed(bench: BackupBench, tmp_path: Path) -> None:
    async with bench.stack.edited_inventory() as declared:
        await declared.set_site(BARE, openstack=None)
        made = await bench.back_up(BARE)
        tenants = (await record_of(bench, made.backup, tmp_path / "out")).tenants
        assert tenants is not None
        assert (tenants.vms, tenants.claims) == (None, ())
        assert tenants.not_recorded == ("VMs: the inventory declares no openstack",)
    now = await bench.compare(BARE)
    assert now.differences == ()
    words = "VMs were not compared: the record has none (the inventory declares no openstack)"
    assert now.remarks == (words,)


async def test_a_silent_cluster_holds_up_no_backup_of_the_platform(
    bench: BackupBench, tmp_path: Path
) -> None:
    async with bench.stack.edited_inventory() as declared:
        await declared.set_site(
            BARE,
            openstack=None,
            kubernetes={"endpoint": "http://127.0.0.1:9", "token": "file:sim-kubernetes-token"},
        )
        made = await bench.back_up(BARE)
        assert made.outcome is Outcome.SUCCEEDED, made.reason
        tenants = (await record_of(bench, made.backup, tmp_path / "out")).tenants
    assert tenants is not None
    assert tenants.claims is None
    assert tenants.not_recorded[1].startswith("claims: ")
