"""The clock of a deep rehearsal: the fleet's time, compressed, with its idle hours left out.

Sites are worked on at `speed` times the pace of the wall. Where every site waits for its window and nothing
is in work, the clock is put forward to shortly before the next opening. What the campaign itself sees is the
wall: whoever reads its windows is told when by the wall they open and close, so that a night of six hours is
six hours of sites' work. What it has recorded is told in the fleet's time afterwards.

The clock is one small file: the campaign's worker reads it, the rehearsal writes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from pydantic import AwareDatetime

from inventory.load import Inventory
from inventory.windows import hours_of
from models.base import Frozen
from models.records import CampaignEvent, CampaignRun, SiteRun
from models.windows import Blackout, MaintenanceWindow, Opening
from rules import windows

OPENINGS_SEEN = 8


class Anchor(Frozen):
    """At this moment by the wall the fleet's clock showed that."""

    wall: AwareDatetime
    shown: AwareDatetime


class Dial(Frozen):
    """What is in the file."""

    speed: float
    anchors: tuple[Anchor, ...]


@dataclass
class RehearsalClock:
    dial: Dial

    @classmethod
    def begin(cls, speed: float, wall: datetime, shown: datetime) -> "RehearsalClock":
        return cls(Dial(speed=speed, anchors=(Anchor(wall=wall, shown=shown),)))

    @classmethod
    def read(cls, file: Path) -> "RehearsalClock":
        return cls(Dial.model_validate_json(file.read_bytes()))

    def write(self, file: Path) -> None:
        """Whole or not at all."""
        draft = file.with_name(f"{file.name}.part")
        draft.write_text(self.dial.model_dump_json())
        draft.replace(file)

    def put_forward(self, wall: datetime, shown: datetime) -> None:
        anchors = (*self.dial.anchors, Anchor(wall=wall, shown=shown))
        self.dial = self.dial.model_copy(update={"anchors": anchors})

    @property
    def skipped(self) -> timedelta:
        """By how much it was put forward altogether."""
        pairs = pairwise(self.dial.anchors)
        played = [before.shown + (after.wall - before.wall) * self.dial.speed for before, after in pairs]
        return sum(
            (after.shown - at for after, at in zip(self.dial.anchors[1:], played, strict=True)), timedelta(0)
        )

    def shown(self, wall: datetime) -> datetime:
        """In the fleet's time."""
        past = [each for each in self.dial.anchors if each.wall <= wall] or self.dial.anchors[:1]
        return past[-1].shown + (wall - past[-1].wall) * self.dial.speed

    def wall(self, shown: datetime) -> datetime:
        """Of a moment to come, if the clock is not put forward any more; of one that has been, as if it had
        always run so."""
        latest = self.dial.anchors[-1]
        return latest.wall + (shown - latest.shown) / self.dial.speed

    def openings(
        self,
        declared: Sequence[MaintenanceWindow],
        blackouts: Sequence[Blackout],
        timezone: str,
        now: datetime,
        limit: int,
    ) -> tuple[Opening, ...]:
        """As `rules.windows.openings`, by the wall; the words are in the fleet's time."""
        found = windows.openings(declared, blackouts, timezone, self.shown(now), limit)
        return tuple(
            each.model_copy(update={"begins": self.wall(each.begins), "ends": self.wall(each.ends)})
            for each in found
        )

    def run_shown(self, run: SiteRun) -> SiteRun:
        steps = tuple(
            step.model_copy(update={"began": self.shown(step.began), "ended": self.shown(step.ended)})
            for step in run.steps
        )
        return run.model_copy(
            update={"began": self.shown(run.began), "ended": self.shown(run.ended), "steps": steps}
        )

    def campaign_shown(self, campaign: CampaignRun) -> CampaignRun:
        ended = self.shown(campaign.ended) if campaign.ended else None
        return campaign.model_copy(update={"began": self.shown(campaign.began), "ended": ended})

    def event_shown(self, event: CampaignEvent) -> CampaignEvent:
        return event.model_copy(update={"at": self.shown(event.at)})


def next_opening(inventory: Inventory, sites: Sequence[str], now: datetime) -> datetime | None:
    """When the first window of these sites opens after now, in the fleet's time; None where one is open that
    has only begun to be waited for, or where nothing ever opens."""
    moments: dict[object, tuple[Opening, ...]] = {}
    for name in sites:
        site = inventory.site(name)
        hours = hours_of(inventory.file, site)
        if any(hours):
            names = tuple(each.name for each in hours[0])
            key = (names, *((each.first, each.last) for each in hours[1]), site.timezone)
            if key not in moments:
                moments[key] = windows.openings(*hours, site.timezone, now, OPENINGS_SEEN)
    begins = [each.begins for found in moments.values() for each in found if each.begins > now]
    return min(begins, default=None)


SHORTLY_BEFORE = timedelta(seconds=2)
"""By the wall: the campaign wakes up and reads its windows meanwhile."""
