import re
from typing import Any

import pytest

from inventory.schema import Kind, json_schema
from models.campaign import CampaignSpec
from models.inventory import InventoryFile


def nodes(schema: Any) -> list[dict[str, Any]]:
    found = [schema] if isinstance(schema, dict) else []
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return found + [node for value in inner for node in nodes(value)]


@pytest.mark.parametrize("kind", ["inventory", "campaign"])
def test_a_schema_says_what_it_is(kind: Kind) -> None:
    schema = json_schema(kind)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"https://github.com/starflock/starflock/schema/{kind}.json"
    assert schema["title"] == f"Starflock {kind}"
    assert schema["description"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("kind", ["inventory", "campaign"])
def test_every_reference_in_a_schema_leads_somewhere(kind: Kind) -> None:
    schema = json_schema(kind)
    references = [node["$ref"] for node in nodes(schema) if isinstance(node.get("$ref"), str)]
    assert references
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(schema["$defs"])


@pytest.mark.parametrize("kind", ["inventory", "campaign"])
def test_defaults_are_written_as_a_file_writes_them(kind: Kind) -> None:
    for node in nodes(json_schema(kind)):
        if "default" in node and "pattern" in node:
            assert re.search(node["pattern"], node["default"]), node


def test_keys_are_those_of_the_files() -> None:
    campaign, inventory = json_schema("campaign"), json_schema("inventory")
    assert set(campaign["properties"]) == set(CampaignSpec.model_fields)
    assert set(inventory["properties"]) == set(InventoryFile.model_fields)
    assert "except" in campaign["$defs"]["Selector"]["properties"]
    assert campaign["properties"]["waves"]["default"] == [{"count": 1}, {"percent": 100.0}]
    assert campaign["$defs"]["PatchOperation"]["properties"]["reachable_within"]["default"] == "30m"
    assert inventory["$defs"]["Site"]["properties"]["timezone"]["description"].startswith("IANA name")


def test_another_kind_is_refused() -> None:
    expected = "expected one of inventory, campaign, maintenance, schedules; found 'site'"
    with pytest.raises(ValueError, match=expected):
        json_schema("site")  # type: ignore[arg-type]
