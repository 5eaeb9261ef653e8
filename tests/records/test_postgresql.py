"""What only a server can show: races between clients, a restart, one that is not there."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from models.outcome import Outcome
from records import database
from records.store import RecordsError, Store
from tests.records.samples import mark, run
from tests.support.postgresql import PostgreSQL
from workers.embedded import free_port

STORES = 8
LOCKS_WAITED_FOR = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"


@asynccontextmanager
async def beside(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection of somebody else's, in a transaction."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


async def rows(url: str, query: str) -> Any:
    async with beside(url) as connection:
        return (await connection.execute(text(query))).scalar_one()


async def until_somebody_waits_for_a_lock(url: str) -> None:
    async with asyncio.timeout(20):
        while not await rows(url, LOCKS_WAITED_FOR):
            await asyncio.sleep(0.02)


async def test_stores_that_open_an_empty_database_at_once_make_it_once(postgresql_url: str) -> None:
    stores = await asyncio.gather(*(Store.open(postgresql_url) for _ in range(STORES)))
    try:
        await asyncio.gather(*(store.remember(mark(f"uuid-{n}")) for n, store in enumerate(stores)))
        assert [len(await store.marks("edge-1")) for store in stores] == [STORES] * STORES
    finally:
        await asyncio.gather(*(store.close() for store in stores))
    assert await rows(postgresql_url, "select count(*) from starflock_schema") == 1


async def test_a_run_that_two_stores_write_at_once_is_one_row_as_one_of_them_wrote_it(
    postgresql_url: str,
) -> None:
    first, second = await asyncio.gather(Store.open(postgresql_url), Store.open(postgresql_url))
    ends = (run(), run(outcome=Outcome.FAILED, reason="unlock timed out"))
    async with first, second:
        for _ in range(20):
            await asyncio.gather(*(s.record_site_run(end) for s in (first, second) for end in ends))
        assert (await first.site_runs("spring"))[0] in ends
    assert await rows(postgresql_url, "select count(*) from starflock_site_runs") == 1


async def test_a_write_waits_for_another_client_s_transaction_and_stands_after_it(
    postgresql_url: str,
) -> None:
    async with await Store.open(postgresql_url) as store:
        await store.remember(mark(run_id="r-1"))
        async with beside(postgresql_url) as other:
            await other.execute(text("update starflock_marks set run_id = 'r-other'"))
            write = asyncio.ensure_future(store.remember(mark(run_id="r-2")))
            await until_somebody_waits_for_a_lock(postgresql_url)
        await write
        assert [kept.run_id for kept in await store.marks("edge-1")] == ["r-2"]


@pytest.mark.parametrize("how", [PostgreSQL.stop, PostgreSQL.crash])
async def test_a_restart_between_two_calls_is_not_noticed(
    postgresql_server: PostgreSQL, postgresql_url: str, how: Any
) -> None:
    async with await Store.open(postgresql_url) as store:
        await asyncio.gather(*(store.remember(mark(f"uuid-{n}")) for n in range(4)))
        how(postgresql_server)
        postgresql_server.start()
        found = await asyncio.gather(*(store.marks("edge-1") for _ in range(4)))
        assert [len(marks) for marks in found] == [4] * 4


async def test_a_call_that_a_crash_cuts_off_says_so_and_the_next_one_succeeds(
    postgresql_server: PostgreSQL, postgresql_url: str
) -> None:
    async with await Store.open(postgresql_url) as store:
        other = await asyncpg.connect(postgresql_url.replace("+asyncpg", ""))
        await other.execute("begin; lock table starflock_marks")
        write = asyncio.ensure_future(store.remember(mark()))
        await until_somebody_waits_for_a_lock(postgresql_url)
        postgresql_server.crash()
        try:
            with pytest.raises(RecordsError, match=r"^the records at postgresql\+asyncpg://.* failed: "):
                await write
            with pytest.raises(RecordsError, match=r"do not answer: .*Connect"):
                await store.remember(mark())
        finally:
            other.terminate()
            postgresql_server.start()
        await store.remember(mark())
        assert await store.marks("edge-1") == (mark(),)


async def test_a_store_closes_while_its_server_is_gone(
    postgresql_server: PostgreSQL, postgresql_url: str
) -> None:
    store = await Store.open(postgresql_url)
    postgresql_server.crash()
    try:
        async with asyncio.timeout(10):
            await store.close()
    finally:
        postgresql_server.start()


async def test_a_statement_without_an_answer_is_given_up_and_leaves_a_store_that_works(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ANSWER_WITHIN_S", 0.3)
    async with await Store.open(postgresql_url) as store:
        async with beside(postgresql_url) as other:
            await other.execute(text("lock table starflock_marks"))
            with pytest.raises(RecordsError, match="failed: no answer in time"):
                await store.remember(mark())
        await store.remember(mark())
        assert await store.marks("edge-1") == (mark(),)


async def test_a_server_that_takes_connections_and_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "CONNECT_WITHIN_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(RecordsError, match="do not answer: no answer in time"):
            await Store.open(f"postgresql://anna@127.0.0.1:{port}/fleet")


@pytest.mark.parametrize("options", ["", "?password=hunter2"])
async def test_a_server_that_is_not_there_is_said_without_the_password(options: str) -> None:
    port = free_port()
    with pytest.raises(RecordsError) as said:
        await Store.open(f"postgresql://anna:hunter2@127.0.0.1:{port}/fleet{options}")
    address = f"postgresql+asyncpg://anna:***@127.0.0.1:{port}/fleet"
    assert str(said.value).startswith(f"the records at {address} do not answer: ")
    assert "hunter2" not in str(said.value)
    assert said.value.__cause__ is None


async def test_a_database_that_does_not_exist_is_said(postgresql_url: str) -> None:
    with pytest.raises(RecordsError, match='do not answer: database "nowhere" does not exist'):
        await Store.open(make_url(postgresql_url).set(database="nowhere").render_as_string())


async def test_a_role_that_may_not_make_tables_is_said(postgresql_url: str) -> None:
    async with beside(postgresql_url) as connection:
        await connection.execute(text("drop role if exists guest"))
        await connection.execute(text("create role guest login"))
        await connection.execute(text("revoke create on schema public from public"))
    with pytest.raises(RecordsError, match="failed: permission denied for schema public"):
        await Store.open(make_url(postgresql_url).set(username="guest").render_as_string())


async def test_connections_say_whose_they_are(postgresql_url: str) -> None:
    ours = "select count(*) from pg_stat_activity where application_name = 'starflock'"
    async with await Store.open(postgresql_url):
        assert await rows(postgresql_url, ours) == 1


async def test_without_its_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(RecordsError, match=r"asyncpg, which .* with its extra `postgresql`"):
        await Store.open("postgresql://anna@127.0.0.1/fleet")


async def test_what_a_server_refuses_in_text_is_replaced_in_detail_too(postgresql_url: str) -> None:
    async with await Store.open(postgresql_url) as store:
        await store.record_site_run(run(reason="a\x00b", evidence=("c\x00d\ud800",)))
        assert (await store.site_runs("spring"))[0].evidence == ("c\ufffdd?",)
