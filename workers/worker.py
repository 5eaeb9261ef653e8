"""A worker process: the wiring of everything that a workflow may call.

Order matters at the end: the worker stops polling, waits hand over, mutations in flight end, then the
HTTP pools and the records close, and the client goes last; so the process ends without a thread of the
Temporal runtime in the air.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.archive import archives as archive_stores
from activities.archive.activities import ArchiveActivities
from activities.archive.drills import DrillActivities
from activities.archive.volumes import ArchivedVolumes
from activities.ceph.flags import CephFlags
from activities.ceph.looks import CephLooks
from activities.ceph.maps import CephMaps
from activities.ceph.quiescing import QuiescedSnapshots
from activities.ceph.volumes import CephVolumes
from activities.fleet.activities import FleetActivities
from activities.fleet.freeze import FreezeReading
from activities.fleet.windows import WhenOpen, WindowActivities
from activities.http import Wire
from activities.image.activities import ImageActivities
from activities.ironic import services as ironics
from activities.ironic.activities import IronicActivities
from activities.ironic.looks import IronicLooks
from activities.journal.activities import JournalActivities
from activities.journal.calls import Calls
from activities.kubernetes.claims import KubernetesClaims
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.draining import KubernetesDrain
from activities.kubernetes.freezing import GuestFreezing
from activities.kubernetes.jobs import KubernetesJobs
from activities.kubernetes.looks import KubernetesLooks
from activities.kubernetes.probing import KubernetesProbes
from activities.notify.activities import NotifyActivities
from activities.openstack import stacks as openstacks
from activities.openstack.acting import OpenstackVms
from activities.openstack.computes import OpenstackComputes
from activities.openstack.guests import OpenstackGuests
from activities.openstack.looks import OpenstackLooks
from activities.openstack.moving import OpenstackMoves
from activities.openstack.placement import OpenstackPlacement
from activities.openstack.probing import OpenstackProbes
from activities.redfish.activities import RedfishActivities
from activities.redfish.firmware import RedfishFirmware
from activities.redfish.looks import AskProof, RedfishLooks
from activities.redfish.visits import Visits, closing
from activities.ssh.activities import BootstrapActivities
from activities.ssh.carrying import CarryActivities
from activities.ssh.hosts import Hosts
from activities.ssh.looks import BootstrapLooks
from activities.ssh.platform import PlatformActivities
from activities.ssh.readiness import ReadinessLooks
from activities.ssh.restoring import PlatformRestoreActivities
from activities.starlingx.controllers import ControllerActivities
from activities.starlingx.dcmanager.activities import DcmanagerActivities
from activities.starlingx.dcmanager.backing_up import BackupActivities
from activities.starlingx.dcmanager.deploying import DeployActivities
from activities.starlingx.dcmanager.lifecycle import LifecycleActivities
from activities.starlingx.dcmanager.subclouds import Subclouds
from activities.starlingx.directory import Directory
from activities.starlingx.keystone.client import Tokens
from activities.starlingx.observe import ObserveActivities
from activities.starlingx.recording import RecordActivities
from activities.starlingx.sysinv.accepting import AcceptanceActivities
from activities.starlingx.sysinv.activities import SysinvActivities
from activities.starlingx.sysinv.bulk import BulkActivities
from activities.starlingx.sysinv.configuring import ConfigurationActivities
from activities.starlingx.sysinv.installed import InstalledHosts
from activities.starlingx.sysinv.maintaining import MaintenanceActivities
from activities.starlingx.sysinv.restoring import RestoreActivities
from activities.starlingx.usm.activities import UsmActivities
from activities.starlingx.usm.uploading import UploadActivities
from activities.starlingx.vim.activities import VimActivities
from inventory.live import LiveInventory
from models import contracts
from models.operations import Proof
from records.store import Store
from rules import ceph, comparison, estimate, quirks, retention, site_difference, windows
from workers import drill_process
from workers.ceph_ways import CephWays
from workers.codec import OFF, PayloadKeysError
from workers.connection import connect, register_search_attributes
from workers.documents import Documents
from workers.drill_process import DrillProcess
from workers.failures import FailureInterceptor
from workers.guest_ways import GuestWays
from workers.metrics import FleetGauges, kept, runtime
from workers.phone_home import listening
from workers.platform_cargo import PlatformCargo
from workers.sandbox import sandbox
from workers.settings import Settings
from workers.tenants import DeclaredTenants
from workers.volume_cargo import VolumeCargo
from workflows.registry import WORKFLOWS

log = structlog.get_logger()

BEHAVIOURS = {"pinned": VersioningBehavior.PINNED, "auto-upgrade": VersioningBehavior.AUTO_UPGRADE}


@dataclass(frozen=True)
class Implementations:
    """What each task queue's worker runs."""

    main: list[Callable[..., Any]]
    bmc: list[Callable[..., Any]]
    drills: list[Callable[..., Any]]
    store: Store


@asynccontextmanager
async def activities(
    settings: Settings, client: Client, when_open: WhenOpen = windows.openings
) -> AsyncIterator[Implementations]:
    """All activities over one set of pools, caches and records."""
    live = LiveInventory(settings.inventory)
    live.current()
    store = await Store.open(settings.records)
    wire = Wire(settings.request_timeout_s, settings.max_connections)
    directory = Directory(live.current, settings.timing, wire, Tokens(wire))
    freeze = FreezeReading(client, settings.timing)
    observe = ObserveActivities(directory, store, freeze.words)
    vim = VimActivities(directory, store)
    dcmanager = DcmanagerActivities(directory)
    subclouds = Subclouds(directory, store)
    deploying, lifecycle = DeployActivities(subclouds), LifecycleActivities(subclouds)
    platform = SysinvActivities(directory, comparison)
    configuration = ConfigurationActivities(directory, comparison)
    bulk = BulkActivities(directory)
    maintenance = MaintenanceActivities(directory, store)
    software, uploads = UsmActivities(directory, store), UploadActivities(directory)
    fleet = FleetActivities(
        inventory=live.current,
        timing=settings.timing,
        journal=store,
        client=client,
        freeze=freeze,
        windows=WindowActivities(live.current, store, settings.timing, when_open, estimate.needed),
        look=observe.look,
        group_members=directory.group_members,
        read_controller=directory.read_controller,
    )
    clusters = Clusters(live.current, settings.timing)
    probes, drain = KubernetesProbes(clusters), KubernetesDrain(clusters)
    ways = CephWays(live.current, clusters, settings.timing)
    ceph_looks, ceph_flags = CephLooks(ways, ceph.settled, settings.timing), CephFlags(ways, settings.timing)
    archives = archive_stores.Archives(live.current, settings.timing)
    catalogue = ArchiveActivities(archives, retention.verdicts)
    drills = DrillActivities(archives, client, DrillProcess(live.current))
    stacks = openstacks.Stacks(live.current, settings.timing)
    guests = GuestWays(ways, OpenstackGuests(stacks), GuestFreezing(clusters))
    quiesced = QuiescedSnapshots(ways, guests)
    volumes = CephVolumes(ways, KubernetesClaims(clusters).volumes, settings.timing, guests.are_asked)
    cargo = VolumeCargo(ways, archives)
    jobs = KubernetesJobs(clusters, cargo)
    backups = BackupActivities(subclouds)
    tenants = DeclaredTenants(OpenstackPlacement(stacks), KubernetesClaims(clusters))
    record = RecordActivities(directory, Documents(archives), site_difference, tenants)
    vms = OpenstackProbes(stacks)
    computes, moves, held = OpenstackComputes(stacks), OpenstackMoves(stacks), OpenstackVms(stacks)
    journal = JournalActivities(store)
    visits = Visits(
        live.current,
        settings.timing,
        quirks,
        request_timeout_s=min(settings.bmc_request_timeout_s, settings.request_timeout_s),
        at_once=settings.bmc_at_once,
        per_site=settings.bmc_per_site,
    )
    calls, images = Calls(store, settings.calls_at), ImageActivities(live.current)
    proofs: dict[Proof, AskProof] = {"phone-home": calls.ask, "sysinv": InstalledHosts(directory).ask}
    redfish, looks = RedfishActivities(visits, store), RedfishLooks(visits, store, proofs)
    firmware = RedfishFirmware(visits, store)
    services = ironics.Services(live.current, settings.timing)
    nodes, node_looks = IronicActivities(services), IronicLooks(services)
    installed = Hosts(live.current, settings.timing, store)
    playbooks, playbook_looks = BootstrapActivities(installed), BootstrapLooks(installed)
    platforms = PlatformActivities(installed, PlatformCargo(archives))
    restores = PlatformRestoreActivities(installed, PlatformCargo(archives))
    carrying = CarryActivities(installed)
    try:
        async with (
            closing(visits),
            ironics.closing(services),
            openstacks.closing(stacks),
            archive_stores.closing(archives),
            listening(calls, settings.phone_home_listen),
        ):
            yield Implementations(
                store=store,
                main=[
                    observe.observe_site,
                    vim.create_strategy,
                    vim.apply_strategy,
                    vim.adopt_strategy,
                    vim.delete_strategy,
                    vim.await_strategy,
                    ControllerActivities(directory).look_at_controllers,
                    dcmanager.prestage,
                    dcmanager.await_prestage,
                    deploying.declared_deploy,
                    deploying.look_at_subcloud,
                    deploying.create_subcloud,
                    deploying.begin_phase,
                    deploying.abort_deploy,
                    deploying.await_subcloud,
                    lifecycle.change_subcloud,
                    lifecycle.redeploy_subcloud,
                    lifecycle.delete_subcloud,
                    backups.begin_backup,
                    backups.await_backup,
                    backups.begin_restore,
                    backups.restore_marks,
                    backups.forget_restore,
                    record.record_site,
                    record.examine_backup,
                    record.compare_with_record,
                    RestoreActivities(directory).complete_restore,
                    RestoreActivities(directory).forget_host,
                    configuration.plan_site,
                    configuration.make_change,
                    configuration.apply_parameters,
                    AcceptanceActivities(configuration).examine_site,
                    KubernetesLooks(clusters).examine_cluster,
                    OpenstackLooks(stacks).examine_openstack,
                    ceph_looks.look_at_ceph_host,
                    ceph_looks.may_stop_osds,
                    ceph_looks.await_ceph,
                    ceph_looks.await_osds,
                    ceph_flags.set_noout,
                    ceph_flags.unset_noout,
                    vms.find_test_vms,
                    vms.create_test_vm,
                    vms.remove_test_vm,
                    vms.await_test_vm,
                    vms.await_test_vm_gone,
                    computes.examine_compute,
                    computes.disable_compute,
                    computes.enable_compute,
                    computes.await_compute,
                    moves.migrate_vm,
                    moves.await_move,
                    moves.abort_move,
                    held.act_on_vms,
                    held.await_vms,
                    probes.find_leftovers,
                    probes.create_probe,
                    probes.remove_probe,
                    probes.await_probe,
                    probes.await_gone,
                    drain.examine_drain,
                    drain.cordon_node,
                    drain.uncordon_node,
                    drain.evict_pods,
                    drain.await_evicted,
                    platform.act_on_host,
                    platform.add_host,
                    bulk.add_hosts,
                    platform.apply_application,
                    platform.remove_application,
                    platform.await_goal,
                    platform.await_settled,
                    maintenance.look_at_host,
                    maintenance.mark_host,
                    maintenance.unmark_host,
                    software.look_at_deployment,
                    software.precheck_release,
                    software.act_on_deployment,
                    uploads.upload_release,
                    uploads.await_upload,
                    software.await_deployment,
                    journal.record_site_run,
                    calls.expect_call,
                    images.declared_image,
                    images.make_image,
                    images.remove_images,
                    nodes.enroll_node,
                    nodes.move_node,
                    nodes.set_node_image,
                    nodes.deploy_node,
                    nodes.delete_node,
                    node_looks.look_at_node,
                    node_looks.await_node,
                    playbook_looks.look_at_installed_host,
                    playbook_looks.await_free_host,
                    playbook_looks.await_playbook,
                    playbooks.place_run,
                    playbooks.start_playbook,
                    playbooks.stop_playbook,
                    playbooks.wipe_secrets,
                    ReadinessLooks(installed).look_at_backup_host,
                    platforms.find_platform,
                    platforms.take_platform,
                    platforms.put_platform_back,
                    platforms.drop_platform,
                    restores.look_at_restorable_host,
                    restores.note_restore_begun,
                    restores.note_host_installed,
                    restores.forget_platform_restore,
                    restores.carry_archive,
                    carrying.measure_files,
                    carrying.carry_file,
                    carrying.drop_carried,
                    *catalogue.all(),
                    drills.drill_candidates,
                    ArchivedVolumes(archives, catalogue).known_volumes,
                    CephMaps(ways, cargo.keep).back_up_cluster,
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
                    *fleet.all(),
                    NotifyActivities(live.current, wire).notify,
                ],
                bmc=[
                    redfish.set_power,
                    redfish.eject_medium,
                    redfish.insert_medium,
                    redfish.override_boot,
                    redfish.set_pending,
                    firmware.declared_hosts,
                    firmware.update_component,
                    firmware.await_update,
                    looks.look_at_bmc,
                    looks.inspect_host,
                    looks.settings_left,
                    looks.ask_address,
                    looks.await_bmc,
                    looks.await_host,
                ],
                drills=drills.of_queue(),
            )
    finally:
        await wire.close()
        await store.close()


def _decided(settings: Settings) -> None:
    """Raises: PayloadKeysError. Beside the embedded server, clear payloads are somebody's decision."""
    if not settings.payload_keys and not settings.embedded:
        raise PayloadKeysError(
            "expected ID=REFERENCE, such as 2026b=file:/etc/starflock/payload-2026b, so that payloads are "
            f"encrypted, or {OFF}"
        )
    if settings.payload_keys == OFF and not settings.embedded:
        log.warning("payloads are written in clear, as STARFLOCK_PAYLOAD_KEYS=off says")


def build_id() -> str:
    """Names this code in histories. Without a name the SDK reads every imported module anew and hashes them
    all: more than a second of processor time at each start, several where nothing is compiled beforehand.
    """
    return f"starflock-{version('starflock')}"


def _versioning(settings: Settings) -> dict[str, Any]:
    """By the SDK's own words of it; without a deployment, as before there were any."""
    if not settings.deployment:
        return {"build_id": build_id()}
    version = WorkerDeploymentVersion(settings.deployment, settings.build or build_id())
    return {
        "deployment_config": WorkerDeploymentConfig(
            version=version,
            use_worker_versioning=True,
            default_versioning_behavior=BEHAVIOURS[settings.versioning],
        )
    }


async def run(
    settings: Settings, client: Client | None = None, when_open: WhenOpen = windows.openings
) -> None:
    """Works until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    telemetry = runtime(settings.metrics_listen)
    if client is None:
        _decided(settings)
        client = await connect(runtime=telemetry)
    await register_search_attributes(client)
    queues = settings.queues.split(",")
    if contracts.DRILL_TASK_QUEUE in queues:
        drill_process.require()
    async with AsyncExitStack() as running:
        implementations = await running.enter_async_context(activities(settings, client, when_open))
        shared = {
            "interceptors": [FailureInterceptor()],
            "max_concurrent_activities": settings.max_activities,
            "graceful_shutdown_timeout": settings.graceful_shutdown,
            **_versioning(settings),
        }
        for queue in dict.fromkeys(queues):
            if contracts.is_bmc_queue(queue):
                worker = Worker(client, task_queue=queue, activities=implementations.bmc, **shared)
            elif queue == contracts.DRILL_TASK_QUEUE:
                one = shared | {"max_concurrent_activities": 1}
                worker = Worker(client, task_queue=queue, activities=implementations.drills, **one)
            else:
                worker = Worker(
                    client,
                    task_queue=queue,
                    workflows=WORKFLOWS,
                    activities=implementations.main,
                    workflow_runner=sandbox(),
                    max_concurrent_workflow_tasks=settings.max_workflow_tasks,
                    max_cached_workflows=settings.max_cached_workflows,
                    **shared,
                )
            await running.enter_async_context(worker)
        if telemetry is not None:
            gauges = FleetGauges(client, implementations.store, telemetry.metric_meter)
            await running.enter_async_context(kept(gauges, settings.pace))
        log.info("worker ready", queue=settings.queues, inventory=str(settings.inventory))
        await stop.wait()
        log.info("worker is shutting down: waits hand over, mutations in flight end")
    log.info("worker ended")
