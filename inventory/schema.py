"""JSON Schemas of the declared files, for editors (yaml-language-server) and for forms.

They come from the models, so that they cannot disagree with the loader in what they know: keys, types,
patterns, defaults, descriptions. What needs two values or the machine (references, topologies, time zones)
only the loader knows.
"""

from datetime import timedelta
from typing import Any, Literal, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from models.base import format_duration
from models.campaign import CampaignSpec
from models.inventory import InventoryFile
from models.maintenance import MaintenancePolicy
from models.schedules import SchedulesFile

Kind = Literal["inventory", "campaign", "maintenance", "schedules"]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ID_PREFIX = "https://github.com/starflock/starflock/schema/"

_MODELS: dict[str, type[BaseModel]] = {
    "inventory": InventoryFile,
    "campaign": CampaignSpec,
    "maintenance": MaintenancePolicy,
    "schedules": SchedulesFile,
}
_TITLES = {
    "inventory": "Starflock inventory",
    "campaign": "Starflock campaign",
    "maintenance": "Starflock maintenance policy",
    "schedules": "Starflock schedules",
}
_ABOUT = {
    "inventory": "System controllers, sites and hosts, as operators declare them.",
    "campaign": "A change and the sites it goes to. Shortest: name, operation and select.",
    "maintenance": "What may be done to VMs, pods and storage when a host is taken out of service.",
    "schedules": "Campaigns that Temporal starts by the clock.",
}


class _Schema(GenerateJsonSchema):
    """Defaults as a file would have them: `30m` and not ISO 8601, no nulls, no defaults within defaults."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return format_duration(dft)
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if isinstance(dft, tuple):
            return [self.encode_default(item) for item in dft]
        return super().encode_default(dft)


def json_schema(kind: Kind) -> dict[str, Any]:
    """The schema (draft 2020-12) of one of the files. Raises ValueError for another kind."""
    if kind not in get_args(Kind):
        raise ValueError(f"expected one of {', '.join(get_args(Kind))}; found {kind!r}")
    body = _MODELS[kind].model_json_schema(schema_generator=_Schema)
    head = {
        "$schema": DRAFT,
        "$id": f"{ID_PREFIX}{kind}.json",
        "title": _TITLES[kind],
        "description": _ABOUT[kind],
    }
    return {**head, **{key: value for key, value in body.items() if key not in head}}
