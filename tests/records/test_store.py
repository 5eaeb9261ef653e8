"""The journal over SQLite and over PostgreSQL, both real: what is written twice stands once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateTable

from models.outcome import Outcome
from models.records import CampaignEvent, Journal
from records import tables
from records.limits import CUT
from records.store import RecordsError, Store, _upsert_statement
from tests.records.samples import BEGAN, campaign, mark, run


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'state' / 'records.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with await Store.open(url) as opened:
        yield opened


async def test_a_run_comes_back_as_it_was_written(store: Store) -> None:
    journal: Journal = store
    await journal.record_site_run(run())
    assert await journal.site_runs("spring") == (run(),)


async def test_the_same_run_written_twice_is_one_row_and_the_last_write_stands(store: Store) -> None:
    await store.record_site_run(run(outcome=Outcome.FAILED, reason="unlock timed out"))
    await store.record_site_run(run())
    assert await store.site_runs("spring") == (run(),)


async def test_another_run_of_the_same_site_is_another_row(store: Store) -> None:
    await store.record_site_run(run("r-1"))
    await store.record_site_run(run("r-2"))
    assert [kept.run_id for kept in await store.site_runs("spring")] == ["r-1", "r-2"]


async def test_runs_are_narrowed_by_campaign_and_by_site(store: Store) -> None:
    await store.record_site_run(run("r-1", "edge-1"))
    await store.record_site_run(run("r-2", "edge-2"))
    await store.record_site_run(run("r-3", "edge-1", campaign="autumn"))
    assert [kept.run_id for kept in await store.site_runs("spring", ("edge-1",))] == ["r-1"]


async def test_the_latest_run_of_a_site_is_the_one_that_ended_last(store: Store) -> None:
    await store.record_site_run(run("r-late", "edge-1", minutes=90))
    await store.record_site_run(run("r-early", "edge-1", minutes=10))
    await store.record_site_run(run("r-other", "edge-2", minutes=5))
    assert [kept.run_id for kept in await store.latest_runs("spring")] == ["r-late", "r-other"]


async def test_sites_come_in_the_same_order_from_every_database(store: Store) -> None:
    for site in ("edge_2", "edge-10", "Edge-1", "edge1"):
        await store.record_site_run(run(f"r-{site}", site))
    assert [kept.site for kept in await store.latest_runs("spring")] == [
        "Edge-1",
        "edge-10",
        "edge1",
        "edge_2",
    ]


async def test_durations_are_of_the_latest_runs_that_succeeded(store: Store) -> None:
    await store.record_site_run(run("r-1", minutes=10))
    await store.record_site_run(run("r-2", minutes=30))
    await store.record_site_run(run("r-3", minutes=20, outcome=Outcome.FAILED))
    await store.record_site_run(run("r-4", minutes=40, operation="other"))
    assert await store.durations("patch") == (timedelta(minutes=30), timedelta(minutes=10))


async def test_run_times_say_between_which_releases(store: Store) -> None:
    await store.record_site_run(run("r-1", minutes=10, version_before="26.03.0", release="26.03.1"))
    await store.record_site_run(run("r-2", minutes=30, site="edge-2", release="26.03.1"))
    await store.record_site_run(run("r-3", minutes=20, outcome=Outcome.FAILED))
    told = [(each.site, each.before, each.release, each.taken) for each in await store.run_times("patch")]
    assert told == [
        ("edge-2", run("r-2", minutes=30).version_before, "26.03.1", timedelta(minutes=30)),
        ("edge-1", "26.03.0", "26.03.1", timedelta(minutes=10)),
    ]


async def test_versions_are_what_the_latest_run_that_could_tell_has_left(store: Store) -> None:
    await store.record_site_run(run("r-1", minutes=10, version_after="26.03.0"))
    await store.record_site_run(run("r-2", minutes=20, version_after="26.03.1"))
    await store.record_site_run(run("r-3", minutes=30, version_after="", outcome=Outcome.UNREACHABLE))
    await store.record_site_run(run("r-4", minutes=10, site="edge-2", version_after="26.09.0"))
    assert await store.versions() == {"edge-1": "26.03.1", "edge-2": "26.09.0"}


async def test_the_history_of_a_site_spans_campaigns_latest_first(store: Store) -> None:
    await store.record_site_run(run("r-1", minutes=10))
    await store.record_site_run(run("r-2", minutes=30, campaign="autumn"))
    await store.record_site_run(run("r-3", minutes=20, campaign=""))
    assert [kept.run_id for kept in await store.site_history("edge-1")] == ["r-2", "r-3", "r-1"]


async def test_marks_are_one_per_site_kind_and_value(store: Store) -> None:
    await store.remember(mark("uuid-1"))
    await store.remember(mark("uuid-1", run_id="r-2", made=BEGAN + timedelta(minutes=1)))
    await store.remember(mark("uuid-2", made=BEGAN + timedelta(minutes=2)))
    await store.remember(mark("uuid-1", site="edge-2"))
    assert [(kept.value, kept.run_id) for kept in await store.marks("edge-1")] == [
        ("uuid-1", "r-2"),
        ("uuid-2", "r-1"),
    ]


async def test_a_mark_that_is_forgotten_takes_no_other_with_it(store: Store) -> None:
    kept = mark("uuid-2")
    for each in (mark("uuid-1"), kept, mark("uuid-1", site="edge-2")):
        await store.remember(each)
    for _ in range(2):
        await store.forget("edge-1", mark("uuid-1").kind, "uuid-1")
    await store.forget("edge-2", "another kind", "uuid-1")
    assert await store.marks("edge-1") == (kept,)
    assert len(await store.marks("edge-2")) == 1


async def test_events_are_one_per_sequence_and_come_in_their_order(store: Store) -> None:
    for sequence, text in ((2, "Wave 2 begins"), (1, "Wave 1 begins"), (2, "Wave 2 begins: 8 sites")):
        await store.record_event(CampaignEvent(first_run_id="c-1", sequence=sequence, at=BEGAN, text=text))
    await store.record_event(CampaignEvent(first_run_id="c-2", sequence=1, at=BEGAN, text="another"))
    texts = [event.text for event in await store.campaign_events("c-1")]
    assert texts == ["Wave 1 begins", "Wave 2 begins: 8 sites"]


async def test_a_campaign_is_found_by_its_first_run_and_by_the_latest_of_its_name(store: Store) -> None:
    ended = campaign("c-1", ended=BEGAN + timedelta(hours=1), aborted=True, reason="wrong release")
    again = campaign("c-2", began=BEGAN + timedelta(days=1))
    await store.record_campaign(campaign("c-1"))
    await store.record_campaign(ended)
    await store.record_campaign(again)
    assert await store.campaign("spring") == again
    assert await store.campaign_by_first_run("c-1") == ended
    assert await store.campaigns() == (again, ended)
    assert await store.campaign("summer") is None
    assert await store.campaign_by_first_run("c-9") is None


async def test_times_keep_their_instant_and_a_time_without_zone_is_refused(store: Store) -> None:
    berlin = datetime(2026, 3, 2, 0, 0, tzinfo=timezone(timedelta(hours=2)))
    await store.record_site_run(run(ended=berlin))
    kept = (await store.site_runs("spring"))[0].ended
    assert (kept, kept.utcoffset()) == (berlin, timedelta(0))
    with pytest.raises(Exception, match="has no time zone"):
        await store.record_site_run(run("r-2", ended=datetime(2026, 3, 1)))


async def test_long_texts_are_cut_and_say_so(store: Store) -> None:
    await store.record_site_run(run(reason="x" * 2_001, evidence=("y" * 501, *["z"] * 60)))
    kept = (await store.site_runs("spring"))[0]
    assert (len(kept.reason), kept.reason[-9:]) == (2_000, CUT)
    assert (len(kept.evidence), len(kept.evidence[0]), kept.evidence[0][-9:]) == (50, 500, CUT)
    assert kept.evidence[-1] == "... (cut): 12 more lines"
    await store.record_site_run(kept)
    assert await store.site_runs("spring") == (kept,)


async def test_texts_at_the_limit_are_whole(store: Store) -> None:
    whole = run(reason="x" * 2_000, evidence=("y" * 500,) * 50)
    await store.record_site_run(whole)
    assert await store.site_runs("spring") == (whole,)


async def test_what_databases_refuse_in_text_is_replaced(store: Store) -> None:
    await store.record_site_run(run(reason="a\x00b\ud800c"))
    assert (await store.site_runs("spring"))[0].reason == "a\ufffdb?c"


async def test_two_stores_on_one_database_write_and_read_at_the_same_time(url: str) -> None:
    first, second = await asyncio.gather(Store.open(url), Store.open(url))
    async with first, second:
        writes = [
            writer.record_site_run(run(f"{own}-{n}" if n % 2 else f"both-{n}", f"edge-{n}"))
            for n in range(60)
            for own, writer in (("first", first), ("second", second))
        ]
        await asyncio.gather(*writes, *(second.site_runs("spring") for _ in range(10)))
        kept = await first.site_runs("spring")
        assert len(kept) == 30 + 2 * 30
        assert kept == await second.site_runs("spring")


async def test_what_one_store_wrote_another_finds_after_it_is_closed(url: str) -> None:
    async with await Store.open(url) as store:
        await store.remember(mark())
    async with await Store.open(url) as store:
        assert await store.marks("edge-1") == (mark(),)


async def test_a_write_whose_caller_is_cancelled_is_whole_and_leaks_nothing(url: str) -> None:
    async with await Store.open(url) as store:
        writes = [asyncio.ensure_future(store.record_site_run(run(f"r-{n}"))) for n in range(20)]
        await asyncio.sleep(0)
        for write in writes:
            write.cancel()
        assert {type(end) for end in await asyncio.gather(*writes, return_exceptions=True)} == {
            asyncio.CancelledError
        }
    async with await Store.open(url) as store:
        assert len(await store.site_runs("spring")) == 20


async def test_a_closed_store_refuses_and_closes_twice(url: str) -> None:
    store = await Store.open(url)
    await store.close()
    await store.close()
    with pytest.raises(RecordsError, match="closed"):
        await store.campaigns()


async def test_a_database_of_a_newer_starflock_is_refused_in_words(url: str) -> None:
    await (await Store.open(url)).close()
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(tables.schema_version.update().values(version=7))
    await engine.dispose()
    with pytest.raises(RecordsError, match=r"newer Starflock \(schema 7; this one knows 1\)"):
        await Store.open(url)


@pytest.mark.parametrize("url", ["mysql://host/db", "not a url", "postgresql://host:port/db"])
async def test_another_database_is_refused_in_words(url: str) -> None:
    with pytest.raises(RecordsError, match="expected sqlite"):
        await Store.open(url)


@pytest.mark.parametrize("place", ["a-file/records.db", "a-folder"])
async def test_a_file_that_cannot_be_written_is_refused_in_words(tmp_path: Path, place: str) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "a-folder").mkdir()
    with pytest.raises(RecordsError, match=f"cannot be kept in {tmp_path / place}: .*STARFLOCK_DATA"):
        await Store.open(f"sqlite:///{tmp_path / place}")


async def test_sqlite_keeps_a_write_ahead_log(sqlite_url: str, tmp_path: Path) -> None:
    async with await Store.open(sqlite_url):
        database = sqlite3.connect(tmp_path / "state" / "records.db")
        assert database.execute("pragma journal_mode").fetchone() == ("wal",)
        database.close()


async def test_a_thousand_runs_are_read_by_one_statement(store: Store) -> None:
    await asyncio.gather(*(store.record_site_run(run(f"r-{n}", f"edge-{n}")) for n in range(1_000)))
    statements: list[str] = []

    def asked(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(store._engine.sync_engine, "before_cursor_execute", asked)
    assert len(await store.site_runs("spring")) == 1_000
    assert [statement.split()[0] for statement in statements] == ["SELECT"]


def test_tables_and_upserts_are_postgresql_too() -> None:
    dialect = postgresql.dialect()
    for table in tables.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
    row = mark().model_dump()
    statement = str(_upsert_statement("postgresql", tables.marks, tuple(row)).compile(dialect=dialect))
    assert "ON CONFLICT (site, kind, value) DO UPDATE SET" in statement
