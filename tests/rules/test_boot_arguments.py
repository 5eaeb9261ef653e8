"""Install values as the kernel arguments of StarlingX's own boot images."""

import pytest

from models.install_values import InstallValues
from rules.boot_arguments import BootArguments, boot_arguments

NETWORK = {
    "bootstrap_interface": "enp1s0",
    "bootstrap_address": "192.0.2.9",
    "bootstrap_address_prefix": 24,
    "nexthop_gateway": "192.0.2.1",
}


def words(**values: object) -> tuple[str, ...]:
    return boot_arguments(InstallValues.model_validate(values), "edge-0001").words


def test_what_nobody_declares_stays_as_it_is_in_the_image() -> None:
    assert boot_arguments(InstallValues(), "edge-0001") == BootArguments(())


def test_the_network_is_one_word_with_commas() -> None:
    assert words(**NETWORK) == ("ip=192.0.2.9,,192.0.2.1,24,edge-0001,enp1s0,off",)
    assert words(**NETWORK | {"nexthop_gateway": None}) == ("ip=192.0.2.9,,,24,edge-0001,enp1s0,off",)


def test_a_vlan_names_its_interface_twice() -> None:
    assert words(**NETWORK, bootstrap_vlan=401) == (
        "ip=192.0.2.9,,192.0.2.1,24,edge-0001,enp1s0.401,off",
        "vlan=enp1s0.401:enp1s0",
    )


def test_ipv6_addresses_stand_in_brackets() -> None:
    six = {"bootstrap_address": "2001:DB8::9", "nexthop_gateway": "2001:db8::1"}
    assert words(**NETWORK | six, **{"rd.net.timeout.ipv6dad": 60}) == (
        "ip=[2001:db8::9],,[2001:db8::1],24,edge-0001,enp1s0,off",
        "rd.net.timeout.ipv6dad=60",
    )


def test_the_boot_device_is_the_one_that_is_written() -> None:
    assert words(rootfs_device="nvme0n1", boot_device="/dev/sda") == (
        "rootfs_device=nvme0n1",
        "boot_device=/dev/sda",
        "instdev=/dev/sda",
    )


@pytest.mark.parametrize(
    ("kind", "traits", "kernel"),
    [
        (0, "controller", "vmlinuz-*[!t]-amd64"),
        (1, "controller", "vmlinuz-*[!t]-amd64"),
        (2, "controller,worker", "vmlinuz-*[!t]-amd64"),
        (3, "controller,worker", "vmlinuz-*[!t]-amd64"),
        (4, "controller,worker,lowlatency", "vmlinuz-*-rt-amd64"),
        (5, "controller,worker,lowlatency", "vmlinuz-*-rt-amd64"),
    ],
)
def test_an_install_type_is_traits_kernel_and_console(kind: int, traits: str, kernel: str) -> None:
    found = boot_arguments(InstallValues(install_type=kind), "edge-0001")
    assert found.words[:2] == (f"traits={traits}", f"defaultkernel={kernel}")
    if kind % 2:
        assert (found.words[2:], found.without) == (("console=tty0",), ("serial",))
    else:
        assert (found.words[2:], found.without) == (("console=ttyS0,115200", "serial"), ())


def test_a_declared_console_comes_before_that_of_the_install_type() -> None:
    found = boot_arguments(InstallValues(install_type=3, console_type="ttyS1,9600"), "edge-0001")
    assert (found.words[2:], found.without) == (("console=ttyS1,9600", "serial"), ())


def test_more_parameters_and_the_call_home_come_before_the_console() -> None:
    values = InstallValues(
        extra_boot_params=("nosmt", "iommu=pt"), console_type="tty0", persistent_size=30000
    )
    found = boot_arguments(values, "edge-0001", "http://192.0.2.3:8090/installed/edge-0001/controller-0/abc")
    assert found.words == (
        "persistent_size=30000",
        "phone_home=http://192.0.2.3:8090/installed/edge-0001/controller-0/abc",
        "nosmt",
        "iommu=pt",
        "console=tty0",
    )
