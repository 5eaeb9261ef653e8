"""A campaign that is worked on in containers, over simulated sites and a real server: set-up job, worker, CLI
and codec server, each from the image and as it is deployed; records in a real PostgreSQL.

Only the servers are not in containers. All of them are on loopback, on the host's network.
"""

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import yaml
from docker.models.containers import Container
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.client import Client

from models import contracts
from records.store import Store
from tests.support.components import used
from tests.support.engine import Engine
from tests.support.postgresql import binaries, postgresql
from tests.support.simulator import Simulator, simulator
from tests.support.stack import PACE, until
from tests.workers.keys import declared
from workers import embedded
from workers.embedded import free_port

SITES = 8
USER = 65532
RELEASE = "starlingx-26.03.1"
NAMESPACE = "starflock"
INVENTORY = "/etc/starflock/inventory"
TOKEN = secrets.token_hex(16)
CAMPAIGN = {
    "name": "night",
    "operation": {"kind": "patch", "release": RELEASE},
    "select": {"all": True},
    "waves": [{"percent": 100}],
    "window": {"max_in_flight": SITES},
}

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server here"),
]


@dataclass
class House:
    containers: Engine
    region: Simulator
    address: str
    records: str
    folder: Path

    async def client(self) -> Client:
        """Without keys: it sees payloads as the server does."""
        return await Client.connect(self.address, namespace=NAMESPACE)

    async def run(self, *words: str, **more: Any) -> Any:
        """A command in a container of its own; what it answers."""
        done = await asyncio.to_thread(self.containers.run, *words, "-o", "json", **more)
        assert done.code == 0, done.said
        return json.loads(done.said[done.said.index("{") :])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(containers: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("containers")
    found = binaries()
    assert found is not None
    async with AsyncExitStack() as leaving:
        region = await leaving.enter_async_context(simulator(folder / "inventory", sites=SITES, speed=PACE))
        database = leaving.enter_context(postgresql(found)).database()
        server = await embedded.start(folder / "temporal.db", durable=False)
        leaving.push_async_callback(server.stop)
        used("Temporal dev server", server.address)
        (folder / "inventory" / "campaign.yaml").write_text(yaml.safe_dump(CAMPAIGN))
        closed = folder / "secrets"
        closed.mkdir()
        declared(closed, "current")
        (closed / "codec-token").touch(mode=0o600)
        (closed / "codec-token").write_text(TOKEN)
        (folder / "data").mkdir()
        for each in (folder / "data", *(folder / "inventory").iterdir(), *closed.iterdir()):
            os.chown(each, USER, USER)
        deployed = Engine(
            containers.image,
            env={
                "TEMPORAL_ADDRESS": server.address,
                "TEMPORAL_NAMESPACE": NAMESPACE,
                "STARFLOCK_PAYLOAD_KEYS": "current=file:/run/secrets/payload-current",
                "STARFLOCK_RECORDS_URL": database,
                "STARFLOCK_EMBEDDED": "true",
                "STARFLOCK_PACE": str(PACE),
                "STARFLOCK_REQUEST_TIMEOUT_S": "4",
                "STARFLOCK_SEND_WINDOW_S": "2",
                "STARFLOCK_GRACEFUL_SHUTDOWN": "5s",
            },
            mounts={
                folder / "inventory": (INVENTORY, "ro"),
                closed / "payload-current": ("/run/secrets/payload-current", "ro"),
                folder / "data": ("/var/lib/starflock", "rw"),
            },
        )
        house = House(deployed, region, server.address, database, folder)
        first = await house.run("setup", "--retention-days", "30")
        assert (first["namespace"], first["created"]) == (NAMESPACE, True)
        assert set(first["search_attributes_added"]) == {key.name for key in contracts.SEARCH_ATTRIBUTES}
        yield house


async def test_the_set_up_job_may_run_again(house: House) -> None:
    again = await house.run("setup", "--retention-days", "30")
    assert (again["created"], again["search_attributes_added"]) == (False, [])


async def test_a_campaign_outlives_its_worker(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    async def under_way() -> bool:
        strategies = [each["strategy_state"] for each in await house.region.get("/sites")]
        return sum(state is not None for state in strategies) >= SITES // 2

    with house.containers.container("worker") as first:
        await _ready(first)
        at_rest_mb = _resident_mb(first)
        start = ("campaign", "start", f"{INVENTORY}/campaign.yaml", "--watch")
        with house.containers.container(*start) as watching:
            await until(under_way, "half of the sites in work")
            await asyncio.to_thread(first.kill, "SIGKILL")
            assert (await asyncio.to_thread(first.wait))["StatusCode"] == 128 + 9
            with house.containers.container("worker") as second:
                ended = await asyncio.to_thread(watching.wait, timeout=120)
                assert ended["StatusCode"] == 0, watching.logs().decode() + second.logs().decode()
                in_work_mb = _resident_mb(second)
                await asyncio.to_thread(second.stop, timeout=30)
                assert second.wait()["StatusCode"] == 0, second.logs().decode()
    async with await Store.open(house.records) as store:
        outcomes = [run.outcome.value for run in await store.site_runs("night")]
    assert outcomes == ["succeeded"] * SITES
    assert await house.region.repeats() == 0
    with capsys.disabled():
        print(
            f"\na worker in a container: {at_rest_mb:.0f} MB at rest, {in_work_mb:.0f} MB after {SITES} sites"
        )


async def test_the_codec_server_reads_what_the_campaign_wrote(house: House) -> None:
    """Comes after the campaign."""
    started = await anext(
        (await house.client())
        .get_workflow_handle(contracts.campaign_workflow_id("night"))
        .fetch_history_events()
    )
    (sealed,) = started.workflow_execution_started_event_attributes.input.payloads
    assert RELEASE.encode() not in sealed.data
    address = f"127.0.0.1:{free_port()}"
    settings = {
        "STARFLOCK_CODEC_LISTEN": address,
        "STARFLOCK_CODEC_TOKENS": "operators=file:/run/secrets/codec-token",
    }
    mounts = {house.folder / "secrets" / "codec-token": ("/run/secrets/codec-token", "ro")}
    with house.containers.container(
        "codec-server", env=settings, mounts=house.containers.mounts | mounts
    ) as codec:
        assert RELEASE.encode() in await _decoded(address, sealed)
        await asyncio.to_thread(codec.stop, timeout=30)
        assert codec.wait()["StatusCode"] == 0, codec.logs().decode()


async def test_without_an_inventory_it_says_where_it_looked(house: House) -> None:
    bare = {house.folder / "secrets" / "payload-current": ("/run/secrets/payload-current", "ro")}
    without = Engine(house.containers.image, house.containers.env, bare)
    done = await asyncio.to_thread(without.run, "worker")
    assert done.code == 2, done.said
    assert "/etc/starflock/inventory/inventory.yaml" in done.said
    assert "Traceback" not in done.said


async def test_without_its_volume_records_have_no_place(house: House) -> None:
    mounts = {key: value for key, value in house.containers.mounts.items() if key.name != "data"}
    without = Engine(house.containers.image, house.containers.env | {"STARFLOCK_RECORDS_URL": ""}, mounts)
    done = await asyncio.to_thread(without.run, "worker")
    assert done.code == 3, done.said
    assert "the records cannot be kept in /var/lib/starflock/records.db: Read-only file system" in done.said
    assert "Traceback" not in done.said


async def _ready(worker: Container) -> None:
    async def said() -> bool:
        return b"worker" in await asyncio.to_thread(worker.logs)

    await until(said, "a worker that is ready")


async def _decoded(address: str, sealed: Payload) -> bytes:
    body = json_format.MessageToJson(Payloads(payloads=[sealed]))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(trust_env=False) as client:

        async def answered() -> httpx2.Response | None:
            try:
                return await client.post(f"http://{address}/decode", content=body, headers=headers)
            except httpx2.TransportError:
                return None

        answer = await until(answered, "the codec server")
    assert answer is not None
    assert answer.status_code == 200, answer.text
    return json_format.Parse(answer.text, Payloads()).payloads[0].data


def _resident_mb(worker: Container) -> float:
    status = worker.exec_run(["cat", "/proc/1/status"]).output.decode()
    (line,) = [each for each in status.splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1]) / 1000
