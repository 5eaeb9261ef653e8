"""UpdateFirmware from end to end against simulated BMCs: order, boots, faults, hosts in service."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from models import contracts
from models.bmc import HostRef
from models.firmware import FirmwareResult, UpdateFirmwareRequest
from models.hardware import HostReport, InspectRequest
from models.operations import FirmwareComponent
from models.outcome import Outcome
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, WorkerProcess, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = "controller-0"


@dataclass
class Bench:
    house: Stack
    region: Simulator
    worker: WorkerProcess

    def component(self, name: str, version: str, *after: str, image: str = "") -> dict[str, Any]:
        served = f"{str(self.region.admin.base_url).rstrip('/')}/images/{name}-{version}.bin"
        return {"name": name, "version": version, "image": image or served, "after": after}

    async def start(self, site: str, *components: dict[str, Any]) -> WorkflowHandle[Any, FirmwareResult]:
        operation = {"kind": "firmware", "baseline": "2026-q4", "components": components}
        operation |= {"ready_within": "10m", "reachable_within": "10m"}
        return await self.house.client.start_workflow(
            contracts.UPDATE_FIRMWARE,
            UpdateFirmwareRequest.model_validate({"site": site, "operation": operation}),
            id=contracts.site_workflow_id(site),
            task_queue=contracts.TASK_QUEUE,
            result_type=FirmwareResult,
        )

    async def update(self, site: str, *components: dict[str, Any]) -> FirmwareResult:
        return await end_of(await self.start(site, *components))

    async def machine(self, site: str, host: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = (await self.region.get(f"/sites/{site}"))["hosts"][host]["bmc"]
        return found

    async def applied(self, site: str) -> list[str]:
        """Intents that took effect, with their host, in order."""
        entries = await self.region.get(f"/sites/{site}/mutations")
        assert not [each for each in entries if each["repeat"]], entries
        return [f"{each['intent']} {each['target']}" for each in entries if each["outcome"] == "applied"]


async def end_of(handle: WorkflowHandle[Any, FirmwareResult]) -> FirmwareResult:
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        details = error.cause.details if isinstance(error.cause, ApplicationError) else ()
        return FirmwareResult.model_validate(details[0])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bare(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """Hosts that are off: out of service beyond doubt."""
    folder = tmp_path_factory.mktemp("bare")
    options = ("--bare", "--topology", "by-turns")
    async with (
        simulator(folder / "sim", sites=12, options=options) as region,
        stack(folder, region) as house,
    ):
        yield Bench(house, region, await house.start_worker())


async def test_a_baseline_is_reached_in_its_order_with_one_boot_at_the_end(bare: Bench) -> None:
    site = "edge-0001"
    components = (
        bare.component("BIOS", "2.1.0", "BMC"),
        bare.component("NIC.1", "23.0.1"),
        bare.component("BMC", "7.20.30"),
        bare.component("Disk.0", "GDC7302Q"),
    )
    result = await bare.update(site, *components)
    assert (result.outcome, result.reason) == (Outcome.SUCCEEDED, "1 host at 2026-q4")
    assert [each for each in await bare.applied(site) if "update" in each] == [
        f"bmc.update {HOST} NIC.1",
        f"bmc.update {HOST} BMC",
        f"bmc.update {HOST} BIOS",
    ]
    machine = await bare.machine(site)
    versions = machine["firmware"]
    assert (versions["BIOS"], versions["NIC.1"], versions["BMC"]) == ("2.1.0", "23.0.1", "7.20.30")
    assert (machine["power"], machine["boots"]) == ("Off", 1)
    before = await bare.applied(site)
    again = await bare.update(site, *components)
    assert (again.outcome, again.reason) == (Outcome.ALREADY, "1 host had 2026-q4 already")
    assert await bare.applied(site) == before


async def test_a_look_compares_with_a_baseline_and_a_profile_and_changes_nothing(bare: Bench) -> None:
    site = "edge-0010"
    async with bare.house.edited_inventory() as edit:
        await edit.declare_hardware(site, {"name": "huge", "cores": 4096, "memory_gib": 1})
        report = await bare.house.client.execute_workflow(
            contracts.INSPECT_HOST,
            InspectRequest(
                on=HostRef(site=site, host=HOST),
                hardware=True,
                baseline=(
                    FirmwareComponent.model_validate(bare.component("BIOS", "1.6.5")),
                    FirmwareComponent.model_validate(bare.component("BMC", "9.9.9")),
                ),
            ),
            id="look",
            task_queue=contracts.TASK_QUEUE,
            result_type=HostReport,
        )
    assert report.complaint == ""
    assert [each.split(" cores, ")[1] for each in report.differences] == ["4096 are declared"]
    assert [each.state for each in report.compliance] == ["as declared", "differs"]
    assert await bare.applied(site) == []


async def test_hosts_of_a_pair_are_never_worked_on_beside_each_other(bare: Bench) -> None:
    site = "edge-0002"
    result = await bare.update(site, bare.component("BIOS", "2.1.0"))
    assert (result.outcome, result.reason) == (Outcome.SUCCEEDED, "2 hosts at 2026-q4")
    hosts = [each.split()[1] for each in await bare.applied(site)]
    assert hosts == sorted(hosts)
    assert set(hosts) == {"controller-0", "controller-1"}


@pytest.mark.parametrize(
    ("site", "do"), [("edge-0003", "drop-after"), ("edge-0005", "drop-before"), ("edge-0007", "vanish")]
)
async def test_a_lost_answer_and_a_forgotten_task_cost_nothing(bare: Bench, site: str, do: str) -> None:
    await bare.region.fault(site, "bmc.update", do, times=1)
    result = await bare.update(site, bare.component("BMC", "7.20.30"))
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await bare.applied(site) == [f"bmc.update {HOST} BMC"]


async def test_an_update_that_did_nothing_is_found_out_and_ends_the_host(bare: Bench) -> None:
    site = "edge-0004"
    await bare.region.fault(f"{site}/{HOST}", "bmc.update", "lie", times=1)
    result = await bare.update(site, bare.component("BIOS", "2.1.0"), bare.component("NIC.1", "23.0.1"))
    assert result.outcome is Outcome.FAILED
    assert result.reason == "controller-0: BIOS 2.1.0: BIOS is 1.6.5 after a boot"
    hosts = {each.split()[1] for each in await bare.applied(site)}
    assert hosts == {"controller-0"}


@pytest.mark.parametrize(
    ("name", "image", "outcome", "words"),
    [
        (
            "BIOS",
            "http://127.0.0.1:9/BIOS-2.1.0.bin",
            Outcome.BLOCKED,
            "the image cannot be reached from the BMC",
        ),
        ("CPLD", "", Outcome.REFUSED, "CPLD: there is no such component"),
        ("BIOS", "http://127.0.0.1:9/readme.txt", Outcome.REFUSED, "not named COMPONENT-VERSION"),
    ],
)
async def test_what_cannot_be_updated_is_said_in_words(
    bare: Bench, name: str, image: str, outcome: Outcome, words: str
) -> None:
    result = await bare.update("edge-0009", bare.component(name, "2.1.0", image=image))
    assert result.outcome is outcome, result
    assert words in result.reason
    assert await bare.applied("edge-0009") == []


async def test_a_worker_that_dies_in_the_middle_of_the_request_sends_nothing_twice(bare: Bench) -> None:
    site = "edge-0011"
    await bare.region.fault(site, "bmc.update", "hold", times=1, seconds=600)
    handle = await bare.start(site, bare.component("BMC", "7.20.30"))

    async def is_parked() -> bool:
        return any(each["on"] == "bmc.update" for each in (await bare.region.get("/held"))["held"])

    await until(is_parked, "the request is parked")
    await bare.worker.kill()
    bare.worker = await bare.house.start_worker()
    assert (await handle.result()).outcome is Outcome.SUCCEEDED
    assert await bare.applied(site) == [f"bmc.update {HOST} BMC"]


async def test_a_host_in_service_is_not_rebooted_but_its_bmc_may_be_updated(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("in-service")
    async with simulator(folder / "sim", sites=2) as region, stack(folder, region) as house:
        bench = Bench(house, region, await house.start_worker())
        held = await bench.update("edge-0001", bench.component("BIOS", "2.1.0"))
        assert held.outcome is Outcome.BLOCKED
        assert "edge-0001/controller-0 is in service (sysinv says" in held.reason
        assert held.reason.endswith("cannot be told that BIOS has to wait for a boot: lock the host first")
        assert await bench.applied("edge-0001") == []
        done = await bench.update("edge-0002", bench.component("BMC", "7.20.30"))
        assert done.outcome is Outcome.SUCCEEDED, done
        assert (await bench.machine("edge-0002"))["power"] == "On"
        await _a_campaign_goes_on_past_a_host_that_fails(bench)


async def _a_campaign_goes_on_past_a_host_that_fails(bench: Bench) -> None:
    operation = {
        "kind": "firmware",
        "baseline": "2026-q5",
        "components": [bench.component("BMC", "7.20.40")],
    }
    await bench.region.fault("edge-0001", "bmc.update", "refuse", times=1)
    handle = await bench.house.start_campaign(
        "firmware",
        operation=operation,
        select={"all": True},
        waves=[{"percent": 100}],
        budget={"failed": 2, "wave_failed": 2},
    )
    result = await handle.result()
    assert result.counts == {Outcome.REFUSED: 1, Outcome.SUCCEEDED: 1}
