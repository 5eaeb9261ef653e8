"""sysinv's database of one cloud: a table for each kind of row, filled when somebody first asks.

A region of a thousand sites has a few hundred rows a site; most are never asked for. `Cloud.tables` makes
this object on first use and lets `platform` fill in the site's rows and `agent` each host's. Everything
random comes from the site's own uuid, so that the rows are the same whenever they are made.
"""

import random
import uuid
from collections.abc import Iterator
from typing import Any, TypeVar

from simulator.cloud.rows import Row

R = TypeVar("R", bound=Row)


class Tables:
    """All rows of one cloud."""

    def __init__(self, seed: str) -> None:
        self._dice = random.Random(f"{seed}/tables")
        self._rows: dict[type[Row], dict[str, Row]] = {}
        self._last: dict[type[Row], int] = {}

    def kinds(self) -> list[type[Row]]:
        return list(self._rows)

    def of(self, kind: type[R]) -> list[R]:
        """All rows of a kind, oldest first."""
        return list(self._rows.get(kind, {}).values())  # type: ignore[arg-type]

    def below(self, kind: type[R], host_uuid: str) -> list[R]:
        """The rows of a kind that belong to a host."""
        return [row for row in self.of(kind) if getattr(row, kind.owner) == host_uuid]

    def get(self, kind: type[R], ref: str) -> R | None:
        """By uuid."""
        return self._rows.get(kind, {}).get(ref)  # type: ignore[return-value]

    def find(self, kind: type[R], **values: Any) -> R | None:
        """The first row that has these values."""
        return next(self.matching(kind, **values), None)

    def matching(self, kind: type[R], **values: Any) -> Iterator[R]:
        return (
            row for row in self.of(kind) if all(getattr(row, name) == one for name, one in values.items())
        )

    def the(self, kind: type[R]) -> R:
        """The only row of a kind that every site has one of."""
        return self.of(kind)[0]

    def new(self, kind: type[R], **values: Any) -> R:
        """A row with the next id and a new uuid, in its table."""
        number = self._last.get(kind, 0) + 1
        self._last[kind] = number
        row = kind(id=number, uuid=self.new_uuid(), **values)
        self._rows.setdefault(kind, {})[row.uuid] = row
        return row

    def drop(self, row: Row) -> None:
        self._rows.get(type(row), {}).pop(row.uuid, None)

    def forget(self, host_uuid: str) -> None:
        """Drop all that belongs to a host."""
        for kind in self._rows:
            if hasattr(kind, kind.owner):
                for row in self.below(kind, host_uuid):
                    self.drop(row)

    def clear(self, kind: type[Row]) -> None:
        """An empty table, whose ids begin at one."""
        self._rows.pop(kind, None)
        self._last.pop(kind, None)

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
