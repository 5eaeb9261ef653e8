"""InstallHost through a real Ironic with its worker killed at each step of its own that asks for something,
read from a run that nothing disturbed. What comes before and behind them is as on the other path, which
`test_install_kill_at_every_step` has; between them are looks and waits. What Ironic is asked is counted on
its way there.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.e2e.ironic_region import IronicRegion, ironic_region
from tests.e2e.test_install_host import end_of
from tests.support.ironic import Ironic, ironic, is_installed
from tests.support.kills import killed_at_each
from tests.support.stack import scheduled

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

STEPS = [
    "1 observe_site",
    "2 look_at_bmc",
    "3 ask_address",
    "4 look_at_node",
    "5 look_at_node",
    "6 enroll_node",
    "7 move_node",
    "8 await_node",
    "9 look_at_node",
    "10 move_node",
    "11 await_node",
    "12 set_node_image",
    "13 deploy_node",
    "14 await_node",
    "15 look_at_bmc",
    "16 await_host",
    "17 look_at_bmc",
    "18 override_boot",
    "19 await_host",
    "20 look_at_bmc",
    "21 eject_medium",
    "22 await_bmc",
    "23 record_site_run",
]
KILL_AT = [STEPS[number - 1] for number in (6, 7, 10, 12, 13, 18)]
SITES = [f"edge-{number:04d}" for number in range(2, 6)]
"""Among which they are shared out."""
ASKED = ["POST", "manage", "provide", "set", "active"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ironic]:
    if not is_installed():
        pytest.skip("Ironic is not installed; `make test` installs it")
    with ironic(tmp_path_factory.mktemp("ironic")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(server: Ironic, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[IronicRegion]:
    async with ironic_region(tmp_path_factory.mktemp("bench"), server, len(SITES) + 1) as running:
        yield running


async def test_there_is_a_kill_for_every_boundary(there: IronicRegion) -> None:
    handle = await there.start("edge-0001", through="ironic")
    result = await end_of(handle)
    assert result.outcome is Outcome.SUCCEEDED, (result, there.server.log[-6000:])
    assert await scheduled(handle) == STEPS
    others = {step.split()[1] for step in STEPS[3:18] if step not in KILL_AT}
    assert others == {"look_at_node", "look_at_bmc", "await_node", "await_host"}
    assert [what.split()[1] for what in await _asked(there, "edge-0001")] == ASKED


async def test_workers_killed_at_boundaries_ask_ironic_nothing_twice(there: IronicRegion) -> None:
    under_way = await killed_at_each(
        there.stack, KILL_AT, SITES, lambda site: there.start(site, through="ironic"), within=500
    )
    results = await asyncio.wait_for(asyncio.gather(*(end_of(handle) for handle in under_way.values())), 300)
    for site, result in zip(under_way, results, strict=True):
        machine = await there.machine(site)
        assert result.outcome is Outcome.SUCCEEDED, result
        # Ironic boots from the medium for good: while no worker lives, an installer may begin again.
        assert (machine["installs"] >= 1, machine["disk"], machine["medium"]) == (True, "installed", None)
        assert there.node(site)["provision_state"] == "active"
        assert [what.split()[1] for what in await _asked(there, site)] == ASKED
    counted = await asyncio.to_thread(there.asked)
    assert set(counted.values()) == {1}, counted
    # The counter sees a second one, and tells it from the first one's node.
    there.wire.changes.append(there.wire.changes[-1])
    assert sorted(there.asked().values())[-2:] == [1, 2]


async def _asked(there: IronicRegion, site: str) -> list[str]:
    return [what for what in await asyncio.to_thread(there.asked) if what.startswith(f"{site}~")]
