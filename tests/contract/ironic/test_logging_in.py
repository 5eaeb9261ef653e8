"""Who we are at Ironic, and how it proves itself."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.activities.redfish.emulator import Emulator, emulator
from tests.contract.ironic.between import Wire, says, wire
from tests.contract.ironic.journey import refused
from tests.support.ironic import Ironic
from tests.support.ironic_house import ironic_house
from tests.support.simulator import simulator

ROOT = "GET /v1"


@pytest.fixture
async def between(server: Ironic) -> AsyncIterator[Wire]:
    async with wire(server.url) as running:
        yield running


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "ironic-password"
    path.touch(mode=0o600)
    path.write_text("s3cret")
    return path


def declared(url: str, **more: Any) -> dict[str, Any]:
    credential = {"username": "starflock", "password": "file:ironic-password"}
    return {"url": url, "driver": "fake-hardware", "credential": credential} | more


async def test_a_credential_alone_is_http_basic(between: Wire, secret: Path, tmp_path: Path) -> None:
    async with ironic_house(tmp_path, declared(between.url)) as house:
        await house.look()
    assert set(between.authorizations) == {f"Basic {base64.b64encode(b'starflock:s3cret').decode()}"}


async def test_a_wrong_password_is_tried_once_and_a_right_one_is_read_afresh(
    between: Wire, secret: Path, tmp_path: Path
) -> None:
    between.faults[ROOT].append(says(401, "Incorrect username or password"))
    async with ironic_house(tmp_path, declared(between.url)) as house:
        failed = await refused(house, house.looks.look_at_node, house.on)
        assert (failed.type, "tried once" in failed.message) == ("Refused", True)
        assert "s3cret" not in failed.message
        assert between.arrived == [ROOT]
        secret.write_text("n3w")
        await house.look()
    assert between.authorizations[-1] == f"Basic {base64.b64encode(b'starflock:n3w').decode()}"


async def test_keystone_gives_one_token_for_many_requests(between: Wire, tmp_path: Path) -> None:
    """A simulated region's Keystone, over HTTPS."""
    async with simulator(tmp_path / "sim", sites=1) as region:
        controller = yaml.safe_load(region.inventory.read_text())["system_controllers"][0]
        ca = region.inventory.parent / controller["ca_bundle"]
        password = region.inventory.parent / controller["credential"]["password"].removeprefix("file:")
        keystone = {
            "auth_url": controller["auth_url"],
            "ca_bundle": str(ca),
            "credential": {"username": "admin", "password": f"file:{password}", "project": "admin"},
        }
        async with ironic_house(tmp_path, declared(between.url, **keystone)) as house:
            for _ in range(3):
                await house.look()
        assert len({token for token in between.tokens if token}) == 1
        assert between.count("GET /v1/nodes/{node}") == 3


# The session ignores it once for the process; pytest takes the warning up again in each test.
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize(
    ("trust", "is_believed"),
    [
        ({"ca_bundle": "bmc.pem"}, True),
        ({"fingerprint": "right"}, True),
        ({"unverified": True}, True),
        ({"fingerprint": "sha256:" + "0f" * 32}, False),
        ({}, False),
    ],
    ids=["its CA", "its pin", "nobody asked", "another pin", "the system's CAs"],
)
async def test_trust_is_kept(trust: dict[str, Any], is_believed: bool, secret: Path, tmp_path: Path) -> None:
    """What answers is a BMC and no Ironic; it is told so only where its certificate was believed."""
    async with (
        emulator(tmp_path / "emulator") as other,
        ironic_house(tmp_path, declared(other.url, **_filled(trust, other))) as house,
    ):
        failed = await refused(house, house.looks.look_at_node, house.on)
    if is_believed:
        assert (failed.type, "credentials" in failed.message) == ("Refused", True), failed.message
    else:
        assert failed.type == "Transient"
        assert "certificate" in failed.message.lower() or "fingerprint" in failed.message.lower()


def _filled(trust: dict[str, Any], other: Emulator) -> dict[str, Any]:
    values = {"bmc.pem": str(other.certificate), "right": other.fingerprint}
    return {key: values.get(value, value) for key, value in trust.items()}
