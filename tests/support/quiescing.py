"""A workflow of a backup's snapshots, for tests: volumes are found, snapshots taken; no link is sent.

`python -m tests.support.quiescing ADDRESS INVENTORY QUEUE` is a worker of it that a test can kill.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from activities.ceph.quiescing import QuiescedSnapshots
    from activities.ceph.volumes import CephVolumes
    from activities.kubernetes.claims import KubernetesClaims
    from activities.kubernetes.clusters import Clusters
    from activities.kubernetes.freezing import GuestFreezing
    from activities.openstack import stacks as openstacks
    from activities.openstack.guests import OpenstackGuests
    from inventory.live import LiveInventory
    from models.archive import BackupId
    from models.base import Frozen
    from models.timing import Timing
    from models.volumes import FoundVolumes, LinkPlan, VolumeRef
    from rules.volume_chains import snapshot_of
    from workers.ceph_ways import CephWays
    from workers.connection import connect
    from workers.guest_ways import GuestWays
    from workers.sandbox import sandbox
    from workflows.steps.asking import looked
    from workflows.steps.policies import MUTATION_TRIES
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended
    from workflows.steps.volumes import SiteVolumes

QUEUE = "quiescing"
TIMING = Timing(pace=240.0, request_timeout_s=5, send_window_s=2)


class TakeRequest(Frozen):
    site: str
    day: int

    @property
    def backup(self) -> str:
        return str(BackupId.of(self.site, datetime(2026, 3, self.day, tzinfo=UTC), "volumes", "0" * 8))


class Taken(Frozen):
    still: dict[str, dict[str, str]]
    """By POOL/IMAGE, as a manifest has it."""
    evidence: tuple[str, ...] = ()


@workflow.defn
class TakeSnapshots:
    @workflow.run
    async def run(self, request: TakeRequest) -> Taken:
        log, snapshot = StepLog("snapshots"), snapshot_of(request.backup)
        found: FoundVolumes = await looked(
            log,
            TIMING,
            CephVolumes.find_volumes,
            VolumeRef(site=request.site),
            silence=MUTATION_TRIES,
            summary="find",
        )
        plans = tuple(LinkPlan(volume=each, snapshot=snapshot, why="full") for each in found.volumes)
        evidence: list[str] = []
        volumes = SiteVolumes(request.site, log, TIMING, lambda: None, evidence)
        try:
            taken = await volumes.take(plans, found, request.backup)
        except Ended as end:
            raise ApplicationError(end.reason, type=end.outcome.value, non_retryable=True) from end
        still = {plan.volume.spec: plan.still for plan in taken}
        return Taken(still=still, evidence=tuple(evidence))


@asynccontextmanager
async def working(client: Client, inventory: Path, queue: str = QUEUE) -> AsyncIterator[Worker]:
    live = LiveInventory(inventory)
    clusters, stacks = Clusters(live.current, TIMING), openstacks.Stacks(live.current, TIMING)
    ways = CephWays(live.current, clusters, TIMING)
    guests = GuestWays(ways, OpenstackGuests(stacks), GuestFreezing(clusters))
    volumes = CephVolumes(ways, KubernetesClaims(clusters).volumes, TIMING, guests.are_asked)
    quiesced = QuiescedSnapshots(ways, guests)
    async with (
        openstacks.closing(stacks),
        Worker(
            client,
            task_queue=queue,
            workflows=[TakeSnapshots],
            activities=[
                volumes.find_volumes,
                volumes.take_snapshot,
                volumes.drop_snapshot,
                quiesced.find_guests,
                quiesced.snapshot_guest,
            ],
            workflow_runner=sandbox("tests"),
        ) as worker,
    ):
        yield worker


async def main(address: str, inventory: str, queue: str) -> None:
    async with working(await connect(address), Path(inventory), queue):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
