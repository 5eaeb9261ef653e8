"""A worker process: the wiring of everything that a workflow may call.

Order matters at the end: the worker stops polling, waits hand over, mutations in flight end, then the
HTTP pools and the records close, and the client goes last; so the process ends without a thread of the
Temporal runtime in the air.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from activities.fleet.activities import FleetActivities
from activities.fleet.freeze import FreezeReading
from activities.http import Wire
from activities.journal.activities import JournalActivities
from activities.starlingx.dcmanager.activities import DcmanagerActivities
from activities.starlingx.directory import Directory
from activities.starlingx.keystone.client import Tokens
from activities.starlingx.observe import ObserveActivities
from activities.starlingx.vim.activities import VimActivities
from inventory.live import LiveInventory
from models import contracts
from records.store import Store
from workers.connection import connect, register_search_attributes
from workers.failures import FailureInterceptor
from workers.sandbox import sandbox
from workers.settings import Settings
from workflows.registry import WORKFLOWS

log = structlog.get_logger()


@asynccontextmanager
async def activities(settings: Settings, client: Client) -> AsyncIterator[list[Callable[..., Any]]]:
    """All activities over one set of pools, caches and records."""
    live = LiveInventory(settings.inventory)
    live.current()
    store = await Store.open(settings.records)
    wire = Wire(settings.request_timeout_s, settings.max_connections)
    directory = Directory(live.current, settings.timing, wire, Tokens(wire))
    freeze = FreezeReading(client, settings.timing)
    observe = ObserveActivities(directory, store, freeze.words)
    vim = VimActivities(directory, store)
    dcmanager = DcmanagerActivities(directory)
    fleet = FleetActivities(
        inventory=live.current,
        timing=settings.timing,
        journal=store,
        client=client,
        freeze=freeze,
        look=observe.look,
        group_members=directory.group_members,
        read_controller=directory.read_controller,
    )
    journal = JournalActivities(store)
    try:
        yield [
            observe.observe_site,
            vim.create_strategy,
            vim.apply_strategy,
            vim.adopt_strategy,
            vim.delete_strategy,
            vim.await_strategy,
            dcmanager.prestage,
            dcmanager.await_prestage,
            journal.record_site_run,
            *fleet.all(),
        ]
    finally:
        await wire.close()
        await store.close()


async def run(settings: Settings, client: Client | None = None) -> None:
    """Works until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    client = client or await connect()
    await register_search_attributes(client)
    async with activities(settings, client) as implementations:
        worker = Worker(
            client,
            task_queue=contracts.TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=implementations,
            workflow_runner=sandbox(),
            interceptors=[FailureInterceptor()],
            max_concurrent_activities=settings.max_activities,
            max_concurrent_workflow_tasks=settings.max_workflow_tasks,
            max_cached_workflows=settings.max_cached_workflows,
            graceful_shutdown_timeout=settings.graceful_shutdown,
        )
        async with worker:
            log.info("worker ready", queue=contracts.TASK_QUEUE, inventory=str(settings.inventory))
            await stop.wait()
            log.info("worker is shutting down: waits hand over, mutations in flight end")
    log.info("worker ended")
