"""Whole deployments by the stock `software` client: a patch of an AIO-SX, and a major release and back.

What the client sent is replayed as it was, refusals included; between its commands the hosts are locked,
unlocked and swacted through sysinv, as the operator did. The patch speaks 26.03, the AIO-DX what comes after.
"""

import asyncio
import json
from pathlib import Path

from simulator.cloud.cloud import Cloud
from simulator.cloud.durations import Knobs
from simulator.cloud.releases import Dialect

from ..stage import Stage, standing
from .test_commands import TOKEN, replay

LINES = [json.loads(line) for line in (Path(__file__).parent / "software.jsonl").read_text().splitlines()]
KNOBS = Knobs(apply_seconds=300, reboot_seconds=300)
WITHIN_S = 60.0


async def act(stage: Stage, cloud: Cloud, name: str, action: str) -> None:
    """Ask until sysinv takes it, then wait until the host rests."""
    url = f"http://{cloud.identity.address}:6386/v1/ihosts/{name}"
    headers = {"X-Auth-Token": TOKEN, "Content-Type": "application/json", "Accept": "application/json"}
    patch = json.dumps([{"op": "replace", "path": "/action", "value": action}]).encode()
    async with asyncio.timeout(WITHIN_S):
        while (await stage.ask("PATCH", url, headers, patch)).status != 200:
            await asyncio.sleep(0.02)
        while cloud.dark or cloud.synchronizing or any(host.moving or host.task for host in cloud.hosts):
            await asyncio.sleep(0.02)


async def carry(stage: Stage, deployment: str) -> Cloud:
    (cloud,) = stage.region.sites.values()
    for line in LINES:
        if line["deployment"] != deployment:
            continue
        if "action" in line:
            await act(stage, cloud, line["host"], line["action"])
            continue
        for exchange in line["exchanges"]:
            found = await replay(stage, line, exchange)
            assert not found, f"{line['command']}: {found}"
    return cloud


async def test_a_reboot_required_patch_of_a_simplex_site(tmp_path: Path) -> None:
    missing = {"not_prestaged": ("*",), "knobs": KNOBS}
    async with standing("aio-sx", 1, tmp_path, 600, **missing) as stage:
        stage.fresh(TOKEN)
        cloud = await carry(stage, "aio-sx-patch")
        assert cloud.usm.running == "starlingx-26.03.2"
        assert cloud.usm.deployment is None
        assert stage.region.ledger.summary()["repeats"] == 0


async def test_a_major_release_of_a_duplex_site_and_all_the_way_back(tmp_path: Path) -> None:
    wanted = {"dialect": Dialect.NEXT, "major": "available", "knobs": KNOBS}
    async with standing("aio-dx", 1, tmp_path, 600, **wanted) as stage:
        stage.fresh(TOKEN)
        cloud = await carry(stage, "aio-dx-major-and-back")
        assert {cloud.usm.of_host(host).release_id for host in cloud.hosts} == {"starlingx-26.09.0"}
        assert cloud.usm.states["starlingx-27.03.0"] == "available"
        assert stage.region.ledger.summary()["repeats"] == 0


async def test_a_host_that_is_not_locked_stops_the_replay(tmp_path: Path) -> None:
    """The negative control: without the operator's lock the client's next command is refused."""
    missing = {"not_prestaged": ("*",), "knobs": KNOBS}
    async with standing("aio-sx", 1, tmp_path, 600, **missing) as stage:
        stage.fresh(TOKEN)
        (cloud,) = stage.region.sites.values()
        cloud.usm.states["starlingx-26.03.2"] = "available"
        cloud.usm.start("starlingx-26.03.2", 0.0)
        host = [
            line
            for line in LINES
            if line.get("command") == "software deploy host controller-0"
            and line["deployment"] == "aio-sx-patch"
        ]
        refused, accepted = (line["exchanges"][0] for line in host)
        async with asyncio.timeout(WITHIN_S):
            while cloud.usm.deployment is None or cloud.usm.deployment.state == "start":
                await asyncio.sleep(0.001)
        assert await replay(stage, host[0], refused) == ""
        assert "must be locked" in await replay(stage, host[1], accepted)
