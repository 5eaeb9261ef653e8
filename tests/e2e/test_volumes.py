"""Volumes there and back: a real Ceph, a real Kubernetes API, and Jobs that run our program here."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from activities.archive.activities import ArchiveActivities
    from activities.archive.archives import Archives, closing
    from activities.archive.volumes import ArchivedVolumes
    from activities.ceph.commands import RbdPort
    from activities.ceph.local_cli import LocalCli
    from activities.ceph.looks import CephLooks
    from activities.ceph.maps import PIECES, CephMaps
    from activities.ceph.quiescing import QuiescedSnapshots
    from activities.ceph.volumes import CephVolumes
    from activities.errors import Busy, Refused
    from activities.kubernetes.claims import KubernetesClaims
    from activities.kubernetes.clusters import Clusters
    from activities.kubernetes.freezing import GuestFreezing
    from activities.kubernetes.job_manifests import job_manifest
    from activities.kubernetes.jobs import KubernetesJobs
    from activities.openstack.guests import OpenstackGuests
    from activities.openstack.stacks import Stacks
    from inventory.load import load_inventory
    from models.archive import BackupId, Manifest, ObjectEntry, Origin
    from models.base import Frozen
    from models.jobs import (
        FoundJob,
        FoundJobs,
        JobRequest,
        JobsRequest,
        JobStep,
        LinkCarriage,
        RemoveJobRequest,
    )
    from models.timing import Timing
    from models.volumes import VolumeLink, VolumePolicy
    from rules import retention
    from rules.ceph import settled
    from workers import embedded
    from workers.connection import connect
    from workers.guest_ways import GuestWays
    from workers.sandbox import sandbox
    from workers.volume_cargo import VolumeCargo
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended
    from workflows.steps.volumes import back_up_volumes, restore_volumes

from tests.contract.ceph.targets import run
from tests.support.ceph import Ceph, ceph, what_is_missing
from tests.support.control_plane import binaries, control_plane
from tests.support.kubernetes_target import Api
from tests.support.pod_runner import RunningKubelet
from tests.support.rbd import Images
from tests.support.simulator import Simulator, simulator

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

SITE, QUEUE, NAMESPACE = "edge-0001", "volumes", "starflock"
ORIGIN = Origin(region="edge-0001", system_controller="sc-1", release="24.09", topology="AIO-SX")
WITH_VMS = ("--topology", "aio-dx", "--openstack", "--vms", "3", "--kubernetes", "--no-bmcs", "--plain")
T0 = datetime(2026, 3, 1, 3, tzinfo=UTC)
TIMING = Timing(pace=20)
INVENTORY = """\
system_controllers:
- name: sc-1
  auth_url: http://192.0.2.1:5000/v3
  credential: {username: admin, password: "env:PASSWORD"}
sites:
- name: edge-0001
  system_controller: sc-1
  kubernetes: {endpoint: URL, ca_bundle: CA, token: "file:token"}
  ceph: {kind: rook, volumes: {images: [rbd/db], job_image: "registry.local:9001/starflock:1"}}
archives:
- name: central
  directory: store
  keys: [{id: k1, secret: "file:key"}]
"""


class ThereRequest(Frozen):
    backup: BackupId


class BackRequest(Frozen):
    backup: str


def going_on() -> None:
    """Nobody cancels."""


@workflow.defn
class There:
    @workflow.run
    async def run(self, request: ThereRequest) -> list[ObjectEntry]:
        try:
            return list(await back_up_volumes(SITE, request.backup, StepLog("volumes"), TIMING, going_on, []))
        except Ended as end:
            raise ApplicationError(end.reason, non_retryable=True) from end


@workflow.defn
class Back:
    @workflow.run
    async def run(self, request: BackRequest) -> list[str]:
        try:
            return list(await restore_volumes(SITE, request.backup, StepLog("volumes"), TIMING, going_on, []))
        except Ended as end:
            raise ApplicationError(end.reason, non_retryable=True) from end


@dataclass
class OneCeph:
    """The site's, asked here."""

    port: LocalCli
    policy: VolumePolicy

    def has_ceph(self, site: str) -> bool:
        return True

    def is_alone(self, site: str) -> bool:
        return False

    def volumes(self, site: str) -> VolumePolicy:
        return self.policy

    @asynccontextmanager
    async def opened(self, site: str) -> AsyncIterator[RbdPort]:
        yield self.port


@dataclass
class House:
    cluster: Ceph
    images: Images
    api: Api
    kubelet: RunningKubelet
    client: Client
    catalogue: ArchiveActivities
    archives: Archives
    jobs: KubernetesJobs
    folder: Path
    ways: OneCeph
    region: Simulator

    def backup(self, day: int) -> BackupId:
        return BackupId.of(SITE, T0 + timedelta(days=day), "full", f"{day:08x}")

    async def there(self, day: int) -> list[ObjectEntry]:
        request = ThereRequest(backup=self.backup(day))
        return await self.client.execute_workflow(There.run, request, id=f"there-{day}", task_queue=QUEUE)

    async def back(self, day: int, name: str) -> list[str]:
        request = BackRequest(backup=str(self.backup(day)))
        return await self.client.execute_workflow(Back.run, request, id=f"back-{name}", task_queue=QUEUE)

    async def seal(self, day: int, entries: list[ObjectEntry]) -> None:
        backup = str(self.backup(day))
        archive = await self.archives.of(backup)
        manifest = Manifest(
            backup=backup,
            origin=ORIGIN,
            began=self.backup(day).began,
            ended=self.backup(day).began,
            key_id=archive.newest.id,
            objects=tuple(entries),
        )
        archive.writer(backup).seal(manifest, archive.newest)

    async def left(self) -> list[str]:
        """Of Jobs, Secrets and users of Jobs."""
        found = [each["entity"] for each in self.cluster.admin("auth", "ls")["auth_dump"]]
        found = [name for name in found if "starflock-volume" in name]
        for group, plural in (("api/v1", "secrets"), ("apis/batch/v1", "jobs"), ("api/v1", "pods")):
            listed = await self.api.ask("GET", f"/{group}/namespaces/{NAMESPACE}/{plural}")
            found += [
                each["metadata"]["name"]
                for each in listed["items"]
                if "deletionTimestamp" not in each["metadata"]
            ]
        return [name for name in found if not name.startswith("default-token")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    built = binaries()
    if (missing := what_is_missing()) or built is None:
        pytest.skip(missing or "no Kubernetes is built here; as root on Debian: deploy/kubernetes.sh")
    folder = tmp_path_factory.mktemp("volumes")
    async with AsyncExitStack() as leaving:
        cluster = leaving.enter_context(ceph())
        plane = leaving.enter_context(control_plane(built, tmp_path_factory.mktemp("plane")))
        text = INVENTORY.replace("URL", plane.url).replace("CA,", f"{plane.ca},")
        (folder / "inventory.yaml").write_text(text)
        (folder / "store").mkdir()
        for name, content in (("token", plane.token), ("key", base64.b64encode(bytes(32)).decode())):
            (folder / name).write_text(content)
            (folder / name).chmod(0o600)
        inventory = load_inventory(folder / "inventory.yaml")
        api = Api(plane.url, plane.token, ssl.create_default_context(cafile=plane.ca))
        await api.open()
        leaving.push_async_callback(api.close)
        await api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        resources = {"cpu": "8", "memory": "16Gi", "pods": "20"}
        kubelet = RunningKubelet(api, "hollow-0", resources)
        await kubelet.start()
        leaving.push_async_callback(kubelet.stop)
        access = inventory.site(SITE).ceph
        assert access is not None
        assert access.volumes is not None
        port = LocalCli(cluster.conf, name="client.admin")
        ways = OneCeph(port, access.volumes)
        clusters = Clusters(lambda: inventory, TIMING)
        # Nova and libvirt's pods are those of a simulated site of the same name.
        region = await leaving.enter_async_context(simulator(folder / "sim", sites=1, options=WITH_VMS))
        of_region = load_inventory(region.inventory)
        stacks = Stacks(lambda: of_region, TIMING)
        leaving.callback(stacks.close)
        guests = GuestWays(ways, OpenstackGuests(stacks), GuestFreezing(Clusters(lambda: of_region, TIMING)))
        quiesced = QuiescedSnapshots(ways, guests)
        archives = await leaving.enter_async_context(closing(Archives(lambda: inventory, TIMING)))
        catalogue = ArchiveActivities(archives, retention.verdicts)
        volumes = CephVolumes(ways, KubernetesClaims(clusters).volumes, TIMING, guests.are_asked)
        cargo = VolumeCargo(ways, archives)
        jobs = KubernetesJobs(clusters, cargo)
        server = await embedded.start(folder / "temporal.db", durable=False)
        leaving.push_async_callback(server.stop)
        client = await connect(server.address)
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[There, Back],
            activities=[
                CephMaps(ways, cargo.keep).back_up_cluster,
                CephLooks(ways, settled, TIMING).await_ceph,
                ArchivedVolumes(archives, catalogue).known_volumes,
                volumes.find_volumes,
                volumes.take_snapshot,
                volumes.drop_snapshot,
                quiesced.find_guests,
                quiesced.snapshot_guest,
                volumes.look_at_target,
                volumes.make_target,
                volumes.finish_target,
                jobs.begin_job,
                jobs.await_job,
                jobs.find_jobs,
                jobs.remove_job,
            ],
            workflow_runner=sandbox("tests"),
        )
        await leaving.enter_async_context(worker)
        yield House(
            cluster, Images(cluster), api, kubelet, client, catalogue, archives, jobs, folder, ways, region
        )


async def test_a_volume_goes_there_in_links_and_comes_back_as_it_was(house: House) -> None:
    images, kubelet = house.images, house.kubelet
    images.make("db")
    images.write("rbd/db", 40, seed=1)
    for name in ("monday", "starflock-20260101T030000Z-full-0000dead"):
        images.rbd("snap", "create", "--no-progress", f"rbd/db@{name}")
    maps_and_link = await house.there(1)
    assert [each.name for each in maps_and_link] == [*(each.name for each in PIECES), "volumes/rbd/db"]
    full = maps_and_link[-1]
    assert full.parent is None
    await house.seal(1, maps_and_link)
    images.write("rbd/db", 10, seed=2)

    # The pod of the second one dies before it has begun; Kubernetes begins another one.
    kubelet.hold.clear()
    before = len(kubelet.begun)
    going = asyncio.create_task(house.there(2))
    while len(kubelet.begun) == before or kubelet.begun[-1] not in kubelet.running:
        assert not going.done()
        await asyncio.sleep(0.05)
    kubelet.kill(kubelet.begun[-1])
    kubelet.hold.set()
    changes = await going
    assert len(kubelet.begun) == before + 2
    entry = changes[-1]
    assert entry.parent is not None
    assert entry.parent.backup == str(house.backup(1))
    assert entry.size < full.size / 2
    await house.seal(2, changes)
    one, two = (f"starflock-{house.backup(day).folder}" for day in (1, 2))
    assert images.snapshots("rbd/db") == ["monday", one, two], "by our mark, and no other"
    assert await house.left() == []

    wanted = images.hash_at(f"rbd/db@{two}")
    with pytest.raises(WorkflowFailureError) as caught:
        await house.back(2, "over")
    assert "rbd/db is there already" in str(caught.value.cause)
    images.clear()
    assert await house.back(2, "again") == ["rbd/db"]
    assert images.hash_at(f"rbd/db@{two}") == wanted
    assert images.names() == ["db"]
    assert await house.back(2, "twice") == ["rbd/db"], "what is back is not brought again"
    assert await house.left() == []

    # A link that lacks is told before anything is written.
    images.clear()
    manifest = house.folder / "store" / str(house.backup(1)) / "manifest"
    manifest.unlink()
    with pytest.raises(WorkflowFailureError) as caught:
        await house.back(2, "with-a-hole")
    assert isinstance(caught.value.cause, ActivityError)
    assert "has no manifest" in str(caught.value.cause.cause)
    assert images.names() == []


def carrying(house: House, run_id: str) -> JobRequest:
    carriage = LinkCarriage(
        way="send", backup=str(house.backup(9)), name="volumes/rbd/x", volume="rbd/x", snapshot="starflock-x"
    )
    return JobRequest(
        site=SITE, run_id=run_id, number=0, namespace=NAMESPACE, image="carrier", carriage=carriage
    )


async def test_a_job_is_gone_on_with_by_who_began_it_and_removed_by_its_mark(house: House) -> None:
    house.kubelet.hold.clear()
    job, other = carrying(house, "0aa1b2c3-mine"), carrying(house, "99aa1b2c-theirs")
    first: JobStep = await run(house.jobs.begin_job, job)
    again: JobStep = await run(house.jobs.begin_job, job, attempt=2)
    assert (first.did, again.did, again.uid) == (True, True, first.uid)
    assert sorted(await house.left())[:2] == [f"client.{job.name}", job.name]
    # Without labels of its own it would be given those of its pods.
    meta = {"name": other.name, "labels": {"app": "theirs"}}
    foreign = {"metadata": meta, "spec": job_manifest(other)["spec"]}
    made = await house.api.ask("POST", f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs", foreign)
    with pytest.raises(Busy, match="is there, and not of this run"):
        await run(house.jobs.begin_job, other)
    found: FoundJobs = await run(house.jobs.find_jobs, JobsRequest(site=SITE, namespace=NAMESPACE))
    assert [(each.name, each.run_id) for each in found.found] == [(job.name, job.run_id)]
    theirs = FoundJob(namespace=NAMESPACE, name=other.name, uid=made["metadata"]["uid"], run_id=other.run_id)
    with pytest.raises(Refused, match="has no mark of ours; left alone"):
        await run(house.jobs.remove_job, RemoveJobRequest(site=SITE, job=theirs))
    mine = RemoveJobRequest(site=SITE, job=found.found[0])
    assert (await run(house.jobs.remove_job, mine)).did
    assert not (await run(house.jobs.remove_job, mine)).did
    house.kubelet.hold.set()
    async with asyncio.timeout(120):
        while any(name.startswith((job.name, f"client.{job.name}")) for name in await house.left()):
            await asyncio.sleep(0.2)
    assert other.name in await house.left()


async def test_the_volumes_of_a_vm_are_kept_as_they_were_while_its_guest_was_frozen(house: House) -> None:
    vms = {each["vm"]: each for each in await house.region.get(f"/sites/{SITE}/guests")}
    disks = [f"rbd/{disk.partition('/')[2]}" for disk in vms["db-1"]["disks"]]
    assert len(disks) == 2
    for disk in disks:
        house.images.make(disk.partition("/")[2])
        house.images.write(disk, 4, seed=3)
    declared = house.ways.policy
    house.ways.policy = declared.model_copy(update={"images": (*disks, "rbd/other")})
    house.images.make("other")
    try:
        entries = await house.there(3)
    finally:
        house.ways.policy = declared
    await house.seal(3, entries)
    manifest = await house.archives.manifest(str(house.backup(3)))
    links = [VolumeLink.of(manifest, each) for each in manifest.objects if each.kind == "volume"]
    kept = {link.volume: (link.vm, link.consistency, link.why) for link in links}
    assert kept == {**dict.fromkeys(disks, ("db-1", "quiesced", "")), "rbd/other": ("", "no VM", "")}
    after = {each["vm"]: each for each in await house.region.get(f"/sites/{SITE}/guests")}
    assert {vm: (each["freezes"], each["frozen"]) for vm, each in after.items()} == {
        **dict.fromkeys(vms, (0, False)),
        "db-1": (1, False),
    }
