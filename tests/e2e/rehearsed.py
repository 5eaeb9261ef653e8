"""What the tests of deep rehearsals share: the command, and a fleet that counts its requests."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cli.conftest import Said, spawned
from tests.support.simulator import Simulator, simulator
from workers.rehearsal_deep import dice_of

FORCED = {"force": {"owner": "me", "reason": "all at once"}}
PATIENT = {"reachable_within": "8h", "ready_within": "8h"}
"""A busy machine makes everybody slow by the fleet's clock."""
ABSENT = "env:NOBODY_HAS_SET_THIS"


@asynccontextmanager
async def fleet(folder: Path, sites: int, *options: str, **more: Any) -> AsyncIterator[Simulator]:
    """Its secrets are nowhere: who asked for one would fail. `more`: what else the inventory declares."""
    async with simulator(folder, sites=sites, options=options) as region:
        document = yaml.safe_load(region.inventory.read_text())
        for controller in document["system_controllers"]:
            controller["credential"] = {"username": "admin", "password": ABSENT, "sysadmin_password": ABSENT}
        for site in document["sites"]:
            for host in site["hosts"]:
                if "bmc" in host:
                    host["bmc"]["credential"]["password"] = ABSENT
        write(region, document | more)
        yield region


def read(region: Simulator) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(region.inventory.read_text())
    return found


def write(region: Simulator, document: dict[str, Any]) -> None:
    region.inventory.write_text(yaml.safe_dump(document, sort_keys=False))


async def asked(region: Simulator) -> int:
    """How many requests the fleet has had, BMCs and all."""
    count: int = (await region.get("/stats"))["requests"]
    return count


async def rehearse(
    folder: Path, region: Simulator, operation: dict[str, Any], *arguments: str, **more: Any
) -> tuple[Said, dict[str, Any]]:
    """What `campaign rehearse --deep` says of all sites at once."""
    campaign = {
        "name": "night",
        "operation": operation,
        "select": {"all": True},
        "waves": [{"percent": 100}],
        "maintenance_windows": FORCED,
    }
    (folder / "campaign.yaml").write_text(yaml.safe_dump(campaign | more))
    said = await spawned(
        *("campaign", "rehearse", "campaign.yaml", "--inventory", str(region.inventory), "-o", "json"),
        *("--deep", *arguments),
        cwd=folder,
        STARFLOCK_DATA=str(folder),
    )
    assert "Traceback" not in said.err, said.err
    return said, json.loads(said.out) if said.out else {}


def seed_for(sites: Sequence[str], fails: str) -> int:
    """Whose dice let this one of the sites fail and no other, where three in ten do."""
    for seed in range(1000):
        if [site for site in sites if dice_of(site, seed).random() < 0.3] == [fails]:
            return seed
    raise AssertionError("dice that never fall so")


def ends(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """By site: outcome and reason."""
    return {each["site"]: (each["outcome"], each["reason"]) for each in found["deep"]["sites"]}
