"""What faults alone dictate for an upgrade."""

from typing import Any

import pytest

from simulator.proof.faults import parse
from simulator.proof.upgrade_expectations import expected_upgraded

SITE = "edge-0001"


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        ([], "succeeded"),
        ([{"on": "usm.start", "do": "drop-after", "times": 1}], "succeeded"),
        ([{"on": "usm.activate", "do": "fail", "times": 2}], "succeeded"),
        ([{"on": "usm.activate", "do": "fail"}], "failed"),
        ([{"on": "usm.precheck", "do": "fail"}], "blocked"),
        ([{"on": "host.unlock", "do": "fail"}], "failed"),
        ([{"on": "site", "do": "dark"}], "unreachable"),
        ([{"on": "site", "do": "hold"}, {"on": "usm.start", "do": "fail"}], "blocked"),
        ([{"on": "site", "do": "hold", "seconds": 60}], "succeeded"),
        ([{"on": "vim.apply", "do": "fail"}], "succeeded"),
    ],
)
def test_the_earliest_that_ends_it_decides(faults: list[dict[str, Any]], outcome: str) -> None:
    assert (
        expected_upgraded([parse({"site": SITE} | each, [SITE], "system-controller") for each in faults])
        == outcome
    )
