"""Regions: sites whose work is done by workers of their own, on a task queue of their own.

The campaign is on the main queue and starts each site on its region's. Where nobody polls a region's queue
its sites are not started: they count as busy, leave the window to others, and come back when a worker has.
Those that were in work wait in Temporal and keep their places. Queues are declared by system controller and
read again with each tick, so that one that was put right counts for the sites that have not begun.
"""

from collections.abc import Iterable, Mapping

from models.carry import CampaignCarry

LABEL = "system_controller"


class Regions:
    def __init__(self, carry: CampaignCarry, position: Mapping[str, int]) -> None:
        self._pinned = next((each for each in carry.caps if each.label == LABEL), None)
        self._position = position
        self.queues = dict(carry.queues)
        """By system controller."""
        self.unpolled = carry.unpolled

    def queue_of(self, site: str) -> str | None:
        """The task queue of its region; None: the campaign's own."""
        group = self._pinned.groups[self._position[site]] if self._pinned is not None else -1
        if not self.queues or self._pinned is None or group < 0:
            return None
        return self.queues.get(self._pinned.values[group])

    def by_queue(self, sites: Iterable[str]) -> dict[str | None, list[str]]:
        found: dict[str | None, list[str]] = {}
        for site in sites:
            found.setdefault(self.queue_of(site), []).append(site)
        return found

    def away(self, site: str) -> str:
        """Why nobody would carry its work out, in words; empty where somebody does."""
        queue = self.queue_of(site)
        return no_worker(queue) if queue is not None and queue in self.unpolled else ""

    def seen(self, queues: Mapping[str, str], unpolled: Iterable[str]) -> tuple[str, ...]:
        """As they are now; what is new of it, in words."""
        before, self.queues, self.unpolled = set(self.unpolled), dict(queues), tuple(unpolled)
        gone = [f"{no_worker(queue)}: its sites wait" for queue in self.unpolled if queue not in before]
        back = [f"queue {queue} has a worker again" for queue in sorted(before - set(self.unpolled))]
        return (*gone, *back)

    def carry(self) -> dict[str, object]:
        """Its share of the fields of `CampaignCarry`."""
        return {"queues": self.queues, "unpolled": self.unpolled}


def no_worker(queue: str) -> str:
    return f"queue {queue}, which no worker polls"
