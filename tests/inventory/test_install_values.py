"""Install values in an inventory: what is wrong with one, and with several together, by line and field."""

from pathlib import Path

import pytest

from inventory.install import declared_install
from inventory.load import NotDeclared, load_inventory
from models.install_values import InstallValues
from tests.inventory.files import complaint, edited, written

TEXT = """\
system_controllers:
- name: central
  auth_url: https://10.10.10.2:5000/v3
  credential: {password: env:CENTRAL_PASSWORD}
  boot_images: {base: edge.iso, directory: www, url: http://10.10.10.2:8080/boot}
  install: {install_type: 2, console_type: 'ttyS0,115200'}
sites:
- name: alpha
  system_controller: central
  topology: AIO-DX
  install: {bootstrap_interface: enp1s0, bootstrap_address_prefix: 24, nexthop_gateway: 10.20.17.1}
  hosts:
  - name: controller-0
    personality: controller
    oam: 10.20.17.2
    install:
      bootstrap_address: 10.20.17.2
      bootstrap_vlan: 401
      extra_boot_params: [nosmt, intel_iommu=on, isolcpus=2-3]
  - name: controller-1
    personality: controller
    oam: '[2001:db8::3]:2222'
    install: {bootstrap_address: 10.20.17.3, rd.net.timeout.ipv6dad: 60}
"""
PLACE = "inventory.yaml:{}: sites[0].{}"


def said(folder: Path, old: str = "name: alpha", new: str = "name: alpha") -> str:
    written(folder, edited(TEXT, old, new))
    return complaint(lambda: load_inventory("inventory.yaml"))


def test_they_load_and_each_value_is_the_nearest(folder: Path) -> None:
    assert said(folder) == ""
    inventory = load_inventory("inventory.yaml")
    declared = declared_install(inventory, "alpha", "controller-0", InstallValues(boot_device="sda"), "ssh")
    assert declared.values == InstallValues(
        install_type=2,
        console_type="ttyS0,115200",
        bootstrap_interface="enp1s0",
        bootstrap_address="10.20.17.2",
        bootstrap_address_prefix=24,
        bootstrap_vlan=401,
        nexthop_gateway="10.20.17.1",
        boot_device="sda",
        extra_boot_params=("nosmt", "intel_iommu=on", "isolcpus=2-3"),
    )
    assert (declared.base, declared.directory) == (folder / "edge.iso", folder / "www")
    assert declared.url == "http://10.10.10.2:8080/boot"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("vlan: 401", "vlan: 4095", "18: sites[0].hosts[0].install.bootstrap_vlan: expected"),
        ("vlan: 401", "vlan: 0", "18: sites[0].hosts[0].install.bootstrap_vlan: expected"),
        ("type: 2", "type: 6", "6: system_controllers[0].install.install_type: expected"),
        ("prefix: 24", "prefix: 33", "11: sites[0].install.bootstrap_address_prefix: an IPv4 prefix has 32"),
        ("way: 10.20.17.1", "way: 10.20.18.1", "11: sites[0].install.nexthop_gateway: 10.20.18.1 is not in"),
        ("way: 10.20.17.1", "way: '2001:db8::1'", "install.nexthop_gateway: is IPv6, and bootstrap_address"),
        ("way: 10.20.17.1", "way: 10.20.17.2", "nexthop_gateway: 10.20.17.2 is the host's own address"),
        ("address: 10.20.17.2", "address: 10.20.17.0", "17: sites[0].hosts[0].install.bootstrap_address: 10"),
        ("address: 10.20.17.2", "address: 10.20.17.255", "is the broadcast address of 10.20.17.0/24"),
        ("address: 10.20.17.2", "address: 224.0.0.9", "224.0.0.9 is no address of a host"),
        ("address: 10.20.17.2", "address: 10.20.17", "expected an IPv4 or IPv6 address such as 10.20.17.2"),
        (
            "address: 10.20.17.2",
            "address: 10.20.17.3",
            "is already the bootstrap_address of sites[0].hosts[0]",
        ),
        ("interface: enp1s0,", "interface: enp1s0.401,", "11: sites[0].install.bootstrap_interface: "),
        ("bootstrap_interface: enp1s0, ", "", "bootstrap_address: needs bootstrap_interface beside it"),
        ("nosmt,", "'no smt',", "19: sites[0].hosts[0].install.extra_boot_params[0]: "),
        ("nosmt,", '"a=1\\ninit=/bin/sh",', "19: sites[0].hosts[0].install.extra_boot_params[0]: "),
        ("nosmt,", "'a=\"b',", "19: sites[0].hosts[0].install.extra_boot_params[0]: "),
        ("nosmt,", '"a=\'b",', "19: sites[0].hosts[0].install.extra_boot_params[0]: "),
        ("nosmt,", "'a;reboot',", "19: sites[0].hosts[0].install.extra_boot_params[0]: "),
        ("nosmt,", "'a=$root',", "19: sites[0].hosts[0].install.extra_boot_params[0]: "),
        ("nosmt,", "'a}',", "19: sites[0].hosts[0].install.extra_boot_params[0]: "),
        ("nosmt,", "'a\\',", "19: sites[0].hosts[0].install.extra_boot_params[0]: "),
        ("nosmt,", "ip=dhcp,", "extra_boot_params: ip is written from bootstrap_address; leave it out here"),
        ("nosmt,", "rootpassword=x,", "'rootpassword' looks like a secret (not shown here), and whoever"),
        (
            "ipv6dad: 60",
            "ipv6dad: 0",
            "sites[0].hosts[1].install['rd.net.timeout.ipv6dad']: expected at least 1",
        ),
        (
            "http://10.10.10.2:8080",
            "http://a:b@10.10.10.2:8080",
            "boot_images.url: a user or password in a URL",
        ),
        ("install_type: 2", "instal_type: 2", "unknown key; did you mean 'install_type'?"),
        ("'ttyS0,115200'", "'ttyS0 quiet'", "6: system_controllers[0].install.console_type: "),
        (
            "install_type: 2",
            "boot_device: '/dev/sda quiet'",
            "6: system_controllers[0].install.boot_device: ",
        ),
        ("install_type: 2", "persistent_size: 100", "6: system_controllers[0].install.persistent_size: "),
    ],
)
def test_what_is_wrong_is_told_with_its_line(folder: Path, old: str, new: str, words: str) -> None:
    assert words in said(folder, old, new)


def test_a_mistake_of_the_site_is_told_once_for_all_its_hosts(folder: Path) -> None:
    assert said(folder, "prefix: 24", "prefix: 33").count("\n") == 0


def test_what_answers_by_ssh_answers_where_the_image_puts_it(folder: Path) -> None:
    assert said(folder, "oam: 10.20.17.2", "oam: 10.20.17.9:2222") == ""
    inventory = load_inventory("inventory.yaml")
    with pytest.raises(
        NotDeclared, match=r"bootstrap_address is 10.20.17.2, and what is installed is to answer"
    ):
        declared_install(inventory, "alpha", "controller-0", InstallValues(), "ssh")
    assert declared_install(inventory, "alpha", "controller-0", InstallValues(), "phone-home")
    with pytest.raises(NotDeclared, match="by SSH at its oam 2001:db8::3"):
        declared_install(inventory, "alpha", "controller-1", InstallValues(), "ssh")


def test_a_host_of_a_controller_without_boot_images_needs_a_given_one(folder: Path) -> None:
    line = "  boot_images: {base: edge.iso, directory: www, url: http://10.10.10.2:8080/boot}\n"
    assert said(folder, line, "") == ""
    with pytest.raises(NotDeclared, match="declares no boot_images for alpha/controller-0, neither at alpha"):
        declared_install(load_inventory("inventory.yaml"), "alpha", "controller-0", InstallValues(), "ssh")
