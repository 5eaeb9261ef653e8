"""What a server is made of against its profile."""

from typing import Any

import pytest

from models.hardware import Adapter, Device, Drive, Hardware, Nic, Processor
from models.inventory import HardwareProfile
from rules.hardware import differences

FOUND = Hardware(
    processors=(
        Processor(socket="CPU.1", cores=32, threads=64),
        Processor(socket="CPU.2", cores=32, threads=64),
        Processor(socket="GPU.1", kind="GPU"),
    ),
    memory_gib=256,
    nics=(Nic(name="1", mac="52:54:00:00:00:01"), Nic(name="2", mac="52:54:00:00:00:02"), Nic(name="3")),
    adapters=(Adapter(name="A", sriov=True), Adapter(name="B", sriov=False), Adapter(name="C")),
    drives=(Drive(name="Disk.0", size_gib=960), Drive(name="Disk.1", size_gib=480)),
    devices=(Device(name="QAT", model="Crypto accelerator"), Device(name="Matrox", kind="Display")),
)


def said(**wanted: Any) -> tuple[str, ...]:
    return differences(HardwareProfile(name="role", **wanted), FOUND)


def test_a_server_with_as_much_or_more_fits() -> None:
    assert said() == ()
    assert said(sockets=2, cores=64, smt=True, memory_gib=256, nics=2, sriov_adapters=1) == ()
    assert said(gpus=1, accelerators=1, drives=2, smallest_drive_gib=480, memory_gib=128) == ()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"sockets": 4}, "2 sockets, 4 are declared"),
        ({"cores": 65}, "64 cores, 65 are declared"),
        ({"smt": False}, "SMT is on at CPU.1, CPU.2"),
        ({"memory_gib": 512}, "256 GiB of memory, 512 are declared"),
        ({"nics": 3}, "2 NICs, 3 are declared"),
        ({"sriov_adapters": 2}, "1 adapters with SR-IOV, 2 are declared"),
        ({"gpus": 2}, "1 GPUs, 2 are declared"),
        ({"accelerators": 2}, "1 accelerators, 2 are declared"),
        ({"drives": 3}, "2 drives, 3 are declared"),
        ({"smallest_drive_gib": 960}, "drive Disk.1 has 480 GiB, 960 are declared"),
    ],
)
def test_each_difference_is_said_with_both_numbers(wanted: dict[str, Any], words: str) -> None:
    assert said(**wanted) == (words,)


def test_all_differences_are_said_in_the_order_of_the_profile() -> None:
    assert said(cores=100, drives=9) == ("64 cores, 100 are declared", "2 drives, 9 are declared")
