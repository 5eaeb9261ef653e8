"""A host for each test: a site of one simulated region, or an OpenSSH server of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from records.store import Store
from tests.contract.ssh.targets import ADMIN, Real, Simulated, Target
from tests.support.simulator import Simulator, simulator
from tests.support.sshd import is_installed, sshd

SITES = iter(range(1, 100))
OVERRIDES = {
    "system_mode": "simplex",
    "external_oam_subnet": "10.20.1.0/24",
    "external_oam_gateway_address": "10.20.1.1",
    "external_oam_floating_address": "10.20.1.2",
    "admin_password": "file:admin",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--installed", "--plain", "--bootstrap-seconds", "60")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=20, speed=60, options=options) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", params=["simulated", "OpenSSH"])
async def target(request: pytest.FixtureRequest, region: Simulator, tmp_path: Path) -> AsyncIterator[Target]:
    async with await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'records.db'}") as store:
        if request.param == "simulated":
            yield _simulated(region, store)
            await region.clear_faults()
            return
        if not is_installed():
            pytest.skip("no OpenSSH server and Ansible here: run make test as root")
        with sshd(tmp_path) as server:
            inventory = tmp_path / "inventory.yaml"
            bootstrap = {
                "overrides": "localhost.yaml",
                "credential": {"username": server.user, "private_key": "file:user"},
                "host_key": server.host_key,
                "address": f"127.0.0.1:{server.port}",
            }
            site = {"name": "alpha", "system_controller": "central", "bootstrap": bootstrap}
            controller = {
                "name": "central",
                "auth_url": "https://10.10.10.2:5000/v3",
                "credential": {"password": "file:admin"},
            }
            inventory.write_text(yaml.safe_dump({"system_controllers": [controller], "sites": [site]}))
            overrides = OVERRIDES | {"ansible_become_pass": "file:admin"}
            _secret(tmp_path / "admin", ADMIN)
            (tmp_path / "localhost.yaml").write_text(yaml.safe_dump(overrides))
            yield Real("alpha", inventory, store, server=server)


def _simulated(region: Simulator, store: Store) -> Target:
    folder = region.inventory.parent
    target = Simulated(f"edge-{next(SITES):04d}", region.inventory, store, region=region)
    _secret(folder / "admin", ADMIN)
    overrides = folder / target.declared["bootstrap"]["overrides"]
    values = yaml.safe_load(overrides.read_text()) | {"admin_password": "file:admin"}
    overrides.write_text(yaml.safe_dump(values))
    return target


def _secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
