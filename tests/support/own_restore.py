"""Sites that are restored by their own playbooks: what a test asks of the bench, and of the host."""

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import yaml
from temporalio.client import WorkflowHandle

from inventory.live import LOOK_EVERY_S
from models import contracts
from models.restore import RestorePlan, RestoreResult, RestoreSiteRequest
from tests.support.backups import BackupBench, end_of


async def start(bench: BackupBench, site: str, **more: Any) -> WorkflowHandle[Any, RestoreResult]:
    request = RestoreSiteRequest.model_validate({"site": site, "wipe": site, "install": False, **more})
    handle: WorkflowHandle[Any, RestoreResult] = await bench.stack.client.start_workflow(
        contracts.RESTORE_PLATFORM,
        request,
        id=contracts.site_workflow_id(site),
        task_queue=contracts.TASK_QUEUE,
        result_type=RestoreResult,
    )
    return handle


async def restore(bench: BackupBench, site: str, **more: Any) -> RestoreResult:
    return await end_of(await start(bench, site, **more), RestoreResult)


async def plan(bench: BackupBench, site: str, **more: Any) -> RestorePlan:
    return await bench.stack.client.execute_workflow(
        contracts.PLAN_PLATFORM_RESTORE,
        RestoreSiteRequest.model_validate({"site": site, "install": False, **more}),
        id=f"plan-platform-restore/{site}",
        task_queue=contracts.TASK_QUEUE,
        result_type=RestorePlan,
    )


async def reinstalled(bench: BackupBench, site: str) -> None:
    """Somebody has installed controller-0 anew."""
    reply = await bench.region.admin.post(f"/sites/{site}/reinstall")
    assert reply.status_code == 200, reply.text


async def root(bench: BackupBench, site: str) -> Path:
    """Of controller-0 as it is installed now."""
    return Path((await bench.region.get(f"/sites/{site}"))["hosts"][0]["ssh"]["root"])


async def carried_bytes(bench: BackupBench, site: str) -> int:
    """Of all files that were brought to controller-0."""
    return int((await bench.region.get(f"/sites/{site}"))["hosts"][0]["ssh"]["carried_bytes"])


async def leave_vault(bench: BackupBench, site: str) -> None:
    """What a system controller's backup.yml leaves of its dcmanager, too; found beside the next backup's."""
    path = await root(bench, site) / "opt/backups/localhost_dc_vault_backup_2026_11_22.tgz"
    path.write_bytes(b"what dcmanager keeps")
    later = time.time() + 3600
    os.utime(path, (later, later))


async def notes(bench: BackupBench, site: str, intent: str = "host.restore") -> list[str]:
    """What each start of a playbook was told."""
    entries = await bench.region.get(f"/sites/{site}/mutations")
    return [entry["note"] for entry in entries if entry["intent"] == intent]


def image(bench: BackupBench) -> str:
    """Of an installer, where the BMCs reach it."""
    return f"{bench.region.admin.base_url}/images/starlingx.iso"


@contextmanager
def other_key(bench: BackupBench) -> Iterator[None]:
    """The archive's key is another one than backups were made with."""
    path = bench.region.inventory.parent / "archive-key"
    text = path.read_text()
    path.write_text(base64.b64encode(bytes(range(1, 33))).decode())
    yield
    path.write_text(text)


@asynccontextmanager
async def wrong_password(bench: BackupBench, site: str) -> AsyncIterator[None]:
    """sysadmin's, as the inventory has it for this site."""
    inventory = bench.region.inventory
    wrong = inventory.parent / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("nope")
    async with bench.stack.edited_inventory():
        document = yaml.safe_load(inventory.read_text())
        (declared,) = [each for each in document["sites"] if each["name"] == site]
        declared["ssh"]["credential"]["password"] = f"file:{wrong.name}"
        inventory.write_text(yaml.safe_dump(document))
        await asyncio.sleep(LOOK_EVERY_S)
        yield
