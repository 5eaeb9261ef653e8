"""Acceptance of a site by sysinv and by its own Kubernetes, with probes that leave nothing behind."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError, WorkflowHandle

from models import contracts
from models.acceptance import AcceptanceReport, VerifyRequest
from tests.e2e.test_bring_up import bring_up, declare
from tests.support.cluster import ATTACHMENTS, CLASSES, DEFAULT, RELEASES, Kubectl
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

SITE = "edge-0001"
SRIOV = "intel.com/pci_sriov_net_physnet0"
ATTACHMENT = {"name": "fronthaul", "datanetwork": "physnet0"}
SHELL = "registry.local:9001/docker.io/library/busybox:1.37"
PROBES = ("pod", "claim")
NODE = "/api/v1/nodes/controller-0"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory) -> AsyncIterator[Simulator]:  # type: ignore[no-untyped-def]
    options = ("--topology", "aio-sx", "--bootstrapped", "--kubernetes")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=1, options=options) as found:
        declare(found, applications=["node-feature-discovery"], network_attachments=[ATTACHMENT])
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    async with stack(tmp_path_factory.mktemp("house"), region) as found:
        await found.start_worker()
        result = await bring_up(found, SITE)
        assert result.outcome == "succeeded", result
        kubectl = Kubectl(region, SITE)
        annotations = {"k8s.v1.cni.cncf.io/resourceName": SRIOV}
        body = {"metadata": {"name": "fronthaul", "annotations": annotations}, "spec": {"config": "{}"}}
        await kubectl.ask("POST", ATTACHMENTS, body)
        yield found


@pytest.fixture
def kubectl(region: Simulator) -> Kubectl:
    return Kubectl(region, SITE)


async def begun(house: Stack, site: str = SITE, **asked: Any) -> "WorkflowHandle[Any, AcceptanceReport]":
    request = VerifyRequest.model_validate({"site": site, "samples": 1, **asked})
    return await house.client.start_workflow(
        contracts.VERIFY_SITE,
        request,
        id=contracts.site_workflow_id(site) if request.changes else f"look/{site}",
        task_queue=contracts.TASK_QUEUE,
        result_type=AcceptanceReport,
    )


def failed(report: AcceptanceReport) -> list[tuple[str, str, str]]:
    return [(each.name, each.found, each.wanted) for each in report.checks if not each.passed]


def names(report: AcceptanceReport, group: str) -> list[str]:
    return [each.name for each in report.checks if each.group == group]


async def test_what_is_declared_is_found_and_probes_leave_nothing(house: Stack, kubectl: Kubectl) -> None:
    report = await (await begun(house, probe=True, image=SHELL)).result()
    assert failed(report) == []
    assert report.accepted
    found = names(report, "kubernetes")
    assert found[:3] == [
        "node controller-0",
        "controller-0: allocatable hugepages-1Gi",
        f"controller-0: allocatable {SRIOV}",
    ]
    assert "controller-0: node label sriovdp" in found
    assert found[-6:] == [
        f"test pod on controller-0 (cpu 2, memory 256Mi, hugepages-1Gi 1Gi, {SRIOV} 1)",
        "test pod: class of service",
        "test pod: CPUs",
        "test claim",
        "test volume",
        "probes removed",
    ]
    assert "controller-0: labels of node-feature-discovery" in found
    assert "network attachment default/fronthaul" in found
    assert "Helm release rook-ceph/rook-ceph" in names(report, "applications")
    assert "Ceph cluster rook-ceph/rook-ceph" in names(report, "storage")
    assert report.not_asked == ("a swact and back (--swact)",)
    sent = [each for each in await house.simulator.mutations(SITE) if each.startswith("kubernetes.")]
    assert sent[1:] == [
        "kubernetes.pods.create",
        "kubernetes.persistentvolumeclaims.create",
        "kubernetes.pods.create",
        "kubernetes.pods.delete",
        "kubernetes.pods.delete",
        "kubernetes.persistentvolumeclaims.delete",
    ]
    assert await kubectl.ours() == []
    assert await house.simulator.repeats() == 0
    assert [run.operation for run in await house.runs_of(SITE)][-1] == "verify"


async def test_a_look_sends_nothing_and_says_what_it_has_not_asked(house: Stack) -> None:
    sent = await house.simulator.mutations(SITE)
    report = await (await begun(house)).result()
    assert failed(report) == []
    assert report.not_asked == (
        "whether a pod gets what its node offers, and a claim its volume (--probe)",
        "a swact and back (--swact)",
    )
    assert await house.simulator.mutations(SITE) == sent


async def test_ceph_is_asked_by_alarm_and_by_rooks_own_word(house: Stack, region: Simulator) -> None:
    await region.fault(SITE, "site", "alarm")
    try:
        report = await (await begun(house)).result()
    finally:
        await region.clear_faults()
    ceph, alarms = sorted(failed(report))
    assert ceph == ("Ceph cluster rook-ceph/rook-ceph", "HEALTH_WARN: OSD_DOWN (1 osds down)", "healthy")
    assert "800.001" in alarms[1]
    assert failed(await (await begun(house)).result()) == []


async def test_each_lack_is_named_with_what_was_found(house: Stack, kubectl: Kubectl) -> None:
    await kubectl.patch(f"{NODE}/status", {"status": {"allocatable": {SRIOV: "15"}}})
    await kubectl.take_all(SRIOV, 15)
    classes = (await kubectl.ask("GET", CLASSES))["items"]
    for one in classes:
        await kubectl.ask("DELETE", f"{CLASSES}/{one['metadata']['name']}")
    release = f"{RELEASES}/namespaces/kube-system/helmreleases/ic-nginx-ingress/status"
    ready = {"type": "Ready", "status": "False", "reason": "UpgradeFailed", "message": "timed out"}
    before = (await kubectl.ask("GET", release))["status"]
    await kubectl.patch(release, {"status": {"conditions": [ready]}})
    try:
        report = await (await begun(house, probe=True, probe_within="2m")).result()
    finally:
        await kubectl.patch(release, {"status": before})
        await kubectl.patch(f"{NODE}/status", {"status": {"allocatable": {SRIOV: "16"}}})
        await kubectl.ask("DELETE", f"{DEFAULT}/pods/theirs")
        for one in classes:
            await kubectl.ask("POST", CLASSES, {**one, "metadata": {**one["metadata"], "uid": None}})
    assert not report.accepted
    pod, claim = (
        next(each for each in failed(report) if each[0].startswith(f"test {what}"))
        for what in ("pod", "claim")
    )
    words = f"0/1 nodes are available: 1 Insufficient {SRIOV}."
    assert pod[1].startswith(f"it did not get there in time: Unschedulable: {words}")
    assert "FailedBinding: no persistent volumes available" in claim[1]
    assert [each for each in failed(report) if each not in (pod, claim)] == [
        (f"controller-0: allocatable {SRIOV}", "15", "16"),
        ("Helm release kube-system/ic-nginx-ingress", "UpgradeFailed: timed out", "ready"),
        ("test volume", "not tried: the claim is not bound", "mounted"),
    ]
    assert await kubectl.ours() == []
    assert await house.simulator.repeats() == 0


async def test_a_cluster_that_cannot_be_asked_is_a_check_that_failed(house: Stack, region: Simulator) -> None:
    await region.fault(SITE, "kubernetes", "fail")
    try:
        report = await (await begun(house)).result()
    finally:
        await region.clear_faults()
    ((name, found, wanted),) = failed(report)
    assert (name, wanted) == ("Kubernetes API", "answers")
    assert "500" in found
    assert "hosts" in {each.group for each in report.checks}


async def _until_pending(kubectl: Kubectl) -> None:
    async def is_there() -> bool:
        return bool(await kubectl.ours())

    await until(is_there, "the test pod")


async def test_a_worker_killed_over_a_probe_leaves_nothing(house: Stack, kubectl: Kubectl) -> None:
    await kubectl.take_all(SRIOV, 16)
    run = await begun(house, probe=True, probe_within="1h")
    await _until_pending(kubectl)
    await house.workers[-1].kill()
    await kubectl.ask("DELETE", f"{DEFAULT}/pods/theirs")
    await house.start_worker()
    report = await run.result()
    assert failed(report) == []
    assert await kubectl.ours() == []
    assert await house.simulator.repeats() == 0


async def test_what_a_terminated_run_left_goes_with_the_next(house: Stack, kubectl: Kubectl) -> None:
    await kubectl.take_all(SRIOV, 16)
    run = await begun(house, probe=True, probe_within="1h")
    await _until_pending(kubectl)
    await run.terminate("by hand")
    left = await kubectl.ours()
    assert len(left) == 1
    await kubectl.ask("DELETE", f"{DEFAULT}/pods/theirs")
    report = await (await begun(house, probe=True)).result()
    assert failed(report) == []
    assert await kubectl.ours() == []


async def test_a_cancel_takes_the_probe_out_first(house: Stack, kubectl: Kubectl) -> None:
    await kubectl.take_all(SRIOV, 16)
    run = await begun(house, probe=True, probe_within="2m")
    await _until_pending(kubectl)
    await run.cancel()
    assert await house.status_of(run) == "CANCELED"
    assert await kubectl.ours() == []
    await kubectl.ask("DELETE", f"{DEFAULT}/pods/theirs")


async def test_answers_that_are_lost_are_looked_for(house: Stack, kubectl: Kubectl) -> None:
    await house.simulator.fault(SITE, "kubernetes", "drop-after", mutating=True, times=2)
    report = await (await begun(house, probe=True)).result()
    assert failed(report) == []
    assert await kubectl.ours() == []
    assert await house.simulator.repeats() == 0


async def test_another_cluster_is_refused_before_anything_is_sent(house: Stack, region: Simulator) -> None:
    async with house.edited_inventory() as edit:
        await edit.set_host(SITE, uuid="4c4c4544-0051-3610-8053-b7c04f4b4e32")
        sent = await region.mutations(SITE)
        with pytest.raises(WorkflowFailureError) as refused:
            await (await begun(house, probe=True)).result()
        assert "runs on machine" in str(refused.value.cause)
        assert await region.mutations(SITE) == sent


async def test_a_probe_runs_only_under_the_sites_lock(house: Stack) -> None:
    handle = await house.client.start_workflow(
        contracts.VERIFY_SITE,
        VerifyRequest(site=SITE, probe=True),
        id="verify/by-hand",
        task_queue=contracts.TASK_QUEUE,
    )
    assert "runs only under the workflow id site/edge-0001" in await house.failure_of(handle)
