"""A system controller whose password is in a sealed Vault: its sites wait, and go on once it is unsealed."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import yaml

from models.outcome import Outcome
from tests.support.openbao import OpenBao, openbao, running
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, result_of, stack, until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(openbao() is None, reason="no OpenBao here"),
]

REF = "vault:secret/starlingx/central#password"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("bao")) as server:
        server.allow("sites", "secret/data/starlingx/*")
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory, vault: OpenBao) -> AsyncIterator[Simulator]:
    async with simulator(tmp_path_factory.mktemp("sim"), sites=2, options=("--plain",)) as found:
        password = (found.inventory.parent / "sim-password").read_text().strip()
        vault.root().secrets.kv.v2.create_or_update_secret("starlingx/central", {"password": password})
        document = yaml.safe_load(found.inventory.read_text())
        document["system_controllers"][0]["credential"]["password"] = REF
        found.inventory.write_text(yaml.safe_dump(document))
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    tmp_path_factory: pytest.TempPathFactory, region: Simulator, vault: OpenBao
) -> AsyncIterator[Stack]:
    settings = vault.settings(TOKEN=vault.token("sites"))
    async with stack(tmp_path_factory.mktemp("house"), region, **settings) as found:
        await found.start_worker()
        yield found


async def test_a_sealed_vault_is_waited_for_in_words(house: Stack, region: Simulator, vault: OpenBao) -> None:
    vault.root().sys.seal()
    handle = await house.start_patch("edge-0001")

    async def said() -> str:
        pending = (await handle.describe()).raw_description.pending_activities
        return next((each.last_failure.message for each in pending if each.last_failure.message), "")

    assert await until(said, "why it waits") == f"{REF}: Vault is sealed: somebody has to unseal it"
    assert await region.mutations("edge-0001") == []
    vault.root().sys.submit_unseal_key(vault.unseal_key)
    assert (await result_of(handle)).outcome is Outcome.SUCCEEDED
    assert (await house.patch("edge-0002")).outcome is Outcome.SUCCEEDED
    assert await region.repeats() == 0
