"""A twin of one site: a simulated region that has only it, with a Temporal and a worker of their own.

The twin is built by the record of a backup and restored from that very backup by the workflows that would
restore the site. Its inventory is its own: it knows the simulated endpoints and the archive, which it may
only read. Nothing in it leads to the real site.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import yaml

from cli.demo.scenario import Scenario, Stage

if TYPE_CHECKING:
    from cli.demo.house import House
    from models.acceptance import AcceptanceReport
    from models.drill import Twin
    from models.restore import RestoreResult

T = TypeVar("T")

LOOK_EVERY_S = 1.0
QUICK = ("--install-seconds", "300", "--bootstrap-seconds", "300", "--reboot-seconds", "60")
"""How long a real site takes is not what a drill is about."""
PROFILE = "drill"
"""Declares nothing: hosts, alarms, applications, storage and certificates are looked at all the same."""


@dataclass(frozen=True)
class TwinScenario(Scenario):
    twin: "Twin"
    folder: Path
    archive: dict[str, Any]
    """As it is declared for the twin."""
    system_controller: str
    dialect: str
    ceph: str

    kind: ClassVar[str] = "drill"
    usual_sites: ClassVar[int] = 1
    width: ClassVar[int] = 1
    to_look_around: ClassVar[tuple[str, ...]] = ()

    @property
    def description(self) -> Path:
        return self.folder / "twin.yaml"

    def describe(self) -> None:
        """For the simulator."""
        self.description.write_text(yaml.safe_dump(self.twin.model_dump(mode="json"), sort_keys=False))

    @property
    def simulator_options(self) -> tuple[str, ...]:
        ceph = ("--ceph", self.ceph) if self.ceph else ()
        kubernetes = ("--kubernetes",) if self.ceph == "rook" else ()
        return (
            *(
                "--twin",
                str(self.description),
                "--dialect",
                self.dialect,
                "--install-values",
                "--controller-ssh",
            ),
            *("--bmc-flavours", "generic", *QUICK, *ceph, *kubernetes),
        )

    @property
    def keeps_env(self) -> frozenset[str]:
        found = (text for text in _texts(self.archive) if text.startswith("env:"))
        return frozenset(text.removeprefix("env:") for text in found)

    @property
    def faults(self) -> list[dict[str, Any]]:
        return []

    def stages(self, images: str) -> tuple[Stage, ...]:
        return ()

    def declared(self, inventory: dict[str, Any]) -> dict[str, Any]:
        """The system controller by the name that the backup knows, the archive, and a profile."""
        (controller,), (site,) = inventory["system_controllers"], inventory["sites"]
        controller["name"] = site["system_controller"] = self.system_controller
        site["profile"] = PROFILE
        return inventory | {"archives": [self.archive], "site_profiles": [{"name": PROFILE}]}


async def restored(
    scenario: TwinScenario,
    backup: str,
    judge: Callable[["RestoreResult"], bool],
    tell: Callable[[str], None],
) -> "AcceptanceReport | None":
    """Restores the twin from the backup and hands over how that ended; where `judge` says so, it is examined.

    Raises: Failure (simulator, server or worker ended).
    """
    from cli.demo.house import house

    scenario.describe()
    async with house(scenario.folder, scenario) as running:
        tell(f"a twin of {scenario.twin.site} is up (files in {scenario.folder}); it is wiped and restored")
        result = await _while_it_stands(running, _restore(running, scenario, backup))
        await _keep_ledger(running, scenario.folder)
        if not judge(result):
            return None
        tell(f"the twin of {scenario.twin.site} is restored; it is examined")
        return await _while_it_stands(running, _examine(running, scenario.twin.site))


async def _restore(running: "House", scenario: TwinScenario, backup: str) -> "RestoreResult":
    from temporalio.client import WorkflowFailureError
    from temporalio.exceptions import ApplicationError

    from models import contracts
    from models.restore import RestoreResult, RestoreSiteRequest

    site = scenario.twin.site
    try:
        done: RestoreResult = await running.client.execute_workflow(
            contracts.RESTORE_SITE,
            RestoreSiteRequest(site=site, backup=backup, wipe=site),
            id=contracts.site_workflow_id(site),
            task_queue=contracts.TASK_QUEUE,
            result_type=RestoreResult,
        )
        return done
    except WorkflowFailureError as error:
        details = error.cause.details if isinstance(error.cause, ApplicationError) else ()
        if not details:
            raise
        return RestoreResult.model_validate(details[0])


async def _examine(running: "House", site: str) -> "AcceptanceReport":
    from cli.session import ask
    from models import contracts
    from models.acceptance import AcceptanceReport, VerifyRequest

    request = VerifyRequest(site=site)
    return await ask(running.client, contracts.VERIFY_SITE, site, request, AcceptanceReport)


async def _while_it_stands(running: "House", work: Coroutine[Any, Any, T]) -> T:
    """Raises: Failure as soon as what it runs on is gone."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait((task,), timeout=LOOK_EVERY_S)
            running.check()
    finally:
        task.cancel()
    return await task


async def _keep_ledger(running: "House", folder: Path) -> None:
    """What the twin was asked to change, for whoever looks at a drill that failed."""
    (folder / "ledger.json").write_text(json.dumps(await running.region.get("/ledger"), indent=2))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []
