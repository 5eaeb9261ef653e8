"""`starflock backup` over a real Temporal, a real worker and a real RGW; and what a killed process leaves."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import PendingActivityState

from activities.archive.cipher import PART
from activities.archive.writing import PutSpec
from models import contracts
from models.archive import BackupId, ExpireBackupsRequest, ExpiredBackups
from tests.cli.conftest import Said, spawned
from tests.contract.archive.conftest import BUCKET
from tests.contract.archive.targets import OTHER, SITE, Target, opened
from tests.support.radosgw import Radosgw
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime.now(UTC).replace(microsecond=0)
PREFIX = "commands"
SENDER = """
import sys
from activities.archive.sender import SenderAccess
from activities.archive.writing import PutSpec
access = SenderAccess.model_validate_json(sys.stdin.buffer.readline())
access.writer().put(PutSpec("vm", "volume"), iter(lambda: sys.stdin.buffer.read(2**20), b""))
"""


@dataclass(frozen=True)
class House:
    target: Target
    stack: Stack

    async def say(self, *arguments: str) -> Said:
        address = self.stack.server.address
        return await spawned("backup", *arguments, cwd=self.stack.folder, TEMPORAL_ADDRESS=address)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(rgw: Radosgw, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder, data = tmp_path_factory.mktemp("archive"), tmp_path_factory.mktemp("stack")
    retention = {"last": 2, "daily": 0, "weekly": 0, "monthly": 0}
    async with (
        opened(folder, rgw, BUCKET, PREFIX, retention=retention) as target,
        # The archive's commands touch no site; a stack wants a region all the same.
        simulator(folder / "sim", sites=1, options=("--plain",)) as region,
        stack(data, region, STARFLOCK_INVENTORY=str(target.inventory)) as running,
    ):
        await running.start_worker()
        yield House(target, running)


async def test_the_catalogue_is_shown_verified_and_let_expire(house: House) -> None:
    target = house.target
    backups = [
        await target.backed_up({"vm": b"content"}, began=NOW - timedelta(days=4 - day), run=f"{day:08}")
        for day in range(4)
    ]
    fleet = await house.say("list")
    assert fleet.code == 1, "a site has none"
    assert "none was ever begun" in next(line for line in fleet.out.splitlines() if line.startswith(OTHER))
    assert backups[3].folder in next(line for line in fleet.out.splitlines() if line.startswith(SITE))
    stale = await house.say("list", "--stale")
    assert (stale.code, SITE in stale.out, "none was ever begun" in stale.out) == (1, False, True)
    unread = await house.say("list", "--unverified")
    assert (unread.code, OTHER in unread.out, "was never" in unread.out) == (1, False, True)
    of_site = json.loads((await house.say("list", SITE, "-o", "json")).out)
    assert [each["backup"] for each in of_site["holdings"][0]["entries"]] == [
        str(each) for each in backups[::-1]
    ]

    shown = await house.say("show", str(backups[3]))
    assert (shown.code, "24.09.300" in shown.out, "k1" in shown.out) == (0, True, True)
    assert (await house.say("show", "edge-0001/nonsense")).code == 2
    unknown = await house.say("show", str(BackupId.of(SITE, NOW, "full", "99999999")))
    assert (unknown.code, "has no manifest" in unknown.err) == (5, True)

    verified = await house.say("verify", SITE, "--deep")
    assert (verified.code, f"{backups[3]} is good: 1 objects" in verified.out) == (0, True)
    assert (await house.say("list", SITE, "--stale", "--unverified")).code == 0
    key = f"{backups[2]}/objects/vm"
    target.hands.write(key, target.hands.read(key)[:-1] + b"x")
    bad = await house.say("verify", str(backups[2]))
    assert (bad.code, "is BAD" in bad.out, "damaged" in bad.out) == (1, True, True)

    held = await house.say("hold", str(backups[0]), "--reason", "audit", "--by", "ada")
    assert (held.code, held.out) == (0, f"{backups[0]} is under legal hold\n")
    planned = await house.say("expire", "--plan")
    assert (planned.code, "0 backups would go; 2 sites looked at" in planned.err) == (0, True)
    await house.say("release", str(backups[0]), "--reason", "audit is over", "--by", "ada")
    gone = json.loads((await house.say("expire", SITE, "-o", "json")).out)["sites"][0]["verdicts"]
    assert {each["backup"]: each["goes"] for each in gone} == {
        str(each): each is backups[0] for each in backups
    }
    left = json.loads((await house.say("list", SITE, "-o", "json")).out)["holdings"][0]["entries"]
    assert {each["backup"]: each["state"] for each in left} == {
        str(backups[3]): "good",
        str(backups[2]): "bad",
        str(backups[1]): "unverified",
    }


async def test_a_worker_killed_while_backups_expire_is_followed_by_one_that_finishes(
    house: House, rgw: Radosgw
) -> None:
    target = house.target
    backups = [
        await target.backed_up(
            {"vm": b"content"}, site=OTHER, began=NOW - timedelta(days=9 - day), run=f"{day:08}"
        )
        for day in range(8)
    ]
    rgw.cluster.signal("client.rgw.a", signal.SIGSTOP)
    try:
        handle = await house.stack.client.start_workflow(
            contracts.EXPIRE_BACKUPS,
            ExpireBackupsRequest(sites=(OTHER,)),
            id=contracts.EXPIRE_ID,
            task_queue=contracts.TASK_QUEUE,
            result_type=ExpiredBackups,
        )

        async def at_work() -> bool:
            pending = (await handle.describe()).raw_description.pending_activities
            return any(each.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED for each in pending)

        await until(at_work, "the store to be asked")
        await house.stack.workers[-1].kill()
    finally:
        rgw.cluster.signal("client.rgw.a", signal.SIGCONT)
    await house.stack.start_worker()
    found = await handle.result()
    assert found.looked_at == 1
    left = json.loads((await house.say("list", OTHER, "-o", "json")).out)["holdings"][0]
    assert [each["backup"] for each in left["entries"]] == [str(backups[7]), str(backups[6])]
    assert not any(str(each) in key for each in backups[:6] for key in target.hands.listing())


async def test_a_killed_senders_parts_are_not_sent_again(house: House) -> None:
    target, backup = house.target, BackupId.of(SITE, NOW, "volumes", "abcdef01")
    content = bytes(range(256)) * (PART // 256) * 2 + b"and a little more"
    access = (await target.archives.sender(str(backup))).model_dump_json()
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDER, stdin=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert program.stdin is not None
    # Two parts and the begin of a third one, whose rest never comes.
    program.stdin.write(access.encode() + b"\n" + content[: 2 * PART] + bytes(2**20))
    await program.stdin.drain()
    archive = await target.archives.of(SITE)

    async def two_parts() -> bool:
        uploads = await asyncio.to_thread(archive.store.uploads, f"{PREFIX}/{backup}/")
        parts = await asyncio.to_thread(archive.store.parts, uploads[0]) if uploads else {}
        return set(parts) == {1, 2}

    await until(two_parts, "two parts in the store", within=120)
    program.kill()
    await program.wait()
    watched = await target.watched()
    entry = await target.put(backup, PutSpec("vm", "volume"), content)
    assert [call for call in watched.calls if call.startswith("send")] == ["send 3"]
    await target.seal(backup, entry)
    assert (await target.verify(backup, deep=True)).good
