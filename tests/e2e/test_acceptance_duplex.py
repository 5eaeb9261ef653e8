"""A duplex site hands over and back while it is accepted, and has a node for each controller."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from models import contracts
from models.acceptance import AcceptanceReport, VerifyRequest
from tests.support.cluster import Kubectl
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack

SITE = "edge-0001"


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Simulator]:
    options = ("--topology", "aio-dx", "--kubernetes")
    async with simulator(tmp_path / "sim", sites=1, options=options) as found:
        document = yaml.safe_load(found.inventory.read_text())
        document["site_profiles"] = [{"name": "dx", "applications": ["cert-manager"]}]
        document["sites"][0]["profile"] = "dx"
        found.inventory.write_text(yaml.safe_dump(document))
        yield found


@pytest.fixture
async def house(tmp_path: Path, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path, region) as found:
        await found.start_worker()
        yield found


async def verified(house: Stack, **asked: Any) -> AcceptanceReport:
    request = VerifyRequest.model_validate({"site": SITE, "samples": 1, **asked})
    report: AcceptanceReport = await house.client.execute_workflow(
        contracts.VERIFY_SITE,
        request,
        id=contracts.site_workflow_id(SITE),
        task_queue=contracts.TASK_QUEUE,
        result_type=AcceptanceReport,
    )
    return report


def swacts(report: AcceptanceReport) -> list[tuple[str, str]]:
    return [(each.name, each.found) for each in report.checks if each.group == "swact"]


async def test_it_hands_over_and_back_and_says_a_swact_that_fails(house: Stack) -> None:
    region = house.simulator
    report = await verified(house, probe=True, swact=True)
    assert report.accepted, [each for each in report.checks if not each.passed]
    assert swacts(report) == [
        ("swact controller-0 to controller-1", "handed over"),
        ("swact controller-1 to controller-0", "handed over"),
    ]
    named = [each.name for each in report.checks if each.group == "kubernetes"]
    assert named[:2] == ["node controller-0", "node controller-1"]
    assert "test claim" not in named
    assert report.not_asked == ("Ceph beyond what sysinv's storage backends and alarms say",)
    assert await Kubectl(region, SITE).ours() == []
    sent = await region.mutations(SITE)
    assert sent.count("sysinv.host.swact") == 2
    assert await region.repeats() == 0
    hosts = (await region.get(f"/sites/{SITE}"))["hosts"]
    assert [host["name"] for host in hosts if host["active"]] == ["controller-0"]
    await region.fault(SITE, "host.swact", "fail")
    failing = await verified(house, swact=True)
    assert not failing.accepted
    ((name, found),) = swacts(failing)
    assert name == "swact controller-0 to controller-1"
    assert "did not hand over" in found
    assert [each.name for each in failing.checks if not each.passed] == [name]
