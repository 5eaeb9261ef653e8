"""Which Ironic manages a host, what it is told of the host's BMC, and words about mistakes."""

from pathlib import Path

import pytest

from inventory.ironic import declared_node
from inventory.load import Inventory, NotDeclared, load_inventory
from tests.inventory.files import INVENTORY, complaint, edited, written

PIN = "sha256:" + "0f" * 32
DEFAULT = "{url: 'https://10.10.10.3:6385'}"
CONTROLLER = "    password: env:CENTRAL_PASSWORD\n"
SITE = "  topology: AIO-DX\n"
ADDRESS = "bmc: 10.0.0.1}"


def declaring(folder: Path, ironic: str = DEFAULT, *more: tuple[str, str]) -> Inventory:
    text = edited(INVENTORY, CONTROLLER, f"{CONTROLLER}  ironic: {ironic}\n")
    text = edited(text, SITE, f"{SITE}  bmc: {{credential: {{username: root, password: env:BMC}}}}\n")
    for old, new in more:
        text = edited(text, old, new)
    return load_inventory(written(folder, text))


def test_a_node_has_the_services_settings_and_its_hosts_bmc(folder: Path) -> None:
    node = declared_node(declaring(folder), "beta", "controller-0")
    assert (node.name, str(node)) == ("beta~controller-0", "beta/controller-0")
    assert (node.address, node.verify, node.system) == ("https://10.0.0.1", True, None)
    assert node.credential is not None
    assert node.credential.username == "root"
    assert (node.service.driver, node.service.deploy_interface) == ("redfish", "ramdisk")


def test_a_sites_ironic_goes_before_the_controllers(folder: Path) -> None:
    own = (SITE, f"{SITE}  ironic: {{url: 'https://10.20.17.3:6385'}}\n")
    node = declared_node(declaring(folder, DEFAULT, own), "beta", "controller-0")
    assert node.service.url == "https://10.20.17.3:6385"


def test_conductors_verify_as_they_are_told(folder: Path) -> None:
    with_bundle = "{url: 'https://10.10.10.3:6385', bmc_ca_bundle: /etc/ironic/bmc.pem}"
    inventory = declaring(folder, with_bundle, (ADDRESS, "bmc: {address: 10.0.0.1, unverified: true}}"))
    assert declared_node(inventory, "beta", "controller-0").verify is False
    assert declared_node(inventory, "beta", "controller-1").verify == "/etc/ironic/bmc.pem"


def test_a_pin_that_ironic_cannot_keep_is_refused(folder: Path) -> None:
    pinned = (ADDRESS, f"bmc: {{address: 10.0.0.1, fingerprint: '{PIN}'}}}}")
    with pytest.raises(
        NotDeclared, match="pins the certificate of the BMC of beta/controller-0, which Ironic"
    ):
        declared_node(declaring(folder, DEFAULT, pinned), "beta", "controller-0")


def test_a_site_without_ironic_is_told(folder: Path) -> None:
    inventory = load_inventory(written(folder, INVENTORY))
    with pytest.raises(NotDeclared, match="declares no ironic for beta, neither there nor at central"):
        declared_node(inventory, "beta", "controller-0")


def test_fake_hardware_needs_no_bmc(folder: Path) -> None:
    fake = "{url: 'http://10.10.10.3:6385', driver: fake-hardware}"
    without = ('mac: "52:54:00:00:00:01", ' + ADDRESS, 'mac: "52:54:00:00:00:01"}')
    node = declared_node(declaring(folder, fake, without), "beta", "controller-0")
    assert (node.address, node.credential) == (None, None)


@pytest.mark.parametrize(
    ("ironic", "words"),
    [
        ("{url: 10.10.10.3}", "sites[1].ironic.url: expected a URL"),
        (
            "{url: 'https://a', driver: ipmi}",
            "sites[1].ironic.driver: expected redfish, idrac or fake-hardware",
        ),
        ("{url: 'https://a', unverified: true, ca_bundle: x.pem}", "expected one of ca_bundle, fingerprint"),
        ("{url: 'https://a', ca_bundle: /nowhere/ca.pem}", "'/nowhere/ca.pem' does not exist"),
        (
            "{url: 'https://a', credential: {username: me}}",
            "sites[1].ironic.credential.password: is required",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(folder: Path, ironic: str, words: str) -> None:
    text = edited(INVENTORY, SITE, f"{SITE}  ironic: {ironic}\n")
    path = written(folder, text)
    assert words in complaint(lambda: load_inventory(path))
