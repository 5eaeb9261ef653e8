"""A real Ironic whose node is a foreign BMC: sushy-emulator with TLS and basic authentication.

The machine behind it is pretended: how a deployment goes wrong is told here, how one succeeds where a machine
boots (`tests/real_boot`). Its fake driver lacks processors, which fails an inspection.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from models.ironic import EnrollNodeRequest
from tests.activities.redfish.emulator import (
    OTHER_UUID,
    PASSWORD,
    USER,
    UUID,
    Emulator,
    Images,
    emulator,
    images,
)
from tests.contract.ironic.journey import deploy, enroll, move, name_image, refused, to_available
from tests.support.ironic import Ironic
from tests.support.ironic_house import IronicHouse, ironic_house

WITHIN = "60m"


@pytest.fixture
async def bmc(tmp_path: Path) -> AsyncIterator[Emulator]:
    async with emulator(tmp_path / "emulator", systems=2) as running:
        yield running


@pytest.fixture
async def image() -> AsyncIterator[Images]:
    async with images() as served:
        yield served


@pytest.fixture
async def house(server: Ironic, bmc: Emulator, tmp_path: Path) -> AsyncIterator[IronicHouse]:
    secret = tmp_path / "bmc-password"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD)
    ironic = {"url": server.url, "bmc_ca_bundle": str(bmc.certificate), "boot_mode": "bios"}
    site = tmp_path.name.replace("_", "-")
    async with ironic_house(tmp_path, ironic, site=site, **declared(bmc)) as at_home:
        yield at_home


def declared(bmc: Emulator, **more: Any) -> dict[str, Any]:
    credential = {"username": USER, "password": "file:bmc-password"}
    system = f"/redfish/v1/Systems/{UUID}"
    return {"bmc": {"address": bmc.url, "credential": credential, "system": system} | more}


async def test_an_image_that_cannot_be_fetched_fails_the_deployment_in_words(
    house: IronicHouse, image: Images
) -> None:
    await to_available(house)
    await name_image(house, image.missing)
    since = (await house.look()).stamp
    await deploy(house, image.missing, since=since)
    end = await house.wait("active", within=WITHIN)
    assert (end.how, end.kind, end.state) == ("failed", "Blocked", "deploy failed"), end
    assert "missing.iso" in end.words
    # The attempt after a lost answer finds what became of it, and sends nothing.
    assert not (await deploy(house, image.missing, since=since, attempt=2)).did


async def test_a_wrong_password_is_refused_and_a_right_one_mends_it(
    house: IronicHouse, bmc: Emulator
) -> None:
    secret = house.folder / "bmc-password"
    secret.write_text("wrong")
    await enroll(house)
    await move(house, "manage")
    end = await house.wait("manageable")
    assert (end.how, end.kind, end.state) == ("failed", "Refused", "enroll"), end
    secret.write_text(PASSWORD)
    assert not (await enroll(house)).did, "Ironic shows passwords masked"
    assert (await enroll(house, renew_credential=True)).did
    await move(house, "manage")
    assert (await house.wait("manageable")).how == "so"


async def test_a_bmc_that_ironic_manages_under_another_name_is_left_alone(
    house: IronicHouse, server: Ironic, bmc: Emulator
) -> None:
    info = {"redfish_address": f"{bmc.url}/", "redfish_system_id": f"/redfish/v1/Systems/{UUID}"}
    body = {"name": "of-others", "driver": "redfish", "driver_info": info}
    other = server.ask("POST", "/v1/nodes", body)
    failed = await refused(house, house.acts.enroll_node, EnrollNodeRequest(on=house.on))
    assert (failed.type, "already, as node of-others" in failed.message) == ("Busy", True)
    server.ask("DELETE", f"/v1/nodes/{other['uuid']}")
    info["redfish_system_id"] = f"/redfish/v1/Systems/{OTHER_UUID}"
    server.ask("POST", "/v1/nodes", body | {"driver_info": info})
    assert (await enroll(house)).did, "another system of the same service"


async def test_what_is_declared_otherwise_is_told_to_ironic_once(
    house: IronicHouse, server: Ironic, bmc: Emulator
) -> None:
    await enroll(house)
    house.declare_host(**declared(bmc, unverified=True))
    assert (await enroll(house)).did
    assert not (await enroll(house)).did
    told = server.ask("GET", f"/v1/nodes/{house.node}")["driver_info"]
    assert (told["redfish_verify_ca"], told["redfish_password"]) == (False, "******")


async def test_a_failed_inspection_is_told_and_left_by_manage(house: IronicHouse) -> None:
    await enroll(house)
    await move(house, "manage")
    assert (await house.wait("manageable")).how == "so"
    await move(house, "inspect")
    end = await house.wait("manageable", within=WITHIN)
    assert (end.how, end.state) == ("failed", "inspect failed"), end
    assert "Processors" in end.words
    await move(house, "manage")
    assert (await house.wait("manageable")).how == "so"
