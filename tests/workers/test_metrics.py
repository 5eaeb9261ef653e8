"""What Prometheus reads of a worker at work; dashboard and alerts ask for nothing that is not there."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
import yaml

from models import contracts
from models.bmc import HostRef
from models.campaign import ApproveRequest
from models.hardware import InspectRequest
from models.outcome import Outcome
from tests.support.prometheus import asked, is_here, prometheus, told
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until
from workers.embedded import free_port

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
NAME = re.compile(r"\b(?:starflock|temporal)_[a-z_]+\b")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--plain", "--bmc-flavours", "idrac9")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=3, options=options) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def endpoint() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    tmp_path_factory: pytest.TempPathFactory, region: Simulator, endpoint: str
) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("house")
    async with stack(folder, region, STARFLOCK_METRICS_LISTEN=endpoint) as running:
        await running.start_worker()
        yield running


async def test_the_fleet_and_its_troubles_are_told(house: Stack, region: Simulator, endpoint: str) -> None:
    await region.fault("edge-0002", "vim.apply", "fail", times=1)
    await region.fault("edge-0003", "vim.get", "drop-before", times=2)
    handle = await house.start_campaign("metered", select={"all": True}, approvals=["after-wave-1"])
    await house.until_phase(handle, "waiting-approval")
    await _trouble_of_a_bmc(house, region)

    waiting = await _until_told(endpoint, "starflock_campaign_phase", phase="waiting-approval")
    assert waiting == 1
    assert (
        await _until_told(endpoint, "starflock_campaign_sites", campaign="metered", outcome="succeeded") == 1
    )
    assert await _until_told(endpoint, "starflock_campaign_members", campaign="metered") == 3
    assert await _until_told(endpoint, "starflock_campaign_running", campaign="metered") == 1
    assert await _until_told(endpoint, "starflock_bmc_errors_total", vendor="Dell Inc.") >= 1

    await handle.execute_update("approve", ApproveRequest(gate="after-wave-1", owner="anna"))
    counts = (await handle.result()).counts
    assert counts == {Outcome.SUCCEEDED: 2, Outcome.FAILED: 1}
    assert await _until_told(endpoint, "starflock_activity_failures_total", **{"class": "Transient"}) >= 1


async def test_dashboard_and_alerts_ask_for_what_is_told(house: Stack, endpoint: str) -> None:
    known = set(re.findall(r"^([a-z_]+?)(?:\{| )", await _scraped(endpoint), re.MULTILINE))
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    questions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
    questions += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(questions) > 12
    names = {name for each in questions for name in NAME.findall(each)}
    assert names - known == set()
    assert "starflock_told_by_nobody" not in known


@pytest.mark.skipif(not is_here(), reason="no Prometheus here: apt-get install prometheus")
async def test_a_real_prometheus_scrapes_a_worker_and_fires_an_alert(
    house: Stack, endpoint: str, tmp_path: Path
) -> None:
    """After the campaign of which one site has failed."""
    with prometheus(tmp_path, endpoint, MONITORING / "alerts.yaml") as api:

        async def fired() -> list[dict[str, str]]:
            found = await asked(api, "/alerts") or {"alerts": []}
            return [each["labels"] for each in found["alerts"] if each["state"] == "firing"]

        assert await until(fired, "an alert") == [
            {"alertname": "StarflockSitesEndBadly", "campaign": "metered", "severity": "warning"}
        ]
        (target,) = (await asked(api, "/targets"))["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        dashboard = json.loads((MONITORING / "dashboard.json").read_text())
        panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        answers = {each: (await asked(api, "/query", query=each))["result"] for each in panels}
        assert answers["max(starflock_sites_in_work)"]
        assert sum(bool(rows) for rows in answers.values()) > 6, answers
        assert await asked(api, "/query", query="starflock_told_by_nobody") == {
            "resultType": "vector",
            "result": [],
        }
    told()


async def _trouble_of_a_bmc(house: Stack, region: Simulator) -> None:
    """A look that tells whose it is, and one that its BMC does not answer at first."""
    for faults in (0, 1):
        if faults:
            await region.fault("edge-0001", "bmc", "drop-before", times=2)
        request = InspectRequest(on=HostRef(site="edge-0001", host="controller-0"), sensors=False)
        await house.client.execute_workflow(
            contracts.INSPECT_HOST, request, id=f"look/{faults}", task_queue=contracts.TASK_QUEUE
        )


async def _until_told(endpoint: str, name: str, **labels: str) -> float:
    """The sum of the matching series, once it is not zero."""

    async def found() -> float:
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in (await _scraped(endpoint)).splitlines()
            if line.startswith((f"{name}{{", f"{name} "))
            and all(f'{label}="{value}"' in line for label, value in labels.items())
        )

    return await until(found, f"{name} {labels}", within=90)


async def _scraped(endpoint: str) -> str:
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://{endpoint}/metrics")).text
