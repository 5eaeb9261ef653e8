"""`schedules.yaml`: each schedule names a campaign file, which is read with it and judged as at a start, or
says which backups are to be drilled."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from inventory.campaign_file import load_campaign
from inventory.inventory_checks import time_zone_findings
from inventory.load import Inventory
from inventory.problems import FileErrors, Finding, Problem, entries, field_name
from inventory.problems import Path as Place
from inventory.text import read_content
from inventory.validate import read_model
from inventory.words import did_you_mean, quoted
from models.schedules import (
    ScheduledCampaignRequest,
    ScheduledDrillRequest,
    ScheduledRequest,
    SchedulesFile,
)


def load_schedules(path: str | Path, inventory: Inventory | None = None) -> tuple[ScheduledRequest, ...]:
    """The schedules with their campaigns. Raises `FileErrors` with every problem of all the files."""
    file = Path(path).expanduser()
    content = read_content(file, str(path))
    check = partial(_findings, directory=file.parent, inventory=inventory)
    declared = read_model(SchedulesFile, content, str(path), check)
    requests, problems = list[ScheduledRequest](), list[Problem]()
    for entry in declared.schedules:
        if entry.campaign is None:
            assert entry.drill is not None
            requests.append(ScheduledDrillRequest(schedule=entry, drill=entry.drill))
            continue
        try:
            campaign = load_campaign(file.parent / entry.campaign, inventory)
        except FileErrors as errors:
            problems += errors.problems
        else:
            requests.append(ScheduledCampaignRequest(schedule=entry, campaign=campaign))
    if problems:
        raise FileErrors(dict.fromkeys(problems))
    return tuple(requests)


def _findings(data: dict[str, Any], directory: Path, inventory: Inventory | None) -> Iterator[Finding]:
    seen: dict[str, Place] = {}
    for index, entry in entries(data, "schedules"):
        path: Place = ("schedules", index)
        name = entry.get("name")
        if name is not None and seen.setdefault(name, path) != path:
            message = f"{name!r} is already the name of another schedule, {field_name(seen[name])}"
            yield Finding((*path, "name"), message, (*seen[name], "name"))
        if not entry.get("cron") and entry.get("every") is None and "every" not in entry:
            yield Finding(path, "expected cron or every: nothing says when")
        yield from time_zone_findings((*path, "timezone"), entry.get("timezone"))
        campaign = entry.get("campaign")
        if ("campaign" in entry) == ("drill" in entry):
            found = "both" if "campaign" in entry else "neither"
            yield Finding(path, f"expected one of campaign and drill, found {found}: it says what is done")
        yield from _drill_findings((*path, "drill", "select"), entry.get("drill"), inventory)
        if campaign and not (directory / campaign).is_file():
            yield Finding((*path, "campaign"), f"{quoted(campaign)}: there is no such file")


def _drill_findings(path: Place, drill: Any, inventory: Inventory | None) -> Iterator[Finding]:
    """Names that nobody declared."""
    select = drill.get("select") if isinstance(drill, dict) else None
    if not isinstance(select, dict) or inventory is None:
        return
    for key in ("names", "except"):
        for place, name in enumerate(select.get(key) or ()):
            if isinstance(name, str) and name not in inventory:
                near = did_you_mean(name, (site.name for site in inventory.sites))
                yield Finding((*path, key, place), f"the inventory has no site {name!r}{near}")
