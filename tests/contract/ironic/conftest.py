"""One real Ironic for all tests; a site, and so a node, of its own for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.ironic import Ironic, ironic, is_installed
from tests.support.ironic_house import IronicHouse, ironic_house


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ironic]:
    if not is_installed():
        pytest.skip("Ironic is not installed; `make test` installs it")
    with ironic(tmp_path_factory.mktemp("ironic")) as running:
        yield running


@pytest.fixture
async def fake(server: Ironic, tmp_path: Path) -> AsyncIterator[IronicHouse]:
    """A host whose hardware agrees to everything."""
    declared = {"url": server.url, "driver": "fake-hardware"}
    async with ironic_house(tmp_path, declared, site=tmp_path.name.replace("_", "-")) as house:
        yield house
