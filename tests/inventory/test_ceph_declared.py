"""How a site's Ceph is reached, as far as the inventory says it."""

from pathlib import Path

import pytest

from inventory.ceph import declared_ceph, is_alone
from inventory.load import NotDeclared, load_inventory
from models.ceph_access import CephAccess
from tests.inventory.files import complaint, written

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMT0RJt8RmOV0nZ7NZO4HzlotUROXFpbwmagzCYVAMfx"
SITE = """\
system_controllers:
- name: sc-1
  auth_url: http://192.0.2.1:5000/v3
  credential: {username: admin, password: "env:PASSWORD"}
sites:
- name: edge-0001
  system_controller: sc-1
  topology: TOPOLOGY
  hosts:
  - {name: controller-0, personality: controller, oam: 192.0.2.7}
"""
LOGIN = f"credential: {{password: 'env:PASSWORD'}}, host_key: '{KEY}'"
BOOTSTRAP = f"  bootstrap: {{overrides: x.yml, {LOGIN}, address: '192.0.2.8:2222'}}\n"
KUBERNETES = "  kubernetes: {token: 'env:TOKEN', endpoint: 'https://192.0.2.7:6443'}\n"


def site(more: str, topology: str = "AIO-SX") -> str:
    return SITE.replace("TOPOLOGY", topology) + more


def test_rook_is_reached_through_kubernetes(folder: Path) -> None:
    inventory = load_inventory(written(folder, site(KUBERNETES + "  ceph: {kind: rook}\n")))
    found = declared_ceph(inventory, "edge-0001")
    assert (found.login, found.access) == (None, CephAccess(kind="rook"))
    assert is_alone(inventory, "edge-0001")


def test_bare_metal_is_reached_as_bootstrap_says_or_as_it_says_itself(folder: Path) -> None:
    inventory = load_inventory(written(folder, site(BOOTSTRAP + "  ceph: {kind: bare-metal}\n")))
    login = declared_ceph(inventory, "edge-0001").login
    assert login is not None
    assert (login.host, login.port, login.host_key, login.base) == ("192.0.2.8", 2222, KEY, folder)

    own = f"  ceph: {{kind: bare-metal, {LOGIN}, address: 192.0.2.9, user: client.starflock}}\n"
    inventory = load_inventory(written(folder, site(BOOTSTRAP + own, "AIO-DX")))
    found = declared_ceph(inventory, "edge-0001")
    assert found.login is not None
    assert (found.login.host, found.login.port, found.access.user) == ("192.0.2.9", 22, "client.starflock")
    assert not is_alone(inventory, "edge-0001")


def test_without_an_address_it_is_the_only_controllers(folder: Path) -> None:
    inventory = load_inventory(written(folder, site(f"  ceph: {{kind: bare-metal, {LOGIN}}}\n")))
    login = declared_ceph(inventory, "edge-0001").login
    assert login is not None
    assert login.host == "192.0.2.7"


def test_a_site_that_declares_none_has_none(folder: Path) -> None:
    inventory = load_inventory(written(folder, site("")))
    assert inventory.site("edge-0001").ceph is None
    with pytest.raises(NotDeclared, match="declares no ceph for edge-0001"):
        declared_ceph(inventory, "edge-0001")


@pytest.mark.parametrize(
    ("more", "topology", "words"),
    [
        (
            "  ceph: {kind: rook}\n",
            "AIO-SX",
            "inventory.yaml:11: sites[0].ceph: expected kubernetes at the site: Rook's toolbox is reached "
            "through it",
        ),
        (
            KUBERNETES + "  ceph: {kind: rook, address: 192.0.2.9}\n",
            "AIO-SX",
            "inventory.yaml:12: sites[0].ceph.address: means something only with kind: bare-metal",
        ),
        (
            f"  ceph: {{kind: bare-metal, {LOGIN}, toolbox: app=x}}\n",
            "AIO-SX",
            "inventory.yaml:11: sites[0].ceph.toolbox: means something only with kind: rook",
        ),
        (
            f"  ceph: {{kind: bare-metal, host_key: '{KEY}'}}\n",
            "AIO-SX",
            "inventory.yaml:11: sites[0].ceph: expected credential, such as {password: "
            "file:secrets/sysadmin}, or bootstrap",
        ),
        (
            "  ceph: {kind: bare-metal, credential: {password: 'env:PASSWORD'}}\n",
            "AIO-SX",
            "inventory.yaml:11: sites[0].ceph: expected host_key or known_hosts: the controller must prove "
            "who it is",
        ),
        (
            f"  ceph: {{kind: bare-metal, {LOGIN}}}\n",
            "AIO-DX",
            "inventory.yaml:11: sites[0].ceph: expected address, the floating OAM address: controller-0 is "
            "not there while it reboots",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(folder: Path, more: str, topology: str, words: str) -> None:
    written(folder, site(more, topology))
    assert complaint(lambda: load_inventory("inventory.yaml")) == words


@pytest.mark.parametrize(
    ("more", "volumes", "words"),
    [
        (KUBERNETES, "{job_image: x}", "expected pools, images or claims"),
        (KUBERNETES, "{images: [rbd/db]}", "expected job_image"),
        (BOOTSTRAP, "{images: [rbd/db], job_image: x}", "expected kubernetes at the site: a Job"),
        (KUBERNETES, "{images: [db], job_image: x}", "sites[0].ceph.volumes.images[0]"),
        (
            KUBERNETES,
            "{images: [rbd/db], job_image: x, quiesce: require}",
            "sites[0].ceph.volumes.quiesce: require means something only with openstack at the site",
        ),
        (
            KUBERNETES,
            "{images: [rbd/db], job_image: x, frozen_at_most: 5m}",
            "frozen_at_most: expected a time from 1s to 2m",
        ),
    ],
)
def test_volumes_are_declared_with_what_sends_them(folder: Path, more: str, volumes: str, words: str) -> None:
    kind = "rook" if more == KUBERNETES else "bare-metal"
    text = site(f"{more}  ceph: {{kind: {kind}, volumes: {volumes}}}\n")
    written(folder, text)
    assert words in complaint(lambda: load_inventory("inventory.yaml"))


def test_volumes_of_a_backup_are_read(folder: Path) -> None:
    volumes = "{claims: [{labels: backup=daily, namespace: apps}], job_image: x, links: 3, full_every: 72h}"
    text = site(f"{KUBERNETES}  ceph: {{kind: rook, volumes: {volumes}}}\n")
    access = load_inventory(written(folder, text)).site("edge-0001").ceph
    assert access is not None
    assert access.volumes is not None
    assert (access.volumes.links, access.volumes.full_every.days) == (3, 3)
    assert str(access.volumes.claims[0]) == "backup=daily in apps"
