"""The files with which a site is added: every mistake by file, line and field, before anything is sent."""

import base64
from functools import partial
from pathlib import Path

import pytest
import yaml

from inventory.deploy_values import deploy_problems, load_deploy, sendable
from inventory.load import NotDeclared, load_inventory
from inventory.secrets import SecretError

from .files import complaint, edited, written

INVENTORY = """\
system_controllers:
- name: central
  auth_url: https://10.10.10.2:5000/v3
  credential:
    password: env:CENTRAL_PASSWORD
sites:
- name: alpha
  subcloud: subcloud1
  system_controller: central
  deploy:
    bootstrap_values: bootstrap.yaml
    install_values: install.yaml
    deploy_config: config.yaml
  hosts:
  - name: controller-0
    personality: controller
    oam: 10.20.1.2
    bmc: {address: https://10.30.1.2, credential: {username: root, password: env:BMC_PASSWORD}}
"""
BOOTSTRAP = """\
name: subcloud1
system_mode: simplex
management_subnet: 192.168.101.0/24
management_start_address: 192.168.101.2
management_end_address: 192.168.101.50
management_gateway_address: 192.168.101.1
systemcontroller_gateway_address: 192.168.204.101
external_oam_subnet: 10.20.1.0/24
external_oam_gateway_address: 10.20.1.1
external_oam_floating_address: 10.20.1.2
docker_registries:
  defaults:
    username: docker
    password: env:REGISTRY_PASSWORD
"""
INSTALL = """\
bootstrap_interface: eno1
bootstrap_address: 10.20.1.2
bootstrap_address_prefix: 24
nexthop_gateway: 10.20.1.1
install_type: 3
bmc_address: 10.30.1.2
bmc_username: root
rd.net.timeout.ipv6dad: 300
"""
CONFIG = """\
apiVersion: v1
kind: Secret
metadata: {name: bmc-secret, namespace: deployment}
data:
  username: env:BMC_USER
stringData:
  password: file:bmc-password
---
apiVersion: starlingx.windriver.com/v1
kind: System
metadata: {name: subcloud1, namespace: deployment}
spec: {location: roof}
"""


@pytest.fixture
def site(folder: Path) -> Path:
    for text, name in ((INVENTORY, "inventory.yaml"), (BOOTSTRAP, "bootstrap.yaml")):
        written(folder, text, name)
    for text, name in ((INSTALL, "install.yaml"), (CONFIG, "config.yaml")):
        written(folder, text, name)
    return folder


def told(folder: Path) -> str:
    return complaint(partial(load_deploy, load_inventory(folder / "inventory.yaml"), "alpha"))


def test_good_files_are_what_they_say(site: Path) -> None:
    values = load_deploy(load_inventory("inventory.yaml"), "alpha")
    assert values.bootstrap.name == "subcloud1"
    assert values.install is not None
    assert values.install.ipv6dad_timeout == 300
    assert values.bootstrap_address == "10.20.1.2"
    assert set(values.texts) == {"bootstrap_values", "install_values", "deploy_config"}
    other = load_deploy(load_inventory("inventory.yaml"), "alpha")
    assert values.digest == other.digest
    written(site, edited(CONFIG, "roof", "cellar"), "config.yaml")
    assert load_deploy(load_inventory("inventory.yaml"), "alpha").digest != values.digest


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name: subcloud1", "name: subcloud2", "1: name: expected 'subcloud1', the subcloud of site alpha"),
        ("name: subcloud1", "name: Sub_1", "1: name: expected"),
        ("simplex", "duplex", "2: system_mode: expected simplex, for alpha is AIO-SX, found duplex"),
        ("simplex", "triplex", "2: system_mode: expected simplex, duplex or duplex-direct"),
        ("192.168.101.0/24", "192.168.101", "3: management_subnet: expected a network such as"),
        ("address: 192.168.101.2\n", "address: 192.168.102.2\n", "4: management_start_address: 192.168.102"),
        ("address: 192.168.101.50", "address: 192.168.101.1", "5: management_end_address: 192.168.101.1"),
        ("101.1\nsys", "101.9\nsys", "6: management_gateway_address: 192.168.101.9 is in the range"),
        ("192.168.204.101", "fd01::1", "7: systemcontroller_gateway_address: is IPv6, and"),
        ("10.20.1.0/24", "192.168.0.0/16", "8: external_oam_subnet: 192.168.0.0/16 overlaps"),
        ("10.20.1.1\n", "10.20.1.255\n", "9: external_oam_gateway_address: 10.20.1.255 is the"),
        ("10.20.1.2\n", "10.20.1.7\n", "answers at 10.20.1.2, found 10.20.1.7"),
        ("env:REGISTRY_PASSWORD", "hunter2", "14: docker_registries.defaults.password: a secret"),
        ("external_oam_gateway_address: 10.20.1.1\n", "", "external_oam_gateway_address: is required"),
    ],
)
def test_wrong_bootstrap_values(site: Path, old: str, new: str, words: str) -> None:
    written(site, edited(BOOTSTRAP, old, new), "bootstrap.yaml")
    said = told(site)
    assert words in said
    assert "bootstrap.yaml" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("bmc_username", "bmc_usrname", "7: bmc_usrname: unknown key; did you mean 'bmc_username'?"),
        ("install_type: 3", "install_type: 7", "5: install_type: expected"),
        ("bmc_address: 10.30.1.2", "bmc_address: 10.30.1.3", "6: bmc_address: the inventory says that"),
        ("root", "admin", "7: bmc_username: the inventory's credential"),
        ("10.20.1.2\n", "10.20.1.3\n", "2: bootstrap_address: the inventory says"),
        ("10.20.1.1\n", "10.99.1.1\n", "4: nexthop_gateway: 10.99.1.1 is not in 10.20.1.0/24"),
        ("10.20.1.1\n", "fd00::1\n", "4: nexthop_gateway: is IPv6, and bootstrap_address 10.20.1.2 is IPv4"),
        ("rd.net.timeout.ipv6dad: 300", "extra_boot_params: ip=dhcp", "extra_boot_params: ip is written"),
        ("rd.net.timeout.ipv6dad: 300", "bmc_password: aGk=", "bmc_password: unknown key"),
        ("rd.net.timeout.ipv6dad: 300", "network_address: 10.1.0.0", "network_address: needs nexthop"),
    ],
)
def test_wrong_install_values(site: Path, old: str, new: str, words: str) -> None:
    written(site, edited(INSTALL, old, new), "install.yaml")
    said = told(site)
    assert words in said
    assert said.startswith("install.yaml:")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("file:bmc-password", "hunter2", "object 1, stringData.password: a secret in clear is refused"),
        ("env:BMC_USER", "cm9vdA==", "object 1, data.username: a secret in clear is refused"),
        ("kind: System", "kind: Host", "expected a System of the deployment manager"),
        ("kind: System", "knd: System", "expected Kubernetes objects, each with its kind"),
        ("spec: {location: roof}", "spec: {location: roof", "config.yaml:13: not YAML"),
    ],
)
def test_wrong_deployment_configuration(site: Path, old: str, new: str, words: str) -> None:
    written(site, edited(CONFIG, old, new), "config.yaml")
    said = told(site)
    assert words in said
    assert "hunter2" not in said


def test_the_mistakes_of_all_files_come_together(site: Path) -> None:
    written(site, edited(BOOTSTRAP, "simplex", "duplex"), "bootstrap.yaml")
    written(site, edited(INSTALL, "install_type: 3", "install_type: 7"), "install.yaml")
    (site / "config.yaml").unlink()
    said = "\n".join(str(each) for each in deploy_problems(load_inventory("inventory.yaml")))
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "config.yaml",
        "bootstrap.yaml",
        "install.yaml",
    ]
    assert "config.yaml: there is no such file" in said


def test_a_site_without_files_says_what_to_declare(site: Path) -> None:
    written(site, INVENTORY.replace("  deploy:\n", "  labels:\n"))
    with pytest.raises(NotDeclared, match="declares no deploy for alpha: give at least its bootstrap values"):
        load_deploy(load_inventory("inventory.yaml"), "alpha")


def test_secrets_stand_only_in_what_is_sent(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "registry-secret")
    monkeypatch.setenv("BMC_USER", "operator")
    (site / "bmc-password").touch(mode=0o600)
    (site / "bmc-password").write_text("bmc-secret\n")
    values = load_deploy(load_inventory("inventory.yaml"), "alpha")
    texts, secrets = sendable(values, site)
    assert secrets == ["registry-secret", "operator", "bmc-secret"]
    sent = yaml.safe_load(texts["bootstrap_values"])
    assert sent["docker_registries"]["defaults"]["password"] == "registry-secret"
    secret, system = yaml.safe_load_all(texts["deploy_config"])
    assert secret["stringData"]["password"] == "bmc-secret"
    assert base64.b64decode(secret["data"]["username"]) == b"operator"
    assert system["spec"] == {"location": "roof"}
    # Nothing to put in: the very file.
    assert texts["install_values"] == INSTALL
    assert not any("secret" in text for name, text in values.texts.items() if name != "deploy_config")
    (site / "bmc-password").unlink()
    with pytest.raises(SecretError, match="file:bmc-password: there is no such file"):
        sendable(values, site)


def test_two_families_are_judged_by_the_first(site: Path) -> None:
    text = edited(BOOTSTRAP, "192.168.101.0/24", "192.168.101.0/24,fd01::/64")
    written(
        site, edited(text, "address: 192.168.101.2\n", "address: 192.168.101.2,fd01::2\n"), "bootstrap.yaml"
    )
    assert told(site) == ""
