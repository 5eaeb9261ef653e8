"""What Prometheus reads of a worker: the SDK's own metrics, failures by class, and the fleet.

One HTTP endpoint by setting, that of the SDK's runtime; everything of ours goes through its meter. Counters
count what happened in this process, so they are summed over workers: failures by class, activity and, for
BMCs, vendor (the manufacturer that the host's last look told). Gauges say how the fleet stands. They are read
from Temporal and the records every half minute by each worker, the same everywhere and never from what a
worker remembers; so a dashboard takes their maximum, and a worker that ends takes no truth with it. A
campaign that has ended says `running` 0 once more and is then left alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from temporalio import activity
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.common import MetricMeter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode

from models import contracts
from models.bmc import BmcFacts, HostRef
from models.campaign import CampaignProgress
from models.hardware import HostReport
from models.outcome import Outcome
from records.database import RecordsError
from records.store import Store

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=30)
NO_OFTENER = timedelta(seconds=1)
ANSWERS_WITHIN = timedelta(seconds=10)
UNKNOWN = "unknown"
IN_WORK = f"ExecutionStatus = 'Running' AND {contracts.SITE.name} IS NOT NULL"
LATENCIES = (
    "temporal_activity_execution_latency",
    "temporal_activity_schedule_to_start_latency",
    "temporal_workflow_task_schedule_to_start_latency",
)
BUCKETS = (0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)
"""Seconds: from a workflow task to a wait for a reboot."""


def runtime(listen: str) -> Runtime | None:
    """A runtime that serves `/metrics` at HOST:PORT; None where nobody listens. Raises RuntimeError in words
    where the address is taken."""
    if not listen:
        return None
    endpoint = PrometheusConfig(
        bind_address=listen,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides=dict.fromkeys(LATENCIES, BUCKETS),
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=endpoint))
    except (RuntimeError, ValueError) as error:
        raise RuntimeError(f"metrics_listen: nobody can listen at {listen}: {error}") from error


@dataclass
class Failures:
    """Counts what activities say went wrong."""

    _vendors: dict[HostRef, str] = field(default_factory=dict)

    def saw(self, result: Any, arguments: Sequence[Any]) -> None:
        """A look at a BMC tells whose it is."""
        facts = result.facts if isinstance(result, HostReport) else result
        if isinstance(facts, BmcFacts):
            for on in filter(None, map(_host, arguments)):
                self._vendors[on] = facts.identity.manufacturer or UNKNOWN

    def count(self, kind: str, arguments: Sequence[Any]) -> None:
        """A failed attempt of the activity that runs now."""
        meter = activity.metric_meter()
        named = {"class": kind}
        meter.create_counter("starflock_activity_failures", "Attempts that failed, by class of failure.").add(
            1, named
        )
        if contracts.is_bmc_queue(activity.info().task_queue):
            vendor = next(
                (self._vendors.get(on, UNKNOWN) for on in filter(None, map(_host, arguments))), UNKNOWN
            )
            meter.create_counter(
                "starflock_bmc_errors", "Attempts on a BMC that failed, by manufacturer and class."
            ).add(1, {**named, "vendor": vendor})


def _host(argument: Any) -> HostRef | None:
    found = getattr(argument, "on", argument)
    return found if isinstance(found, HostRef) else None


class FleetGauges:
    """How the fleet stands, by Temporal and the records."""

    def __init__(self, client: Client, store: Store, meter: MetricMeter) -> None:
        self._client, self._store = client, store
        self._running: set[str] = set()
        self._in_work = meter.create_gauge("starflock_sites_in_work", "Sites with an open run.")
        self._members = meter.create_gauge("starflock_campaign_members", "Sites of a campaign.")
        self._is_running = meter.create_gauge("starflock_campaign_running", "1 until the campaign ends.")
        self._ended = meter.create_gauge(
            "starflock_campaign_sites", "Sites of a running campaign whose latest run ended, by outcome."
        )
        self._phase = meter.create_gauge(
            "starflock_campaign_phase", "1 for the phase that a running campaign is in: what it waits for."
        )
        self._phases: dict[str, str] = {}
        self._flying = meter.create_gauge(
            "starflock_campaign_sites_in_work", "Sites of a running campaign with an open run."
        )

    async def keep(self, every: timedelta) -> None:
        """Until cancelled. What does not answer is said once a look and asked again."""
        while True:
            try:
                await self.look()
            except (RecordsError, RPCError) as error:
                log.warning("the fleet's metrics could not be read", error=str(error))
            await asyncio.sleep(every.total_seconds())

    async def look(self) -> None:
        self._in_work.set(await self._count(IN_WORK))
        latest = {run.name: run for run in reversed(await self._store.campaigns())}
        running = {name for name, run in latest.items() if run.ended is None}
        for name in sorted(running | self._running):
            named = {"campaign": name}
            self._is_running.set(int(name in running), named)
            self._set_phase(name, await self._phase_of(name) if name in running else "")
            if name not in latest:
                continue
            self._members.set(latest[name].members, named)
            self._flying.set(await self._count(f"{IN_WORK} AND {contracts.CAMPAIGN.name} = '{name}'"), named)
            counted = Counter(run.outcome for run in await self._store.latest_runs(name))
            for outcome in Outcome:
                self._ended.set(counted[outcome], {**named, "outcome": outcome.value})
        self._running = running

    async def _phase_of(self, name: str) -> str:
        """`lost` where the records know it and Temporal does not; `unanswered` where no worker answered."""
        handle = self._client.get_workflow_handle(contracts.campaign_workflow_id(name))
        try:
            asked: CampaignProgress = await handle.query(
                contracts.PROGRESS_QUERY, result_type=CampaignProgress, rpc_timeout=ANSWERS_WITHIN
            )
        except WorkflowQueryFailedError:
            return "unanswered"
        except RPCError as error:
            return "lost" if error.status is RPCStatusCode.NOT_FOUND else "unanswered"
        return asked.phase

    def _set_phase(self, name: str, phase: str) -> None:
        before = self._phases.pop(name, "")
        if before not in ("", phase):
            self._phase.set(0, {"campaign": name, "phase": before})
        if phase:
            self._phase.set(1, {"campaign": name, "phase": phase})
            self._phases[name] = phase

    async def _count(self, query: str) -> int:
        return (await self._client.count_workflows(query)).count


@asynccontextmanager
async def kept(gauges: FleetGauges, pace: float) -> AsyncIterator[None]:
    looking = asyncio.create_task(gauges.keep(max(LOOK_EVERY / pace, NO_OFTENER)))
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
