"""InstallHost through a real Ironic, whose node is a foreign BMC with a machine behind it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import sushy
import yaml

from models.outcome import Outcome
from tests.e2e.test_install_foreign_bmc import HOST, SITE, Bench, bench
from tests.support.ironic import Ironic, ironic, is_installed

pytestmark = pytest.mark.asyncio(loop_scope="module")

NODE = f"{SITE}~{HOST}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ironic]:
    if not is_installed():
        pytest.skip("Ironic is not installed; `make test` installs it")
    with ironic(tmp_path_factory.mktemp("ironic")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(server: Ironic, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    patience = {"STARFLOCK_REQUEST_TIMEOUT_S": "20", "STARFLOCK_SEND_WINDOW_S": "5"}
    async with bench(folder, **patience) as running:
        declare(running, server)
        yield running


def declare(running: Bench, server: Ironic, **more: str) -> None:
    path = running.stack.simulator.inventory
    document = yaml.safe_load(path.read_text())
    certificate = str(running.bmc.certificate)
    service = {"url": server.url, "bmc_ca_bundle": certificate, "boot_mode": "bios"}
    document["system_controllers"][0]["ironic"] = service | more
    path.write_text(yaml.safe_dump(document))


async def test_a_host_that_never_answers_is_undeployed_and_switched_off(there: Bench, server: Ironic) -> None:
    """Ironic's hardware agrees to everything, and nothing ever reaches the machine."""
    declare(there, server, driver="fake-hardware")
    result = await there.install(through="ironic", installed_within="1m")
    declare(there, server)
    assert result.outcome is Outcome.FAILED, result
    assert "does not answer by SSH" in result.reason
    assert result.left[-1] == "its disks may hold half an installation; it was left switched off"
    assert server.ask("GET", "/v1/nodes")["nodes"] == []
    assert "deploy" in [step.name for step in (await there.stack.runs_of(SITE))[-1].steps]
    await asyncio.to_thread(there.machine.system.refresh, force=True)
    assert there.machine.system.power_state is sushy.PowerState.OFF
    assert there.machine.installs == 0


async def test_a_server_is_deployed_by_ironic_and_installed_when_it_answers(
    there: Bench, server: Ironic
) -> None:
    result = await there.install(through="ironic")
    assert result.outcome is Outcome.SUCCEEDED, (result, server.log[-4000:])
    node = server.ask("GET", f"/v1/nodes/{NODE}")
    assert (node["provision_state"], node["extra"]["starflock"]["host"]) == ("active", HOST)
    assert there.machine.installs == 1
    assert there.machine.system.boot.target is sushy.BootSource.HDD
    assert [drive.inserted for drive in await asyncio.to_thread(there.machine.drives)] == [False, False]
    run = (await there.stack.runs_of(SITE))[-1]
    assert [step.name for step in run.steps] == [
        "gates",
        "enroll",
        "manage",
        "provide",
        "deploy",
        "boot the medium",
        "install",
        "boot from disk",
        "eject",
    ]
    assert f"deployed through Ironic, as node {NODE}" in run.evidence


async def test_what_was_installed_is_not_installed_again(there: Bench, server: Ironic) -> None:
    before = server.ask("GET", f"/v1/nodes/{NODE}")["updated_at"]
    result = await there.install(through="ironic")
    assert (result.outcome, "it is in use" in result.reason) == (Outcome.REFUSED, True)
    assert server.ask("GET", f"/v1/nodes/{NODE}")["updated_at"] == before


async def test_a_node_that_we_have_deployed_is_undeployed_when_its_wipe_is_confirmed(
    there: Bench, server: Ironic
) -> None:
    await there.machine.die()
    first = server.ask("GET", f"/v1/nodes/{NODE}")
    held = await there.install(through="ironic", wipe=None, ready_within="10s")
    assert held.outcome is Outcome.BLOCKED, held
    assert server.ask("GET", f"/v1/nodes/{NODE}")["updated_at"] == first["updated_at"]
    result = await there.install(through="ironic")
    assert result.outcome is Outcome.SUCCEEDED, (result, server.log[-4000:])
    node = server.ask("GET", f"/v1/nodes/{NODE}")
    assert (node["uuid"], node["provision_state"]) == (first["uuid"], "active")
    assert node["instance_info"]["starflock_run"] != first["instance_info"]["starflock_run"]
    assert there.machine.installs == 2
    assert any("it is undeployed" in line for line in result.evidence)
