from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.activities.redfish.emulator import PASSWORD, USER, UUID, Emulator, Images, emulator, images
from tests.activities.redfish.house import House, house
from tests.activities.redfish.scripted import Scripted, scripted


@pytest.fixture
async def bmc(tmp_path: Path) -> AsyncIterator[Emulator]:
    async with emulator(tmp_path / "emulator") as running:
        yield running


@pytest.fixture
async def image() -> AsyncIterator[Images]:
    async with images() as served:
        yield served


@pytest.fixture
async def at_home(bmc: Emulator, tmp_path: Path) -> AsyncIterator[House]:
    """A host whose BMC is the emulator, trusted by its CA."""
    (tmp_path / "bmc-password").touch(mode=0o600)
    (tmp_path / "bmc-password").write_text(PASSWORD)
    declared = {
        "address": bmc.url,
        "credential": {"username": USER, "password": "file:bmc-password"},
        "ca_bundle": str(bmc.certificate),
    }
    async with house(tmp_path, bmc=declared, uuid=UUID) as at_home:
        yield at_home


@pytest.fixture
async def own_bmc() -> AsyncIterator[Scripted]:
    async with scripted() as running:
        yield running


@pytest.fixture
async def home(own_bmc: Scripted, tmp_path: Path) -> AsyncIterator[House]:
    """A host whose BMC is the scripted one; requests time out after a second."""
    (tmp_path / "bmc-password").touch(mode=0o600)
    (tmp_path / "bmc-password").write_text(PASSWORD)
    declared = {"address": own_bmc.url, "credential": {"username": USER, "password": "file:bmc-password"}}
    async with house(tmp_path, timeout_s=1.0, bmc=declared, serial="S1", oam="127.122.0.9:2222") as home:
        yield home
