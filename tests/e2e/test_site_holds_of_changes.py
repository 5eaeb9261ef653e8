"""Who asks a site's people beside patches and upgrades: maintenance, firmware, configuration, restores."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yaml

from models import contracts
from models.bringup import ConfigurationResult, ConfigureRequest
from models.campaign import Answer, OverrideHoldRequest
from models.host_maintenance import MaintainHostResult, MaintenancePlan
from models.maintenance import MaintainHostRequest
from models.outcome import Outcome
from models.restore import RestoreResult
from tests.support.backups import BackupBench, backup_bench, end_of
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINE = "starflock-hold: 2099-11-23T06:00+01:00 exam week"
WORDS = "is on hold by its own people until 2099-11-23 05:00 UTC: exam week"
ALONE = f"{WORDS}; to disregard it: --override-hold WHY"
OVERRIDE = "the disk dies, by anna"
DISREGARDED = f"the site's own hold was disregarded: {OVERRIDE}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 4) as running:
        document = yaml.safe_load(running.region.inventory.read_text())
        document["site_profiles"] = [{"name": "edge", "dns": ["192.0.2.99"]}]
        for site in document["sites"]:
            site["profile"] = "edge"
        running.region.inventory.write_text(yaml.safe_dump(document))
        yield running


async def _write(bench: BackupBench, site: str, line: str = LINE) -> None:
    reply = await bench.region.admin.post(f"/sites/{site}/system", json={"description": line})
    assert reply.status_code == 200


async def _carried_out(bench: BackupBench, workflow: str, request: Any, result: type[Any]) -> Any:
    return await end_of(await bench._start(workflow, request, result), result)


async def test_a_host_is_not_taken_out_and_one_that_is_out_comes_back(bench: BackupBench) -> None:
    site = "edge-0001"

    async def act(act: str, **more: Any) -> MaintainHostResult:
        asked = {"site": site, "host": "controller-0", "act": act, "ready_within": "4m", **more}
        request = MaintainHostRequest.model_validate(asked)
        found: MaintainHostResult = await _carried_out(
            bench, contracts.MAINTAIN_HOST, request, MaintainHostResult
        )
        return found

    await _write(bench, site)
    planned = await bench.stack.client.execute_workflow(
        contracts.PLAN_MAINTENANCE,
        MaintainHostRequest.model_validate({"site": site, "host": "controller-0", "act": "lock"}),
        id="look/plan",
        task_queue=contracts.TASK_QUEUE,
        result_type=MaintenancePlan,
    )
    assert planned.blockers == (f"{site} {ALONE}",)
    held = await act("lock")
    assert (held.outcome, held.reason) == (Outcome.BLOCKED, f"{site} {ALONE}")
    assert await bench.region.mutations(site) == []
    locked = await act("lock", override_hold=OVERRIDE)
    assert locked.outcome is Outcome.SUCCEEDED, locked.reason
    assert DISREGARDED in locked.evidence
    unlocked = await act("unlock", ready_within="2h")
    assert unlocked.outcome is Outcome.SUCCEEDED, "what gives back does not ask"


async def test_a_configuration_waits_for_it(bench: BackupBench) -> None:
    site = "edge-0002"
    await _write(bench, site)
    asked = ConfigureRequest.model_validate({"site": site, "ready_within": "4m"})
    held = await _carried_out(bench, contracts.CONFIGURE_SITE, asked, ConfigurationResult)
    assert (held.outcome, held.reason) == (Outcome.BLOCKED, f"{site} {ALONE}")
    assert await bench.region.mutations(site) == []
    told = asked.model_copy(update={"override_hold": OVERRIDE})
    done = await _carried_out(bench, contracts.CONFIGURE_SITE, told, ConfigurationResult)
    assert (done.outcome, len(done.changed)) == (Outcome.SUCCEEDED, 1), done.reason
    assert DISREGARDED in done.evidence


async def test_a_restore_waits_for_it_and_a_backup_does_not(bench: BackupBench) -> None:
    site = "edge-0003"
    await _write(bench, site)
    assert (await bench.back_up(site)).outcome is Outcome.SUCCEEDED, "a backup disturbs nobody"
    before = await bench.region.mutations(site)
    assert (await bench.plan(site)).refusal == f"{site} {ALONE}"
    held = await bench.restore(site, ready_within="4m")
    assert (held.outcome, held.reason) == (Outcome.BLOCKED, f"{site} {ALONE}")
    assert await bench.region.mutations(site) == before
    done = await bench.restore(site, override_hold=OVERRIDE)
    assert done.outcome is Outcome.SUCCEEDED, done.reason
    assert DISREGARDED in RestoreResult.model_validate(done).evidence


async def test_a_campaign_of_firmware_comes_back_when_it_is_lifted_or_overruled(bench: BackupBench) -> None:
    site = "edge-0004"
    await _write(bench, site)
    images = f"{str(bench.region.admin.base_url).rstrip('/')}/images"
    component = {"name": "BMC", "version": "7.20.30", "image": f"{images}/BMC-7.20.30.bin"}
    handle = await bench.stack.start_campaign(
        "firmware",
        operation={"kind": "firmware", "baseline": "2026-q4", "components": [component]},
        select={"names": [site]},
    )

    async def waits() -> bool:
        why = (await bench.stack.progress(handle)).waiting.get(site, "")
        return f"{site} is {why}".startswith(f"{site} {WORDS}")

    await until(waits, "the hold")
    assert await bench.region.mutations(site) == []
    asked = OverrideHoldRequest(sites=(site,), reason="the disk dies", owner="anna")
    await handle.execute_update("override_hold", asked, result_type=Answer)
    await handle.result()
    done = max(await bench.stack.runs_of(site), key=lambda run: run.began)
    assert DISREGARDED in done.evidence
    assert "bmc.update" in await bench.region.mutations(site)
