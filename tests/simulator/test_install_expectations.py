"""What the faults of a BMC dictate for the installation of its host."""

import pytest

from simulator.proof.faults import Fault
from simulator.proof.install_expectations import expected_install


@pytest.mark.parametrize(
    ("on", "do", "more", "outcome"),
    [
        ("bmc.insert", "drop-after", {"times": 1}, "succeeded"),
        ("bmc.insert", "drop-after", {}, "succeeded"),
        ("bmc.insert", "drop-before", {"times": 2}, "succeeded"),
        ("bmc.insert", "drop-before", {}, "unreachable"),
        ("bmc.insert", "refuse", {"times": 1}, "refused"),
        ("bmc.insert", "fail", {"times": 1}, "succeeded"),
        ("bmc.insert", "hold", {"seconds": 90.0}, "succeeded"),
        ("bmc.boot", "race", {"times": 1}, "succeeded"),
        ("bmc.boot", "race", {}, "unreachable"),
        ("bmc.reset", "lie", {"times": 1}, "succeeded"),
        ("bmc.reset", "lie", {}, "failed"),
        ("bmc.reset", "dark", {}, "succeeded"),
        ("bmc.reset", "vanish", {}, "succeeded"),
        ("bmc.eject", "stick", {}, "failed"),
        ("bmc.session", "occupy", {}, "succeeded"),
        ("bmc.get", "forget", {"times": 1}, "succeeded"),
        ("bmc", "drop-before", {}, "unreachable"),
        ("bmc", "drop-after", {}, "unreachable"),
        ("bmc", "drop-after", {"mutating": True}, "succeeded"),
        ("vim.apply", "fail", {}, "succeeded"),
        ("bmc.update", "lie", {}, "succeeded"),
    ],
)
def test_one_fault(on: str, do: str, more: dict[str, object], outcome: str) -> None:
    assert expected_install([Fault("edge-0001", on, do, **more)]) == outcome  # type: ignore[arg-type]


def test_the_earliest_fault_that_ends_it_decides() -> None:
    late, early = Fault("edge-0001", "bmc.eject", "stick"), Fault("edge-0001", "bmc.insert", "refuse")
    assert expected_install([late, early]) == "refused"
    assert expected_install([]) == "succeeded"
