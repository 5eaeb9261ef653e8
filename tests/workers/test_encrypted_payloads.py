"""A campaign whose payloads are encrypted, from the command to the last word of a failure.

The server's database and every payload of every history are searched; a second campaign that is run in clear
shows that the search would have found what it looks for. In between the key is changed under a campaign that
is on its way.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, SearchAttributes

from models.campaign import ApproveRequest, CampaignResult, PauseRequest, ResumeRequest
from models.outcome import Outcome
from tests.support.secret_scan import found
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack
from tests.workers.keys import declared
from workers.codec import ENCODING
from workers.connection import connect

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLANTED = "thunderstorm-over-the-fire-station"
"""Said by a person in an update, and so in a history, a progress and current details."""
KEYS = "STARFLOCK_PAYLOAD_KEYS"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with simulator(tmp_path_factory.mktemp("sim"), sites=4, options=("--plain",)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path_factory.mktemp("house"), region) as running:
        yield running


async def test_nothing_that_was_said_is_in_the_database(
    house: Stack, region: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await region.fault("edge-0002", "vim.apply", "fail", times=1)
    await _with_keys(house, declared(tmp_path, "2026a"), monkeypatch)
    handle = await house.start_campaign("sealed", **_pair(1), approvals=["after-wave-1"])
    await house.until_phase(handle, "waiting-approval")
    await handle.execute_update("pause", PauseRequest(reason=PLANTED, owner="anna"))

    await _with_keys(house, declared(tmp_path, "2026b", "2026a"), monkeypatch)
    handle = house.client.get_workflow_handle(handle.id, result_type=CampaignResult)
    progress = await house.progress(handle)
    assert PLANTED in progress.why
    await handle.execute_update("approve", ApproveRequest(gate="after-wave-1", owner="anna"))
    await handle.execute_update("resume", ResumeRequest(owner="anna"))
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 1, Outcome.FAILED: 1}

    assert found(PLANTED, _database(house)) == set()
    sealed, clear = await _payloads(house, "campaign/sealed", "site/edge-0001", "site/edge-0002")
    assert clear == []
    assert {each.metadata["encryption-key-id"] for each in sealed} == {b"2026a", b"2026b"}

    # In clear the same search finds it.
    await _with_keys(house, "off", monkeypatch)
    handle = await house.start_campaign("clear", **_pair(3), approvals=["after-wave-1"])
    await house.until_phase(handle, "waiting-approval")
    await handle.execute_update("pause", PauseRequest(reason=PLANTED, owner="anna"))
    assert "raw" in {spelling for _, spelling in found(PLANTED, _database(house))}
    sealed, clear = await _payloads(house, "campaign/clear", "site/edge-0003")
    assert sealed == []
    assert any(b"edge-0003" in each.data for each in clear)


def _pair(first: int) -> dict[str, object]:
    names = [f"edge-{number:04d}" for number in (first, first + 1)]
    return {"select": {"names": names}, "waves": [{"count": 1}, {"percent": 100}]}


async def _with_keys(house: Stack, keys: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker and another client take over."""
    for worker in house.workers:
        await worker.kill()
    monkeypatch.setenv(KEYS, keys)
    house.client = await connect(house.server.address)
    await house.start_worker()


def _database(house: Stack) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in house.folder.glob("temporal.db*")}


async def _payloads(house: Stack, *runs: str) -> tuple[list[Payload], list[Payload]]:
    """Encrypted and clear ones in all their events."""
    sealed: list[Payload] = []
    clear: list[Payload] = []
    for run in runs:
        for event in (await house.client.get_workflow_handle(run).fetch_history()).events:
            for each in _inside(event):
                (sealed if each.metadata["encoding"] == ENCODING else clear).append(each)
    return sealed, clear


def _inside(message: Message) -> Iterator[Payload]:
    """Payloads at any depth, but for search attributes, which are no secrets."""
    if isinstance(message, SearchAttributes):
        return
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            values = [each for each in value.values() if isinstance(each, Message)]
        else:
            values = value if field.is_repeated else [value]
        for each in values:
            yield from _inside(each)
