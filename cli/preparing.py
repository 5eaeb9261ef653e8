"""What the sites of a deep rehearsal are made by the real workflows before the clock begins.

A restore finds backups; a configuration that may lock no host finds hosts that are as declared in all that
would need it. The runs are recorded as what they are, so that no window reckons with them.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from temporalio.client import WorkflowFailureError

from cli.simulated import Region
from models import contracts
from models.backup import BackupResult, BackupSiteRequest
from models.base import Frozen
from models.bringup import ConfigurationResult, ConfigureRequest
from workers.rehearsal import CannotRehearse
from workers.rehearsal_deep import HISTORY, PREPARED_AT_ONCE
from workers.rehearsal_profiles import only_locked
from workers.rehearsal_sites import replaced

if TYPE_CHECKING:
    from temporalio.client import Client

    from records.store import Store
    from workers.rehearsal_region import Cast

INVENTORY = "inventory.yaml"
PREPARED = "prepared"
READ_AGAIN_S = 2.0
"""In which the worker has seen that its inventory is another one (`inventory/live.py` looks every second)."""
TOLD = 3
LOOK_EVERY_S = 0.5


async def prepared(
    client: "Client",
    store: "Store",
    regions: Mapping[str, Region],
    play: "Cast",
    folder: Path,
    tell: Callable[[str], None],
    check: Callable[[], None],
) -> None:
    """`check` raises where a process has ended. Raises: CannotRehearse (a site could not be backed up),
    Failure."""
    watching = asyncio.create_task(_prepare(client, store, regions, play, folder, tell))
    try:
        while not watching.done():
            await asyncio.wait((watching,), timeout=LOOK_EVERY_S)
            check()
        await watching
    finally:
        watching.cancel()


async def _prepare(
    client: "Client",
    store: "Store",
    regions: Mapping[str, Region],
    play: "Cast",
    folder: Path,
    tell: Callable[[str], None],
) -> None:
    if play.setting.prepares == "backups":
        tell(f"{len(play.sites)} sites are backed up, to be restored from that")
        wrong = await _each(client, play, contracts.BACKUP_SITE, BackupResult, _back_up)
        if wrong:
            raise CannotRehearse(f"a backup to restore from could not be made: {'; '.join(wrong[:TOLD])}")
        await _replace_hardware(regions, play)
    elif play.setting.prepares == "hosts":
        tell(f"{len(play.sites)} sites are configured in what needs a lock")
        await _configure_hosts(client, play, folder)
    else:
        return
    for site in play.names:
        for run in await store.site_history(site):
            if run.reason != HISTORY:
                await store.record_site_run(run.model_copy(update={"operation": PREPARED}))


async def _configure_hosts(client: "Client", play: "Cast", folder: Path) -> None:
    """A profile that does not fit is the campaign's to tell."""
    path = folder / INVENTORY
    whole = path.read_text()
    document = yaml.safe_load(whole)
    document["site_profiles"] = [only_locked(each) for each in document["site_profiles"]]
    await _exchange(path, yaml.safe_dump(document, sort_keys=False))
    await _each(client, play, contracts.CONFIGURE_SITE, ConfigurationResult, _configure)
    await _exchange(path, whole)


async def _exchange(path: Path, text: str) -> None:
    draft = path.with_suffix(".part")
    draft.write_text(text)
    os.replace(draft, path)
    await asyncio.sleep(READ_AGAIN_S)


async def _replace_hardware(regions: Mapping[str, Region], play: "Cast") -> None:
    for site in play.sites:
        for host, (_, mac) in replaced(site, play.spec).items():
            machine = {"host": host, "mac": mac}
            await regions[site.system_controller].post(f"/sites/{site.name}/machine", machine)


async def _each(
    client: "Client", play: "Cast", workflow: str, result: type[Frozen], request: Callable[[str], Frozen]
) -> list[str]:
    """Runs it for every site; what went wrong, in words."""
    places = asyncio.Semaphore(PREPARED_AT_ONCE)

    async def run(site: str) -> str:
        async with places:
            try:
                await client.execute_workflow(
                    workflow,
                    request(site),
                    id=contracts.site_workflow_id(site),
                    task_queue=contracts.TASK_QUEUE,
                    result_type=result,
                )
            except WorkflowFailureError as error:
                return f"{site}: {error.cause}"
        return ""

    return [words for words in await asyncio.gather(*map(run, play.names)) if words]


def _back_up(site: str) -> BackupSiteRequest:
    return BackupSiteRequest(site=site)


def _configure(site: str) -> ConfigureRequest:
    return ConfigureRequest(site=site, lock=True)
