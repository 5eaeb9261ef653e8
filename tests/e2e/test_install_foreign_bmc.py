"""InstallHost from end to end against a BMC that others wrote: workers, HTTPS, a machine behind it."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sushy
import yaml
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from models import contracts
from models.install import InstallHostRequest, InstallResult
from models.outcome import Outcome
from tests.activities.redfish.emulator import PASSWORD, USER, UUID, Emulator, Images, emulator, images
from tests.e2e.machine import Machine, machine
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack
from workers.embedded import free_port

SITE, HOST = "edge-0002", "worker-0"
ANSWERS_AT = "127.121.0.9"
STEPS = [
    "gates",
    "eject",
    "power off",
    "insert",
    "boot override",
    "boot the medium",
    "install",
    "boot from disk",
    "eject",
]


@dataclass
class Bench:
    stack: Stack
    bmc: Emulator
    images: Images
    machine: Machine

    async def start(self, **more: Any) -> WorkflowHandle[Any, InstallResult]:
        request = {
            "site": SITE,
            "host": HOST,
            "image": self.images.url,
            "wipe": f"{SITE}/{HOST}",
            "installed_within": "20m",
        }
        return await self.stack.client.start_workflow(
            contracts.INSTALL_HOST,
            InstallHostRequest.model_validate(request | more),
            id=contracts.site_workflow_id(SITE),
            task_queue=contracts.TASK_QUEUE,
            result_type=InstallResult,
        )

    async def install(self, **more: Any) -> InstallResult:
        return await end_of(await self.start(**more))

    def declare(self, **host: Any) -> None:
        """The host as the inventory has it; None takes a key out."""
        path = self.stack.simulator.inventory
        document = yaml.safe_load(path.read_text())
        site = next(each for each in document["sites"] if each["name"] == SITE)
        found = next(each for each in site["hosts"] if each["name"] == HOST)
        found |= host
        path.write_text(yaml.safe_dump(document))


async def end_of(handle: WorkflowHandle[Any, InstallResult]) -> InstallResult:
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        details = error.cause.details if isinstance(error.cause, ApplicationError) else ()
        return InstallResult.model_validate(details[0])


@asynccontextmanager
async def bench(folder: Path, **settings: str) -> AsyncIterator[Bench]:
    async with (
        simulator(folder / "sim", sites=2, options=("--topology", "by-turns")) as region,
        emulator(folder / "emulator") as bmc,
        images() as served,
        machine(bmc, (ANSWERS_AT, free_port())) as server,
        stack(folder, region, STARFLOCK_PACE="20", **settings) as running,
    ):
        ready = Bench(running, bmc, served, server)
        _add_host(region.inventory, bmc, server)
        await running.start_worker()
        yield ready


def _add_host(inventory: Path, bmc: Emulator, server: Machine) -> None:
    secret = inventory.parent / "bmc-password"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD)
    shutil.copy(bmc.certificate, inventory.parent / "bmc.pem")
    document = yaml.safe_load(inventory.read_text())
    site = next(each for each in document["sites"] if each["name"] == SITE)
    site["hosts"].append(
        {
            "name": HOST,
            "personality": "worker",
            "uuid": UUID,
            "oam": server.oam,
            "bmc": {
                "address": bmc.url,
                "credential": {"username": USER, "password": "file:bmc-password"},
                "ca_bundle": "bmc.pem",
            },
        }
    )
    inventory.write_text(yaml.safe_dump(document))


async def test_a_server_is_installed_and_its_medium_is_gone(tmp_path: Path) -> None:
    async with bench(tmp_path) as there:
        result = await there.install()
        assert result.outcome is Outcome.SUCCEEDED, result
        assert result.bmc.startswith("Sushy Emulator")
        assert there.machine.installs == 1
        assert [drive.inserted for drive in there.machine.drives()] == [False, False]
        # "Once" is kept for ever there, so the disk is said explicitly.
        assert there.machine.system.boot.target is sushy.BootSource.HDD
        assert set(there.images.asked) == {"/boot.iso"}
        (run,) = await there.stack.runs_of(SITE)
        assert [step.name for step in run.steps] == STEPS
