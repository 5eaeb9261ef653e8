"""An installed controller-0 is bootstrapped over SSH, from the command line to the records.

sysadmin's password, the administrator's and a registry's have characters that YAML, JSON and shells spell
differently. Everything that was written is searched for them in the end, the hosts' own folders included.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from models import contracts
from models.bootstrap import BootstrapRequest, BootstrapResult
from models.outcome import Outcome
from tests.cli.served import Desk, desk_at
from tests.support.secret_scan import files, found, histories
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, scheduled, stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADMIN = "Adm+in/50% 'q=1"
REGISTRY = "Reg+istry/7:{{}} #2"
STEPS = ["observe_site", "look_at_installed_host", "place_run", "start_playbook"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    folder = tmp_path_factory.mktemp("sim")
    async with simulator(folder, sites=12, options=("--installed", "--bootstrap-seconds", "600")) as running:
        document = yaml.safe_load(running.inventory.read_text())
        for name, secret in (("admin", ADMIN), ("registry", REGISTRY)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(secret)
        for site in document["sites"]:
            path = folder / site["bootstrap"]["overrides"]
            values = yaml.safe_load(path.read_text()) | {"admin_password": "file:admin"}
            values["docker_registries"]["defaults"]["password"] = "file:registry"
            path.write_text(yaml.safe_dump(values))
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_LOG_LEVEL="debug") as running:
        await running.start_worker()
        yield running


@pytest.fixture(scope="module")
def desk(house: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_at(house, tmp_path_factory.mktemp("desk"))


async def begin(house: Stack, site: str, **more: Any) -> WorkflowHandle[Any, BootstrapResult]:
    request = BootstrapRequest.model_validate({"site": site, **more})
    return await house.client.start_workflow(
        contracts.BOOTSTRAP_SITE,
        request,
        id=contracts.site_workflow_id(site),
        task_queue=contracts.TASK_QUEUE,
        result_type=BootstrapResult,
    )


async def end_of(handle: WorkflowHandle[Any, BootstrapResult]) -> BootstrapResult:
    """However it ended."""
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        if not isinstance(error.cause, ApplicationError):
            raise
        return BootstrapResult.model_validate(error.cause.details[0])


async def ssh(region: Simulator, site: str) -> dict[str, Any]:
    said: dict[str, Any] = (await region.get(f"/sites/{site}"))["hosts"][0]["ssh"]
    return said


async def test_a_site_is_bootstrapped_from_the_command_line_and_then_left_alone(
    desk: Desk, house: Stack, region: Simulator
) -> None:
    said = await desk("site", "bootstrap", "edge-0001", "-o", "json")
    assert said.code == 0, said
    result = BootstrapResult.model_validate_json(said.out)
    assert result.outcome is Outcome.SUCCEEDED
    assert "the playbook is at bootstrap/apply-manifest" in said.err
    assert (await region.get("/sites/edge-0001"))["dark_for"] == []
    again = await desk("site", "bootstrap", "edge-0001")
    assert again.code == 0
    assert "edge-0001 is bootstrapped" in again.out
    assert await region.mutations("edge-0001") == ["host.bootstrap"]
    recorded = [run.outcome for run in await house.runs_of("edge-0001")]
    assert recorded == [Outcome.SUCCEEDED, Outcome.ALREADY]
    handle = house.client.get_workflow_handle(contracts.site_workflow_id("edge-0001"), run_id=result.run)
    steps = [step.split()[1] for step in await scheduled(handle)]
    assert steps[: len(STEPS)] == STEPS
    assert steps[-3:] == ["look_at_installed_host", "wipe_secrets", "record_site_run"]
    assert len((await handle.fetch_history()).events) < 150


async def test_a_failed_playbook_is_told_and_started_anew(desk: Desk, region: Simulator) -> None:
    await region.fault("edge-0002", "ssh.playbook", "fail", times=1)
    said = await desk("site", "bootstrap", "edge-0002")
    assert said.code == 1
    assert "ended with 2 at 'bootstrap/bringup-essential-services : Push images" in said.out
    assert "Failed to push images to the local registry" in said.out
    assert "echo '***'" in said.out
    again = await desk("site", "bootstrap", "edge-0002", "-o", "json")
    assert json.loads(again.out)["outcome"] == "succeeded"
    assert await region.mutations("edge-0002") == ["host.bootstrap"] * 2


async def test_a_mistake_in_the_overrides_is_told_before_anything_is_sent(
    desk: Desk, house: Stack, region: Simulator
) -> None:
    path = region.inventory.parent / "values/edge-0003-localhost.yaml"
    path.write_text(path.read_text().replace("file:admin", ADMIN.replace("'", "")))
    for said in (await desk("site", "bootstrap", "edge-0003"), await desk("inventory", "validate")):
        assert said.code == 2, said
        assert "admin_password: a secret in clear is refused" in said.err
        assert "Adm+in" not in said.out + said.err
    result = await end_of(await begin(house, "edge-0003"))
    assert result.outcome is Outcome.REFUSED
    assert "localhost.yaml:" in result.reason
    assert (await ssh(region, "edge-0003"))["logins"] == 0


async def test_a_cancel_ends_the_playbook_and_wipes(house: Stack, region: Simulator) -> None:
    await region.fault("edge-0004", "ssh.playbook", "hold", times=1)
    handle = await begin(house, "edge-0004")

    async def runs() -> bool:
        return bool((await ssh(region, "edge-0004"))["playbooks"])

    await until(runs, "the playbook")
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    (run,) = await house.runs_of("edge-0004")
    assert run.outcome is Outcome.ABORTED
    assert "the playbook was ended at 'common/prepare-env : stat'" in run.reason
    assert (await ssh(region, "edge-0004"))["playbooks"] == 0
    assert (await end_of(await begin(house, "edge-0004"))).outcome is Outcome.SUCCEEDED


async def test_a_terminated_runs_playbook_is_followed_by_the_next(house: Stack, region: Simulator) -> None:
    await region.fault("edge-0005", "ssh.playbook", "hold", times=1)
    first = await begin(house, "edge-0005")

    async def follows() -> bool:
        return any(step.endswith("await_playbook") for step in await scheduled(first))

    await until(follows, "the wait for the playbook")
    await first.terminate("as a person does")
    second = await begin(house, "edge-0005")

    async def follows_too() -> bool:
        return any(step.endswith("await_playbook") for step in await scheduled(second))

    await until(follows_too, "the second run's wait")
    await region.clear_faults()
    result = await end_of(second)
    assert (result.outcome, result.run) == (Outcome.SUCCEEDED, first.result_run_id)
    assert any("was in flight" in line for line in result.evidence)
    assert await region.mutations("edge-0005") == ["host.bootstrap"]


STOPS: dict[str, tuple[dict[str, Any], Outcome, str]] = {
    "edge-0006": ({"on": "ssh", "do": "lie"}, Outcome.REFUSED, "shows another host key"),
    "edge-0007": ({"on": "ssh", "do": "refuse"}, Outcome.REFUSED, "does not accept our password"),
    "edge-0008": ({"on": "ssh", "do": "dark"}, Outcome.UNREACHABLE, "Connection refused"),
    "edge-0009": (
        {"on": "ssh", "do": "fail", "mutating": True},
        Outcome.BLOCKED,
        "No space left on device",
    ),
}


async def test_what_stops_it_before_the_playbook(house: Stack, region: Simulator) -> None:
    for site, (fault, _, _) in STOPS.items():
        await region.fault(site, **fault)
    handles = [await begin(house, site, reachable_within="10m") for site in STOPS]
    results = await asyncio.gather(*(end_of(handle) for handle in handles))
    for (site, (_, outcome, words)), result in zip(STOPS.items(), results, strict=True):
        assert result.outcome is outcome, result
        assert words in result.reason
        assert await region.mutations(site) == []
    assert (await ssh(region, "edge-0007"))["refused"] == 1


async def test_lost_answers_and_a_silent_host_are_got_over(house: Stack, region: Simulator) -> None:
    """The start works and its answer is lost; then the host's network goes away for a while."""
    await region.fault("edge-0010", "ssh.start", "drop-after", times=1)
    await region.fault("edge-0010", "ssh", "drop-before", times=2)
    handle = await begin(house, "edge-0010")

    async def follows() -> bool:
        return any(step.endswith("await_playbook") for step in await scheduled(handle))

    await until(follows, "the wait for the playbook")
    await region.fault("edge-0010", "ssh", "dark", seconds=300)
    result = await end_of(handle)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await region.mutations("edge-0010") == ["host.bootstrap"]


async def test_the_workflow_runs_only_under_the_lock_of_its_site(house: Stack, region: Simulator) -> None:
    handle = await house.client.start_workflow(
        contracts.BOOTSTRAP_SITE,
        BootstrapRequest(site="edge-0011"),
        id="another",
        task_queue=contracts.TASK_QUEUE,
    )
    assert "runs only under the workflow id site/edge-0011" in await house.failure_of(handle)
    assert await scheduled(handle) == []


async def test_no_password_is_written_anywhere(desk: Desk, house: Stack, region: Simulator) -> None:
    """After everything above: what was written here, and what was left on the hosts."""
    sysadmin = (region.inventory.parent / "sim-password").read_text()
    written = files(house.folder, desk.folder) | await histories(house.client)
    roots = [(await ssh(region, f"edge-{number:04d}"))["root"] for number in range(1, 11)]
    left = files(*(Path(root) for root in roots if root))
    assert any(name.endswith("/log") for name in left)
    for secret in (ADMIN, REGISTRY, sysadmin):
        assert found(secret, written) == set()
        assert found(secret, left) == set()
    # The search finds what is there: the next run's secrets are placed and held.
    await region.fault("edge-0012", "ssh.playbook", "hold", times=1)
    handle = await begin(house, "edge-0012")
    root = None

    async def placed() -> bool:
        nonlocal root
        root = (await ssh(region, "edge-0012"))["root"]
        return root is not None and bool((await ssh(region, "edge-0012"))["playbooks"])

    await until(placed, "the playbook")
    assert root is not None
    for secret in (ADMIN, REGISTRY, sysadmin):
        assert {Path(name).name for name, _ in found(secret, files(Path(root)))} == {"localhost_secrets.yml"}
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    for secret in (ADMIN, REGISTRY, sysadmin):
        assert found(secret, files(Path(root))) == set()
