"""Records histories of the archive's workflows: `python -m tests.replay.record_archive NAME`.

One that failed is recorded under its outcome.
"""

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError

from models import contracts
from models.archive import (
    BackupRef,
    CatalogueRequest,
    ExpireBackupsRequest,
    LegalHoldRequest,
    VerifyBackupRequest,
)
from tests.contract.archive.targets import SITE, opened
from tests.replay.record import HISTORIES, keep
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack

RETENTION = {"last": 1, "daily": 0, "weekly": 0, "monthly": 0}


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        async with (
            opened(where, None, "", "recorded", retention=RETENTION) as target,
            simulator(where / "sim", sites=1, options=("--plain",)) as region,
            stack(where, region, STARFLOCK_INVENTORY=str(target.inventory)) as house,
        ):
            await house.start_worker()
            now = datetime.now(UTC)
            backups = [
                str(
                    await target.backed_up(
                        {"vm": b"bytes"}, began=now - timedelta(days=days), run=f"{days:08}"
                    )
                )
                for days in (3, 2, 1)
            ]
            held = LegalHoldRequest(backup=backups[0], hold=True, owner="ada", reason="audit")
            await _kept(house, folder, contracts.LIST_BACKUPS, CatalogueRequest())
            await _kept(
                house, folder, contracts.LIST_BACKUPS, CatalogueRequest(sites=(SITE,), every=True), "every"
            )
            await _kept(
                house, folder, contracts.LIST_BACKUPS, CatalogueRequest(sites=("nowhere",)), "refused"
            )
            await _kept(house, folder, contracts.SHOW_BACKUP, BackupRef(backup=backups[2]))
            await _kept(house, folder, contracts.VERIFY_ARCHIVED, VerifyBackupRequest(backup=SITE, deep=True))
            await _kept(house, folder, contracts.SET_LEGAL_HOLD, held)
            await _kept(house, folder, contracts.EXPIRE_BACKUPS, ExpireBackupsRequest(plan=True), "plan")
            await _kept(house, folder, contracts.EXPIRE_BACKUPS, ExpireBackupsRequest(), "refused")
            await _kept(
                house, folder, contracts.EXPIRE_BACKUPS, ExpireBackupsRequest(), id=contracts.EXPIRE_ID
            )


async def _kept(house: Stack, folder: Path, workflow: str, request: Any, how: str = "", id: str = "") -> None:
    handle = await house.client.start_workflow(
        workflow, request, id=id or f"recorded/{workflow}-{how}", task_queue=contracts.TASK_QUEUE
    )
    try:
        await handle.result()
    except WorkflowFailureError:
        assert how == "refused", (workflow, how)
    await keep(handle, folder, f"{workflow}-{how}" if how else workflow)


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
