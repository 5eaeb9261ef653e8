"""What faults dictate for adding a site and bringing it up, and the shortest time of each operation."""

import pytest

from simulator.proof.faults import parse
from simulator.proof.site_expectations import expected_added, expected_brought_up
from tests.simulator.conftest import Start

SITE = "edge-0001"


@pytest.mark.parametrize(
    ("fault", "added", "brought_up"),
    [
        ({"on": "deploy.bootstrap", "do": "fail", "times": 1}, "failed", "succeeded"),
        ({"on": "host.unlock", "do": "fail", "times": 1}, "succeeded", "succeeded"),
        ({"on": "host.unlock", "do": "fail"}, "succeeded", "failed"),
        ({"on": "host.install", "do": "fail", "times": 1}, "succeeded", "failed"),
        ({"on": "application.apply", "do": "fail"}, "succeeded", "failed"),
        ({"on": "sysinv", "do": "drop-before", "mutating": True, "times": 3}, "succeeded", "succeeded"),
        ({"on": "sysinv", "do": "drop-before", "mutating": True}, "succeeded", "unreachable"),
        ({"on": "sysinv", "do": "drop-after", "mutating": True}, "succeeded", "succeeded"),
        ({"on": "sysinv", "do": "refuse", "mutating": True}, "succeeded", "blocked"),
        ({"on": "dcmanager", "do": "refuse"}, "refused", "succeeded"),
        ({"on": "site", "do": "dark"}, "succeeded", "unreachable"),
        ({"on": "site", "do": "hold"}, "succeeded", "blocked"),
        ({"on": "site", "do": "alarm"}, "succeeded", "failed"),
        ({"on": "site", "do": "dark", "seconds": 60}, "succeeded", "succeeded"),
    ],
)
def test_a_fault_dictates_what_becomes_of_a_site(
    fault: dict[str, object], added: str, brought_up: str
) -> None:
    parsed = parse({"site": SITE} | fault, [SITE], "sc-1")
    assert (expected_added([parsed]), expected_brought_up([parsed])) == (added, brought_up)


def test_the_earliest_fault_decides() -> None:
    faults = [
        parse({"site": SITE} | each, [SITE], "sc-1")
        for each in ({"on": "host.unlock", "do": "fail"}, {"on": "site", "do": "dark"})
    ]
    assert expected_brought_up(faults) == "unreachable"


async def test_the_shortest_bring_up_counts_controllers_in_turn_and_workers_at_once(start: Start) -> None:
    region = await start(
        "--topology", "standard", "--bare", "--not-added", "*", "--sites", "2", "--speed", "60"
    )
    told = (await region.admin("GET", "/durations?operation=bring-up")).body[SITE]
    site = (await region.admin("GET", f"/sites/{SITE}")).body
    assert told["unlocks"] == pytest.approx(3 * site["durations"]["reboot"] / 60)
    assert told["ideal"] == pytest.approx(told["unlocks"] + told["installs"])
    both = (await region.admin("GET", "/ideal?operation=bring-up&width=1")).body["ideal"]
    rest = (await region.admin("GET", f"/ideal?operation=bring-up&width=1&without={SITE}")).body["ideal"]
    assert both - rest == pytest.approx(told["ideal"])
    wrong = await region.admin("GET", "/expected?operation=dance")
    assert wrong.status == 400
