"""A campaign that is worked on in containers, over simulated sites and a real server: set-up job, worker, CLI
and codec server, each from the image and as it is deployed; records in a real PostgreSQL.

Only the servers are not in containers. All of them are on loopback, on the host's network.
"""

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio
from docker.models.containers import Container

from models import contracts
from tests.deploy.containers.conftest import BUILT_WITHIN_S, COMPRESSED, INVENTORY, NAMESPACE, RELEASE, Ground
from tests.support.engine import Engine
from tests.support.stack import until
from workers.embedded import free_port

SITES = 8
READY = b"worker ready"

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(BUILT_WITHIN_S)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(ground: Ground, containers: Engine) -> Engine:
    """The image as it is deployed there; the namespace is made."""
    made = containers.deployed(
        env={
            "TEMPORAL_ADDRESS": ground.address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "STARFLOCK_PAYLOAD_KEYS": "current=file:/run/secrets/payload-key",
            "STARFLOCK_RECORDS_URL": ground.records,
            **COMPRESSED,
        },
        mounts={
            ground.folder / "inventory": (INVENTORY, "ro"),
            ground.folder / "secrets" / "payload-key": ("/run/secrets/payload-key", "ro"),
            ground.folder / "data": ("/var/lib/starflock", "rw"),
        },
    )
    first = await _set_up(made)
    assert (first["namespace"], first["created"]) == (NAMESPACE, True)
    assert set(first["search_attributes_added"]) == {key.name for key in contracts.SEARCH_ATTRIBUTES}
    return made


async def _set_up(house: Engine) -> dict[str, Any]:
    done = await asyncio.to_thread(house.run, "setup", "--retention-days", "30", "-o", "json")
    assert done.code == 0, done.said
    answer: dict[str, Any] = json.loads(done.said[done.said.index("{") :])
    return answer


async def test_the_set_up_job_may_run_again(house: Engine) -> None:
    again = await _set_up(house)
    assert (again["created"], again["search_attributes_added"]) == (False, [])


async def test_a_campaign_outlives_its_worker(
    ground: Ground, house: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    async def under_way() -> bool:
        strategies = [each["strategy_state"] for each in await ground.region.get("/sites")]
        return sum(state is not None for state in strategies) >= SITES // 2

    with house.container("worker") as first:
        await _ready(first)
        at_rest_mb = _resident_mb(first)
        start = ("campaign", "start", f"{INVENTORY}/campaign.yaml", "--watch")
        with house.container(*start) as watching:
            await until(under_way, "half of the sites in work", within=180)
            await asyncio.to_thread(first.kill, "SIGKILL")
            assert (await asyncio.to_thread(first.wait))["StatusCode"] == 128 + 9
            assert len(await ground.outcomes()) < SITES
            with house.container("worker") as second:
                ended = await asyncio.to_thread(watching.wait, timeout=400)
                assert ended["StatusCode"] == 0, watching.logs().decode() + second.logs().decode()
                in_work_mb = _resident_mb(second)
                await _ended_in_order(second)
    assert await ground.outcomes() == ["succeeded"] * SITES
    assert await ground.region.repeats() == 0
    with capsys.disabled():
        print(
            f"\na worker in a container: {at_rest_mb:.0f} MB at rest, {in_work_mb:.0f} MB after {SITES} sites"
        )


async def test_the_codec_server_reads_what_the_campaign_wrote(ground: Ground, house: Engine) -> None:
    """Comes after the campaign."""
    sealed = await ground.sealed()
    assert RELEASE.encode() not in sealed.data
    address = f"127.0.0.1:{free_port()}"
    settings = {
        "STARFLOCK_CODEC_LISTEN": address,
        "STARFLOCK_CODEC_TOKENS": "operators=file:/run/secrets/codec-token",
    }
    token = {ground.folder / "secrets" / "codec-token": ("/run/secrets/codec-token", "ro")}
    with house.container("codec-server", env=settings, mounts=token) as codec:
        assert RELEASE.encode() in await ground.decoded(address, sealed)
        await _ended_in_order(codec)


async def test_without_an_inventory_it_says_where_it_looked(house: Engine) -> None:
    done = await asyncio.to_thread(_without(house, "inventory").run, "worker")
    assert done.code == 2, done.said
    assert "/etc/starflock/inventory/inventory.yaml" in done.said
    assert "Traceback" not in done.said


async def test_without_its_volume_records_have_no_place(house: Engine) -> None:
    env = {"STARFLOCK_RECORDS_URL": ""}
    done = await asyncio.to_thread(_without(house, "data").run, "worker", env=env)
    assert done.code == 3, done.said
    assert "the records cannot be kept in /var/lib/starflock/records.db: Read-only file system" in done.said
    assert "Traceback" not in done.said


def _without(house: Engine, folder: str) -> Engine:
    return house.deployed(
        house.env, {key: value for key, value in house.mounts.items() if key.name != folder}
    )


async def _ready(worker: Container) -> None:
    async def said() -> bool:
        return READY in await asyncio.to_thread(worker.logs)

    await until(said, "a worker that is ready", within=180)


async def _ended_in_order(container: Container) -> None:
    await asyncio.to_thread(container.stop, timeout=30)
    assert container.wait()["StatusCode"] == 0, container.logs().decode()


def _resident_mb(worker: Container) -> float:
    status = worker.exec_run(["cat", "/proc/1/status"]).output.decode()
    (line,) = [each for each in status.splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1]) / 1000
