"""What the maintenance of a host asks of a Nova, through Starflock's own activities: a simulated one and a
real one with three computes answer alike.

The real one starts once, for this file. Migrations are held or broken by the targets' own means, so nothing
here depends on how long one takes.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
import pytest_asyncio
from temporalio.client import Client

from activities.openstack.guests import OpenstackGuests
from activities.openstack.looks import OpenstackLooks
from activities.openstack.probing import OpenstackProbes
from models.compute import (
    AbortRequest,
    AwaitComputeRequest,
    AwaitMoveRequest,
    AwaitVmStateRequest,
    MoveEnd,
    MoveKind,
    MoveRequest,
    MoveStep,
    ServiceRequest,
    VmAct,
    VmActRequest,
    VmRef,
    reason_of,
)
from models.guests import Guest, GuestVolumes
from models.maintenance import VmPolicy, VmRule
from models.openstack import AwaitVmRequest, OpenstackRequest, RemoveVmRequest, VmRequest
from tests.contract.openstack.places import Place, real, simulated
from tests.support.nova import Nova, nova, what_is_missing
from tests.support.simulator import simulator
from tests.support.stack import until
from tests.support.vm_holding import HoldRequest, HoldResult, HoldVms, working
from workers import embedded
from workers.connection import connect

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # The library's own calls of what it is about to remove.
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

SITE, RUN = "edge-0001", "run-1"
WITHIN = timedelta(minutes=20)
GHOST = "00000000-0000-4000-8000-000000000000"
"""Nobody has such a server."""


@pytest.fixture(scope="module")
def running() -> Iterator[ExitStack]:
    """Where the real one is started, once something asks for it."""
    with ExitStack() as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["simulator", "nova"])
async def whole(
    request: pytest.FixtureRequest, running: ExitStack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    if request.param == "nova":
        if missing := what_is_missing():
            pytest.skip(missing)
        server: Nova = running.enter_context(nova())
        async with real(server, folder) as place:
            yield place
        return
    options = ("--topology", "aio-dx", "--openstack", "--no-bmcs", "--plain")
    async with simulator(folder, sites=1, options=options) as region, simulated(region, SITE) as place:
        yield place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    server = await embedded.start(tmp_path_factory.mktemp("engine") / "temporal.db", durable=False)
    try:
        yield await connect(server.address)
    finally:
        await server.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def place(whole: Place) -> AsyncIterator[Place]:
    yield whole
    await whole.clear_up()


async def asked(place: Place, vm: str, source: str, kind: MoveKind = "live", target: str = "") -> MoveStep:
    after = (await place.facts(source)).last_migration
    request = MoveRequest(site=place.site, host=source, vm=vm, name=vm, kind=kind, target=target, after=after)
    found: MoveStep = await place.run(place.moves.migrate_vm, request)
    return found


async def ended(place: Place, vm: str, source: str, migration: int, kind: MoveKind = "live") -> MoveEnd:
    request = AwaitMoveRequest(
        site=place.site, host=source, vm=vm, name=vm, migration=migration, kind=kind, within=WITHIN
    )
    found: MoveEnd = await place.run(place.moves.await_move, request)
    return found


async def do(place: Place, vm: str, *acts: VmAct) -> list[bool]:
    """Whether each was sent."""
    requests = [
        VmActRequest(site=place.site, host=place.hosts[0], vms=refs(vm), act=act, run_id=RUN) for act in acts
    ]
    return [bool((await place.run(place.vms.act_on_vms, request)).did) for request in requests]


def refs(*vms: str) -> tuple[VmRef, ...]:
    return tuple(VmRef(id=vm, name=vm) for vm in vms)


async def test_the_acceptance_sees_all_services_up(place: Place) -> None:
    request = OpenstackRequest(site=place.site, samples=1)
    facts = await place.run(OpenstackLooks(place.stacks).examine_openstack, request)
    (look,) = facts.looks
    says = {each.name: each.says for each in look.services if each.of == "compute"}
    assert {f"nova-compute on {host}" for host in place.hosts} <= set(says)
    assert set(says.values()) == {"up, enabled"}


async def test_the_probe_vm_is_made_once_and_taken_away(place: Place) -> None:
    probes, request = OpenstackProbes(place.stacks), VmRequest(site=place.site, run_id=RUN)
    step = await place.run(probes.create_test_vm, request)
    again = await place.run(probes.create_test_vm, request, attempt=2)
    assert again.vm == step.vm
    waiting = AwaitVmRequest(site=place.site, vm=step.vm, within=WITHIN)
    end = await place.run(probes.await_test_vm, waiting)
    assert (end.how, end.host in place.hosts) == ("so", True)
    removal = RemoveVmRequest(site=place.site, vm={"id": step.vm, "name": request.name})
    assert (await place.run(probes.remove_test_vm, removal)).did
    assert (await place.run(probes.await_test_vm_gone, waiting)).how == "so"


async def test_a_look_has_what_a_plan_needs(place: Place) -> None:
    source = place.hosts[0]
    vm = await place.boot(source)
    facts = await place.facts(source)
    assert facts.microversion >= (2, 87)
    assert {one.host for one in facts.computes} == set(place.hosts)
    assert all(one.up and one.enabled for one in facts.computes)
    assert all({"VCPU", "MEMORY_MB", "DISK_GB"} <= set(one.free) for one in facts.computes)
    (seen,) = facts.vms
    assert (seen.id, seen.status, seen.task, seen.locked) == (vm, "ACTIVE", "", False)
    assert (seen.needs.vcpus, seen.needs.disk_gib) == (1, 1)
    assert (await place.facts(place.hosts[1])).vms == ()


async def test_the_vm_of_a_disk_is_found_and_whether_it_is_stopped(place: Place) -> None:
    """For a backup of its volumes; a real Nova here has no Cinder, so of its own disks only."""
    source, guests = place.hosts[0], OpenstackGuests(place.stacks)
    vm = await place.boot(source)
    disk, name = f"ephemeral/{vm}_disk", str((await place.server(vm))["name"])
    found = await guests.of(
        place.site, [disk, f"ephemeral/{GHOST}_disk", f"volumes/volume-{GHOST}", "rbd/db"]
    )
    assert (found.guests, found.unclear) == ((GuestVolumes(id=vm, name=name, volumes=(disk,)),), {})
    assert await guests.now(place.site, GHOST) is None
    seen = await guests.now(place.site, vm)
    assert seen == Guest(id=vm, name=name, host=source, status="ACTIVE")
    assert not seen.is_stopped
    await place.act(vm, "os-stop")
    await place.until(vm, lambda server: bool(server["status"] == "SHUTOFF"))
    stopped = await guests.now(place.site, vm)
    assert stopped is not None
    assert stopped.is_stopped


async def test_a_compute_disabled_by_us_gets_no_new_vm_and_is_enabled_again(place: Place) -> None:
    source = place.hosts[0]
    request = ServiceRequest(site=place.site, host=source, run_id=RUN)
    assert (await place.run(place.computes.disable_compute, request)).did
    assert not (await place.run(place.computes.disable_compute, request)).did
    own = (await place.facts(source)).own
    assert own is not None
    assert (own.enabled, own.reason, own.is_ours) == (False, reason_of(place.site, source, RUN), True)
    for _ in place.hosts:
        assert await place.host_of(await place.boot()) != source
    # A later run undoes what this one has left.
    later = request.model_copy(update={"run_id": "run-2"})
    assert (await place.run(place.computes.enable_compute, later)).did
    own = (await place.facts(source)).own
    assert own is not None
    assert (own.enabled, own.reason) == (True, "")


async def test_a_compute_that_somebody_else_has_disabled_stays_so(place: Place) -> None:
    source = place.hosts[0]
    facts = await place.facts(source)
    assert facts.own is not None
    body = {"status": "disabled", "disabled_reason": "disks to be changed"}
    await place.ask("PUT", f"/os-services/{facts.own.id}", body)
    request = ServiceRequest(site=place.site, host=source, run_id=RUN)
    for step in (place.computes.disable_compute, place.computes.enable_compute):
        said = await place.run(step, request)
        assert (said.did, said.foreign) == (False, "disks to be changed")
    own = (await place.facts(source)).own
    assert own is not None
    assert (own.enabled, own.reason) == (False, "disks to be changed")


async def test_a_vm_moves_live_to_where_it_was_sent(place: Place) -> None:
    source, target = place.hosts[:2]
    vm = await place.boot(source)
    step = await asked(place, vm, source, target=target)
    assert step.did
    end = await ended(place, vm, source, step.migration)
    assert (end.how, end.host, end.dest) == ("moved", target, target)
    assert (await place.server(vm))["status"] == "ACTIVE"
    assert [one["status"] for one in await place.migrations(vm)] == ["completed"]
    gone = await asked(place, vm, source)
    assert (gone.migration, gone.words) == (0, f"it is on {target}")


async def test_a_paused_vm_moves_live_and_stays_paused(place: Place) -> None:
    source, target = place.hosts[:2]
    vm = await place.boot(source)
    assert (await place.act(vm, "pause")).status == 202
    await place.until(vm, lambda now: now["status"] == "PAUSED")
    step = await asked(place, vm, source, target=target)
    assert (await ended(place, vm, source, step.migration)).how == "moved"
    assert (await place.server(vm))["status"] == "PAUSED"


async def test_what_is_held_is_aborted_running_and_queued(place: Place) -> None:
    source = place.hosts[0]
    first, second = await place.boot(source), await place.boot(source)
    async with place.migrations_do(source, "hold"):
        steps = [await asked(place, vm, source) for vm in (first, second)]
        await state(place, first, "running")
        await state(place, second, "queued")
        refused = await place.act(first, "os-stop")
        assert (refused.status, refused.words) == (
            409,
            f"Cannot 'stop' instance {first} while it is in task_state migrating",
        )
        # One that somebody has begun is not asked for again.
        again = await asked(place, first, source)
        assert (again.migration, again.words) == (0, "Nova is at it: migrating")
        for vm, step in ((second, steps[1]), (first, steps[0])):
            request = AbortRequest(site=place.site, vm=vm, name=vm, migration=step.migration)
            assert (await place.run(place.moves.abort_move, request)).did
            assert (await ended(place, vm, source, step.migration)).how == "cancelled"
            assert not (await place.run(place.moves.abort_move, request)).did
    for vm in (first, second):
        now = await place.server(vm)
        assert (now["status"], now["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", source)


async def state(place: Place, vm: str, status: str) -> None:
    """Its newest migration comes to this."""

    async def is_so() -> bool:
        return bool((await place.migrations(vm))[-1]["status"] == status)

    await until(is_so, f"a migration that is {status}")


async def test_a_migration_that_fails_leaves_the_vm_where_it_was(place: Place) -> None:
    source, target = place.hosts[:2]
    vm = await place.boot(source)
    async with place.migrations_do(source, "fail"):
        step = await asked(place, vm, source)
        end = await ended(place, vm, source, step.migration)
    assert (end.how, end.host) == ("failed", source)
    now = await place.server(vm)
    assert (now["status"], now.get("fault")) == ("ACTIVE", None)
    again = await asked(place, vm, source, target=target)
    assert again.migration > step.migration
    assert (await ended(place, vm, source, again.migration)).how == "moved"


async def test_a_target_that_takes_nothing_fails_after_it_was_accepted(place: Place) -> None:
    source, target = place.hosts[:2]
    vm = await place.boot(source)
    request = ServiceRequest(site=place.site, host=target, run_id=RUN)
    await place.run(place.computes.disable_compute, request)
    for unfit in (target, source):
        step = await asked(place, vm, source, target=unfit)
        assert step.did
        assert (await ended(place, vm, source, step.migration)).how == "failed"
    assert (await place.server(vm))["status"] == "ACTIVE"


async def test_a_target_that_is_none_is_refused_at_once(place: Place) -> None:
    source = place.hosts[0]
    vm = await place.boot(source)
    step = await asked(place, vm, source, target="nohost")
    assert (step.migration, step.refused) == (0, True)
    assert step.words == "Compute host nohost could not be found."


async def test_an_anti_affinity_group_without_a_spare_host_keeps_its_vm_live_and_cold(place: Place) -> None:
    body = {"server_group": {"name": "apart", "policy": "anti-affinity"}}
    group = (await place.ask("POST", "/os-server-groups", body))["server_group"]["id"]
    members = {host: await place.boot(host, group) for host in place.hosts}
    source = place.hosts[0]
    vm = members[source]
    facts = await place.facts(source)
    (known,) = facts.groups
    assert (known.policy, known.most) == ("anti-affinity", 1)
    assert known.hosts == {vm: host for host, vm in members.items()}
    kinds: tuple[MoveKind, ...] = ("live", "cold")
    for kind in kinds:
        step = await asked(place, vm, source, kind=kind)
        assert step.did
        end = await ended(place, vm, source, step.migration, kind)
        assert (end.how, end.host) == ("failed", source)
    now = await place.server(vm)
    assert (now["status"], now.get("fault")) == ("ACTIVE", None)


async def test_a_cold_migration_waits_for_its_confirmation(place: Place) -> None:
    source, target = place.hosts[:2]
    vm = await place.boot(source)
    assert await do(place, vm, "mark-moved") == [True]
    step = await asked(place, vm, source, kind="cold", target=target)
    end = await ended(place, vm, source, step.migration, "cold")
    assert (end.how, end.host) == ("to confirm", target)
    assert (await place.facts(source)).arrived[0].status == "VERIFY_RESIZE"
    assert await do(place, vm, "confirm") == [True]
    end = await ended(place, vm, source, step.migration, "cold")
    assert (end.how, end.host) == ("moved", target)
    assert await do(place, vm, "confirm", "unmark-moved", "unmark-moved") == [False, True, False]
    assert (await place.server(vm))["status"] == "ACTIVE"


async def test_a_vm_stops_and_starts_with_our_mark(place: Place) -> None:
    vm = await place.boot(place.hosts[0])
    assert await do(place, vm, "mark-stopped", "stop") == [True, True]
    so = AwaitVmStateRequest(site=place.site, vms=refs(vm), statuses=("SHUTOFF",), within=WITHIN)
    assert (await place.run(place.vms.await_vms, so)).how == "so"
    refused = await asked(place, vm, place.hosts[0])
    assert (refused.migration, refused.refused) == (0, False)
    assert refused.words == f"Cannot 'os-migrateLive' instance {vm} while it is in vm_state stopped"
    assert await do(place, vm, "stop") == [False]
    both = VmActRequest(site=place.site, host=place.hosts[0], vms=refs(GHOST, vm), act="start", run_id=RUN)
    started = await place.run(place.vms.act_on_vms, both)
    assert started.did == 1
    assert [(one.id, one.kind) for one in started.left] == [(GHOST, "Refused")]
    so = so.model_copy(update={"statuses": ("ACTIVE",), "vms": refs(GHOST, vm)})
    end = await place.run(place.vms.await_vms, so)
    assert (end.how, [one.how for one in end.vms]) == ("so", ["gone", "so"])
    assert await do(place, vm, "unmark-stopped") == [True]
    assert "starflock-stopped" not in (await place.server(vm))["metadata"]


async def test_a_host_is_emptied_and_given_back(place: Place, engine: Client) -> None:
    source = place.hosts[0]
    live, shut, tied = [await place.boot(source, name=name) for name in ("live", "shut", "tied")]
    assert (await place.act(shut, "os-stop")).status == 202
    await place.until(shut, lambda now: now["status"] == "SHUTOFF")
    policy = VmPolicy(rules=(VmRule(name="tied-*", method="stop-start"),), shut_off="cold")
    timing = place.stacks.timing
    async with working(engine, place.inventory, f"hold-{place.site}", timing):

        async def hold(**more: bool) -> HoldResult:
            request = HoldRequest(site=place.site, host=source, policy=policy, timing=timing, **more)
            queue = f"hold-{place.site}"
            return await engine.execute_workflow(HoldVms.run, request, id=queue, task_queue=queue)

        taken = await hold(gives_back=False)
        assert (taken.outcome, taken.reason, taken.plan.blockers) == ("taken", "", ())
        own = (await place.facts(source)).own
        assert own is not None
        assert own.is_ours
        seen = {vm: await place.server(vm) for vm in (live, shut, tied)}
        assert [one["status"] for one in seen.values()] == ["ACTIVE", "SHUTOFF", "SHUTOFF"]
        left = [vm for vm, one in seen.items() if one["OS-EXT-SRV-ATTR:host"] == source]
        assert left == [tied]
        # A second taking finds nothing to do, and a later run gives back what this one has left.
        assert (await hold(gives_back=False)).sent == 0
        assert (await hold(takes=False)).left == ()
    assert (await place.server(tied))["status"] == "ACTIVE"
    assert [(await place.server(vm))["metadata"] for vm in (live, shut, tied)] == [{}, {}, {}]
    own = (await place.facts(source)).own
    assert own is not None
    assert own.enabled


async def test_a_compute_that_was_killed_is_down_and_its_vms_stay_where_they_are(place: Place) -> None:
    if not isinstance(place.target, Nova):
        pytest.skip("what a host's death does to a simulated Nova is sysinv's, not an operator's to cause")
    source = place.hosts[0]
    vm = await place.boot(source)
    place.target.kill_compute(source)
    try:

        async def is_down() -> bool:
            own = (await place.facts(source)).own
            return own is not None and not own.up

        await until(is_down, "nova-compute is down")
        step = await asked(place, vm, source)
        end = await ended(place, vm, source, step.migration)
        assert (end.how, end.host) == ("failed", source), end.words
    finally:
        place.target.start_compute(source)
    again = AwaitComputeRequest(site=place.site, host=source, within=WITHIN)
    assert (await place.run(place.computes.await_compute, again)).how == "so"
