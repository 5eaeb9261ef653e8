"""Which windows and blackouts a site has: its own list of windows, else those that its labels fit."""

from models.inventory import InventoryFile, Site
from models.windows import Blackout, MaintenanceWindow

Hours = tuple[tuple[MaintenanceWindow, ...], tuple[Blackout, ...]]


def hours_of(file: InventoryFile, site: Site) -> Hours:
    """In the order of the file; nothing of either: work on it may begin at any time."""
    if site.windows is None:
        windows = tuple(each for each in file.windows if each.labels.items() <= site.labels.items())
    else:
        windows = tuple(each for each in file.windows if each.name in site.windows)
    blackouts = tuple(each for each in file.blackouts if each.labels.items() <= site.labels.items())
    return windows, blackouts
