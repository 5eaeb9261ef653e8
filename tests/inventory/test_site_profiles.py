"""Site profiles: declared once, used by sites, their mistakes told with their place."""

from pathlib import Path

import pytest

from inventory.load import load_inventory
from tests.inventory.files import INVENTORY, complaint, edited, written

PROFILE = """\
site_profiles:
- name: edge-dx
  system: {timezone: Europe/Berlin}
  dns: [192.0.2.53]
  datanetworks:
  - {name: physnet0, type: vlan}
  ptp:
  - name: ptp1
    service: ptp4l
    interfaces:
    - {name: if1}
  certificates:
  - {type: ssl, file: 'file:edge.pem'}
  - {type: ssl_ca, file: 'file:a.pem'}
  - {type: ssl_ca, file: 'file:b.pem'}
  license: file:edge.lic
  applications:
  - platform-integ-apps
  - name: demo-app
    file: demo-app.tgz
    overrides:
    - {chart: api, namespace: demo, values: 'file:api.yaml'}
  storage: {backend: ceph-rook}
  roles:
    controller:
      clock: ptp
      ptp: [ptp1]
      routes:
      - {interface: oam0, to: 10.40.0.0/16, gateway: 192.0.2.1}
      interfaces:
      - {port: eth0, name: oam0, networks: [oam], ptp: [if1]}
      - {port: eth2, name: sriov0, class: pci-sriov, vfs: 8, datanetworks: [physnet0]}
      - {name: vlan5, type: vlan, vlan: 5, over: [oam0], networks: [mgmt]}
      cpus:
      - {function: platform, cores: [2]}
      memory:
      - {node: 0, pages_1g: 8}
      labels: {sriovdp: enabled}
      filesystems: {ceph: 20}
      osds: [/dev/sdb]
"""
USED = edited(INVENTORY, "  topology: AIO-DX\n", "  topology: AIO-DX\n  profile: edge-dx\n")


def test_a_site_knows_its_profile(folder: Path) -> None:
    inventory = load_inventory(written(folder, PROFILE + USED))
    (profile,) = inventory.file.site_profiles
    assert inventory.site("beta").profile == "edge-dx"
    role = profile.role("controller")
    assert [each.name for each in role.interfaces] == ["oam0", "sriov0", "vlan5"]
    assert role.cpus[0].cores == (2,)
    assert profile.role("worker").interfaces == ()


STANDARD = """\
site_profiles:
- name: core
  storage: {backend: ceph, monitor: worker-0}
  roles:
    controller: {osds: [/dev/sdb]}
"""
AS_DX = INVENTORY[INVENTORY.index("  topology: AIO-DX\n") : INVENTORY.index("- name: gamma")]
CORE = edited(
    INVENTORY,
    AS_DX,
    """\
  topology: Standard
  profile: core
  hosts:
  - {name: controller-0, personality: controller}
  - {name: worker-0, personality: worker}
""",
)


def test_bare_metal_ceph_on_controllers_has_its_third_monitor_on_a_worker(folder: Path) -> None:
    load_inventory(written(folder, STANDARD + CORE))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (", monitor: worker-0", "", "wants a third monitor; add monitor: WORKER to storage"),
        ("monitor: worker-0", "monitor: worker-1", "has no worker 'worker-1'; did you mean 'worker-0'?"),
        (
            "  - {name: worker-0, personality: worker}",
            "  - {name: worker-0, personality: worker}\n  - {name: storage-0, personality: storage}",
            "storage-0 has the third monitor of this site, so worker-0 cannot",
        ),
        ("topology: Standard", "topology: AIO-DX", "monitor is for Standard; this site is AIO-DX"),
        ("backend: ceph, monitor: worker-0", "backend: ceph-rook, floating_monitor_gib: 20", "is for AIO-DX"),
        ("backend: ceph,", "backend: ceph-rook,", "monitor needs backend ceph"),
        ("monitor: worker-0", "floating_monitor_gib: 20", "floating_monitor_gib needs backend ceph-rook"),
    ],
)
def test_where_monitors_cannot_be_is_told_with_its_place(
    folder: Path, old: str, new: str, words: str
) -> None:
    written(folder, edited(STANDARD + CORE, old, new))
    said = complaint(lambda: load_inventory("inventory.yaml"))
    assert words in said
    assert said.startswith("inventory.yaml:")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "profile: edge-dx",
            "profile: edge-sx",
            "there is no site profile 'edge-sx'; did you mean 'edge-dx'?",
        ),
        ("name: sriov0", "name: oam0", "'oam0' is already the name of another interface of this role"),
        ("port: eth2", "port: eth0", "'eth0' is already the port of another interface of this role"),
        ("over: [oam0]", "over: [oam1]", "no interface of this role is named 'oam1'; did you mean 'oam0'?"),
        ("networks: [mgmt]", "networks: [oam]", "oam is already on oam0; a host has it once"),
        ("[physnet0]", "[physnet1]", "the profile has no data network 'physnet1'; did you mean 'physnet0'?"),
        ("backend: ceph-rook", "backend: ceph", "a file system named ceph belongs to storage"),
        ("  storage: {backend: ceph-rook}\n", "", "OSDs need storage in the profile"),
        ("osds: [/dev/sdb]", "osds: [/dev/sdb, /dev/sdb]", "/dev/sdb stands twice"),
        ("cores: [2]}", "cores: [2]}\n      - {function: platform, cores: [3]}", "stands twice"),
        ("vfs: 8", "vfs: -1", "vfs: expected at least 0, found -1"),
        ("class: pci-sriov", "class: data", "vfs and vf_driver need class pci-sriov"),
        ("192.0.2.53", "nonsense", "does not appear to be an IPv4 or IPv6 address"),
        ("    controller:\n", "    storage:\n", "AIO-DX has no storage hosts, and profile edge-dx says"),
        ("      ptp: [ptp1]", "      ptp: [ptp2]", "has no PTP instance 'ptp2'; did you mean 'ptp1'?"),
        ("ptp: [if1]", "ptp: [if2]", "has no PTP interface 'if2'; did you mean 'if1'?"),
        ("      ptp: [ptp1]\n", "", "a host whose clock is set by PTP runs an instance; give ptp"),
        (
            "    - {name: if1}\n",
            "    - {name: if1}\n    - {name: if1}\n",
            "is already the name of another PTP",
        ),
        ("type: ssl,", "type: tls,", "type: expected ssl, ssl_ca,"),
        (
            "{type: ssl_ca, file: 'file:a.pem'}",
            "{type: ssl, file: 'file:a.pem'}",
            "one certificate of type ssl",
        ),
        ("10.40.0.0/16", "10.40.0.1/16", "10.40.0.1/16 has host bits set"),
        ("gateway: 192.0.2.1", "gateway: '2001:db8::1'", "are of different address families"),
        ("dns: [192.0.2.53]", "dns: [192.0.2.53, 192.0.2.53]", "192.0.2.53 stands twice"),
        (
            "gateway: 192.0.2.1}\n",
            "gateway: 192.0.2.1}\n      - {interface: oam0, to: 10.40.0.0/16, gateway: 192.0.2.1}\n",
            "the route to 10.40.0.0/16 by 192.0.2.1 stands twice",
        ),
        ("52:54:00:00:00:02", "52:54:00:00:00", "mac: expected a MAC address such as 52:54:00:12:34:56"),
        ("52:54:00:00:00:02", "01:54:00:00:00:02", "mac: 01:54:00:00:00:02 is no address of a port"),
        ("52:54:00:00:00:02", "52:54:00:00:00:01", "is already the MAC"),
        ("    file: demo-app.tgz\n", "    state: absent\n", "mean nothing for state absent"),
        ("values: 'file:api.yaml'", "values: api.yaml", "values: expected a reference such as env:NAME"),
        ("namespace: demo", "namespaces: demo", "namespaces: unknown key; did you mean 'namespace'?"),
        ("name: demo-app", "name: platform-integ-apps", "is already the name of another application"),
        ("- platform-integ-apps", "- 5", "applications[0]"),
        (
            "license: file:edge.lic",
            "license: edge.lic",
            "license: expected a reference such as env:NAME",
        ),
        ("vfs: 8", "vf: 8", "vf: unknown key; did you mean 'vfs'?"),
    ],
)
def test_a_mistake_is_told_with_its_place(folder: Path, old: str, new: str, words: str) -> None:
    written(folder, edited(PROFILE + USED, old, new))
    said = complaint(lambda: load_inventory("inventory.yaml"))
    assert words in said
    assert said.startswith("inventory.yaml:")
