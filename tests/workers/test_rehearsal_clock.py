"""The clock of a deep rehearsal, and what of the real fleet gets into its region."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from inventory.load import load_inventory
from models.campaign import CampaignSpec
from models.windows import MaintenanceWindow
from workers.rehearsal import CannotRehearse
from workers.rehearsal_clock import RehearsalClock, next_opening
from workers.rehearsal_region import Cast, cast

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
NIGHTS = {"name": "nights", "rrule": "FREQ=DAILY;BYHOUR=22", "duration": "3h"}


def test_it_runs_faster_and_what_it_is_put_forward_by_is_left_out(tmp_path: Path) -> None:
    clock = RehearsalClock.begin(60.0, NOON, NOON)
    assert clock.shown(NOON + 60 * SECOND) == NOON + HOUR
    clock.put_forward(NOON + 60 * SECOND, NOON + 9 * HOUR)
    assert clock.shown(NOON + 30 * SECOND) == NOON + HOUR / 2, "what has been stays"
    assert clock.shown(NOON + 61 * SECOND) == NOON + 9 * HOUR + 60 * SECOND
    assert clock.wall(NOON + 10 * HOUR) == NOON + 120 * SECOND
    assert clock.skipped == 8 * HOUR
    clock.write(tmp_path / "clock.json")
    assert RehearsalClock.read(tmp_path / "clock.json") == clock


def test_a_night_is_as_long_for_the_sites_as_it_is_declared() -> None:
    clock = RehearsalClock.begin(60.0, NOON, NOON)
    (opening,) = clock.openings([MaintenanceWindow.model_validate(NIGHTS)], (), "UTC", NOON, 1)
    assert (opening.begins, opening.ends) == (NOON + 600 * SECOND, NOON + 780 * SECOND)
    assert opening.words == "Mon 2026-11-23 22:00 UTC", "in the fleet's time"


def inventory(folder: Path, *sites: dict[str, Any], **more: Any) -> Any:
    (folder / "password").write_text("none\n")
    controllers = [
        {"name": name, "auth_url": f"https://{name}:5000/v3", "credential": {"password": "file:password"}}
        for name in ("east", "west")
    ]
    (folder / "inventory.yaml").write_text(
        yaml.safe_dump({"system_controllers": controllers, "sites": list(sites), **more})
    )
    return load_inventory(folder / "inventory.yaml")


def site(name: str, controller: str = "east", **more: Any) -> dict[str, Any]:
    return {"name": name, "system_controller": controller, "timezone": "UTC", **more}


def played(folder: Path, versions: dict[str, str], release: str, *sites: dict[str, Any]) -> Cast:
    spec = {"name": "n", "operation": {"kind": "patch", "release": release}, "select": {"all": True}}
    return cast(CampaignSpec.model_validate(spec), inventory(folder, *sites), versions)


def test_the_next_opening_is_the_first_of_any_site_that_is_left(tmp_path: Path) -> None:
    own = {"name": "own", "rrule": "FREQ=DAILY;BYHOUR=20", "duration": "1h"}
    found = inventory(
        tmp_path, site("a", windows=["nights"]), site("b", windows=["own"]), site("c", windows=[]),
        windows=[NIGHTS, own],
    )  # fmt: skip
    assert next_opening(found, ["a", "b", "c"], NOON) == NOON + 8 * HOUR
    assert next_opening(found, ["a", "c"], NOON) == NOON + 10 * HOUR
    assert next_opening(found, ["c"], NOON) is None


def test_each_controller_is_a_region_with_its_sites_as_declared_and_recorded(tmp_path: Path) -> None:
    mac = "00:00:5E:00:53:07"
    declared = site(
        "a", subcloud="s-1", hosts=[{"name": "controller-0", "personality": "controller", "mac": mac}]
    )
    other = site("b", "west", topology="AIO-DX")
    play = played(tmp_path, {"a": "starlingx-26.03.2"}, "starlingx-26.03.7", declared, other)
    east, west = play.regions["east"], play.regions["west"]
    assert east["sites"][0]["hosts"] == [
        {"name": "controller-0", "personality": "controller", "mac": mac.lower()}
    ]
    assert (east["sites"][0]["subcloud"], east["sites"][0]["runs"]) == ("s-1", "starlingx-26.03.2")
    assert [host["name"] for host in west["sites"][0]["hosts"]] == ["controller-0", "controller-1"]
    assert "runs" not in west["sites"][0]
    assert {"release": "starlingx-26.03.7", "reboot": True} in east["patches"]


@pytest.mark.parametrize(
    ("versions", "release", "words"),
    [
        ({"a": "starlingx-26.09.1"}, "starlingx-26.03.1", "it runs starlingx-26.09.1"),
        ({}, "starlingx-25.09.0", "the simulator has patches of 26.03, 26.09"),
    ],
)
def test_what_no_simulated_region_has_is_refused(
    tmp_path: Path, versions: dict[str, str], release: str, words: str
) -> None:
    with pytest.raises(CannotRehearse, match=words):
        played(tmp_path, versions, release, site("a"))
