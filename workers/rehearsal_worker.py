"""`python -m workers.rehearsal_worker CLOCK`: the worker of a deep rehearsal.

It is the worker of every day, with one difference: windows open and close by the rehearsal's clock.
"""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from models.windows import Blackout, MaintenanceWindow, Opening
from workers.__main__ import main
from workers.rehearsal_clock import RehearsalClock


def worked_by(clock: Path) -> int:
    """The worker's exit code."""

    def when_open(
        windows: Sequence[MaintenanceWindow],
        blackouts: Sequence[Blackout],
        timezone: str,
        now: datetime,
        limit: int,
    ) -> tuple[Opening, ...]:
        return RehearsalClock.read(clock).openings(windows, blackouts, timezone, now, limit)

    return main(when_open)


if __name__ == "__main__":
    sys.exit(worked_by(Path(sys.argv[1])))
