"""Writes what happened into the records; every write is idempotent by run id, so retries cost nothing."""

from dataclasses import dataclass

from temporalio import activity

from models.records import Journal, SiteRun


@dataclass
class JournalActivities:
    journal: Journal

    @activity.defn
    async def record_site_run(self, run: SiteRun) -> None:
        await self.journal.record_site_run(run)
