"""InstallHost through workers, HTTPS and sushy-emulator: a machine that was off ends installed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from models import contracts
from models.install import InstallHostRequest, InstallResult
from models.outcome import Outcome
from tests.activities.redfish.emulator import MAC, PASSWORD, USER, UUID
from tests.real_boot.bench import Server
from tests.support.installer import BANNER
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack
from workers.embedded import free_port

SITE, HOST = "edge-0002", "worker-0"
PACE = "40"


INSTALL = {
    "install_type": 2,
    "bootstrap_interface": "eth0",
    "bootstrap_vlan": 401,
    "bootstrap_address": "10.0.2.15",
    "bootstrap_address_prefix": 24,
    "nexthop_gateway": "10.0.2.2",
    "boot_device": "/dev/vda",
    "console_type": "ttyS0,9600",
    "extra_boot_params": ["nosmt", "isolcpus=2-3"],
}


def declare(inventory: Path, server: Server) -> None:
    secret = inventory.parent / "bmc-password"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD)
    document = yaml.safe_load(inventory.read_text())
    site = next(each for each in document["sites"] if each["name"] == SITE)
    bmc = {
        "address": server.bmc.url,
        "credential": {"username": USER, "password": "file:bmc-password"},
        "fingerprint": server.bmc.fingerprint,
    }
    host = {"name": HOST, "personality": "worker", "uuid": UUID, "mac": MAC, "oam": server.oam, "bmc": bmc}
    site["hosts"].append(host | {"install": INSTALL})
    site["boot_images"] = {
        "base": str(server.iso),
        "directory": str(server.iso.parent),
        "url": server.image.rpartition("/")[0],
    }
    inventory.write_text(yaml.safe_dump(document))


async def install(running: Stack, image: str | None, within: str, **more: Any) -> InstallResult:
    request = InstallHostRequest(
        site=SITE, host=HOST, image=image, wipe=f"{SITE}/{HOST}", installed_within=within, **more
    )
    handle = await running.client.start_workflow(
        contracts.INSTALL_HOST,
        request,
        id=contracts.site_workflow_id(SITE),
        task_queue=contracts.TASK_QUEUE,
        result_type=InstallResult,
    )
    try:
        result: InstallResult = await handle.result()
    except WorkflowFailureError as error:
        details = error.cause.details if isinstance(error.cause, ApplicationError) else ()
        result = InstallResult.model_validate(details[0])
    return result


@pytest.fixture
async def running(server: Server, tmp_path: Path) -> AsyncIterator[Stack]:
    port = free_port()
    calls = {
        "STARFLOCK_PHONE_HOME_LISTEN": f"127.0.0.1:{port}",
        "STARFLOCK_PHONE_HOME_URL": f"http://10.0.2.2:{port}",
    }
    async with (
        simulator(tmp_path / "sim", sites=2, options=("--topology", "by-turns")) as region,
        stack(tmp_path, region, STARFLOCK_PACE=PACE, STARFLOCK_REQUEST_TIMEOUT_S="10", **calls) as running,
    ):
        declare(region.inventory, server)
        await running.start_worker()
        yield running


async def test_a_server_that_was_off_is_installed_and_answers_from_its_disk(
    server: Server, running: Stack
) -> None:
    result = await install(running, server.image, within="120m")
    assert result.outcome is Outcome.SUCCEEDED, result
    assert any(BANNER in line for line in result.evidence), result.evidence
    assert server.is_running()
    assert server.media() == []
    # One boot wrote the disk, and the system that answers has read it back.
    assert [word for word, _ in server.reports.said] == ["installed", "booted"]
    assert len({marker for _, marker in server.reports.said}) == 1


async def test_an_image_that_does_not_boot_installs_nothing_and_is_taken_out(
    server: Server, running: Stack
) -> None:
    server.spoil_image()
    result = await install(running, server.image, within="1m")
    assert result.outcome is Outcome.FAILED, result
    assert (server.reports.said, server.is_running(), server.media()) == ([], False, [])


async def test_an_image_that_is_made_really_boots_with_what_is_declared_and_calls_home(
    server: Server, running: Stack
) -> None:
    result = await install(running, None, within="120m", proof="phone-home")
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.reason == "boot.iso is installed and has called home"
    assert [word for word, _ in server.reports.said] == ["installed", "booted"]
    installing, running_line = (server.reports.lines[word].split() for word in ("installed", "booted"))
    declared = [
        "ip=10.0.2.15,,10.0.2.2,24,edge-0002,eth0.401,off",
        "vlan=eth0.401:eth0",
        "boot_device=/dev/vda",
        "instdev=/dev/vda",
        "traits=controller,worker",
        "defaultkernel=vmlinuz-*[!t]-amd64",
    ]
    for line in (installing, running_line):
        at = line.index(declared[0])
        assert line[at : at + 6] == declared
        assert line[at + 6].startswith("phone_home=http://10.0.2.2:")
        assert line[at + 7 :] == ["nosmt", "isolcpus=2-3", "console=ttyS0,9600", "serial"]
        assert [word for word in line if word.startswith("console=")] == ["console=ttyS0,9600"]
    assert ("what=install" in installing, "what=run" in running_line) == (True, True)
    assert [path.name for path in server.iso.parent.rglob("*.iso")] == ["boot.iso"]
