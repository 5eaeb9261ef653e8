"""From the records' address to an engine, and from a database's trouble to words.

SQLite gets its pragmas with each connection. PostgreSQL may restart, fail over or vanish behind a firewall
while a worker lives on: each connection is asked for a sign of life before it is used again (one round trip),
so a restart between two calls is not noticed, and nothing waits for a silent server longer than the limits
below. A call that the restart itself cuts off fails, and may be repeated since every write is an upsert.

Whatever a driver raises becomes a `RecordsError` in one sentence. Its cause is left out: Temporal would keep
the driver's whole chain in the history. The address is shown without password and without options, where a
password may stand as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
BUSY_TIMEOUT_S = 30
"""How long a writer waits for another process on an SQLite file; one commit takes milliseconds."""
CONNECT_WITHIN_S = 10
"""PostgreSQL on a loaded network connects within one; the driver's own limit is a minute."""
ANSWER_WITHIN_S = 30
"""For one statement, waits for locks included. Without it a host that lost power is waited for for ever."""
EXPECTED = "expected sqlite+aiosqlite:///PATH or postgresql+asyncpg://USER@HOST/DATABASE"


class RecordsError(Exception):
    """The records cannot be used as asked; the message says what to do."""


def open_engine(address: str) -> AsyncEngine:
    """Connects nothing yet. Raises: RecordsError (not an address of ours, a driver that is not installed, a
    file that cannot be made or written to)."""
    url = _url(address)
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            _make_room(Path(url.database))
        engine = create_async_engine(url, hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        return engine
    limits = {"timeout": CONNECT_WITHIN_S, "command_timeout": ANSWER_WITHIN_S}
    try:
        return create_async_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args=limits | {"server_settings": {"application_name": "starflock"}},
        )
    except ModuleNotFoundError as error:
        raise RecordsError(
            f"records in PostgreSQL need the driver {error.name}, which is not installed here: "
            "install Starflock with its extra `postgresql`"
        ) from None


def _make_room(file: Path) -> None:
    """Tried here: the driver's thread may outlive the loop that it would tell its failure to."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.open("ab").close()
    except OSError as error:
        raise RecordsError(
            f"the records cannot be kept in {file}: {error.strerror}; STARFLOCK_DATA names a folder that can "
            "be written to, or STARFLOCK_RECORDS_URL a database"
        ) from None


@contextmanager
def connecting(url: URL) -> Iterator[None]:
    """Whatever keeps us out, in words: nobody there, a wrong password, no such database, no more room."""
    try:
        yield
    except Exception as error:
        raise RecordsError(f"the records at {shown(url)} do not answer: {_words(error)}") from None


@contextmanager
def answering(url: URL) -> Iterator[None]:
    """What a connection of ours says no to, or dies of, in words."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        raise RecordsError(f"the records at {shown(url)} failed: {_words(error)}") from None


def shown(url: URL) -> str:
    return url.set(query={}).render_as_string(hide_password=True)


def _url(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise RecordsError(f"the records' address is not a database URL; {EXPECTED}") from None
    driver = DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise RecordsError(
            f"records are kept in SQLite or PostgreSQL, not in {url.get_backend_name()}; {EXPECTED}"
        )
    return url.set(drivername=driver)


def _words(error: Exception) -> str:
    """The database's own: SQLAlchemy wraps the driver's error in two of its own."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        inner = error.orig.__cause__ or error.orig
        return str(inner) or type(inner).__name__
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    return str(error) or type(error).__name__


def _prepare_sqlite(connection: Any, record: Any) -> None:
    """Per connection: wait for other writers first, so that the switch to WAL waits as well."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()
