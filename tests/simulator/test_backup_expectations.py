"""What faults dictate for a backup and for a restore, by the simulator's own word."""

from typing import Any

import pytest

from simulator.proof.faults import Fault
from simulator.proof.site_expectations import expected_kept


def fault(on: str, do: str, **more: Any) -> Fault:
    return Fault(site="edge-0001", on=on, do=do, **more)


@pytest.mark.parametrize(
    ("faults", "backup", "restore"),
    [
        ([], "succeeded", "succeeded"),
        ([fault("backup.create", "fail", times=1)], "failed", "succeeded"),
        ([fault("backup.restore", "fail", times=1)], "succeeded", "failed"),
        ([fault("site", "alarm")], "blocked", "succeeded"),
        ([fault("site", "dark")], "unreachable", "succeeded"),
        ([fault("site", "dark", seconds=60.0)], "succeeded", "succeeded"),
        ([fault("dcmanager", "drop-after", times=1, mutating=True)], "succeeded", "succeeded"),
        ([fault("dcmanager", "refuse")], "refused", "refused"),
    ],
)
def test_each_fault_dictates_one_end(faults: list[Fault], backup: str, restore: str) -> None:
    assert (expected_kept("backup", faults), expected_kept("restore", faults)) == (backup, restore)
