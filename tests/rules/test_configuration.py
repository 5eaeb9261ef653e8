"""What a plan shows: the difference between a profile and a site, no more and no less."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from models import edits
from models.configuration import (
    Change,
    FoundCpu,
    FoundDisk,
    FoundFilesystem,
    FoundHost,
    FoundInterface,
    FoundMemory,
    FoundPort,
    FoundPtpInstance,
    FoundPtpInterface,
    FoundRoute,
    FoundSystem,
)
from models.inventory import Host
from models.material import CertificateMaterial, Material
from models.profile import Interface, RoleProfile, SiteProfile
from models.site import Alarm
from rules import comparison
from rules.configuration import complaints
from rules.configuration import host as of_host
from rules.configuration import site as of_site
from rules.configuration import storage as of_storage
from rules.configuration.host import numbers, ranges
from rules.settling import unsettled

NOTHING = Material()
SITE = FoundSystem(
    uuid="s",
    region="r1",
    timezone="UTC",
    vswitch="none",
    dns=("192.0.2.53",),
    ntp=(),
    datanetworks={"physnet0": ("d0", "vlan", 1500)},
    networks={"oam": "n-oam", "mgmt": "n-mgmt", "cluster-host": "n-cluster"},
    parameters=(),
    backends={},
    applications={"platform-integ-apps": "uploaded"},
)


def nic(name: str, port: str = "", **more: object) -> FoundInterface:
    plain = {
        "uuid": f"u-{name}",
        "name": name,
        "type": "ethernet" if port else "virtual",
        "ifclass": "none",
        "mtu": 1500,
        "vfs": 0,
        "vf_driver": "",
        "vlan": None,
        "mode": "",
        "over": (),
        "ports": (port,) if port else (),
        "networks": (),
        "datanetworks": (),
    }
    return FoundInterface.model_validate(plain | more)


HOST = FoundHost(
    uuid="h0",
    name="controller-0",
    personality="controller",
    locked=True,
    interfaces=(
        nic("lo", ifclass="platform", networks=("mgmt", "cluster-host")),
        nic("eth0", "eth0"),
        nic("eth1", "eth1"),
        nic("eth2", "eth2"),
    ),
    ports=tuple(FoundPort(name=f"eth{number}", total_vfs=8 * (number == 2)) for number in range(3)),
    cpus=tuple(
        FoundCpu(
            number=number,
            core=number % 4,
            thread=number // 8,
            node=number % 8 // 4,
            function="platform" if number in (0, 8) else "application",
        )
        for number in range(16)
    ),
    memory=(
        FoundMemory(
            uuid="m0",
            node=0,
            total_mib=60_000,
            platform_mib=8000,
            minimum_platform_mib=6200,
            pages_2m=0,
            pages_1g=0,
        ),
    ),
    labels={"app": "x"},
    kernel="standard",
    free_gib=48,
    filesystems=(FoundFilesystem(uuid="f", name="docker", size_gib=30, state="In-Use"),),
    disks=(
        FoundDisk(uuid="a", node="/dev/sda", path="/dev/disk/by-path/p1", size_mib=1, used_by="rootfs"),
        FoundDisk(uuid="b", node="/dev/sdb", path="/dev/disk/by-path/p2", size_mib=1, used_by=""),
        FoundDisk(uuid="c", node="/dev/sdc", path="/dev/disk/by-path/p3", size_mib=1, used_by="pv"),
    ),
)


def role(**sections: object) -> RoleProfile:
    return RoleProfile.model_validate(sections)


def profile(**sections: object) -> SiteProfile:
    return SiteProfile.model_validate({"name": "edge", **sections})


def words(section: str, wanted: RoleProfile, host: FoundHost = HOST, site: FoundSystem = SITE) -> list[str]:
    whole = profile(roles={host.personality: wanted})
    return [edit.change.words for edit in comparison.host_edits(section, whole, host, site)]  # type: ignore[arg-type]


def site_words(
    section: str, wanted: SiteProfile, site: FoundSystem = SITE, material: Material = NOTHING
) -> list[str]:
    return [edit.change.words for edit in comparison.site_edits(section, wanted, material, site)]  # type: ignore[arg-type]


def test_what_a_profile_leaves_out_stays_as_it_is() -> None:
    sections = (*of_host.DIFFERENCE, *of_storage.DIFFERENCE)
    every = [section for section in sections if words(section, RoleProfile())]
    assert every == []
    assert [section for section in of_site.DIFFERENCE if site_words(section, profile())] == []


@pytest.mark.parametrize(
    ("section", "declared", "expected"),
    [
        ("system", {"system": {"timezone": "UTC"}}, []),
        (
            "system",
            {"system": {"timezone": "Europe/Berlin", "vswitch": "ovs-dpdk"}},
            [
                "system: timezone: UTC -> Europe/Berlin",
                "system: vswitch: none -> ovs-dpdk",
            ],
        ),
        ("dns", {"dns": ["192.0.2.53"]}, []),
        ("dns", {"dns": ["192.0.2.54"]}, ["dns: servers: 192.0.2.53 -> 192.0.2.54"]),
        ("ntp", {"ntp": ["0.pool.ntp.org"]}, ["ntp: servers: none -> 0.pool.ntp.org"]),
        ("ntp", {"ntp": []}, []),
        (
            "datanetworks",
            {"datanetworks": [{"name": "physnet0", "type": "vlan"}, {"name": "sriov", "type": "vlan"}]},
            ["datanetworks: sriov: none -> vlan"],
        ),
        (
            "datanetworks",
            {"datanetworks": [{"name": "physnet0", "type": "vlan", "mtu": 9000}]},
            ["datanetworks: physnet0 mtu: 1500 -> 9000"],
        ),
        ("storage", {"storage": {"backend": "ceph-rook"}}, ["storage: backend: none -> ceph-rook"]),
    ],
)
def test_differences_of_a_site(section: str, declared: dict[str, object], expected: list[str]) -> None:
    assert site_words(section, profile(**declared)) == expected


def test_replication_is_said_where_the_backend_keeps_data_otherwise() -> None:
    wanted = profile(storage={"backend": "ceph-rook", "replication": 2})
    there = SITE.model_copy(
        update={"backends": {"ceph-rook": "configured"}, "replication": {"ceph-rook": ("b0", 1)}}
    )
    assert site_words("storage", wanted, there) == ["storage: replication: 1 -> 2"]
    enough = there.model_copy(update={"replication": {"ceph-rook": ("b0", 2)}})
    assert site_words("storage", wanted, enough) == []


CERTIFICATES = [{"type": "ssl", "file": "file:a"}, {"type": "ssl_ca", "file": "file:b"}]
HELD = Material(
    certificates=tuple(
        CertificateMaterial(type=kind, signatures=signatures, expires=datetime(2030, 1, 1, tzinfo=UTC))
        for kind, signatures in (("ssl", ("ssl_1", "ssl_9")), ("ssl_ca", ("ssl_ca_2", "ssl_ca_3")))
    ),
    license="f" * 64,
)


def test_a_certificate_is_told_by_its_signature_and_authorities_are_only_added() -> None:
    wanted = profile(certificates=CERTIFICATES)
    there = SITE.model_copy(update={"certificates": {"ssl": ("ssl_0",), "ssl_ca": ("ssl_ca_2", "ssl_ca_7")}})
    assert site_words("certificates", wanted, there, HELD) == [
        "certificates: ssl: ssl_0 -> ssl_1",
        "certificates: ssl_ca: none -> ssl_ca_3",
    ]
    done = SITE.model_copy(update={"certificates": {"ssl": ("ssl_1",), "ssl_ca": ("ssl_ca_3", "ssl_ca_2")}})
    assert site_words("certificates", wanted, done, HELD) == []


def test_a_licence_is_told_by_its_digest() -> None:
    wanted = profile(license="file:l")
    without = SITE.model_copy(update={"license": ""})
    assert site_words("license", wanted, without, HELD) == ["license: file: none -> ffffffffffff"]
    there = SITE.model_copy(update={"license": "f" * 64})
    assert site_words("license", wanted, there, HELD) == []


PTP = {
    "name": "ptp1",
    "service": "ptp4l",
    "parameters": {"domainNumber": "24"},
    "interfaces": [{"name": "if1", "parameters": {"masterOnly": "1"}}],
}
RUNNING = FoundPtpInstance(
    id=3,
    uuid="p0",
    service="ptp4l",
    parameters={"domainNumber": "0", "slaveOnly": "1"},
    interfaces={"if1": FoundPtpInterface(id=4, uuid="p1", parameters={})},
)


def test_ptp_is_made_piece_by_piece_and_what_nobody_declared_stays() -> None:
    wanted = profile(ptp=[PTP])
    assert site_words("ptp", wanted) == [
        "ptp: ptp1: none -> ptp4l",
        "ptp: ptp1 domainNumber: none -> 24",
        "ptp: ptp1 if1: none -> an interface",
        "ptp: ptp1 if1 masterOnly: none -> 1",
    ]
    there = SITE.model_copy(update={"ptp": {"ptp1": RUNNING}})
    (domain, master) = comparison.site_edits("ptp", wanted, NOTHING, there)
    assert domain == edits.SetPtpParameters(
        domain.change, "/ptp_instances/p0", ("domainNumber=0",), ("domainNumber=24",)
    )
    assert master == edits.SetPtpParameters(master.change, "/ptp_interfaces/p1", (), ("masterOnly=1",))


def test_hosts_and_their_ports_get_the_ptp_that_their_role_says() -> None:
    wanted = profile(
        ptp=[PTP],
        roles={
            "controller": {
                "clock": "ptp",
                "ptp": ["ptp1"],
                "interfaces": [{"port": "eth2", "name": "eth2", "ptp": ["if1"]}],
            }
        },
    )
    there = SITE.model_copy(update={"ptp": {"ptp1": RUNNING}})
    host = HOST.model_copy(update={"clock": "ntp", "ptp": (), "ptp_interfaces": {}})
    (runs, port, clock) = comparison.host_edits("ptp", wanted, host, there)
    assert runs == edits.AssignPtp(runs.change, "/ihosts/h0", "ptp_instances", 3)
    assert port == edits.AssignPtp(port.change, "/iinterfaces/u-eth2", "ptp_interfaces", 4)
    assert clock.change.words == "controller-0: ptp: clock: ntp -> ptp"
    done = host.model_copy(update={"clock": "ptp", "ptp": ("ptp1",), "ptp_interfaces": {"if1": ("eth2",)}})
    assert comparison.host_edits("ptp", wanted, done, there) == []


ROUTE = {"interface": "eth0", "to": "10.40.0.0/16", "gateway": "192.0.2.1"}


def test_a_route_is_known_by_its_network_and_gateway() -> None:
    bare = HOST.model_copy(update={"routes": ()})
    line = "controller-0: routes: 10.40.0.0/16 on eth0: none -> by 192.0.2.1, metric 1"
    assert words("routes", role(routes=[ROUTE]), bare) == [line]
    there = FoundRoute(interface="eth0", to="10.40.0.0/16", gateway="192.0.2.1", metric=5)
    routed = HOST.model_copy(update={"routes": (there,)})
    assert words("routes", role(routes=[ROUTE]), routed) == []
    (said,) = complaints.of_host(role(routes=[ROUTE]), routed)
    assert "has metric 5, and sysinv does not change it to 1" in said
    (said,) = complaints.of_host(role(routes=[ROUTE | {"interface": "eth9"}]), bare)
    assert said == "controller-0: there is no interface eth9 for the route to 10.40.0.0/16"


def test_a_route_into_the_sites_own_networks_cannot_be() -> None:
    wanted = profile(roles={"controller": {"routes": [ROUTE, ROUTE | {"to": "0.0.0.0/0"}]}})
    subnets = {"oam-ipv4": "10.20.1.0/24", "mgmt": "10.40.7.0/24", "system-controller-subnet": "10.40.8.0/24"}
    site = SITE.model_copy(update={"subnets": subnets})
    assert list(complaints.of_site(wanted, site)) == [
        "routes: 10.40.0.0/16 overlaps the site's own network mgmt (10.40.7.0/24)"
    ]


A, B = "52:54:00:00:00:0a", "52:54:00:00:00:0b"


@pytest.mark.parametrize(
    ("mac", "names", "complaint"),
    [
        (None, {}, "worker-0: no mac is declared; sysinv knows a host by it that is to come"),
        (None, {A: "worker-0"}, ""),
        (A.upper(), {}, ""),
        (A, {A: "worker-0"}, ""),
        (A, {A: "worker-1"}, f"worker-0: its MAC {A} is that of worker-1 on the site"),
        (A, {B: "worker-0"}, f"worker-0: it has MAC {B} on the site, declared is {A}"),
    ],
)
def test_a_host_is_the_machine_that_is_declared(
    mac: str | None, names: dict[str, str], complaint: str
) -> None:
    host = Host.model_validate({"name": "worker-0", "personality": "worker", "mac": mac})
    assert comparison.host_complaints((host,), names, "controller-0") == ((complaint,) if complaint else ())


def test_the_host_that_serves_has_no_mac_of_its_own_after_a_bootstrap() -> None:
    host = Host.model_validate({"name": "controller-0", "personality": "controller", "mac": A})
    known = {"00:00:00:00:00:00": "controller-0"}
    assert comparison.host_complaints((host,), known, "controller-0") == ()


def test_a_port_gets_its_name_class_and_virtual_functions_in_one_change() -> None:
    wanted = role(
        interfaces=[
            {"port": "eth2", "name": "sriov0", "class": "pci-sriov", "vfs": 8, "vf_driver": "vfio"},
        ]
    )
    assert words("interfaces", wanted) == [
        "controller-0: interfaces: eth2: eth2 none 0 vfs no driver -> sriov0 pci-sriov 8 vfs vfio"
    ]
    done = HOST.model_copy(
        update={"interfaces": (nic("sriov0", "eth2", ifclass="pci-sriov", vfs=8, vf_driver="vfio"),)}
    )
    assert words("interfaces", wanted, done) == []


def test_management_moves_from_lo_before_it_is_assigned_elsewhere() -> None:
    wanted = role(interfaces=[{"port": "eth0", "name": "eth0", "networks": ["mgmt"]}])
    assert words("networks", wanted) == [
        "controller-0: networks: mgmt on lo: assigned -> not assigned",
        "controller-0: networks: mgmt on eth0: none -> assigned",
    ]


def test_an_undeclared_interface_keeps_what_it_carries() -> None:
    wanted = role(interfaces=[{"port": "eth0", "name": "oam0", "networks": ["oam"]}])
    assert words("networks", wanted) == ["controller-0: networks: oam on oam0: none -> assigned"]


def test_what_a_declared_interface_carries_beyond_its_declaration_goes() -> None:
    host = HOST.model_copy(update={"interfaces": (nic("eth0", "eth0", networks=("oam", "storage")),)})
    wanted = role(interfaces=[{"port": "eth0", "name": "eth0", "networks": ["oam"]}])
    assert words("networks", wanted, host) == [
        "controller-0: networks: storage on eth0: assigned -> not assigned"
    ]


def test_bonds_come_after_the_interfaces_below_them() -> None:
    wanted = role(
        interfaces=[
            {"name": "bond0", "type": "ae", "mode": "802.3ad", "over": ["eth0", "eth1"]},
            {"port": "eth0", "name": "eth0", "class": "none", "mtu": 9000},
        ]
    )
    changed = list(of_host.DIFFERENCE["interfaces"](wanted, HOST, SITE))
    assert [type(edit) for edit in changed] == [edits.SetInterface, edits.AddInterface]


def test_physical_cores_are_counted_by_socket() -> None:
    found = "controller-0: cpus: functions: platform 0:1 -> platform 0:2"
    assert words("cpus", role(cpus=[{"function": "platform", "cores": [2]}])) == [found]
    assert words("cpus", role(cpus=[{"function": "platform", "cores": [1]}])) == []
    isolated = role(cpus=[{"function": "application-isolated", "cpulist": "4-6,9"}])
    assert words("cpus", isolated) == [
        "controller-0: cpus: functions: application-isolated none -> application-isolated 4-6,9"
    ]


def test_memory_says_only_what_differs() -> None:
    wanted = role(memory=[{"node": 0, "platform_mib": 8000, "pages_1g": 8}])
    assert words("memory", wanted) == ["controller-0: memory: node 0: 0 x 1G -> 8 x 1G"]


@pytest.mark.parametrize(
    ("label", "needs_lock"), [("sriovdp", True), ("openstack-compute-node", True), ("zone", False)]
)
def test_labels_that_decide_what_runs_need_a_locked_host(label: str, needs_lock: bool) -> None:
    (edit,) = of_host.DIFFERENCE["labels"](role(labels={label: "enabled"}), HOST, SITE)
    assert edit.change.needs_lock is needs_lock


def test_file_systems_only_grow() -> None:
    assert words("filesystems", role(filesystems={"docker": 20})) == []
    assert words("filesystems", role(filesystems={"docker": 60, "ceph": 20})) == [
        "controller-0: filesystems: docker: 30 GiB -> 60 GiB",
        "controller-0: filesystems: ceph: none -> 20 GiB",
    ]


def test_osds_are_made_of_empty_disks_only() -> None:
    assert words("osds", role(osds=["/dev/sda", "/dev/sdb", "/dev/sdc"])) == [
        "controller-0: osds: /dev/sdb: none -> osd"
    ]


@pytest.mark.parametrize(
    ("standard", "backend", "needs_lock", "last"),
    [
        (False, "ceph-rook", False, False),
        (False, "ceph", True, False),
        (True, "ceph-rook", False, False),
        (True, "ceph", False, True),
    ],
)
def test_osds_of_bare_metal_ceph_want_a_lock_or_the_workers_first(
    standard: bool, backend: str, needs_lock: bool, last: bool
) -> None:
    wanted = profile(storage={"backend": backend}, roles={"controller": {"osds": ["/dev/sdb"]}})
    site = SITE.model_copy(update={"standard": standard})
    (edit,) = comparison.host_edits("osds", wanted, HOST, site)
    assert (edit.change.needs_lock, edit.change.last) == (needs_lock, last)


def test_a_third_monitor_is_made_on_the_worker_that_is_named() -> None:
    wanted = profile(storage={"backend": "ceph", "monitor": "worker-0"})
    site = SITE.model_copy(update={"monitors": ("controller-0", "controller-1")})
    named = HOST.model_copy(update={"name": "worker-0", "personality": "worker"})
    (edit,) = comparison.host_edits("monitors", wanted, named, site)
    assert edit == edits.AddMonitor(edit.change, "h0")
    other = named.model_copy(update={"name": "worker-1"})
    assert comparison.host_edits("monitors", wanted, other, site) == []
    done = site.model_copy(update={"monitors": (*(site.monitors or ()), "worker-0")})
    assert comparison.host_edits("monitors", wanted, named, done) == []


def test_a_floating_monitor_is_made_while_the_standby_controller_is_locked() -> None:
    wanted = profile(storage={"backend": "ceph-rook", "floating_monitor_gib": 20})
    (edit,) = comparison.host_edits("monitors", wanted, HOST, SITE)
    assert (edit, edit.change.needs_lock) == (edits.AddFloatingMonitor(edit.change, 20), True)
    serving = HOST.model_copy(update={"active": True})
    assert comparison.host_edits("monitors", wanted, serving, SITE) == []
    made = SITE.model_copy(update={"replicated": {"ceph-float": 20}})
    assert comparison.host_edits("monitors", wanted, HOST, made) == []


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        (
            {"interfaces": [{"port": "eth9", "name": "oam0"}]},
            "controller-0: there is no port eth9 for oam0; it has eth0, eth1, eth2",
        ),
        (
            {"interfaces": [{"port": "eth2", "name": "s", "class": "pci-sriov", "vfs": 9}]},
            "controller-0: 9 virtual functions on eth2; it offers at most 8",
        ),
        (
            {"interfaces": [{"port": "eth0", "name": "s", "class": "pci-sriov", "vfs": 1}]},
            "controller-0: 1 virtual functions on eth0; it offers none",
        ),
        (
            {
                "cpus": [
                    {"function": "platform", "cores": [3]},
                    {"function": "vswitch", "cores": [2]},
                ]
            },
            "controller-0: 5 cores of socket 0 are given away; it has 4",
        ),
        (
            {"cpus": [{"function": "application-isolated", "cpulist": "4-40"}]},
            "controller-0: application-isolated cores 4-40; its logical cores end at 15",
        ),
        ({"memory": [{"node": 1}]}, "controller-0: there is no NUMA node 1; it has 0"),
        (
            {"memory": [{"node": 0, "pages_1g": 64}]},
            "controller-0: 0 x 2M and 64 x 1G are 65536 MiB of huge pages on node 0; 60000 MiB are there",
        ),
        (
            {"memory": [{"node": 0, "platform_mib": 100}]},
            "controller-0: 100 MiB for the platform on node 0; sysinv wants at least 6200",
        ),
        (
            {"filesystems": {"docker": 60, "ceph": 20}},
            "controller-0: file systems grow by 50 GiB; cgts-vg has 48 GiB left",
        ),
        ({"osds": ["/dev/sda"]}, "controller-0: /dev/sda is the root disk"),
        ({"osds": ["/dev/sdc"]}, "controller-0: /dev/sdc is in use (pv)"),
        ({"osds": ["/dev/sdx"]}, "controller-0: there is no disk /dev/sdx for an OSD; it has /dev/sda"),
    ],
)
def test_what_cannot_be_is_said_before_the_first_change(sections: dict[str, object], complaint: str) -> None:
    said = list(complaints.of_host(role(**sections), HOST))
    assert [each for each in said if each.startswith(complaint)], said


def test_a_profile_that_fits_has_no_complaints() -> None:
    fits = role(
        interfaces=[{"port": "eth2", "name": "s", "class": "pci-sriov", "vfs": 8}],
        cpus=[{"function": "platform", "cores": [2, 2]}],
        memory=[{"node": 0, "pages_1g": 58}],
        osds=["/dev/sdb"],
        filesystems={"docker": 58, "ceph": 20},
    )
    assert list(complaints.of_host(fits, HOST)) == []


def test_a_backend_is_not_exchanged_and_a_data_network_keeps_its_type() -> None:
    other = SITE.model_copy(update={"backends": {"ceph": "configured"}})
    wanted = profile(
        storage={"backend": "ceph-rook"},
        datanetworks=[{"name": "physnet0", "type": "flat"}],
    )
    said = list(complaints.of_site(wanted, other))
    assert len(said) == 2
    assert "cannot be exchanged for ceph-rook" in said[0]
    assert "cannot become flat" in said[1]


@pytest.mark.parametrize(
    "declared",
    [
        {"name": "x"},
        {"name": "x", "port": "eth0", "type": "vlan"},
        {"name": "x", "type": "vlan", "vlan": 5},
        {"name": "x", "type": "ae", "over": ["a", "b"]},
        {"name": "x", "port": "eth0", "vlan": 5},
        {"name": "x", "port": "eth0", "vfs": 4},
        {"name": "x", "port": "eth0", "class": "data", "networks": ["oam"]},
        {"name": "x", "port": "eth0", "datanetworks": ["physnet0"]},
    ],
)
def test_interfaces_that_contradict_themselves_are_refused(declared: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Interface.model_validate(declared)


def test_lists_of_cores_are_read_and_written() -> None:
    assert numbers("4-6,9") == [4, 5, 6, 9]
    assert ranges([9, 4, 5, 6]) == "4-6,9"
    assert ranges([]) == "none"


def test_a_site_is_at_rest_when_nothing_moves() -> None:
    rest = SITE.model_copy(update={"applications": {"a": "applied"}, "backends": {"ceph-rook": "configured"}})
    assert unsettled(rest, (), ("a",)) == ""
    moving = SITE.model_copy(
        update={"applications": {"a": "recovering"}, "backends": {"ceph": "configuring"}}
    )
    why = unsettled(moving, (alarm("750.006"), alarm("100.101")), ("a", "b"))
    assert why == (
        "application a is recovering; application b is not there; storage backend ceph is configuring; "
        "alarm 750.006 x"
    )
    assert unsettled(rest, (), (), ("a", "b")) == "application a is still there"


def alarm(number: str) -> Alarm:
    return Alarm(alarm_id=number, entity="x", severity="major", mgmt_affecting=True)


def test_a_change_reads_as_a_line_of_a_plan() -> None:
    change = Change(section="kernel", host="w", subject="provisioned", found="standard", wanted="lowlatency")
    assert change.words == "w: kernel: provisioned: standard -> lowlatency"
