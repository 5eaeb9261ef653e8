"""A region whose sites can be backed up and restored, and what a test asks of it."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import yaml
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowQueryFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from models import contracts
from models.archive import BackupRef, Manifest, Verification, VerifyBackupRequest
from models.backup import BackupResult, BackupSiteRequest
from models.base import Frozen
from models.restore import (
    CompareSiteRequest,
    RestorePlan,
    RestoreResult,
    RestoreSiteRequest,
    SiteComparison,
)
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until
from tests.support.stranger import stranger

OPTIONS = ("--plain", "--install-values", "--bmc-flavours", "generic")
OPTIONS += ("--install-seconds", "300", "--bootstrap-seconds", "300", "--reboot-seconds", "60")
KEY = base64.b64encode(bytes(range(32))).decode()
Result = TypeVar("Result", bound=Frozen)


@dataclass
class BackupBench:
    stack: Stack
    region: Simulator

    async def start_backup(self, site: str, **more: Any) -> WorkflowHandle[Any, BackupResult]:
        return await self._start(
            contracts.BACKUP_SITE, BackupSiteRequest.model_validate({"site": site, **more}), BackupResult
        )

    async def back_up(self, site: str, **more: Any) -> BackupResult:
        return await end_of(await self.start_backup(site, **more), BackupResult)

    async def start_restore(self, site: str, **more: Any) -> WorkflowHandle[Any, RestoreResult]:
        request = RestoreSiteRequest.model_validate({"site": site, "wipe": site, **more})
        return await self._start(contracts.RESTORE_SITE, request, RestoreResult)

    async def restore(self, site: str, **more: Any) -> RestoreResult:
        return await end_of(await self.start_restore(site, **more), RestoreResult)

    async def plan(self, site: str, **more: Any) -> RestorePlan:
        return await self.stack.client.execute_workflow(
            contracts.PLAN_RESTORE,
            RestoreSiteRequest.model_validate({"site": site, **more}),
            id=f"plan-restore/{site}",
            task_queue=contracts.TASK_QUEUE,
            result_type=RestorePlan,
        )

    async def compare(self, site: str, **more: Any) -> SiteComparison:
        return await self.stack.client.execute_workflow(
            contracts.COMPARE_SITE,
            CompareSiteRequest.model_validate({"site": site, **more}),
            id=f"compare/{site}",
            task_queue=contracts.TASK_QUEUE,
            result_type=SiteComparison,
        )

    async def forgotten(self, site: str) -> None:
        """`dcmanager subcloud-backup delete` by somebody, of what the system controller keeps."""
        document = yaml.safe_load(self.region.inventory.read_text())
        base = document["system_controllers"][0]["auth_url"].removesuffix(":5000/v3")
        domain = {"name": "Default"}
        password = (self.region.inventory.parent / "sim-password").read_text().strip()
        user = {"name": "admin", "domain": domain, "password": password}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }
        row = await self.subcloud(site)
        async with httpx2.AsyncClient() as client:
            login = await client.post(f"{base}:5000/v3/auth/tokens", json={"auth": auth})
            reply = await client.patch(
                f"{base}:8119/v1.0/subcloud-backup/delete/{row['software-version']}",
                json={"release": row["software-version"], "subcloud": row["name"]},
                headers={"X-Auth-Token": login.headers["x-subject-token"], "Accept": "application/json"},
            )
        assert reply.status_code == 204, reply.text

    async def manifest(self, backup: str) -> Manifest:
        return await self.stack.client.execute_workflow(
            contracts.SHOW_BACKUP,
            BackupRef(backup=backup),
            id=f"show/{backup}",
            task_queue=contracts.TASK_QUEUE,
            result_type=Manifest,
        )

    async def verify(self, backup: str, **more: Any) -> Verification:
        return await self.stack.client.execute_workflow(
            contracts.VERIFY_ARCHIVED,
            VerifyBackupRequest(backup=backup, **more),
            id=f"verify/{backup}",
            task_queue=contracts.TASK_QUEUE,
            result_type=Verification,
        )

    @contextmanager
    def harmed(self, backup: str, name: str = "record/site.json") -> Iterator[Path]:
        """One byte of this object is another one."""
        path = self.region.inventory.parent / "archive" / backup / "objects" / name
        content = path.read_bytes()
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        yield path
        path.write_bytes(content)

    async def until_backup(self, site: str, *statuses: str) -> None:
        await self._until(site, "backup-status", statuses)

    async def until_deploy(self, site: str, *statuses: str) -> None:
        await self._until(site, "deploy-status", statuses)

    async def until_asked(self, handle: WorkflowHandle[Any, Any]) -> None:
        async def waits() -> bool:
            try:
                now = await handle.query(contracts.PROGRESS_QUERY)
            except (RPCError, WorkflowQueryFailedError):
                return False
            return "approve_wipe" in now["why"]

        await until(waits, f"{handle.id} waits for approve_wipe")

    async def _until(self, site: str, key: str, statuses: tuple[str, ...]) -> None:
        async def reached() -> bool:
            return (await self.subcloud(site))[key] in statuses

        await until(reached, f"{site} {statuses}")

    async def locate(self, site: str, words: str) -> None:
        """A change of the platform by somebody: the system's location."""
        async with stranger(self.region, site) as somebody:
            systems = (await somebody.client.get(f"{somebody.platform}/isystems")).json()["isystems"]
            patch = [{"op": "replace", "path": "/location", "value": words}]
            url = f"{somebody.platform}/isystems/{systems[0]['uuid']}"
            reply = await somebody.client.patch(url, json=patch)
            assert reply.status_code == 200, reply.text

    async def subcloud(self, site: str) -> dict[str, Any]:
        """What dcmanager shows of it."""
        found: dict[str, Any] = (await self.region.get(f"/sites/{site}"))["dcmanager"]
        return found

    async def _start(self, name: str, request: Frozen, result: type[Result]) -> WorkflowHandle[Any, Result]:
        site = str(getattr(request, "site"))  # noqa: B009 - of either request
        handle: WorkflowHandle[Any, Result] = await self.stack.client.start_workflow(
            name,
            request,
            id=contracts.site_workflow_id(site),
            task_queue=contracts.TASK_QUEUE,
            result_type=result,
        )
        return handle


async def end_of(handle: WorkflowHandle[Any, Result], kind: type[Result]) -> Result:
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        details = error.cause.details if isinstance(error.cause, ApplicationError) else ()
        return kind.model_validate(details[0])


def declare_archive(inventory: Path, **more: Any) -> Path:
    """A directory beside the inventory; returns it."""
    document = yaml.safe_load(inventory.read_text())
    secret = inventory.parent / "archive-key"
    secret.touch(mode=0o600)
    secret.write_text(KEY)
    keys = [{"id": "key-1", "secret": f"file:{secret.name}"}]
    document["archives"] = [{"name": "vault", "directory": "archive", "keys": keys, **more}]
    inventory.write_text(yaml.safe_dump(document))
    folder = inventory.parent / "archive"
    folder.mkdir(exist_ok=True)
    return folder


@asynccontextmanager
async def backup_bench(
    folder: Path, sites: int, *options: str, **settings: Any
) -> AsyncIterator[BackupBench]:
    async with simulator(folder / "sim", sites=sites, options=(*OPTIONS, *options)) as region:
        declare_archive(region.inventory)
        async with stack(folder, region, **settings) as running:
            await running.start_worker()
            yield BackupBench(running, region)
