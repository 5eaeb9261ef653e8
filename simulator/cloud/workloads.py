"""Availability probes: which workloads of a site could be reached, and how long each could not.

Each workload is probed once a period of simulated seconds, from the moment when it was first up. Nothing
polls: who moves a workload says when it goes down and comes up, and the probes in between are counted. So
`outage_s` is what really passed while it was down, to the moment, and `missed` the number of probes that
would have failed; an interruption shorter than a period may be missed by all of them and still counts.
What a workload is (`kind`) says who may expect what of it: `pods-replicated` has another pod elsewhere,
`vm-movable` nothing that ties it to its host; `pods-single` and `vm-bound` go down with theirs.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

PERIOD_SECONDS = 1.0
Kind = Literal["pods-replicated", "pods-single", "vm-movable", "vm-bound"]


class Timekeeper(Protocol):
    def now(self) -> float: ...


@dataclass(slots=True)
class _Probe:
    """Of one workload. `turned`: since when it is as it is; `until`: nobody probes it any more since then."""

    kind: Kind
    began: float
    turned: float
    up: bool = True
    until: float | None = None
    down: list[tuple[float, float]] = field(default_factory=list)
    skipped: int = 0
    """Probes that were not sent between a deletion and the next creation."""


class Workloads:
    """Those of one cloud. `vm/NAME`, `pod/NAMESPACE/CONTROLLER`."""

    def __init__(self, clock: Timekeeper, period_s: float = PERIOD_SECONDS) -> None:
        self.clock = clock
        self.period_s = period_s
        self._probes: dict[str, _Probe] = {}

    def seen(self, workload: str, up: bool, kind: Kind) -> None:
        """It is up, or down, from now on. One that has never been up is not probed yet."""
        now, probe = self.clock.now(), self._probes.get(workload)
        if probe is None or probe.until is not None:
            if up and probe is None:
                self._probes[workload] = _Probe(kind, now, now)
            elif up and probe is not None:
                probe.skipped += self._between(probe, probe.until or now, now)
                probe.until, probe.up, probe.turned = None, True, now
            return
        if probe.up != up:
            if up:
                probe.down.append((probe.turned, now))
            probe.up, probe.turned = up, now

    def gone(self, workload: str) -> None:
        """It was deleted on purpose: from now on nobody expects it."""
        probe = self._probes.get(workload)
        if probe is not None and probe.until is None:
            probe.until = self.clock.now()
            if not probe.up:
                probe.down.append((probe.turned, probe.until))

    def outages(self) -> list[dict[str, Any]]:
        """One row a workload, by name; of those that are gone what was measured while they were there."""
        now = self.clock.now()
        return [self._row(name, probe, now) for name, probe in sorted(self._probes.items())]

    def _row(self, name: str, probe: _Probe, now: float) -> dict[str, Any]:
        down, last = list(probe.down), probe.until if probe.until is not None else now
        if not probe.up and probe.until is None:
            down.append((probe.turned, now))
        return {
            "workload": name,
            "kind": probe.kind,
            "outage_s": round(sum(end - start for start, end in down), 3),
            "up": probe.up and probe.until is None,
            "probes": self._between(probe, probe.began, last) - probe.skipped,
            "missed": sum(self._between(probe, start, end) for start, end in down),
            "period_s": self.period_s,
        }

    def _between(self, probe: _Probe, start: float, end: float) -> int:
        """Probes from a moment until before another one; the first was sent when it began."""
        return math.ceil((end - probe.began) / self.period_s) - math.ceil(
            (start - probe.began) / self.period_s
        )
