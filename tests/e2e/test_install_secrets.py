"""The passwords of BMCs are written nowhere, whatever is done with them: searched in every spelling.

Host by host the account gets a password of its own, with characters that URLs and JSON spell differently.
Installs, firmware, looks and a wrong password run by the command line; then everything that was written is
searched: database, records, log, histories with their payloads, details of heartbeats, reports, what commands
said. Afterwards the same password is planted by a release and an image that contain it, to show that the
search would have found it where it is looked for.
"""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio
import yaml

from tests.cli.served import Desk, desk_at
from tests.support.openbao import openbao
from tests.support.openbao import running as running_openbao
from tests.support.secret_scan import files, found, histories
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

RIGHT = "Pl+nted/50%=&in:edge x1"
WRONG = "Wr+ng/75%=&in:edge x3"
PLANTED = {"raw", "base64", "url"}
SITES = ["edge-0001", "edge-0002", "edge-0003"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--bare", "--topology", "aio-sx", "--bmc-flavours", "generic,idrac8,ami")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=3, options=options) as running:
        yield running


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings of a worker that reads the password of edge-0002 in OpenBao; empty where there is none."""
    if openbao() is None:
        yield {}
        return
    with running_openbao(tmp_path_factory.mktemp("bao")) as server:
        server.root().secrets.kv.v2.create_or_update_secret("edge-0002", {"password": RIGHT})
        server.allow("bmcs", "secret/data/edge-0002")
        yield server.settings(TOKEN=server.token("bmcs"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    tmp_path_factory: pytest.TempPathFactory, region: Simulator, vault: dict[str, str]
) -> AsyncIterator[Stack]:
    """edge-0001 and edge-0002, which knows no sessions, have the planted password, edge-0003 a wrong one."""
    document = yaml.safe_load(region.inventory.read_text())
    for site, password in zip(document["sites"], (RIGHT, RIGHT, WRONG), strict=True):
        bmc = site["hosts"][0]["bmc"]
        if password == RIGHT:
            await _set_password(region, bmc["address"], password)
        secret = region.inventory.parent / f"{site['name']}-password"
        secret.touch(mode=0o600)
        secret.write_text(password)
        in_vault = vault and site["name"] == "edge-0002"
        ref = "vault:secret/edge-0002#password" if in_vault else f"file:{site['name']}-password"
        bmc["credential"]["password"] = ref
    region.inventory.write_text(yaml.safe_dump(document))
    settings = {"STARFLOCK_LOG_LEVEL": "debug", **vault}
    async with stack(tmp_path_factory.mktemp("house"), region, **settings) as running:
        await running.start_worker()
        yield running


@pytest.fixture(scope="module")
def desk(house: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_at(house, tmp_path_factory.mktemp("desk"))


async def test_no_password_of_a_bmc_is_written_anywhere(
    desk: Desk, house: Stack, region: Simulator, vault: dict[str, str]
) -> None:
    images = f"{str(region.admin.base_url).rstrip('/')}/images"
    heartbeats = await _heartbeats_during(house, _everything(desk, images))
    assert len(heartbeats) > 2
    written = await _written(desk, house) | heartbeats
    kept = [(region.inventory.parent / name).read_text() for name in ("sim-password", "sim-bmc-password")]
    for secret in (RIGHT, WRONG, *kept, *filter(None, [vault.get("VAULT_TOKEN")])):
        assert found(secret.strip(), written) == set()
    await _plant(desk, images)
    finds = {(_place(name), spelling) for name, spelling in found(RIGHT, await _written(desk, house))}
    for place in ("temporal.db", "records.db", "edge-0001", "planted.json"):
        assert {spelling for name, spelling in finds if name == place} >= PLANTED, (place, finds)
    assert ("planted.html", "base64") in finds


async def _everything(desk: Desk, images: str) -> None:
    """Installs, of which one has a wrong password; firmware; looks; an install of a single host."""
    hosts = [f"{site}/controller-0" for site in SITES]
    install = {"kind": "install", "image": f"{images}/{{site}}.iso", "wipe": hosts}
    await _campaign(desk, "installs", install, SITES, ends=1)
    component = {"name": "BMC", "version": "7.20.30", "image": f"{images}/BMC-7.20.30.bin"}
    firmware = {"kind": "firmware", "baseline": "2026-q4", "components": [component]}
    await _campaign(desk, "firmware", firmware, SITES[:2], ends=0)
    for what in ("inventory", "power", "sensors"):
        await _said(desk, "host", what, hosts[0], ends=0)
        await _said(desk, "host", what, hosts[2], ends=5)
    single = ("--image", f"{images}/one.iso", "--yes-wipe", hosts[2])
    await _said(desk, "host", "install", hosts[2], *single, ends=1)


async def _plant(desk: Desk, images: str) -> None:
    """A campaign whose release and image are the password, for a host that refuses it at once."""
    basic = base64.b64encode(f"root:{RIGHT}".encode()).decode()
    operation = {
        "kind": "install",
        "image": f"{images}/{quote(RIGHT, safe='')}.iso",
        "release": f"{RIGHT} {basic} {quote(RIGHT, safe='')}",
        "wipe": ["edge-0001/controller-0"],
    }
    await _campaign(desk, "planted", operation, ["edge-0001"], ends=1)


async def _campaign(
    desk: Desk, name: str, operation: dict[str, object], sites: list[str], *, ends: int
) -> None:
    budget = {"failed": "70%", "wave_failed": "70%"} if ends and len(sites) > 1 else {}
    file = desk.campaign(
        name, operation=operation, select={"names": sites}, waves=[{"percent": 100}], budget=budget
    )
    await _said(desk, "campaign", "start", file, ends=0)
    await _said(desk, "campaign", "watch", name, ends=ends)
    await _said(desk, "campaign", "report", name, ends=0)
    report = await desk("campaign", "report", name, "-o", "json")
    (desk.folder / f"{name}.json").write_text(report.out + report.err)
    (desk.folder / file).unlink()


async def _said(desk: Desk, *arguments: str, ends: int) -> None:
    """Runs a command and keeps what it said."""
    said = await desk(*arguments)
    assert said.code == ends, (arguments, said)
    with open(desk.folder / "said.txt", "a") as kept:
        kept.write(said.out + said.err)


async def _heartbeats_during(house: Stack, work: Coroutine[Any, Any, None]) -> dict[str, bytes]:
    """What activities under way had last said, looked at again and again until the work is done."""
    seen: dict[str, bytes] = {}

    async def look() -> bool:
        async for run in house.client.list_workflows("ExecutionStatus = 'Running'"):
            described = await house.client.get_workflow_handle(run.id, run_id=run.run_id).describe()
            for activity in described.raw_description.pending_activities:
                if activity.HasField("heartbeat_details"):
                    name = f"heartbeat {len(seen)} of {run.id}"
                    seen[name] = activity.SerializeToString()
        return task.done()

    task = asyncio.create_task(work)
    await until(look, "the end of all work", within=240)
    await task
    return seen


async def _written(desk: Desk, house: Stack) -> dict[str, bytes]:
    return files(house.folder, desk.folder) | await histories(house.client)


def _place(name: str) -> str:
    """records.db of its path or that of its write-ahead log; edge-0001 of `site/edge-0001 (RUN)`."""
    return Path(name).name.partition(" ")[0].removesuffix("-wal")


async def _set_password(region: Simulator, address: str, password: str) -> None:
    """As an operator does it: by the account service of the BMC."""
    beside = region.inventory.parent
    trust = ssl.create_default_context(cafile=beside / "sim-ca.pem")
    old = (beside / "sim-bmc-password").read_text().strip()
    async with httpx2.AsyncClient(base_url=address, verify=trust, auth=("root", old)) as bmc:
        listed = (await bmc.get("/redfish/v1/AccountService/Accounts")).json()["Members"]
        accounts = [(await bmc.get(each["@odata.id"])).json() for each in listed]
        (root,) = [each["@odata.id"] for each in accounts if each["UserName"] == "root"]
        tag = (await bmc.get(root)).headers.get("ETag", "*")
        changed = await bmc.patch(root, json={"Password": password}, headers={"If-Match": tag})
        assert changed.is_success, changed.text
