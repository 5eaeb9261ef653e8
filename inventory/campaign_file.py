"""The campaign as declared: `campaign.yaml`, or the same as JSON from the Temporal UI.

Both ways meet the same checks. A file is told its mistakes with their lines (`load_campaign`); a request
that arrives as JSON was already held against the model and is told the rest by field (`check_campaign`).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from inventory.campaign_checks import Sections, findings
from inventory.load import Inventory
from inventory.problems import Finding, field_name
from inventory.select import GroupMembers
from inventory.text import read_content
from inventory.validate import read_model
from models.campaign import CampaignSpec


def load_campaign(path: str | Path, inventory: Inventory | None = None) -> CampaignSpec:
    """Reads and validates a campaign file, against the inventory where one is given.

    Raises `FileErrors` with every problem of the file.
    """
    content = read_content(Path(path).expanduser(), str(path))
    return read_model(CampaignSpec, content, str(path), partial(_findings, inventory=inventory))


def check_campaign(
    spec: CampaignSpec, inventory: Inventory, group_members: GroupMembers | None = None
) -> list[str]:
    """What is wrong between the campaign and the inventory: `select.names[2]: the inventory has ...`.

    Selection by groups is judged only with `group_members` (see `select`).
    """
    return [
        f"{field_name(finding.path)}: {finding.message}"
        for finding in findings(Sections.of(spec), inventory, group_members)
    ]


def _findings(data: dict[str, Any], inventory: Inventory | None) -> Iterator[Finding]:
    sections = Sections(**{key: _section(data, key) for key in Sections._fields})
    return findings(sections, inventory)


def _section(data: dict[str, Any], key: str) -> Any:
    """A section as its model; the default where it is absent, None where the model refused any of it."""
    field = CampaignSpec.model_fields[key]
    if key not in data:
        return None if field.is_required() else field.default
    value = data[key]
    if key != "select":
        value = _without_blanks(value)
    annotation: Any = field.annotation
    try:
        return TypeAdapter[Any](annotation).validate_python(value)
    except ValidationError:
        return None


def _without_blanks(value: Any) -> Any:
    """Refused keys fall back to their defaults, so that their neighbours are judged nevertheless.

    Not so in a selector, where less would select more.
    """
    if isinstance(value, dict):
        return {key: _without_blanks(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_blanks(item) for item in value]
    return value
