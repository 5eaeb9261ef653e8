"""One engine and one image for the folder; for each module a region, a Temporal, a PostgreSQL on loopback."""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
import yaml
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.client import Client

from models import contracts
from records.store import Store
from tests.support import image
from tests.support.components import used
from tests.support.engine import Engine, engine
from tests.support.postgresql import binaries, postgresql
from tests.support.simulator import Simulator, simulator
from tests.support.stack import PACE, until
from tests.workers.keys import declared
from workers import embedded

BUILT_WITHIN_S = 900
"""A test that is the first one may have to wait for base and image."""
USER = 65532
NAMESPACE = "starflock"
RELEASE = "starlingx-26.03.1"
INVENTORY = "/etc/starflock/inventory"
"""Inside."""
COMPRESSED = {
    "STARFLOCK_EMBEDDED": "true",
    "STARFLOCK_PACE": str(PACE),
    "STARFLOCK_REQUEST_TIMEOUT_S": "4",
    "STARFLOCK_SEND_WINDOW_S": "2",
    "STARFLOCK_GRACEFUL_SHUTDOWN": "5s",
}
"""Time, as the simulated sites have it."""


@dataclass
class Ground:
    folder: Path
    """inventory/ with campaign.yaml, secrets/ and data/, as the container's user reads them."""
    region: Simulator
    address: str
    records: str
    token: str

    async def outcomes(self) -> list[str]:
        async with await Store.open(self.records) as store:
            return [run.outcome.value for run in await store.site_runs("night")]

    async def sealed(self) -> Payload:
        """What the server has of the campaign's request."""
        client = await Client.connect(self.address, namespace=NAMESPACE)
        handle = client.get_workflow_handle(contracts.campaign_workflow_id("night"))
        started = await anext(handle.fetch_history_events())
        (payload,) = started.workflow_execution_started_event_attributes.input.payloads
        return payload

    async def decoded(self, codec_server: str, sealed: Payload) -> bytes:
        """Once it answers at HOST:PORT."""
        body = json_format.MessageToJson(Payloads(payloads=[sealed]))
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(trust_env=False) as client:

            async def answered() -> httpx2.Response | None:
                try:
                    return await client.post(f"http://{codec_server}/decode", content=body, headers=headers)
                except httpx2.TransportError:
                    return None

            answer = await until(answered, "the codec server", within=180)
        assert answer is not None
        assert answer.status_code == 200, answer.text
        return json_format.Parse(answer.text, Payloads()).payloads[0].data


@pytest.fixture(scope="session")
def containers() -> Iterator[Engine]:
    if reason := image.missing():
        pytest.skip(reason)
    try:
        image.built()
    except image.BaseNotMade as error:
        pytest.skip(str(error))
    # A socket's path is short, so not in pytest's folder.
    with (
        tempfile.TemporaryDirectory(prefix="starflock-engine-", ignore_cleanup_errors=True) as folder,
        engine(Path(folder)) as running,
    ):
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(
    containers: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Ground]:
    found = binaries()
    if found is None:
        pytest.skip("no PostgreSQL server here")
    folder = tmp_path_factory.mktemp("ground")
    sites: int = request.module.SITES
    async with AsyncExitStack() as leaving:
        region = await leaving.enter_async_context(simulator(folder / "inventory", sites=sites, speed=PACE))
        database = leaving.enter_context(postgresql(found)).database()
        server = await embedded.start(folder / "temporal.db", durable=False)
        leaving.push_async_callback(server.stop)
        used("Temporal dev server", server.address)
        token = secrets.token_hex(16)
        _declare(folder, token, sites)
        yield Ground(folder, region, server.address, database, token)


def _declare(folder: Path, token: str, sites: int) -> None:
    campaign = {
        "name": "night",
        "operation": {"kind": "patch", "release": RELEASE},
        "select": {"all": True},
        "waves": [{"percent": 100}],
        "window": {"max_in_flight": sites},
    }
    (folder / "inventory" / "campaign.yaml").write_text(yaml.safe_dump(campaign))
    closed = folder / "secrets"
    closed.mkdir()
    declared(closed, "key")
    (closed / "codec-token").touch(mode=0o600)
    (closed / "codec-token").write_text(token)
    (folder / "data").mkdir()
    for each in (folder / "data", *(folder / "inventory").iterdir(), *closed.iterdir()):
        os.chown(each, USER, USER)
