"""limit, marker, sort_key and sort_dir of sysinv's lists, with its words for what is wrong in them."""

import urllib.parse
from typing import Protocol, TypeVar

from simulator.services.envelope import reject
from simulator.wire.http import Request


class Paged(Protocol):
    """What can stand in a list."""

    @property
    def uuid(self) -> str: ...


P = TypeVar("P", bound=Paged)
_KEYS = {"hostname": "name", "mgmt_mac": "mac", "bm_ip": "bmc"}
"""Wire fields that the model calls otherwise."""


def paged(rows: list[P], query: dict[str, str]) -> list[P]:
    """The rows that a query asks for, in its order.

    Raises:
        Refusal: 400, or 500 for an unknown sort key, with sysinv's text.
    """
    limit = _limit(query.get("limit"))
    direction = query.get("sort_dir", "asc")
    if direction not in ("asc", "desc"):
        raise reject(f"Invalid sort direction: {direction}. Acceptable values are 'asc' or 'desc'")
    key = _KEYS.get(query.get("sort_key", "id"), query.get("sort_key", "id"))
    if rows and not hasattr(rows[0], key):
        raise reject(f"Sort key supplied is invalid: {key}", 500, "Server")
    rows = sorted(rows, key=lambda row: _sortable(row, key), reverse=direction == "desc")
    marker = query.get("marker")
    if marker:
        place = next((place for place, row in enumerate(rows) if row.uuid == marker), None)
        if place is None:
            raise reject(f"Server {marker} could not be found.", 404)
        rows = rows[place + 1 :]
    return rows[:limit] if limit else rows


def next_page(request: Request, path: str, last: str) -> str:
    """The link to what follows a page that ends with the row of this uuid."""
    wanted = {
        "sort_key": request.query.get("sort_key", "id"),
        "sort_dir": request.query.get("sort_dir", "asc"),
        "limit": request.query.get("limit", ""),
        "marker": last,
    }
    return f"{request.base}/v1/{path}?{urllib.parse.urlencode(wanted)}"


def _limit(text: str | None) -> int:
    if text is None:
        return 0
    try:
        limit = int(text)
    except ValueError as error:
        raise reject(
            f"Invalid input for field/attribute limit. Value: '{text}'. unable to convert to int. "
            f"Error: {error}"
        ) from None
    if limit < 0:
        raise reject("Limit must be positive")
    return limit


def _sortable(row: Paged, key: str) -> tuple[int, str]:
    value = getattr(row, key)
    return (value, "") if isinstance(value, int) else (0, str(value))
