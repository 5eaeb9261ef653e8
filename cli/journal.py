"""The records, for commands that only read. A database that is not there yet is no error, and is not made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.exits import Code, Failure

if TYPE_CHECKING:
    from records.store import Store


def address() -> str:
    """Where workers with this environment keep them. Raises: ValidationError for wrong settings."""
    from workers.settings import Settings

    return Settings().records


@asynccontextmanager
async def reading(url: str = "") -> "AsyncIterator[Store | None]":
    """None while nothing was ever recorded. `url`: instead of the settings' one."""
    from records.store import Store

    url = url or address()
    if not _is_there(url):
        yield None
        return
    async with await Store.open(url) as store:
        yield store


def no_records() -> Failure:
    return Failure(
        Code.NOT_FOUND,
        f"nothing is recorded at {address()}: set STARFLOCK_DATA to the folder that `starflock up` works in, "
        "or STARFLOCK_RECORDS_URL",
    )


def _is_there(url: str) -> bool:
    return not url.startswith("sqlite") or Path(url.partition("///")[2]).exists()
