"""Campaigns of prestages and of journeys over a mixed region, held against what its faults dictate.

Sites 2, 4 and 12 are AIO-DX, 10 is Standard, the others AIO-SX; 3, 4 and 9 lack the patches at first; 11 is
not as its profile says.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yaml

from models import contracts
from models.outcome import Outcome
from models.records import SiteRun
from tests.support.simulator import Simulator
from tests.support.stack import Stack, stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

LACKING = ("edge-0003", "edge-0004", "edge-0009")
REGION: dict[str, Any] = {
    "sites": 12,
    "options": (
        *("--plain", "--no-bmcs", "--topology", "mixed", "--reboot-seconds", "120"),
        *(part for site in LACKING for part in ("--not-prestaged", site)),
    ),
    "speed": 480,
}
RELEASE = "starlingx-26.03.2"
PRESTAGE = {"kind": "prestage", "release": RELEASE}
PATIENCE = {"reachable_within": "40m", "ready_within": "40m"}
OPEN_BUDGET = {"failed": "90%", "unreachable": "90%", "wave_failed": "90%", "consecutive": 12}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    document = yaml.safe_load(region.inventory.read_text())
    document["site_profiles"] = [{"name": "any"}, {"name": "other", "dns": ["192.0.2.99"]}]
    for site in document["sites"]:
        site["profile"] = "other" if site["name"] == "edge-0011" else "any"
    region.inventory.write_text(yaml.safe_dump(document))
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_REQUEST_TIMEOUT_S="20") as running:
        await running.start_worker()
        yield running


def journey(*steps: dict[str, Any], **upgrade: Any) -> dict[str, Any]:
    given = {"kind": "upgrade", "release": RELEASE, "controller_fails": "roll-back", **PATIENCE, **upgrade}
    verify = {"kind": "verify", "samples": 2}
    return {"kind": "journey", "steps": [*steps, given, verify]}


async def carried_out(
    house: Stack, name: str, operation: dict[str, Any], **select: Any
) -> dict[str, SiteRun]:
    """The last run of each site."""
    handle = await house.start_campaign(
        name,
        operation=operation,
        select=select,
        waves=[{"percent": 100}],
        window={"max_in_flight": 12},
        budget=OPEN_BUDGET,
    )
    await handle.result()
    return {run.site: run for run in await house.site_runs(name)}


async def test_sites_are_examined_and_nothing_is_sent(region: Simulator, house: Stack) -> None:
    sites = ["edge-0001", "edge-0002", "edge-0011"]
    verify = {"kind": "verify", "samples": 1}
    runs = await carried_out(house, "acceptance", verify, names=sites)
    assert {site: run.outcome for site, run in runs.items()} == {
        "edge-0001": Outcome.SUCCEEDED,
        "edge-0002": Outcome.SUCCEEDED,
        "edge-0011": Outcome.FAILED,
    }
    assert {run.operation for run in runs.values()} == {"verify"}
    assert runs["edge-0011"].reason.startswith("not accepted: 1 of ")
    assert "192.0.2.99" in runs["edge-0011"].evidence[0]
    assert [await region.mutations(site) for site in sites] == [[], [], []]


async def test_a_night_before_only_what_is_missing_is_brought(region: Simulator, house: Stack) -> None:
    sites = ["edge-0001", *LACKING[:2]]
    runs = await carried_out(house, "night-before", PRESTAGE | PATIENCE, names=sites)
    assert {site: run.outcome for site, run in runs.items()} == {
        "edge-0001": Outcome.ALREADY,
        "edge-0003": Outcome.SUCCEEDED,
        "edge-0004": Outcome.SUCCEEDED,
    }
    assert [step.name for step in runs["edge-0003"].steps] == ["gates", "prestage", "gates"]
    again = await carried_out(house, "night-after", PRESTAGE | PATIENCE, names=sites)
    assert {run.outcome for run in again.values()} == {Outcome.ALREADY}
    sent = {site: await region.mutations(site) for site in sites}
    assert sent == {site: [] if site == "edge-0001" else ["dcmanager.prestage"] for site in sites}


async def test_a_step_that_fails_is_named_with_what_that_means(region: Simulator, house: Stack) -> None:
    """Without a step that prestages nobody brings the release; a site that is not as its profile says is not
    accepted."""
    lacks = journey(reachable_within="5m", ready_within="5m")
    (lacking,) = (await carried_out(house, "no-prestage", lacks, names=["edge-0009"])).values()
    assert (lacking.outcome, lacking.operation) == (Outcome.BLOCKED, "journey")
    assert lacking.reason == f"upgrade: {RELEASE} is not there"
    kept = journey(PRESTAGE, delete=False)
    (other,) = (await carried_out(house, "other", kept, names=["edge-0011"])).values()
    assert other.outcome is Outcome.FAILED
    assert other.reason.startswith(f"verify: {RELEASE} is deployed and verified")
    assert "192.0.2.99" in other.reason
    assert other.reason.endswith(f"`starflock site rollback edge-0011 --release {RELEASE}` takes it back")
    assert any("192.0.2.99" in each for each in other.evidence)
    assert await house.simulator.repeats() == 0


async def test_every_site_of_a_mixed_region_comes_to_what_its_faults_dictate(
    region: Simulator, house: Stack
) -> None:
    await region.fault("edge-0002", "usm.start", "drop-after", times=1)
    await region.fault("edge-0005", "usm.activate", "fail")
    await region.fault("edge-0006", "site", "dark")
    await region.fault("edge-0007", "site", "hold")
    await region.fault("edge-0008", "host.unlock", "fail", times=1)
    await region.fault("edge-0010/controller-0", "usm.host", "drop-after", times=1)
    dictated = await region.get(f"/expected?operation=upgrade&release={RELEASE}")
    everywhere = {"all": True, "except": ["edge-0011"]}
    runs = await carried_out(house, "mixed", journey(PRESTAGE), **everywhere)
    found = {site: str(run.outcome) for site, run in runs.items()}
    assert found == {site: word for site, word in dictated.items() if site != "edge-0011"}
    assert sorted(found.values()).count("succeeded") == 8
    assert "upgrade: rolled back: " in runs["edge-0005"].reason
    assert runs["edge-0006"].reason.startswith("prestage: no answer from the site")
    assert runs["edge-0007"].reason.startswith("prestage: busy")
    brought = [site for site, run in runs.items() if any(step.name == "prestage" for step in run.steps)]
    # Those of the night before have it.
    assert brought == ["edge-0009"]
    good = [run for run in runs.values() if run.outcome is Outcome.SUCCEEDED]
    assert all((run.version_after, run.steps[-1].name) == (RELEASE, "verify") for run in good)
    assert await region.repeats() == 0


async def test_who_has_the_release_is_only_examined(region: Simulator, house: Stack) -> None:
    await region.clear_faults()
    before = await region.mutations("edge-0001")
    runs = await carried_out(house, "once-more", journey(PRESTAGE), names=["edge-0001"])
    assert runs["edge-0001"].outcome is Outcome.ALREADY, runs["edge-0001"]
    assert "accepted" in runs["edge-0001"].reason
    assert await region.mutations("edge-0001") == before
    described = house.client.get_workflow_handle(contracts.site_workflow_id("edge-0001"))
    assert (await described.describe()).workflow_type == contracts.JOURNEY_SITE
