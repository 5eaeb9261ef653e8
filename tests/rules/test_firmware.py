"""A baseline against what is there: what differs, what comes first, which host may reboot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.bmc import AddressAnswer
from models.hardware import Firmware
from models.operations import FirmwareComponent, FirmwareOperation
from models.site import Observation
from rules import firmware


def component(name: str, version: str = "2", *after: str) -> FirmwareComponent:
    return FirmwareComponent(name=name, version=version, image=f"http://10.0.0.9/{name}.bin", after=after)


def test_each_component_is_compared_by_name_whatever_its_case() -> None:
    wanted = [component(name) for name in ("bios", "BMC", "CPLD", "NIC")]
    found = [
        Firmware(name="BIOS", version="2"),
        Firmware(name="BMC", version="1"),
        Firmware(name="NIC", version="1", updateable=False),
    ]
    told = firmware.compliance(wanted, found)
    assert [each.state for each in told] == ["as declared", "differs", "absent", "not updateable"]
    assert firmware.complaints(told) == [
        "CPLD: there is no such component",
        "NIC: its BMC does not update it",
    ]


def test_a_component_comes_behind_what_it_waits_for_and_else_as_declared() -> None:
    wanted = (component("BIOS", "2", "BMC"), component("NIC"), component("BMC"), component("Disk"))
    told = firmware.compliance(wanted, [Firmware(name=each.name, version="1") for each in wanted])
    assert [each.name for each in firmware.in_order(wanted, told)] == ["NIC", "BMC", "BIOS", "Disk"]


@given(
    st.lists(st.tuples(st.sampled_from("ABCDE"), st.sets(st.sampled_from("ABCDE"))), unique_by=lambda x: x[0])
)
def test_any_baseline_is_refused_or_ordered_so_that_nothing_is_early(
    drawn: list[tuple[str, set[str]]],
) -> None:
    parts = tuple(component(name, "2", *sorted(after)) for name, after in drawn)
    try:
        operation = FirmwareOperation(kind="firmware", baseline="b", components=parts)
    except ValidationError:
        return
    told = firmware.compliance(parts, [Firmware(name=each.name, version="1") for each in parts])
    ordered = [each.name for each in firmware.in_order(operation.components, told)]
    assert sorted(ordered) == sorted(each.name for each in parts)
    for each in parts:
        assert all(ordered.index(before) < ordered.index(each.name) for before in each.after)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([component("BIOS"), component("BIOS")], "component BIOS stands twice"),
        ([component("BIOS", "2", "BMC")], "BIOS comes after BMC, which is no component of this baseline"),
        ([component("A", "2", "B"), component("B", "2", "A")], "components wait for each other: "),
    ],
)
def test_a_baseline_that_cannot_be_ordered_is_refused(parts: list[FirmwareComponent], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        FirmwareOperation(kind="firmware", baseline="b", components=tuple(parts))


SILENT = Observation(topology="AIO-SX", controller=None, site=None)
NOBODY = AddressAnswer(address="10.1.0.1:22", answers=False)
SOMEBODY = AddressAnswer(address="10.1.0.1:22", answers=True, banner="SSH-2.0")


def test_without_a_word_of_sysinv_only_a_host_that_is_off_is_out_of_service() -> None:
    assert firmware.in_service("controller-0", SILENT, NOBODY, "Off") == ""
    assert firmware.in_service("controller-0", SILENT, None, "Off") == ""
    assert firmware.in_service("controller-0", SILENT, SOMEBODY, "On") == "it answers at 10.1.0.1:22"


def test_a_host_that_is_on_behind_a_cut_network_is_not_rebooted() -> None:
    for address in (NOBODY, None):
        words = firmware.in_service("controller-0", SILENT, address, "On")
        assert words == "it is On, and sysinv does not say that it is locked"
