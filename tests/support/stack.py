"""The real thing in small: the Temporal dev server and worker processes, over a simulated region."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError

from activities.starlingx.session import ADMIN_PORTS, admin_url
from inventory.live import LOOK_EVERY_S
from models import contracts
from models.campaign import CampaignProgress, CampaignResult, CampaignSpec
from models.fleet import FreezeRequest
from models.operations import PatchOperation
from models.outcome import Outcome
from models.patch import PatchSiteRequest, SiteResult
from models.records import SiteRun
from records.store import Store
from tests.support.components import used
from tests.support.forked import Forked, forked
from tests.support.simulator import Simulator
from workers import embedded
from workers.connection import connect, register_search_attributes

T = TypeVar("T")

PACE = 240.0


@dataclass
class WorkerProcess:
    process: Forked

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        """Ends it in order; returns its exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        return await self.process.wait()


@dataclass
class Stack:
    client: Client
    server: embedded.EmbeddedServer
    folder: Path
    simulator: Simulator
    settings: dict[str, str] = field(default_factory=dict)
    workers: list[WorkerProcess] = field(default_factory=list)

    async def start_worker(self) -> WorkerProcess:
        env = os.environ | {
            "TEMPORAL_ADDRESS": self.server.address,
            "STARFLOCK_INVENTORY": str(self.simulator.inventory),
            "STARFLOCK_DATA": str(self.folder),
            "STARFLOCK_EMBEDDED": "true",
            "STARFLOCK_PACE": str(PACE),
            "STARFLOCK_REQUEST_TIMEOUT_S": "4",
            "STARFLOCK_SEND_WINDOW_S": "2",
            "STARFLOCK_GRACEFUL_SHUTDOWN": "5s",
            **self.settings,
        }
        with open(self.folder / "worker.log", "ab") as log:
            process = await forked("workers", env=env, out=log.fileno(), err=log.fileno())
        worker = WorkerProcess(process)
        self.workers.append(worker)
        return worker

    async def start_patch(self, site: str, release: str = "starlingx-26.03.1", **more: Any) -> Any:
        operation = PatchOperation(kind="patch", release=release, **more.pop("operation", {}))
        request = PatchSiteRequest(site=site, operation=operation, **more)
        return await self.client.start_workflow(
            contracts.PATCH_SITE,
            request,
            id=contracts.site_workflow_id(site),
            task_queue=contracts.TASK_QUEUE,
            result_type=SiteResult,
        )

    async def start_patch_as(self, workflow_id: str, site: str) -> str:
        """PatchSite under an id of its own; the words of its failure."""
        operation = PatchOperation(kind="patch", release="starlingx-26.03.1")
        handle = await self.client.start_workflow(
            contracts.PATCH_SITE,
            PatchSiteRequest(site=site, operation=operation),
            id=workflow_id,
            task_queue=contracts.TASK_QUEUE,
        )
        try:
            raise AssertionError(f"was not refused: {await handle.result()}")
        except WorkflowFailureError as error:
            return str(error.cause)

    async def start_campaign(self, name: str, **more: Any) -> WorkflowHandle[Any, CampaignResult]:
        spec = {"name": name, "operation": {"kind": "patch", "release": "starlingx-26.03.1"}, **more}
        return await self.client.start_workflow(
            contracts.FLEET_CAMPAIGN,
            CampaignSpec.model_validate(spec),
            id=contracts.campaign_workflow_id(name),
            task_queue=contracts.TASK_QUEUE,
            result_type=CampaignResult,
        )

    async def progress(self, handle: WorkflowHandle[Any, Any]) -> CampaignProgress:
        return await handle.query(contracts.PROGRESS_QUERY, result_type=CampaignProgress)

    def auth_url(self) -> str:
        document = yaml.safe_load(self.simulator.inventory.read_text())
        url: str = document["system_controllers"][0]["auth_url"]
        return url

    async def until_phase(self, handle: WorkflowHandle[Any, Any], phase: str) -> None:
        async def reached() -> bool:
            try:
                return (await self.progress(handle)).phase == phase
            except WorkflowQueryFailedError:
                return False

        await until(reached, phase)

    async def refusal(self, handle: WorkflowHandle[Any, Any], update: str, request: Any) -> str:
        """The words with which an update is refused."""
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(update, request)
        cause = refused.value.cause
        assert isinstance(cause, ApplicationError)
        return cause.message

    async def failure_of(self, handle: WorkflowHandle[Any, Any]) -> str:
        try:
            result = await handle.result()
        except WorkflowFailureError as error:
            return str(error.cause)
        raise AssertionError(f"did not fail: {result}")

    async def freeze(self, reason: str, owner: str) -> WorkflowHandle[Any, Any]:
        return await self.client.start_workflow(
            contracts.FREEZE,
            FreezeRequest(reason=reason, owner=owner),
            id=contracts.FREEZE_ID,
            task_queue=contracts.TASK_QUEUE,
        )

    async def site_runs(self, campaign: str) -> tuple[SiteRun, ...]:
        async with await Store.open(f"sqlite+aiosqlite:///{self.folder / 'records.db'}") as store:
            return await store.site_runs(campaign)

    async def runs_of(self, site: str) -> tuple[SiteRun, ...]:
        """In the order of their ends."""
        async with await Store.open(f"sqlite+aiosqlite:///{self.folder / 'records.db'}") as store:
            return tuple(reversed(await store.site_history(site)))

    async def restart_server(self) -> None:
        """Kills the server and starts it on the same database and ports."""
        self.server.process.kill()
        await self.server.process.wait()
        port = int(self.server.address.rsplit(":", 1)[1])
        self.server = await embedded.start(self.folder / "temporal.db", port=port, durable=False)
        self.client = await connect(self.server.address)

    async def status_of(self, handle: WorkflowHandle[Any, Any]) -> str:
        """CANCELED, TERMINATED ... once it is closed."""
        with suppress(WorkflowFailureError):
            await handle.result()
        status = (await handle.describe()).status
        assert status is not None
        return status.name

    async def until_recorded(self, site: str, kind: str) -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{self.folder / 'records.db'}")
        try:

            async def recorded() -> bool:
                return any(mark.kind == kind for mark in await store.marks(site))

            await until(recorded, f"mark {kind}")
        finally:
            await store.close()

    @asynccontextmanager
    async def edited_inventory(self) -> AsyncIterator["InventoryEdit"]:
        """The worker's inventory file with changes; as it was afterwards."""
        path = self.simulator.inventory
        original = path.read_text()
        try:
            yield InventoryEdit(path)
        finally:
            path.write_text(original)
            await asyncio.sleep(LOOK_EVERY_S)

    async def patch(self, site: str, release: str = "starlingx-26.03.1", **more: Any) -> SiteResult:
        return await result_of(await self.start_patch(site, release, **more))


@dataclass
class InventoryEdit:
    path: Path

    async def swap_endpoints(self, one: str, other: str, sites: list[dict[str, Any]]) -> None:
        """As after a cabling or copy-and-paste error: each site's services answer for the other."""
        document = yaml.safe_load(self.path.read_text())
        address = {site["name"]: site["address"] for site in sites}
        for site in document["sites"]:
            if site["name"] in (one, other):
                wrong = address[other if site["name"] == one else one]
                site["endpoints"] = {service: admin_url("https", wrong, service) for service in ADMIN_PORTS}
        self.path.write_text(yaml.safe_dump(document))
        await asyncio.sleep(LOOK_EVERY_S)

    async def forget_sysadmin_password(self) -> None:
        document = yaml.safe_load(self.path.read_text())
        for controller in document["system_controllers"]:
            del controller["credential"]["sysadmin_password"]
        self.path.write_text(yaml.safe_dump(document))
        await asyncio.sleep(LOOK_EVERY_S)

    async def declare_hardware(self, site: str, profile: dict[str, Any]) -> None:
        """The site's first host must fit this profile."""
        document = yaml.safe_load(self.path.read_text())
        document["hardware_profiles"] = [profile]
        (declared,) = [each for each in document["sites"] if each["name"] == site]
        declared["hosts"][0]["hardware"] = profile["name"]
        self.path.write_text(yaml.safe_dump(document))
        await asyncio.sleep(LOOK_EVERY_S)

    async def set_host(self, site: str, **fields: Any) -> None:
        """Of the site's first host."""
        document = yaml.safe_load(self.path.read_text())
        (declared,) = [each for each in document["sites"] if each["name"] == site]
        declared["hosts"][0] |= fields
        self.path.write_text(yaml.safe_dump(document))
        await asyncio.sleep(LOOK_EVERY_S)

    async def set_site(self, name: str, **fields: Any) -> None:
        """None takes a key away."""
        document = yaml.safe_load(self.path.read_text())
        (declared,) = [each for each in document["sites"] if each["name"] == name]
        for key, value in fields.items():
            declared[key] = value
            if value is None:
                del declared[key]
        self.path.write_text(yaml.safe_dump(document))
        await asyncio.sleep(LOOK_EVERY_S)

    async def drop_deploy_files(self, site: str, *kinds: str) -> None:
        """As if they had never been declared."""
        document = yaml.safe_load(self.path.read_text())
        (declared,) = [each for each in document["sites"] if each["name"] == site]
        for kind in kinds:
            del declared["deploy"][kind]
        self.path.write_text(yaml.safe_dump(document))
        await asyncio.sleep(LOOK_EVERY_S)

    async def remove(self, site: str) -> None:
        document = yaml.safe_load(self.path.read_text())
        document["sites"] = [each for each in document["sites"] if each["name"] != site]
        self.path.write_text(yaml.safe_dump(document))
        await asyncio.sleep(LOOK_EVERY_S)


async def result_of(handle: WorkflowHandle[Any, SiteResult]) -> SiteResult:
    """The site's result, however it ended."""
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        cause = error.cause
        assert isinstance(cause, ApplicationError), cause
        assert cause.details, cause
        result = SiteResult.model_validate(cause.details[0])
        assert cause.type == result.outcome
        assert result.outcome not in (Outcome.SUCCEEDED, Outcome.ALREADY)
        return result


async def until(look: Callable[[], Awaitable[T]], what: str, within: float = 60) -> T:
    """Polls until `look` answers something true."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        seen = await look()
        if seen:
            return seen
        assert asyncio.get_running_loop().time() < deadline, f"{what} did not come within {within} s"
        await asyncio.sleep(0.05)


async def scheduled(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """The steps scheduled so far, numbered."""
    history = await handle.fetch_history()
    names = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    return [f"{number} {name}" for number, name in enumerate(names, 1)]


@asynccontextmanager
async def stack(
    folder: Path, simulator: Simulator, *, dynamic_config: tuple[str, ...] = (), **settings: str
) -> AsyncIterator[Stack]:
    # Its kill loses nothing that it answered; only a power cut would.
    server = await embedded.start(folder / "temporal.db", durable=False, dynamic_config=dynamic_config)
    running: Stack | None = None
    try:
        client = await connect(server.address)
        await register_search_attributes(client)
        used("Temporal dev server", server.address)
        running = Stack(client, server, folder, simulator, dict(settings))
        yield running
    finally:
        codes = [await worker.stop() for worker in running.workers] if running else []
        await (running.server if running else server).stop()
    # Killed by the test, ended in order, or asked to end while it still started and had no handler for that;
    # a process that aborts at its exit is a defect.
    assert set(codes) <= {0, -signal.SIGKILL, -signal.SIGTERM}, codes
