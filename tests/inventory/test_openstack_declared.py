"""How a site's OpenStack is reached, and words about mistakes."""

from pathlib import Path

import pytest

from inventory.load import Inventory, NotDeclared, load_inventory
from inventory.openstack import declared_openstack
from tests.inventory.files import INVENTORY, complaint, edited, written

SITE = "  topology: AIO-DX\n"
URL = "auth_url: 'https://keystone.beta.example.com/v3'"
PASSWORD = "credential: {password: 'env:P'}"


def declaring(folder: Path, openstack: str) -> Inventory:
    text = edited(INVENTORY, SITE, f"{SITE}  openstack: {openstack}\n")
    return load_inventory(written(folder, text))


def test_what_is_declared_is_found_with_the_usual_names_for_the_rest(folder: Path) -> None:
    found = declared_openstack(declaring(folder, f"{{{URL}, {PASSWORD}}}"), "beta")
    credential = found.access.credential
    assert (credential.username, credential.project, credential.user_domain) == ("admin", "admin", "Default")
    assert (found.access.region, found.access.interface, found.access.probe) == ("RegionOne", "public", None)
    assert [host.name for host in found.hosts] == ["controller-0", "controller-1"]


def test_what_nobody_declared_is_told(folder: Path) -> None:
    with pytest.raises(NotDeclared, match="declares no openstack for beta"):
        declared_openstack(load_inventory(written(folder, INVENTORY)), "beta")


@pytest.mark.parametrize(
    ("openstack", "words"),
    [
        (f"{{{PASSWORD}}}", "sites[1].openstack.auth_url"),
        (f"{{{URL}}}", "sites[1].openstack.credential"),
        (
            f"{{{URL}, credential: {{password: hunter2}}}}",
            "sites[1].openstack.credential.password: a secret in",
        ),
        (f"{{auth_url: 'https://me:hunter2@k/v3', {PASSWORD}}}", "a user or password in a URL is refused"),
        (f"{{{URL}, {PASSWORD}, ca_bundle: /nowhere/ca.pem}}", "'/nowhere/ca.pem' does not exist"),
        (f"{{{URL}, {PASSWORD}, probe: {{flavor: f, image: i}}}}", "sites[1].openstack.probe.network"),
        (f"{{{URL}, {PASSWORD}, interface: private}}", "sites[1].openstack.interface"),
    ],
)
def test_a_mistake_is_told_with_its_place(folder: Path, openstack: str, words: str) -> None:
    text = edited(INVENTORY, SITE, f"{SITE}  openstack: {openstack}\n")
    said = complaint(lambda: load_inventory(written(folder, text)))
    assert words in said
    assert "hunter2" not in said
