from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.real_boot.bench import Server
from tests.real_boot.bench import server as a_server
from tests.support import installer
from tests.support.libvirt import Libvirt, libvirt, what_is_missing


@pytest.fixture
def machines() -> Iterator[Libvirt]:
    missing = what_is_missing() or ", ".join(installer.missing_programs())
    if missing:
        pytest.skip(f"{missing}; `make test` as root installs it")
    with libvirt() as running:
        yield running


@pytest.fixture
async def server(machines: Libvirt, tmp_path: Path) -> AsyncIterator[Server]:
    kernel = installer.kernel()
    if kernel is None:
        pytest.skip("no kernel to boot here; `make test` unpacks Debian's")
    async with a_server(tmp_path / "server", machines, kernel) as there:
        yield there
