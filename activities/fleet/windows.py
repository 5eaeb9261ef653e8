"""The windows of a campaign's sites as they are now: declared hours, recorded durations, the next openings.

Thousands of sites share a handful of calendars (the same windows, blackouts and zone), so an opening is
computed once for each of those, and the records are read once. What is reckoned with as unknown or at least
is a product interval and goes by the pace; what was recorded is as long as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from temporalio import activity

from inventory.load import Inventory
from inventory.windows import Hours, hours_of
from models.base import format_duration
from models.campaign import CampaignSpec
from models.fleet import WindowsRequest
from models.inventory import Site
from models.records import Journal, RunTime
from models.timing import Timing
from models.windows import (
    Blackout,
    Calendar,
    MaintenanceWindow,
    Opening,
    SiteWindows,
    WindowGroup,
    WindowPolicy,
)

OPENINGS_TOLD = 8
"""Of each calendar; they are read again at every opening, and at least once a day."""
ANY_TIME = -1


class HowLong(Protocol):
    def __call__(
        self,
        runs: Sequence[tuple[str, RunTime]],
        topology: str,
        before: str,
        release: str,
        policy: WindowPolicy,
    ) -> tuple[timedelta, str]: ...


class WhenOpen(Protocol):
    def __call__(
        self,
        windows: Sequence[MaintenanceWindow],
        blackouts: Sequence[Blackout],
        timezone: str,
        now: datetime,
        limit: int,
    ) -> tuple[Opening, ...]: ...


@dataclass
class WindowActivities:
    inventory: Callable[[], Inventory]
    journal: Journal
    timing: Timing
    when_open: WhenOpen
    needed: HowLong

    @activity.defn
    async def read_windows(self, request: WindowsRequest) -> SiteWindows:
        """Sites that have left the inventory may start: their own workflow says what is wrong."""
        inventory = self.inventory()
        sites = [inventory.site(name) for name in request.sites if name in inventory]
        return await self._windows(inventory, sites, request.spec, request.now)

    async def of(
        self, inventory: Inventory, sites: Sequence[Site], spec: CampaignSpec, now: datetime
    ) -> SiteWindows | None:
        """None: nothing holds any of them."""
        if spec.maintenance_windows.force is not None:
            return None
        if not any(any(hours_of(inventory.file, site)) for site in sites):
            return None
        return await self._windows(inventory, sites, spec, now)

    async def _windows(
        self, inventory: Inventory, sites: Sequence[Site], spec: CampaignSpec, now: datetime
    ) -> SiteWindows:
        operation = spec.operation
        runs = [
            (inventory.site(run.site).topology, run)
            for run in await self.journal.run_times(operation.kind)
            if run.site in inventory
        ]
        versions = await self.journal.versions()
        policy = self._paced(spec.maintenance_windows)
        calendars: dict[Any, int] = {}
        told: list[Calendar] = []
        needs: dict[tuple[str, str], tuple[timedelta, str]] = {}
        groups: dict[WindowGroup, int] = {}
        group_of = []
        for site in sites:
            hours = hours_of(inventory.file, site)
            if not any(hours):
                group_of.append(ANY_TIME)
                continue
            key = (_names(hours), *((each.first, each.last) for each in hours[1]), site.timezone)
            if key not in calendars:
                calendars[key] = len(told)
                told.append(self._calendar(hours, site.timezone, now))
            kind = (site.topology, versions.get(site.name, ""))
            if kind not in needs:
                needs[kind] = self.needed(runs, *kind, operation.target, policy)
            need, words = needs[kind]
            group = WindowGroup(calendar=calendars[key], need=need, need_from=words)
            group_of.append(groups.setdefault(group, len(groups)))
        return SiteWindows(
            sites=tuple(site.name for site in sites),
            group_of=tuple(group_of),
            groups=tuple(groups),
            calendars=tuple(told),
            read=now,
        )

    def _calendar(self, hours: Hours, timezone: str, now: datetime) -> Calendar:
        windows, blackouts = hours
        return Calendar(
            words=f"{' and '.join(_names(hours)) or 'outside of blackouts'}, {timezone}",
            openings=self.when_open(windows, blackouts, timezone, now, OPENINGS_TOLD),
        )

    def _paced(self, policy: WindowPolicy) -> WindowPolicy:
        return policy.model_copy(
            update={
                "at_least": self.timing.paced(policy.at_least),
                "unknown": self.timing.paced(policy.unknown),
            }
        )


def never_finish(windows: SiteWindows) -> list[str]:
    """Why the campaign would wait for good: sites that need more than any of their openings."""
    problems = []
    for number, group in enumerate(windows.groups):
        calendar = windows.calendars[group.calendar]
        if group.need <= calendar.longest:
            continue
        names = [name for name, its in zip(windows.sites, windows.group_of, strict=True) if its == number]
        who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        problems.append(
            f"maintenance_windows: {who} could never finish: a site needs {format_duration(group.need)} "
            f"({group.need_from}), and window {calendar.words} stays open for at most "
            f"{format_duration(calendar.longest)}; widen the window, or say maintenance_windows.unknown, "
            "quantile or force"
        )
    return problems


def _names(hours: Hours) -> tuple[str, ...]:
    return tuple(window.name for window in hours[0])
