"""What goes wrong at a site while it is brought up: got over, or stopped in words; nothing is sent twice.

What StarlingX's own bug reports tell (config, metal, nfv, apps), and where it is met:

| what                                                  | here                                  | comes to  |
|-------------------------------------------------------|---------------------------------------|-----------|
| an accepted unlock is silently reverted               | host.unlock fail                      | tried 3 x |
| maintenance gives up: threshold reached               | host.enable fail                      | stopped   |
| 250.001 that never clears                             | config.apply fail                     | stopped   |
| a lock refused while placement groups recover         | host.lock refuse                      | survived  |
| applications are applied again after each unlock      | every bring-up with Rook: the unlock  | survived  |
|                                                       | of controller-1 waits for them        |           |
| the VIM cannot empty the host                         | host.lock fail                        | stopped   |
| answers lost, half-applied requests, API away         | sysinv drop-before, drop-after, fail; | survived  |
|                                                       | each unlock of a lone controller      |           |
| a swact that fails                                    | host.swact fail                       | stopped   |
| an unlock refused while a manifest is pending         | host.unlock refuse                    | survived  |
| an installation over the network that fails           | host.install fail                     | stopped   |
| mass changes stall the conductor                      | workers_at_once, test_host_children   | avoided   |
| a BMC that loses an answer, refuses, is silent        | bmc.reset drop-after, bmc.boot        | survived, |
|                                                       | refuse, bmc drop-before               | stopped   |
| FM or Keystone away for a while                       | keystone fail, fm fail                | survived  |
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from models import contracts
from models.bringup import BringUpRequest, ConfigurationResult, ConfigureRequest
from tests.e2e.test_bring_up import DUPLEX, PROFILE, bring_up, declare, ended
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

NOTHING_ELSE: dict[str, Any] = {
    "system": {},
    "dns": None,
    "ntp": None,
    "datanetworks": [],
    "storage": None,
    "service_parameters": [],
}


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Simulator]:
    options = ("--topology", "aio-sx", "--bootstrapped", "--plain", "--reboot-seconds", "120")
    async with simulator(tmp_path / "sim", sites=11, options=options) as found:
        declare(found)
        yield found


@pytest.fixture
async def house(tmp_path: Path, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path, region) as found:
        await found.start_worker()
        yield found


async def test_a_site_that_misbehaves_is_got_over_or_stopped_in_words(house: Stack) -> None:
    region = house.simulator
    await region.fault("edge-0001", "host.unlock", "fail", times=1)
    await region.fault("edge-0002", "host.unlock", "fail")
    await region.fault("edge-0003", "sysinv", "drop-after", mutating=True, times=3)
    await region.fault("edge-0004", "sysinv", "drop-before", mutating=True, times=3)
    await region.fault("edge-0005", "application.apply", "fail")
    await region.fault("edge-0006", "sysinv", "refuse", mutating=True)
    await region.fault("edge-0007", "sysinv", "fail", mutating=True, times=2)
    await region.fault("edge-0008", "host.unlock", "refuse", times=3)
    await region.fault("edge-0009", "host.enable", "fail")
    await region.fault("edge-0010", "keystone", "fail", times=4)
    await region.fault("edge-0010", "fm", "fail", times=4)
    sites = [f"edge-{number:04d}" for number in range(1, 11)]
    requests = [BringUpRequest.model_validate({"site": site, "settled_within": "20m"}) for site in sites]
    results = await asyncio.gather(*(ended(house, contracts.BRING_UP_SITE, request) for request in requests))
    again, never, lost, dropped, stuck, refused, broken, pending, given_up, deaf = results
    for survived in (again, lost, dropped, broken, pending, deaf):
        assert survived.outcome == "succeeded", survived
    assert again.changed.count("controller-0: unlock") == 2
    assert never.outcome == "failed"
    assert "controller-0 did not come into service: it went back" in never.reason
    assert "Manifest apply timeout" in never.reason
    assert never.changed.count("controller-0: unlock") == 3
    assert given_up.outcome == "failed"
    assert "controller-0 did not come into service: it gave up" in given_up.reason
    assert "threshold reached, Lock/Unlock to retry" in given_up.reason
    assert stuck.outcome == "failed"
    assert "edge-0005 did not come to rest: " in stuck.reason
    # Its words are those of something that passes, and it was asked again until nobody was patient any more.
    assert (refused.outcome, refused.changed) == ("blocked", ())
    assert "sysinv refused to change system: description" in refused.reason
    await every_change_was_sent_once(region, lost, dropped, broken)
    assert await region.repeats() == 0
    await region.clear_faults()
    for site in ("edge-0002", "edge-0006"):
        assert (await bring_up(house, site)).outcome == "succeeded"
    assert await region.repeats() == 0


async def test_a_pair_that_misbehaves_is_got_over_or_stopped_in_words(tmp_path: Path) -> None:
    """Sites in service, of two controllers, that get another kernel or other name servers."""
    async with simulator(
        tmp_path / "sim", sites=4, options=("--topology", "aio-dx", "--plain", "--reboot-seconds", "120")
    ) as region:
        declare(region, **NOTHING_ELSE, roles={"controller": {"kernel": "lowlatency"}})
        document = yaml.safe_load(region.inventory.read_text())
        servers = PROFILE | NOTHING_ELSE | {"name": "servers", "dns": ["192.0.2.53"], "roles": {}}
        document["site_profiles"].append(servers)
        document["sites"][3]["profile"] = "servers"
        region.inventory.write_text(yaml.safe_dump(document))
        await region.fault("edge-0001", "host.lock", "refuse", times=3)
        await region.fault("edge-0002", "host.lock", "fail")
        await region.fault("edge-0003", "host.swact", "fail")
        await region.fault("edge-0004", "config.apply", "fail")
        async with stack(tmp_path, region) as house:
            await house.start_worker()
            requests = [
                ConfigureRequest.model_validate(
                    {"site": f"edge-{number:04d}", "lock": True, "settled_within": "20m"}
                )
                for number in range(1, 5)
            ]
            results = await asyncio.gather(
                *(ended(house, contracts.CONFIGURE_SITE, request) for request in requests)
            )
        recovering, unemptied, stays, stale = results
        assert recovering.outcome == "succeeded", recovering
        assert unemptied.outcome == "failed"
        assert "controller-1 was not locked: it went back" in unemptied.reason
        assert stays.outcome == "failed"
        assert "controller-0 did not hand over: it gave up" in stays.reason
        assert "Swact: Failed" in stays.reason
        assert stale.outcome == "failed"
        assert "edge-0004 did not come to rest: " in stale.reason
        assert "250.001" in stale.reason
        assert await region.repeats() == 0


async def test_a_host_whose_installation_fails_is_said(tmp_path: Path) -> None:
    options = ("--topology", "aio-dx", "--bootstrapped", "--plain", "--reboot-seconds", "120")
    async with simulator(tmp_path / "sim", sites=1, options=(*options, "--install-seconds", "120")) as region:
        declare(region, **NOTHING_ELSE, roles=DUPLEX)
        await region.fault("edge-0001", "host.install", "fail")
        async with stack(tmp_path, region) as house:
            await house.start_worker()
            request = BringUpRequest(site="edge-0001", wipe=("edge-0001/controller-1",))
            result = await ended(house, contracts.BRING_UP_SITE, request)
    assert result.outcome == "failed"
    assert "controller-1 was not installed" in result.reason


async def test_a_bmc_that_is_not_usable_is_got_over_or_said(tmp_path: Path) -> None:
    options = ("--topology", "aio-dx", "--bootstrapped", "--plain", "--reboot-seconds", "120")
    options += ("--install-seconds", "120", "--bmc-flavours", "generic")
    async with simulator(tmp_path / "sim", sites=3, options=options) as region:
        declare(region, **NOTHING_ELSE, roles=DUPLEX)
        await region.fault("edge-0001/controller-1", "bmc.reset", "drop-after", times=1)
        await region.fault("edge-0002/controller-1", "bmc.boot", "refuse")
        await region.fault("edge-0003/controller-1", "bmc", "drop-before")
        async with stack(tmp_path, region) as house:
            await house.start_worker()
            sites = [f"edge-{number:04d}" for number in (1, 2, 3)]
            requests = [BringUpRequest(site=site, wipe=(f"{site}/controller-1",)) for site in sites]
            results = await asyncio.gather(
                *(ended(house, contracts.BRING_UP_SITE, request) for request in requests)
            )
        lost, refused, silent = results
        assert lost.outcome == "succeeded", lost
        assert refused.outcome == "refused", refused
        # controller-0 is in service by then, so `unreachable` would say too much.
        assert (silent.outcome, "controller-0: unlock" in silent.changed) == ("failed", True), silent
        assert "changes were made before that" in silent.reason
        assert await region.repeats() == 0


async def every_change_was_sent_once(region: Simulator, *results: ConfigurationResult) -> None:
    for result in results:
        entries = await region.get(f"/sites/{result.site}/mutations")
        applied = [entry for entry in entries if entry["outcome"] == "applied"]
        # Parameters are put in force by a request of their own.
        assert len(applied) == len(result.changed) + 1, result.site


async def test_a_cancel_ends_between_two_changes_and_the_next_run_goes_on_there(house: Stack) -> None:
    region = house.simulator
    await region.fault("edge-0001", "sysinv", "hold", mutating=True, seconds=600, times=1)
    handle = await house.client.start_workflow(
        contracts.BRING_UP_SITE,
        BringUpRequest(site="edge-0001"),
        id=contracts.site_workflow_id("edge-0001"),
        task_queue=contracts.TASK_QUEUE,
    )

    async def parked() -> bool:
        return (await region.get("/held"))["count"] > 0

    await until(parked, "the first change is on its way")
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    (run,) = await house.runs_of("edge-0001")
    assert run.outcome == "aborted"
    assert run.reason == "cancelled after 1 changes"
    rest = await bring_up(house, "edge-0001")
    assert rest.outcome == "succeeded"
    assert "system: description: none -> edge site" not in rest.changed
    assert await region.repeats() == 0
