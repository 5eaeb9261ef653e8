"""The scenario `windows`: sites of four time zones, each worked on only in its own night.

A night is compressed to some seconds, and comes twice in each of the next ten minutes, by the clocks of the
zone: the same rule elsewhere would open hours from now. Three sites are different. One has two windows, of
which the first is too short for a patch, so it has to wait for the other. One is held by its own people, by a
line in its isystem, and has no window: it starts when their time is over. One has no window and no hold, and
starts at once: without it nobody could tell a campaign that waits from one that is slow.

No worker is killed here: taking its work over takes longer than such a night.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

import yaml

from cli.demo.scenario import Scenario, Stage
from cli.demo.verdict import Night

if TYPE_CHECKING:
    from cli.demo.house import House
    from models.records import SiteRun

RELEASE = "starlingx-26.03.1"
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Tokyo")
PERIOD_S = 30
OPEN_AT_S = (0, 7, 15, 22)
"""Of each half minute, by zone."""
OPEN_FOR_S = 20
SHORT_AT_S, SHORT_FOR_S, NEXT_AT_S = 4, 4, 10
NEEDED_S = 8
"""What a site is reckoned with as long as too few have been recorded; never less than AT_LEAST_S."""
AT_LEAST_S = 6
MINUTES = 10
HELD_FOR_S = 20
LATE_S = 1.5
"""A site's record begins when its workflow runs, a moment after it was started."""


@dataclass(frozen=True)
class WindowsScenario(Scenario):
    kind: ClassVar[str] = "windows"
    usual_sites: ClassVar[int] = 11
    least_sites: ClassVar[int] = 7
    usual_speed: ClassVar[float] = 240.0
    width: ClassVar[int] = 50
    work_s: ClassVar[float] = 15.0
    is_killed: ClassVar[bool] = False
    to_look_around: ClassVar[tuple[str, ...]] = ("campaign show demo-windows", "site status edge-0001")

    @property
    def faults(self) -> list[dict[str, Any]]:
        return []

    @property
    def too_short(self) -> str:
        return f"edge-{self.sites - 2:04d}"

    @property
    def held(self) -> str:
        return f"edge-{self.sites - 1:04d}"

    @property
    def any_time(self) -> str:
        return f"edge-{self.sites:04d}"

    def stages(self, images: str) -> tuple[Stage, ...]:
        operation = {
            "kind": "patch",
            "release": RELEASE,
            "reachable_within": self.patience,
            "ready_within": self.patience,
        }
        return (Stage("demo-windows", f"release={RELEASE}", operation, [{"percent": 100}]),)

    def campaign(self, stage: Stage, leave_out: list[str]) -> dict[str, Any]:
        needed = {"unknown": self._simulated(NEEDED_S), "at_least": self._simulated(AT_LEAST_S)}
        return super().campaign(stage, leave_out) | {"maintenance_windows": needed}

    def zone_of(self, site: str) -> str:
        if site in (self.held, self.any_time):
            return "UTC"
        return ZONES[-1] if site == self.too_short else ZONES[(int(site[-4:]) - 1) % len(ZONES)]

    def windows_of(self, site: str) -> list[str]:
        if site in (self.held, self.any_time):
            return []
        return ["too-short", "next"] if site == self.too_short else [_night(self.zone_of(site))]

    async def before(self, stage: Stage, house: "House") -> None:
        """The nights begin now, whatever the start of the house has taken."""
        from inventory.live import LOOK_EVERY_S

        now = datetime.now(UTC)
        document = yaml.safe_load(house.inventory.read_text())
        document["windows"] = self._declared_windows(now)
        for site in document["sites"]:
            site["timezone"] = self.zone_of(site["name"])
            site["windows"] = self.windows_of(site["name"])
        house.inventory.write_text(yaml.safe_dump(document, sort_keys=False))
        until = now + timedelta(seconds=HELD_FOR_S)
        line = f"starflock-hold: {until.isoformat(timespec='seconds')} power works in hall 3"
        await house.region.post(f"/sites/{self.held}/system", {"description": line})
        await asyncio.sleep(LOOK_EVERY_S + 0.5)

    def _declared_windows(self, now: datetime) -> list[dict[str, Any]]:
        found = [
            {"name": _night(zone), "rrule": _rule(zone, second, now), "duration": f"{OPEN_FOR_S}s"}
            for zone, second in zip(ZONES, OPEN_AT_S, strict=True)
        ]
        for name, second, lasts in (("too-short", SHORT_AT_S, SHORT_FOR_S), ("next", NEXT_AT_S, OPEN_FOR_S)):
            rule = _rule(ZONES[-1], second, now)
            found.append({"name": name, "rrule": rule, "duration": f"{lasts}s"})
        return found

    async def nights(self, stage: Stage, house: "House") -> tuple[Night, ...]:
        from records.store import Store

        async with await Store.open(house.records) as store:
            runs = await store.latest_runs(stage.name)
            histories = {run.site: await store.site_history(run.site) for run in runs}
        first = min((run.began for run in runs), default=datetime.now(UTC))
        return tuple(
            self._night(run, histories[run.site], first) for run in sorted(runs, key=lambda run: run.site)
        )

    def _night(self, run: "SiteRun", history: Sequence["SiteRun"], first: datetime) -> Night:
        zone = ZoneInfo(self.zone_of(run.site))
        held = next((each.reason for each in history if each.run_id != run.run_id), "")
        opened = None
        if self.windows_of(run.site):
            opened = NEXT_AT_S if run.site == self.too_short else OPEN_AT_S[ZONES.index(str(zone))]
        since, end = None, None
        if opened is not None:
            since = (run.began.second + run.began.microsecond / 1e6 - opened) % PERIOD_S
            end = since + (run.ended - run.began).total_seconds()
        return Night(
            site=run.site,
            timezone=str(zone),
            windows=tuple(self.windows_of(run.site)),
            began=run.began.astimezone(zone).isoformat(timespec="seconds"),
            ended=run.ended.astimezone(zone).isoformat(timespec="seconds"),
            after_start_s=round((run.began - first).total_seconds(), 1),
            after_opening_s=None if since is None else round(since, 1),
            in_window=None if since is None else since <= OPEN_FOR_S - AT_LEAST_S + LATE_S,
            done_in_window=None if end is None else end <= OPEN_FOR_S + LATE_S,
            held=held,
        )

    def complaints(self, nights: Sequence[Night]) -> list[str]:
        """What speaks against it that the clock was heeded."""
        by_name = {night.site: night for night in nights}
        found = [
            f"{night.site}: started {night.after_opening_s} s after its window {night.windows[-1]} had opened"
            for night in nights
            if night.in_window is False
        ]
        late = [night.site for night in nights if night.done_in_window is False]
        found += [f"{site}: was done after its window had closed" for site in late]
        held, free = by_name.get(self.held), by_name.get(self.any_time)
        waited = held is not None and "on hold by its own people" in held.held
        if held is None or not waited or held.after_start_s < HELD_FOR_S / 2:
            found.append(f"{self.held}: was not seen to wait for its own people")
        if free is None or free.after_start_s > HELD_FOR_S / 2:
            found.append(f"{self.any_time}: has no window, and waited all the same")
        return found

    def _simulated(self, seconds: float) -> str:
        return f"{round(seconds * self.speed)}s"


def _night(zone: str) -> str:
    return f"night-{zone.rpartition('/')[2].replace('_', '-').lower()}"


def _rule(zone: str, second: int, now: datetime) -> str:
    """In each of the next minutes, by the clocks of the zone."""
    local = [(now + timedelta(minutes=more)).astimezone(ZoneInfo(zone)) for more in range(MINUTES)]
    hours = ",".join(str(hour) for hour in sorted({each.hour for each in local}))
    minutes = ",".join(str(minute) for minute in sorted({each.minute for each in local}))
    return f"FREQ=DAILY;BYHOUR={hours};BYMINUTE={minutes};BYSECOND={second},{second + PERIOD_S}"
