"""How times and lengths are written in a report. All clocks are UTC; the page says so once."""

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """2026-03-01 22:05:09"""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def clock(at: datetime, *, seconds: bool = False, days: bool = False) -> str:
    """22:05, 22:05:09 or 03-01, as an axis needs it."""
    return at.astimezone(UTC).strftime("%m-%d" if days else "%H:%M:%S" if seconds else "%H:%M")


def length(seconds: float) -> str:
    """The two largest units: 14s, 12m 05s, 3h 20m, 2d 4h; below ten seconds with a tenth."""
    if seconds < 9.95:
        return f"{seconds:.1f}s" if seconds % 1 else f"{seconds:.0f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m {whole % 60:02d}s" if whole % 60 else f"{whole // 60}m"
    minutes = round(seconds / 60)
    if minutes < 1_440:
        return f"{minutes // 60}h {minutes % 60:02d}m" if minutes % 60 else f"{minutes // 60}h"
    hours = round(seconds / 3_600)
    return f"{hours // 24}d {hours % 24}h" if hours % 24 else f"{hours // 24}d"
