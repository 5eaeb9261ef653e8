"""The journal over SQL: SQLite beside an embedded server, PostgreSQL in production.

Every write is one upsert in one transaction, keyed by what the record is (run id, mark, campaign and
sequence). An activity that is attempted twice, or a worker that dies after its commit, therefore leaves one
row; of two writes of the same thing the last one stands. One statement a transaction is also what lets two
workers and the CLI share an SQLite file: no transaction reads before it writes, so none can find its
snapshot stale, and waiting for the other writer is SQLite's own busy time-out. WAL lets readers read on
meanwhile; a commit is flushed to disk, because a mark that a power cut loses is a strategy that we no
longer know as ours.

A transaction runs to its end even if its caller is cancelled: it takes milliseconds, a half-used connection
would be lost to the pool, and what a cancelled activity wanted to record is still true.

Tables are made where they are missing. A database written by a newer Starflock is refused in words, before
anything in it is touched.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import BaseModel
from sqlalchemy import RowMapping, Select, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateIndex, CreateTable

from models.outcome import Outcome
from models.records import CampaignEvent, CampaignRun, Mark, RunTime, SiteRun
from records import tables
from records.database import RecordsError, answering, connecting, open_engine, shown
from records.limits import cut_evidence, cut_reason

ModelT = TypeVar("ModelT", bound=BaseModel)
ResultT = TypeVar("ResultT")

RUN_TIMES_KEPT = 5_000
"""Recent runs of one kind that the time a site needs rests on, over all topologies and releases."""
DURATIONS_KEPT = 500
"""Recent runs that an estimate rests on."""
SCHEMA_LOCK = 0x57A2F10C
"""PostgreSQL advisory lock held while tables are made: `if not exists` alone races there."""


class Store:
    """Implements `models.records.Journal`. Safe for concurrent use within one event loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._closing = False
        self._running: set[asyncio.Future[Any]] = set()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect and make what is missing.

        `url`: `sqlite+aiosqlite:///PATH` or `postgresql+asyncpg://user@host/database`; the driver may be
        left out. Raises `RecordsError` for another database, one written by a newer Starflock, or one that
        does not answer; every other call raises it as well when the database fails.
        """
        store = cls(open_engine(url))
        try:
            await store._ensure_schema()
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Refuse new work, let what runs end, then close every connection. Twice is once."""
        self._closing = True
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # Writes

    async def remember(self, mark: Mark) -> None:
        await self._upsert(tables.marks, mark.model_dump())

    async def forget(self, site: str, kind: str, value: str) -> None:
        """Removes a mark whose thing is no longer ours to undo; without one it does nothing."""
        table = tables.marks.c
        query = delete(tables.marks).where(table.site == site, table.kind == kind, table.value == value)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(query)

        await self._in_transaction(work)

    async def record_site_run(self, run: SiteRun) -> None:
        """Reason and evidence are cut to the limits of `records/limits.py`."""
        row = run.model_dump()
        detail = run.model_dump(mode="json", include={"alarms_before", "alarms_after", "steps"})
        kept = {"reason": cut_reason(run.reason), "evidence": list(cut_evidence(run.evidence))}
        await self._upsert(tables.site_runs, row | detail | kept | {"outcome": run.outcome.value})

    async def record_campaign(self, run: CampaignRun) -> None:
        await self._upsert(tables.campaigns, run.model_dump() | {"reason": cut_reason(run.reason)})

    async def record_event(self, event: CampaignEvent) -> None:
        await self._upsert(tables.campaign_events, event.model_dump() | {"text": cut_reason(event.text)})

    # Reads

    async def marks(self, site: str) -> tuple[Mark, ...]:
        """All marks of a site, oldest first."""
        table = tables.marks.c
        query = select(tables.marks).where(table.site == site)
        return await self._read(Mark, query.order_by(table.made, table.kind, table.value))

    async def site_runs(self, campaign: str, sites: tuple[str, ...] = ()) -> tuple[SiteRun, ...]:
        """Every run under a campaign's name (of all its executions), by their end; `sites` narrows it."""
        table = tables.site_runs.c
        query = select(tables.site_runs).where(table.campaign == campaign)
        if sites:
            query = query.where(table.site.in_(sites))
        return await self._read(SiteRun, query.order_by(table.ended, table.run_id))

    async def latest_runs(self, campaign: str) -> tuple[SiteRun, ...]:
        """One run a site, the one that ended last; by site, whatever the database's locale."""
        table = tables.site_runs.c
        newest_first = (table.ended.desc(), table.run_id.desc())
        ranked = (
            select(
                table.run_id,
                func.row_number().over(partition_by=table.site, order_by=newest_first).label("n"),
            )
            .where(table.campaign == campaign)
            .subquery()
        )
        query = select(tables.site_runs).join(ranked, ranked.c.run_id == table.run_id).where(ranked.c.n == 1)
        return tuple(sorted(await self._read(SiteRun, query), key=lambda run: run.site))

    async def site_history(self, site: str) -> tuple[SiteRun, ...]:
        """Every run on a site, in and out of campaigns, latest first."""
        table = tables.site_runs.c
        query = select(tables.site_runs).where(table.site == site)
        return await self._read(SiteRun, query.order_by(table.ended.desc(), table.run_id.desc()))

    async def campaign(self, name: str) -> CampaignRun | None:
        """The latest execution under this name."""
        table = tables.campaigns.c
        query = select(tables.campaigns).where(table.name == name)
        found = await self._read(
            CampaignRun, query.order_by(table.began.desc(), table.first_run_id.desc()).limit(1)
        )
        return found[0] if found else None

    async def campaign_by_first_run(self, first_run_id: str) -> CampaignRun | None:
        query = select(tables.campaigns).where(tables.campaigns.c.first_run_id == first_run_id)
        found = await self._read(CampaignRun, query)
        return found[0] if found else None

    async def campaigns(self) -> tuple[CampaignRun, ...]:
        """All executions, latest first."""
        table = tables.campaigns.c
        query = select(tables.campaigns).order_by(table.began.desc(), table.first_run_id.desc())
        return await self._read(CampaignRun, query)

    async def campaign_events(self, first_run_id: str) -> tuple[CampaignEvent, ...]:
        """The log of one execution chain, in its own order."""
        table = tables.campaign_events.c
        query = select(tables.campaign_events).where(table.first_run_id == first_run_id)
        return await self._read(CampaignEvent, query.order_by(table.sequence))

    async def durations(self, operation: str) -> tuple[timedelta, ...]:
        """How long the latest succeeded runs of an operation took, latest first."""
        table = tables.site_runs.c
        query = (
            select(table.began, table.ended)
            .where(table.operation == operation, table.outcome == Outcome.SUCCEEDED)
            .order_by(table.ended.desc())
            .limit(DURATIONS_KEPT)
        )
        return tuple(row["ended"] - row["began"] for row in await self._rows(query))

    async def run_times(self, operation: str) -> tuple[RunTime, ...]:
        """Of the latest succeeded runs of an operation, latest first."""
        table = tables.site_runs.c
        query = (
            select(table.site, table.version_before, table.release, table.began, table.ended)
            .where(table.operation == operation, table.outcome == Outcome.SUCCEEDED)
            .order_by(table.ended.desc())
            .limit(RUN_TIMES_KEPT)
        )
        return tuple(
            RunTime(
                site=row["site"],
                before=row["version_before"],
                release=row["release"],
                taken=row["ended"] - row["began"],
            )
            for row in await self._rows(query)
        )

    async def versions(self) -> dict[str, str]:
        """What each site's latest run that could tell has left deployed there."""
        table = tables.site_runs.c
        newest_first = (table.ended.desc(), table.run_id.desc())
        ranked = (
            select(
                table.site,
                table.version_after,
                func.row_number().over(partition_by=table.site, order_by=newest_first).label("n"),
            )
            .where(table.version_after != "")
            .subquery()
        )
        rows = await self._rows(select(ranked.c.site, ranked.c.version_after).where(ranked.c.n == 1))
        return {row["site"]: row["version_after"] for row in rows}

    # The database

    async def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        async def work(connection: AsyncConnection) -> Sequence[RowMapping]:
            return list((await connection.execute(query)).mappings())

        return await self._in_transaction(work)

    async def _read(self, model: type[ModelT], query: Select[Any]) -> tuple[ModelT, ...]:
        async def work(connection: AsyncConnection) -> Sequence[RowMapping]:
            result = await connection.execute(query)
            return list(result.mappings())

        return tuple(model.model_validate(dict(row)) for row in await self._in_transaction(work))

    async def _upsert(self, table: Table, row: Mapping[str, Any]) -> None:
        async def work(connection: AsyncConnection) -> None:
            statement = _upsert_statement(connection.dialect.name, table, tuple(row))
            await connection.execute(statement, row)

        await self._in_transaction(work)

    async def _in_transaction(self, work: Callable[[AsyncConnection], Awaitable[ResultT]]) -> ResultT:
        if self._closing:
            raise RecordsError("the records are closed")

        async def transaction() -> ResultT:
            with connecting(self._engine.url):
                connection = await self._engine.connect()
            with answering(self._engine.url):
                async with aclosing(connection), connection.begin():
                    return await work(connection)

        task = asyncio.ensure_future(transaction())
        self._running.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: "asyncio.Future[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()

    async def _ensure_schema(self) -> None:
        version = tables.schema_version
        ours = {"id": 1, "version": tables.SCHEMA_VERSION}

        async def work(connection: AsyncConnection) -> None:
            dialect = connection.dialect.name
            if dialect == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(SCHEMA_LOCK)))
            await connection.execute(CreateTable(version, if_not_exists=True))
            await connection.execute(_insert(dialect, version).values(ours).on_conflict_do_nothing())
            found = (
                await connection.execute(select(version.c.version).where(version.c.id == 1))
            ).scalar_one()
            if found > tables.SCHEMA_VERSION:
                raise RecordsError(
                    f"the records at {shown(self._engine.url)} were written by a newer "
                    f"Starflock (schema {found}; this one knows {tables.SCHEMA_VERSION}): "
                    "upgrade Starflock here, or point it at another database"
                )
            for table in tables.metadata.sorted_tables:
                await connection.execute(CreateTable(table, if_not_exists=True))
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    await connection.execute(CreateIndex(index, if_not_exists=True))

        await self._in_transaction(work)


def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def _upsert_statement(dialect: str, table: Table, columns: tuple[str, ...]) -> Any:
    """Made once for each table: making it takes longer than running it."""
    statement = _insert(dialect, table)
    key = [column.name for column in table.primary_key]
    rest = {name: statement.excluded[name] for name in columns if name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=rest)
