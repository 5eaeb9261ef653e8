"""A campaign that installs hosts: what is refused of it, and the words of a file with several kinds."""

from pathlib import Path

import pytest

from inventory.campaign_file import load_campaign
from inventory.load import Inventory, load_inventory
from models.operations import InstallOperation
from tests.inventory.files import CAMPAIGN, INVENTORY, complaint, edited, written

INSTALL = """\
name: install-beta
operation:
  kind: install
  image: http://10.0.0.9/{site}.iso
  wipe: [beta/controller-0]
select:
  names: [beta]
"""


@pytest.fixture
def inventory(folder: Path) -> Inventory:
    text = edited(INVENTORY, "bmc: 10.0.0.1}", "bmc: 10.0.0.1, oam: 10.1.0.1}")
    return load_inventory(written(folder, text))


def said(folder: Path, text: str, inventory: Inventory) -> str:
    return complaint(lambda: load_campaign(written(folder, text, "campaign.yaml").name, inventory))


def test_an_install_is_declared_in_a_few_lines(folder: Path, inventory: Inventory) -> None:
    spec = load_campaign(written(folder, INSTALL, "campaign.yaml"), inventory)
    assert isinstance(spec.operation, InstallOperation)
    assert (spec.operation.host, spec.operation.target) == ("controller-0", "{site}.iso")
    assert not spec.operation.take_medium
    taking = edited(INSTALL, "  wipe:", "  take_medium: true\n  wipe:")
    spec = load_campaign(written(folder, taking, "campaign.yaml"), inventory)
    assert isinstance(spec.operation, InstallOperation)
    assert spec.operation.take_medium


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: install", "kind: instal", "operation.kind: expected patch, install, firmware, add-subcloud"),
        ("  kind: install\n", "", "2: operation.kind: is required, but missing"),
        ("  image:", "  imge:", "4: operation.imge: unknown key; did you mean 'image'?"),
        ("  image:", "  relase:", "4: operation.relase: unknown key; did you mean 'release'?"),
        ("http://10.0", "http://a:b@10.0", "4: operation.image: expected the URL of a file without user and"),
        ("[beta/", "[beta-", "5: operation.wipe[0]: expected SITE/HOST, such as edge-0001/controller-0"),
        ("[beta/", "[alpha/", "5: operation.wipe[0]: this campaign does not install alpha/controller-0"),
        ("controller-0]", "controller-1]", "beta/controller-1; did you mean 'beta/controller-0'?"),
        (
            "names: [beta]",
            "names: [alpha, beta]",
            "operation.host: no host controller-0 is declared at alpha",
        ),
        ("  wipe: [beta/controller-0]", "  host: controller-1", "controller-1 has no oam address, where the"),
        ("  wipe:", "  through: ironic\n  wipe:", "5: operation.through: no ironic is declared, there or at"),
        ("  wipe:", "  through: ipmi\n  wipe:", "5: operation.through: expected redfish, ironic or"),
        ("  wipe:", "  through: ironic\n  secure_boot: true\n  wipe:", "are set through redfish only"),
        ("  wipe:", "  through: dcmanager\n  wipe:", "dcmanager makes the image itself; leave image out"),
    ],
)
def test_what_is_wrong_with_an_install(
    folder: Path, inventory: Inventory, old: str, new: str, words: str
) -> None:
    assert said(folder, INSTALL, inventory) == ""
    assert words in said(folder, edited(INSTALL, old, new), inventory)


MADE = edited(INSTALL, "  image: http://10.0.0.9/{site}.iso\n", "")
BOOT_IMAGES = "  boot_images: {base: b.iso, directory: www, url: 'http://10.0.0.9/boot'}\n"
CONTROLLER = "  auth_url: https://10.10.10.2:5000/v3\n"
HOST = "bmc: 10.0.0.1}"


@pytest.mark.parametrize(
    ("proof", "host", "words"),
    [
        ("ssh", "bmc: 10.0.0.1, oam: 10.1.0.1}", ""),
        ("phone-home", HOST, ""),
        ("sysinv", HOST, ""),
        ("ssh", HOST, "operation.host: controller-0 has no oam address, where the installed system would"),
        (
            "ssh",
            "bmc: 10.0.0.1, oam: 10.1.0.1, install: {bootstrap_interface: a, bootstrap_address: 10.1.0.2, "
            "bootstrap_address_prefix: 24}}",
            "2: operation: beta/controller-0: bootstrap_address is 10.1.0.2, and what is installed is to",
        ),
    ],
)
def test_images_are_made_for_hosts_that_can_be_installed_so(
    folder: Path, proof: str, host: str, words: str
) -> None:
    text = edited(edited(INVENTORY, HOST, host), CONTROLLER, CONTROLLER + BOOT_IMAGES)
    campaign = edited(MADE, "  wipe:", f"  proof: {proof}\n  wipe:")
    found = said(folder, campaign, load_inventory(written(folder, text)))
    assert found == "" if not words else words in found


def test_images_are_made_where_it_is_declared_how(folder: Path, inventory: Inventory) -> None:
    assert "declares no boot_images for beta/controller-0" in said(folder, MADE, inventory)


def test_a_given_image_must_know_where_to_call(folder: Path, inventory: Inventory) -> None:
    campaign = edited(INSTALL, "  wipe:", "  proof: phone-home\n  wipe:")
    assert "has to know where: write {phone_home} in its URL" in said(folder, campaign, inventory)
    knows = edited(campaign, "{site}.iso", "{site}.iso?call={phone_home}")
    assert said(folder, knows, inventory) == ""


def test_dcmanager_installs_where_install_values_are_declared(folder: Path, inventory: Inventory) -> None:
    campaign = edited(MADE, "  wipe:", "  through: dcmanager\n  wipe:")
    words = "operation.through: no deploy.install_values are declared at beta"
    assert words in said(folder, campaign, inventory)
    text = edited(INVENTORY, "bmc: 10.0.0.1}", "bmc: 10.0.0.1, oam: 10.1.0.1}")
    deploy = "  subcloud: subcloud2\n  deploy: {bootstrap_values: b.yaml, install_values: i.yaml}\n"
    declared = load_inventory(written(folder, edited(text, "  subcloud: subcloud2\n", deploy)))
    assert said(folder, campaign, declared) == ""
    other = edited(campaign, "  wipe:", "  host: controller-1\n  wipe:")
    assert "dcmanager installs controller-0 only, not controller-1" in said(folder, other, declared)
    calling = edited(campaign, "  wipe:", "  proof: phone-home\n  wipe:")
    assert "dcmanager's image calls nobody" in said(folder, calling, declared)


def test_a_key_of_another_kind_is_unknown(folder: Path, inventory: Inventory) -> None:
    text = edited(CAMPAIGN, "  kind: patch", "  kind: patch\n  wipe: []")
    assert said(folder, text, inventory).startswith(
        "campaign.yaml:4: operation.wipe: unknown key; known are kind, release, instance_action,"
    )


@pytest.mark.parametrize(
    "line",
    ["  auth_url: https://10.10.10.2:5000/v3\n", "  subcloud: subcloud2\n"],
    ids=["controller", "site"],
)
def test_an_ironic_of_the_site_or_its_controller_will_do(folder: Path, line: str) -> None:
    text = edited(INVENTORY, "bmc: 10.0.0.1}", "bmc: 10.0.0.1, oam: 10.1.0.1}")
    text = edited(text, line, line + "  ironic: {url: 'http://10.0.0.8:6385'}\n")
    campaign = edited(INSTALL, "  wipe:", "  through: ironic\n  wipe:")
    assert said(folder, campaign, load_inventory(written(folder, text))) == ""


ADD = """\
name: add-beta
operation:
  kind: add-subcloud
  wipe: [beta/controller-0]
select:
  names: [beta]
"""
SITE = "- name: beta\n"


def test_what_is_wrong_with_adding_subclouds(folder: Path) -> None:
    deploy = "  deploy: {bootstrap_values: b.yaml}\n"
    inventory = load_inventory(written(folder, edited(INVENTORY, SITE, SITE + deploy)))
    assert said(folder, ADD, inventory) == ""
    assert "no deploy.install_values are declared at beta" in said(
        folder, edited(ADD, "  wipe:", "  install: dcmanager\n  wipe:"), inventory
    )
    assert "no deploy files are declared at alpha" in said(
        folder, edited(ADD, "names: [beta]", "names: [alpha, beta]"), inventory
    )
    assert "4: operation.wipe[0]: this campaign does not install beta/controller-1" in said(
        folder, edited(ADD, "controller-0]", "controller-1]"), inventory
    )
