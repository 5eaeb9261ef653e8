"""Which alarms hold a patch, before and after.

Before: the VIM's own ignore list for a software deployment (nfv master 2026-08), since the VIM would
refuse or pass by the same list moments later. After: what the deployment itself leaves behind for a
while is ignored, but not what says that it went wrong (host locked, configuration out of date).
"""

from collections.abc import Iterable

from models.site import Alarm

IGNORED_BEFORE_PATCH = frozenset(
    {
        "100.119",
        "200.001",
        "200.003",
        "250.001",
        "280.001",
        "280.002",
        "280.003",
        "280.004",
        "280.005",
        "700.004",
        "750.006",
        "900.004",
        "900.005",
        "900.007",
        "900.020",
        "900.021",
        "900.022",
        "900.023",
        "900.201",
        "900.202",
        "900.231",
        "900.401",
        "900.402",
        "900.701",
    }
)
SAYS_IT_WENT_WRONG = frozenset({"200.001", "250.001", "900.021", "900.202", "900.701"})
IGNORED_AFTER_PATCH = IGNORED_BEFORE_PATCH - SAYS_IT_WENT_WRONG


def holding(alarms: Iterable[Alarm], ignored: frozenset[str], *, strict: bool = False) -> tuple[Alarm, ...]:
    """Those that hold: management-affecting ones (strict: any), suppressed included, minus the ignored."""
    return tuple(
        alarm for alarm in alarms if (strict or alarm.mgmt_affecting) and alarm.alarm_id not in ignored
    )


def new_since(before: Iterable[Alarm], now: Iterable[Alarm], ignored: frozenset[str]) -> tuple[Alarm, ...]:
    """Management-affecting alarms that were not there before, by (id, entity)."""
    known = {alarm.key for alarm in before if alarm.mgmt_affecting}
    return tuple(alarm for alarm in holding(now, ignored) if alarm.key not in known)


def in_words(alarms: Iterable[Alarm], limit: int = 4) -> str:
    listed = [
        f"{alarm.alarm_id} {alarm.severity} on {alarm.entity}" + (" (suppressed)" if alarm.suppressed else "")
        for alarm in alarms
    ]
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more
