"""The tables behind the journal, in types that SQLite and PostgreSQL share.

What is asked for (site, campaign, outcome, times) has a column of its own; detail that only grows and is
read as a whole (alarms, steps, evidence) is JSON beside it, so that a new field in a model needs no
migration. Every table has the natural key of its record as primary key: writing the same thing twice meets
its own row. Times are stored in UTC and come back with their zone on both databases; a time without a zone
is refused, since guessing one would move a night's work by hours.

All names carry the prefix `starflock_`: Temporal's own PostgreSQL schema already has a `schema_version`,
and operators do share databases.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)

SCHEMA_VERSION = 1
"""Raised with every change of a table; a store refuses a database whose number is higher than this."""


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime; SQLite has no zones, so UTC is what is stored and what is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; records keep aware times only")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        aware: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC)


metadata = MetaData()

schema_version = Table(
    "starflock_schema",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)
"""One row, id 1."""

site_runs = Table(
    "starflock_site_runs",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("site", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("release", String, nullable=False),
    Column("campaign", String, nullable=False),
    Column("wave", Integer, nullable=False),
    Column("region", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("began", UtcTime, nullable=False),
    Column("ended", UtcTime, nullable=False),
    Column("version_before", String, nullable=False),
    Column("version_after", String, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("strategy", String, nullable=False),
    Column("alarms_before", JSON, nullable=False),
    Column("alarms_after", JSON, nullable=False),
    Column("steps", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Index("starflock_site_runs_by_campaign", "campaign", "site"),
    Index("starflock_site_runs_by_site", "site", "ended"),
)

marks = Table(
    "starflock_marks",
    metadata,
    Column("site", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("value", String, primary_key=True),
    Column("release", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("made", UtcTime, nullable=False),
)

campaigns = Table(
    "starflock_campaigns",
    metadata,
    Column("first_run_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("spec_json", String, nullable=False),
    Column("inventory_hash", String, nullable=False),
    Column("members", Integer, nullable=False),
    Column("began", UtcTime, nullable=False),
    Column("ended", UtcTime),
    Column("aborted", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Index("starflock_campaigns_by_name", "name", "began"),
)

campaign_events = Table(
    "starflock_campaign_events",
    metadata,
    Column("first_run_id", String, primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("text", String, nullable=False),
)
