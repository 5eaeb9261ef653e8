"""The dashboard is one of Grafana's: its own models take each key and give it back.

They are generated from Grafana's schema (grafana-foundation-sdk); what they do not know, Grafana disregards.
No Grafana is started: none comes as a package.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

FILE = Path(__file__).parents[2] / "deploy" / "monitoring" / "dashboard.json"


@pytest.fixture
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def test_grafana_knows_all_of_it(dashboard: dict[str, Any]) -> None:
    assert list(_disregarded(dashboard)) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda panel: panel.update(tittle=panel.pop("title")), "/panels[0]/tittle"),
        (lambda panel: panel["targets"][0].update(query="up"), "/panels[0]/targets[0]/query"),
        (
            lambda panel: panel["fieldConfig"]["defaults"].update(units="s"),
            "/panels[0]/fieldConfig/defaults/units",
        ),
    ],
)
def test_what_it_does_not_know_is_found(dashboard: dict[str, Any], change: Any, complaint: str) -> None:
    change(dashboard["panels"][0])
    assert list(_disregarded(dashboard)) == [complaint]


def test_panels_stand_side_by_side(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24, "Grafana's grid"
    assert len({panel["id"] for panel in panels}) == len(panels)


def _disregarded(dashboard: dict[str, Any]) -> Iterator[str]:
    register_default_plugins()
    yield from _lost(dashboard, json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard))), "")


def _lost(ours: Any, theirs: Any, place: str) -> Iterator[str]:
    if isinstance(ours, dict):
        for key, value in ours.items():
            if not isinstance(theirs, dict) or key not in theirs:
                yield f"{place}/{key}"
            else:
                yield from _lost(value, theirs[key], f"{place}/{key}")
    elif isinstance(ours, list):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _lost(one, other, f"{place}[{number}]")
    elif ours != theirs:
        yield place
