"""InstallHost from end to end against simulated BMCs: every vendor, and what goes wrong at one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from models import contracts
from models.install import InstallHostRequest, InstallResult
from models.outcome import Outcome
from tests.activities.redfish.emulator import Images, images
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

REFUSED = {
    "idrac7": "the firmware is too old",
    "idrac9-detached": "set the iDRAC attribute VirtualMedia.1.Attached to AutoAttach",
    "supermicro-unlicensed": "lacks the licence",
}
INSTALLED = (
    "generic",
    "idrac9",
    "idrac9-5",
    "idrac9-4",
    "idrac9-jobs",
    "idrac8",
    "idrac10",
    "ilo5",
    "ilo6",
    "supermicro-x12",
    "supermicro-ars",
    "supermicro-x11",
    "lenovo-xcc",
    "lenovo-sd530",
    "ami",
    "asrock",
    "nvidia-dgx",
    "cisco-ucs",
    "cisco-c845a",
    "partial",
    "huawei",
)
STICKY = "sticky-once"
FLAVOURS = (*INSTALLED, *REFUSED, STICKY)
HOST = "controller-0"


@dataclass
class Bench:
    stack: Stack
    region: Simulator
    images: Images

    async def start(self, site: str, **more: Any) -> WorkflowHandle[Any, InstallResult]:
        request = {"site": site, "host": HOST, "image": self.images.url, "wipe": f"{site}/{HOST}"}
        return await self.stack.client.start_workflow(
            contracts.INSTALL_HOST,
            InstallHostRequest.model_validate(request | more),
            id=contracts.site_workflow_id(site),
            task_queue=contracts.TASK_QUEUE,
            result_type=InstallResult,
        )

    async def install(self, site: str, **more: Any) -> InstallResult:
        return await end_of(await self.start(site, **more))

    async def fault(self, site: str, on: str, do: str, **more: Any) -> None:
        await self.region.fault(site, on, do, **more)

    async def machine(self, site: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.region.get(f"/sites/{site}"))["hosts"][0]["bmc"]
        return found

    async def repeats_at(self, site: str) -> list[str]:
        entries = await self.region.get(f"/sites/{site}/mutations")
        return [entry["intent"] for entry in entries if entry["repeat"]]


async def end_of(handle: WorkflowHandle[Any, InstallResult]) -> InstallResult:
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        details = error.cause.details if isinstance(error.cause, ApplicationError) else ()
        return InstallResult.model_validate(details[0])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """The first sites are one of each vendor, the ones after them begin again with the first."""
    folder: Path = tmp_path_factory.mktemp("bench")
    options = ("--topology", "aio-sx", "--bare", "--install-seconds", "2400")
    options += ("--bmc-flavours", ",".join(FLAVOURS))
    async with (
        simulator(folder / "sim", sites=2 * len(FLAVOURS), options=options) as region,
        images() as served,
        stack(folder, region) as running,
    ):
        await running.start_worker()
        yield Bench(running, region, served)


def site_of(flavour: str, *, second: bool = False) -> str:
    return f"edge-{FLAVOURS.index(flavour) + 1 + second * len(FLAVOURS):04d}"


async def test_every_vendor_is_installed_once_or_refused_in_words(bench: Bench) -> None:
    flavours = (*INSTALLED, *REFUSED)
    results = await asyncio.gather(*(bench.install(site_of(flavour)) for flavour in flavours))
    for flavour, result in zip(flavours, results, strict=True):
        if flavour in REFUSED:
            machine = await bench.machine(site_of(flavour))
            assert result.outcome is Outcome.REFUSED, (flavour, result)
            assert REFUSED[flavour] in result.reason
            assert (machine["disk"], machine["power"]) == ("blank", "Off"), flavour
            assert (machine["medium"], machine["sessions"]) == (None, 0), flavour
            assert await bench.repeats_at(site_of(flavour)) == [], flavour
        else:
            await assert_installed_once(bench, flavour, result)


async def test_an_override_that_stays_is_taken_back_before_the_installer_ends(bench: Bench) -> None:
    """Alone: its installer's forty minutes are ten seconds here, and for a worker with two dozen others at
    once the look at it could come after its end."""
    await assert_installed_once(bench, STICKY, await bench.install(site_of(STICKY)))


async def assert_installed_once(bench: Bench, flavour: str, result: InstallResult) -> None:
    machine = await bench.machine(site_of(flavour))
    assert result.outcome is Outcome.SUCCEEDED, (flavour, result)
    assert (machine["disk"], machine["installs"]) == ("installed", 1), flavour
    assert (machine["medium"], machine["sessions"]) == (None, 0), flavour
    assert await bench.repeats_at(site_of(flavour)) == [], flavour


SECOND = {
    # More than the client's 4 s of patience, less than that and the time in which an insert may settle.
    "an answer too late": ("generic", [("bmc.insert", "hold", {"seconds": 1100, "times": 1})]),
    "answers that get lost": (
        "idrac9",
        [(on, "drop-after", {"times": 1}) for on in ("bmc.insert", "bmc.boot", "bmc.reset")],
    ),
    "requests that get lost": (
        "ilo5",
        [(on, "drop-before", {"times": 1}) for on in ("bmc.insert", "bmc.boot", "bmc.reset")],
    ),
    "a busy BMC": ("supermicro-x12", [("bmc", "fail", {"times": 6})]),
    "a BMC that restarts itself": ("lenovo-xcc", [("bmc.reset", "dark", {"times": 1, "seconds": 150})]),
    "its sessions taken by others": ("idrac8", [("bmc.session", "occupy", {})]),
    "sessions that are forgotten": ("ami", [("bmc.get", "forget", {"times": 2})]),
    "a race for the tag": ("asrock", [("bmc.boot", "race", {"times": 1})]),
    "on refused after off": ("idrac10", [("bmc.reset", "conflict", {"times": 1})]),
    "a task that vanishes": ("idrac9-jobs", [("bmc.reset", "vanish", {"times": 1})]),
    "a reset that does nothing once": ("huawei", [("bmc.reset", "lie", {"times": 1})]),
}


async def test_what_passes_is_outlived_without_a_repeat(bench: Bench) -> None:
    for flavour, faults in SECOND.values():
        for on, do, more in faults:
            await bench.fault(site_of(flavour, second=True), on, do, **more)
    runs = [bench.install(site_of(flavour, second=True)) for flavour, _ in SECOND.values()]
    results = await asyncio.wait_for(asyncio.gather(*runs), 300)
    for (what, (flavour, faults)), result in zip(SECOND.items(), results, strict=True):
        site = site_of(flavour, second=True)
        machine = await bench.machine(site)
        assert result.outcome is Outcome.SUCCEEDED, (what, result)
        assert (machine["disk"], machine["installs"], machine["medium"]) == ("installed", 1, None), what
        if faults[0][1] != "lie":
            assert await bench.repeats_at(site) == [], what


async def test_nothing_is_ejected_below_an_installer_that_takes_too_long(bench: Bench) -> None:
    site = site_of("idrac9-4", second=True)
    result = await bench.install(site, installed_within="1m")
    machine = await bench.machine(site)
    assert result.outcome is Outcome.FAILED, result
    assert (machine["power"], machine["medium"], machine["spoilt"]) == ("Off", None, 0)
    assert machine["disk"] == "half-written"
    assert await bench.repeats_at(site) == []


async def test_a_stuck_medium_is_said_and_the_host_works(bench: Bench) -> None:
    site = site_of("nvidia-dgx", second=True)
    await bench.fault(site, "bmc.eject", "stick")
    result = await bench.install(site)
    assert result.outcome is Outcome.FAILED
    assert "accepted the eject, but the drive holds" in result.reason


async def test_an_image_that_is_not_there_blocks_and_leaves_the_host_as_it_was(bench: Bench) -> None:
    for flavour, image in (("cisco-ucs", bench.images.missing), ("partial", bench.images.refused)):
        site = site_of(flavour, second=True)
        result = await bench.install(site, image=image)
        machine = await bench.machine(site)
        assert result.outcome is Outcome.BLOCKED, result
        assert "cannot be reached from the BMC" in result.reason
        assert (machine["power"], machine["disk"], machine["medium"]) == ("Off", "blank", None)
        assert machine["override"] == "none"


async def test_an_installed_host_is_not_installed_again(bench: Bench) -> None:
    site = site_of("supermicro-ars", second=True)
    assert (await bench.install(site)).outcome is Outcome.SUCCEEDED
    again = await bench.install(site)
    assert again.outcome is Outcome.REFUSED
    assert "it is in use" in again.reason
    assert (await bench.machine(site))["installs"] == 1


async def test_a_bmc_that_is_gone_is_unreachable(bench: Bench) -> None:
    site = site_of("cisco-c845a", second=True)
    await bench.fault(site, "bmc", "drop-before")
    result = await bench.install(site, reachable_within="10m")
    assert result.outcome is Outcome.UNREACHABLE, result


async def test_a_wrong_password_is_tried_once(bench: Bench) -> None:
    site = site_of("lenovo-sd530", second=True)
    secret = bench.region.inventory.parent / "sim-bmc-password"
    right = secret.read_text()
    secret.write_text("hunter2")
    try:
        result = await bench.install(site)
    finally:
        secret.write_text(right)
    assert result.outcome is Outcome.REFUSED
    assert "does not accept our credentials" in result.reason
    assert "hunter2" not in str(result)


async def test_two_installs_of_one_site_do_not_meet(bench: Bench) -> None:
    site = site_of(STICKY, second=True)
    first = await bench.start(site)
    with pytest.raises(Exception, match="already started"):
        await bench.start(site)

    async def ended() -> bool:
        return (await first.describe()).close_time is not None

    await until(ended, "the end of the first", within=120)
    assert (await end_of(first)).outcome is Outcome.SUCCEEDED
