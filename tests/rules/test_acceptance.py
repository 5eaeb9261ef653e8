"""What a cluster is held against by a profile, and what each look of it comes to."""

from typing import Any

import pytest

from models.acceptance import Check
from models.ceph import HealthCheck, RookCeph
from models.configuration import FoundCpu, FoundHost, FoundMemory
from models.inventory import Host
from models.kubernetes import (
    ClusterLook,
    FoundNode,
    FoundThing,
    ProbeEnd,
    ProbeRequest,
    WantedCluster,
    WantedNode,
)
from models.profile import SiteProfile
from rules import probe
from rules.acceptance import not_asked
from rules.cluster import (
    cluster_checks,
    pause_image,
    probe_resources,
    probed,
    quantity,
    wanted_cluster,
)

GIB = 2**30
SRIOV = "intel.com/pci_sriov_net_front_haul"
ROOK = RookCeph(name="rook-ceph/rook-ceph", health="HEALTH_OK", phase="Ready", unchecked_min=0)
DOWN = HealthCheck(code="OSD_DOWN", words="1 osds down")
ROLE: dict[str, Any] = {
    "interfaces": [
        {"name": "a", "port": "eth1", "class": "pci-sriov", "vfs": 8, "datanetworks": ["front-haul"]},
        {"name": "b", "port": "eth2", "class": "pci-sriov", "vfs": 4, "datanetworks": ["front-haul"]},
        {"name": "c", "port": "eth3", "class": "data", "datanetworks": ["mid"]},
    ],
    "cpus": [{"function": "application-isolated", "cores": [4, 2]}],
    "memory": [{"node": 0, "pages_1g": 16}],
    "labels": {"sriovdp": "enabled", "zone": "berlin"},
}


def profile(**more: Any) -> SiteProfile:
    role = {**ROLE, **more.pop("role", {})}
    return SiteProfile.model_validate({"name": "p", "roles": {"controller": role}, **more})


def hosts(*kinds: str) -> tuple[Host, ...]:
    return tuple(Host.model_validate({"name": f"{kind}-0", "personality": kind}) for kind in kinds)


def found(threads: int = 2, pages: tuple[int, ...] = (16, 2)) -> FoundHost:
    memory = tuple(
        FoundMemory(
            uuid=f"m{node}",
            node=node,
            total_mib=1,
            platform_mib=1,
            minimum_platform_mib=1,
            pages_2m=0,
            pages_1g=count,
        )
        for node, count in enumerate(pages)
    )
    cpus = tuple(
        FoundCpu(number=number, core=0, thread=number, node=0, function="application")
        for number in range(threads)
    )
    return FoundHost(
        uuid="h", name="controller-0", personality="controller", locked=False, memory=memory, cpus=cpus
    )


def wanted(**more: Any) -> WantedCluster:
    return wanted_cluster(profile(**more), hosts("controller"), (found(),), ())


def test_a_node_offers_what_its_role_declares_of_it() -> None:
    (node,) = wanted().nodes
    assert node.allocatable == {
        "hugepages-1Gi": 18 * GIB,
        "windriver.com/isolcpus": 12,
        SRIOV: 12,
    }
    assert node.labels == {"sriovdp": "enabled", "zone": "berlin"}


def test_pages_of_a_numa_node_that_nobody_declared_count_as_they_are() -> None:
    (node,) = wanted_cluster(profile(), hosts("controller"), (found(pages=(0, 5)),), ()).nodes
    assert node.allocatable["hugepages-1Gi"] == (16 + 5) * GIB
    assert "hugepages-2Mi" not in node.allocatable


def test_without_the_label_nobody_counts_virtual_functions() -> None:
    (node,) = wanted(role={"labels": {}}).nodes
    assert SRIOV not in node.allocatable


def test_a_list_of_isolated_cpus_is_of_logical_ones() -> None:
    (node,) = wanted(role={"cpus": [{"function": "application-isolated", "cpulist": "4-11,16"}]}).nodes
    assert node.allocatable["windriver.com/isolcpus"] == 9


def test_a_storage_host_is_no_node() -> None:
    cluster = wanted_cluster(profile(), hosts("controller", "storage", "worker"), (), ())
    assert [node.name for node in cluster.nodes] == ["controller-0", "worker-0"]
    assert cluster.nodes[1] == WantedNode(name="worker-0")


@pytest.mark.parametrize(
    ("storage", "applied", "asks"),
    [
        (None, (), (False, False, False)),
        ({"backend": "ceph"}, (), (False, True, False)),
        ({"backend": "ceph-rook"}, ("node-feature-discovery",), (True, True, True)),
    ],
)
def test_what_is_asked_follows_from_storage_and_applications(
    storage: Any, applied: tuple[str, ...], asks: tuple[bool, bool, bool]
) -> None:
    cluster = wanted_cluster(profile(storage=storage), hosts("controller"), (), applied)
    assert (cluster.ceph, cluster.volumes, cluster.features) == asks


def look(**node: Any) -> ClusterLook:
    shown = {
        "name": "controller-0",
        "ready": "Ready",
        "allocatable": {"hugepages-1Gi": "18Gi", "windriver.com/isolcpus": "12", SRIOV: "12"},
        "labels": {"sriovdp": "enabled", "zone": "berlin"},
    }
    return ClusterLook(nodes=(FoundNode.model_validate(shown | node),))


def failed(checks: tuple[Check, ...]) -> list[tuple[str, str, str]]:
    return [(each.name, each.found, each.wanted) for each in checks if not each.passed]


def test_a_node_as_declared_passes() -> None:
    assert failed(cluster_checks(wanted(), (look(),))) == []


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (
            {"ready": "not ready: NodeStatusUnknown"},
            ("node controller-0", "not ready: NodeStatusUnknown", "Ready"),
        ),
        (
            {"allocatable": {"hugepages-1Gi": "18432Mi", SRIOV: "12"}},
            ("controller-0: allocatable windriver.com/isolcpus", "0", "12"),
        ),
        (
            {"allocatable": {"hugepages-1Gi": "17Gi", "windriver.com/isolcpus": "12", SRIOV: "12"}},
            ("controller-0: allocatable hugepages-1Gi", "17Gi", "18Gi"),
        ),
        ({"labels": {"sriovdp": "enabled"}}, ("controller-0: node label zone", "no label", "berlin")),
        ({"name": "controller-1"}, ("nodes beyond the declared", "controller-1", "none")),
    ],
)
def test_each_lack_of_a_node_is_said(node: dict[str, Any], said: tuple[str, str, str]) -> None:
    assert said in failed(cluster_checks(wanted(), (look(**node),)))


def test_a_lack_in_one_look_of_many_is_a_lack() -> None:
    lacking = look(ready="not ready: KubeletNotReady")
    assert [each[0] for each in failed(cluster_checks(wanted(), (look(), lacking, look())))] == [
        "node controller-0"
    ]


def test_pages_of_a_virtual_switch_may_come_on_top() -> None:
    more = {"allocatable": {"hugepages-1Gi": "20Gi", "windriver.com/isolcpus": "12", SRIOV: "12"}}
    assert failed(cluster_checks(wanted(), (look(**more),))) == [
        ("controller-0: allocatable hugepages-1Gi", "20Gi", "18Gi")
    ]
    with_switch = wanted(system={"vswitch": "ovs-dpdk"})
    assert failed(cluster_checks(with_switch, (look(**more),))) == []
    fewer = look(allocatable=more["allocatable"] | {"hugepages-1Gi": "17Gi"})
    assert failed(cluster_checks(with_switch, (fewer,)))[0][2] == "at least 18Gi"


def test_attachments_releases_and_ceph_are_said_by_name() -> None:
    cluster = wanted(
        network_attachments=[{"name": "fh", "datanetwork": "front-haul"}, {"name": "any"}],
        storage={"backend": "ceph-rook"},
    )
    seen = look().model_copy(
        update={
            "attachments": (FoundThing(name="default/fh", says="intel.com/pci_sriov_net_mid"),),
            "releases": (FoundThing(name="a/b", says="InstallFailed: timed out"),),
            "ceph": (ROOK.model_copy(update={"health": "HEALTH_WARN", "checks": (DOWN,)}),),
        }
    )
    assert failed(cluster_checks(cluster, (seen,))) == [
        ("network attachment default/fh", "intel.com/pci_sriov_net_mid", SRIOV),
        ("network attachment default/any", "not there", "there"),
        ("Helm release a/b", "InstallFailed: timed out", "ready"),
        ("Ceph cluster rook-ceph/rook-ceph", "HEALTH_WARN: OSD_DOWN (1 osds down)", "healthy"),
    ]
    well = seen.model_copy(update={"ceph": (ROOK,)})
    assert "Ceph" not in str(failed(cluster_checks(cluster, (well,))))
    assert ("Ceph cluster", "not there", "healthy") in failed(cluster_checks(cluster, (look(),)))


def test_a_probe_asks_for_one_of_each_kind_on_the_node_that_offers_most() -> None:
    poor = WantedNode(name="worker-0", allocatable={SRIOV: 8})
    rich = WantedNode(
        name="worker-1", allocatable={SRIOV: 8, "hugepages-2Mi": 4 * 2**20, "windriver.com/isolcpus": 0}
    )
    cluster = WantedCluster(nodes=(poor, rich))
    assert probed(cluster) == rich
    assert probe_resources(rich) == {"cpu": "2", "memory": "256Mi", SRIOV: "1", "hugepages-2Mi": "2Mi"}
    assert probed(WantedCluster(nodes=(WantedNode(name="a"),))) is None
    assert probe_resources(None) == {"cpu": "2", "memory": "256Mi"}


@pytest.mark.parametrize(
    ("cpus", "said"), [("2,34", []), ("0-31", [("test pod: CPUs", "32: 0-31", "2 of its own")])]
)
def test_cpus_of_its_own_are_as_many_as_it_asked_for(cpus: str, said: list[Any]) -> None:
    asked = ProbeRequest(site="s", run_id="r", kind="resources", shell=True, node="n")
    end = ProbeEnd(how="so", quality="Guaranteed", cpus=cpus)
    node = WantedNode(name="n", labels={"kube-cpu-mgr-policy": "static"})
    assert failed(tuple(probe.of_resources(asked, end, node))) == said


def test_a_volume_is_not_tried_without_its_claim() -> None:
    asked = ProbeRequest(site="s", run_id="r", kind="volume")
    assert not probe.of_volume(asked, None).passed
    assert probe.of_volume(asked, ProbeEnd(how="so")).found == "mounted"


def test_what_was_not_asked_follows_from_what_was() -> None:
    ceph = "Ceph beyond what sysinv's storage backends and alarms say"
    swact = "a swact and back (--swact)"
    none = not_asked(cluster=None, probed=False, written=False, swacted=False)
    assert none[0].startswith("Kubernetes: the inventory declares no")
    assert none[1:] == (ceph, swact)
    whole = wanted(storage={"backend": "ceph-rook"})
    looked = not_asked(cluster=whole, probed=False, written=False, swacted=True)
    assert looked[0].endswith("(--probe)")
    assert len(looked) == 1
    ran = not_asked(cluster=whole, probed=True, written=False, swacted=True)
    assert ran[0].endswith("(--image)")
    assert not_asked(cluster=whole, probed=True, written=True, swacted=True) == ()
    of_openstack = ("OpenStack services and VMs",)
    assert (
        not_asked(cluster=whole, openstack=of_openstack, probed=True, written=True, swacted=True)
        == of_openstack
    )


@pytest.mark.parametrize(
    ("text", "amount"),
    [("16Gi", 16 * GIB), ("16384Mi", 16 * GIB), ("8", 8), ("0", 0), ("1.5Gi", -1), ("no node", -1)],
)
def test_quantities_are_compared_by_their_amount(text: str, amount: int) -> None:
    assert quantity(text) == amount


@pytest.mark.parametrize(
    ("version", "tag"), [("v1.24.4", "3.7"), ("v1.29.2", "3.9"), ("v1.32.2", "3.10"), ("v1.34.1+x", "3.10.1")]
)
def test_the_pause_image_is_the_versions_own(version: str, tag: str) -> None:
    assert pause_image(version) == f"registry.local:9001/registry.k8s.io/pause:{tag}"
