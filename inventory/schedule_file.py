"""`schedules.yaml`: each schedule names a campaign file, which is read with it and judged as at a start."""

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
from inventory.words import quoted
from models.schedules import ScheduledCampaignRequest, SchedulesFile


def load_schedules(
    path: str | Path, inventory: Inventory | None = None
) -> tuple[ScheduledCampaignRequest, ...]:
    """The schedules with their campaigns. Raises `FileErrors` with every problem of all the files."""
    file = Path(path).expanduser()
    content = read_content(file, str(path))
    declared = read_model(SchedulesFile, content, str(path), partial(_findings, directory=file.parent))
    requests, problems = [], list[Problem]()
    for entry in declared.schedules:
        try:
            campaign = load_campaign(file.parent / entry.campaign, inventory)
        except FileErrors as errors:
            problems += errors.problems
        else:
            requests.append(ScheduledCampaignRequest(schedule=entry, campaign=campaign))
    if problems:
        raise FileErrors(dict.fromkeys(problems))
    return tuple(requests)


def _findings(data: dict[str, Any], directory: Path) -> Iterator[Finding]:
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
        if campaign and not (directory / campaign).is_file():
            yield Finding((*path, "campaign"), f"{quoted(campaign)}: there is no such file")
