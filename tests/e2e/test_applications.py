"""Applications as a profile declares them: from package to applied, to other values and versions, away."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from models import contracts
from models.bringup import BringUpRequest, ConfigurationResult, ConfigureRequest
from tests.e2e.test_bring_up import declare, ended, plan, verify
from tests.support.packages import package
from tests.support.secret_scan import files, found, histories
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

SECRET = "pass-word-of-the-data-base"
DEMO = {"name": "demo-app", "file": "demo-app.tgz"}
VALUES = {"chart": "api", "namespace": "demo", "values": "file:api.yaml"}
QUICK = ("--install-seconds", "120", "--reboot-seconds", "120")


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Simulator]:
    options = ("--topology", "aio-sx", "--bootstrapped", "--plain", *QUICK)
    async with simulator(tmp_path / "sim", sites=2, options=options) as found:
        write_values(found, replicas=2)
        package(found.inventory.parent / "demo-app.tgz", charts=(("demo", "api"), ("demo", "web")))
        declare(found, applications=["platform-integ-apps", DEMO | {"overrides": [VALUES]}])
        yield found


@pytest.fixture
async def house(tmp_path: Path, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path, region) as found:
        await found.start_worker()
        yield found


def write_values(region: Simulator, **values: Any) -> None:
    path = region.inventory.parent / "api.yaml"
    path.write_text(yaml.safe_dump({"database": {"password": SECRET}, **values}))
    path.chmod(0o600)


async def configured(house: Stack, site: str, *applications: Any) -> ConfigurationResult:
    """Once the worker has read what is declared now."""
    declare(house.simulator, applications=["platform-integ-apps", *applications])

    async def differs() -> bool:
        return bool((await plan(house, site)).changes)

    await until(differs, "the edited profile")
    request = ConfigureRequest.model_validate({"site": site, "settled_within": "20m"})
    return await ended(house, contracts.CONFIGURE_SITE, request)


async def test_an_application_goes_all_its_ways(house: Stack) -> None:
    region, site = house.simulator, "edge-0001"
    planned = await plan(house, site)
    lines = [each.words for each in planned.changes if each.section == "applications"]
    uploaded = "applications: demo-app: not there -> uploaded 1.0-1"
    values = "applications: demo-app values of demo/api: otherwise at database, replicas -> as declared"
    assert lines == [uploaded, values]
    assert planned.unapplied == ("platform-integ-apps", "demo-app")
    up = await ended(house, contracts.BRING_UP_SITE, BringUpRequest(site=site))
    assert up.outcome == "succeeded", up
    assert [line for line in up.changed if "demo-app" in line] == [
        uploaded,
        values,
        "application demo-app: applied",
    ]
    write_values(region, replicas=3)
    again = await configured(house, site, DEMO | {"overrides": [VALUES]})
    assert (again.outcome, again.changed) == (
        "succeeded",
        (
            "applications: demo-app values of demo/api: otherwise at replicas -> as declared",
            "application demo-app: applied",
        ),
    )
    other = {"name": "demo-app", "version": "2.0-1", "url": "http://192.0.2.9/demo-app-2.0-1.tgz"}
    updated = await configured(house, site, other | {"overrides": [VALUES]})
    assert (updated.outcome, updated.changed) == (
        "succeeded",
        ("applications: demo-app version: 1.0-1 -> 2.0-1",),
    )
    gone = await configured(house, site, {"name": "demo-app", "state": "absent"})
    assert (gone.outcome, gone.changed) == (
        "succeeded",
        ("applications: demo-app: applied -> removed", "applications: demo-app: applied -> deleted"),
    )
    assert (await verify(house, site)).accepted
    assert await region.repeats() == 0
    written = files(house.folder) | await histories(house.client)
    assert found(SECRET, {name: text for name, text in written.items() if "/sim/" not in name}) == set()


async def test_an_upload_that_fails_is_said_and_the_next_run_does_it_anew(house: Stack) -> None:
    region, site = house.simulator, "edge-0002"
    await region.fault(site, "application.upload", "fail", times=1)
    failed = await ended(house, contracts.BRING_UP_SITE, BringUpRequest(site=site))
    assert failed.outcome == "failed"
    assert "application demo-app is upload-failed" in failed.reason
    again = await ended(house, contracts.BRING_UP_SITE, BringUpRequest(site=site))
    assert again.outcome == "succeeded", again
    assert await region.repeats() == 0
