"""What was accepted and then went wrong: movements that fail, applications, a conductor that stalls.

The rules of the clouds themselves, without HTTP: one event loop, time a thousand times faster.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.cloud.bootstrap import bootstrapped
from simulator.cloud.cloud import MOST_MOVING, Cloud
from simulator.cloud.hosts import Host
from simulator.options import Options, UsageError
from simulator.proof.faults import parse
from simulator.proof.ledger import Intent
from simulator.region import Region, build
from simulator.services.sysinv.actions import act
from simulator.wire.http import Refusal

from .conftest import until


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return build(
        Options(
            sites=2, inventory=tmp_path / "i.yaml", topology="by-turns", speed=5000.0, plain=True, bmcs=False
        )
    )


def plant(region: Region, site: str, on: str) -> None:
    region.plant(parse({"site": site, "on": on, "do": "fail", "times": 1}, region.sites, "sc-1"))


async def settles(look: Callable[[], object], wanted: object) -> None:
    async def ask() -> object:
        return look()

    assert await until(ask, lambda found: found == wanted, 5.0) == wanted


async def test_a_lock_that_the_vim_cannot_carry_out_leaves_the_host_as_it_was(region: Region) -> None:
    cloud = region.sites["edge-0001"]
    plant(region, "edge-0001", "host.lock")
    cloud.mtce.lock(cloud.active, 30)
    assert cloud.active.task == "Locking"
    await settles(lambda: cloud.active.moving, "")
    assert not cloud.active.locked
    assert cloud.active.vim_progress_status == "services-disable-failed"
    cloud.mtce.lock(cloud.active, 30)
    await settles(lambda: cloud.active.locked, True)


async def test_a_swact_that_fails_says_so_and_moves_nothing(region: Region) -> None:
    cloud = region.sites["edge-0002"]
    first = cloud.active
    plant(region, "edge-0002", "host.swact")
    cloud.mtce.swact(first, 60)
    await settles(lambda: first.task, "Swact: Failed")
    assert cloud.active is first
    assert not cloud.dark


async def test_an_installation_that_fails_is_told_by_the_host(region: Region) -> None:
    cloud = region.sites["edge-0002"]
    cloud.arrivals.leave(next(host for host in cloud.hosts if not host.active))
    plant(region, "edge-0002", "host.install")
    host = cloud.arrivals.add("controller-1", "controller", "02:00:5e:00:00:09", None)
    await settles(lambda: host.install_state, "failed")
    assert host.availability == "offline"


async def test_an_application_that_is_not_applied_raises_its_alarm_and_can_be_applied_again(
    region: Region,
) -> None:
    cloud = region.sites["edge-0001"]
    plant(region, "edge-0001", "application.apply")
    cloud.apps.apply("cert-manager")
    assert cloud.alarms.standing("750.004")
    await settles(lambda: cloud.apps.status["cert-manager"], "apply-failed")
    assert cloud.alarms.standing("750.002")
    assert not cloud.alarms.standing("750.004")
    cloud.apps.apply("cert-manager")
    await settles(lambda: cloud.apps.status["cert-manager"], "applied")
    assert not cloud.alarms.standing("750.002")


def crowded(cloud: Cloud, moving: int) -> None:
    for place in range(moving):
        mac = f"02:00:5e:00:01:{place:02x}"
        host = Host(id=100 + place, uuid=str(place), name=f"worker-{place}", personality="worker", bmc=None,
                    mac=mac, mgmt_ip="", install_state="installing")  # fmt: skip
        cloud.hosts.append(host)


def test_the_conductor_stalls_when_too_many_hosts_are_provisioned_at_once(region: Region) -> None:
    cloud = region.sites["edge-0002"]
    crowded(cloud, MOST_MOVING)
    assert not cloud.stalled
    crowded(cloud, 1)
    assert cloud.stalled


async def test_a_change_of_name_servers_is_out_of_date_while_it_is_applied(region: Region) -> None:
    cloud = region.sites["edge-0001"]
    cloud.out_of_date(30.0)
    assert cloud.alarms.standing("250.001")
    assert cloud.active.config_status == "Config out-of-date"
    await settles(lambda: cloud.alarms.standing("250.001"), False)


def test_a_host_that_was_never_unlocked_is_not_out_of_date(tmp_path: Path) -> None:
    region = build(Options(sites=1, inventory=tmp_path / "i.yaml", bootstrapped=True, plain=True, bmcs=False))
    cloud = region.sites["edge-0001"]
    cloud.out_of_date(None)
    assert not cloud.alarms.standing("250.001")


def test_rows_are_the_same_whenever_they_are_asked_for(tmp_path: Path) -> None:
    options = Options(sites=2, inventory=tmp_path / "i.yaml", bootstrapped=True, plain=True, bmcs=False)
    early, late = build(options).sites, build(options).sites
    early["edge-0001"].tables  # noqa: B018 - fills them
    late["edge-0002"].tables  # noqa: B018 - fills them
    for name in early:
        assert early[name].known_tables is not late[name].known_tables
        one, other = early[name].tables, late[name].tables
        for kind in one.kinds():
            assert [row.uuid for row in one.of(kind)] == [row.uuid for row in other.of(kind)]


def test_nobody_pays_for_rows_that_nobody_asks_for(tmp_path: Path) -> None:
    region = build(Options(sites=50, inventory=tmp_path / "i.yaml", plain=True, bmcs=False))
    assert all(cloud.known_tables is None for cloud in region.sites.values())


def test_a_site_that_is_bootstrapped_anew_has_never_been_told_anything(region: Region) -> None:
    cloud, name = region.sites["edge-0001"], "edge-0001"
    told = Intent("sysinv.datanetworks.add", "datanetworks/fronthaul")
    power = Intent("bmc.reset", "bmc/controller-0/power")
    for intent in (told, power):
        region.ledger.record(name, intent, applied=True, repeat=False, status=200)
        assert region.ledger.seen(name, intent)
    bootstrapped(cloud)
    assert not region.ledger.seen(name, told)
    assert region.ledger.seen(name, power)


def test_sites_in_service_with_storage_hosts_have_their_ceph(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"give --ceph bare-metal with standard-storage, or --bootstrapped"):
        Options(sites=1, inventory=tmp_path / "i.yaml", topology="standard-storage").check()
    Options(sites=1, inventory=tmp_path / "i.yaml", topology="standard-storage", ceph="bare-metal").check()
    Options(sites=1, inventory=tmp_path / "i.yaml", topology="standard-storage", bootstrapped=True).check()
    added = Options(
        sites=1, inventory=tmp_path / "i.yaml", topology="standard-storage", bare=True, not_added=("*",)
    )
    added.check()


async def test_a_reboot_that_fails_leaves_the_host_online_and_one_that_does_not_begins_its_uptime_anew(
    region: Region,
) -> None:
    cloud = region.sites["edge-0002"]
    host = next(host for host in cloud.hosts if not host.active)
    cloud.mtce.lock(host, 30)
    await settles(lambda: host.locked_online, True)
    before = host.uptime(cloud.clock.now())
    plant(region, "edge-0002", "host.reboot")
    cloud.mtce.cycle(host, "reboot", 60)
    await settles(lambda: host.task, "Reboot Failed, try again when host is 'online'")
    assert host.uptime(cloud.clock.now()) >= before
    cloud.mtce.cycle(host, "reboot", 60)
    await settles(lambda: host.locked_online and host.uptime(cloud.clock.now()) < before, True)


async def test_power_returns_to_the_active_controller_first(region: Region) -> None:
    cloud = region.sites["edge-0002"]
    other = next(host for host in cloud.hosts if not host.active)
    region.plant(
        parse({"site": "edge-0002", "on": "site", "do": "power-loss", "seconds": 3000}, region.sites, "sc-1")
    )
    assert cloud.dark
    assert cloud.active.uptime(cloud.clock.now()) == 0
    await settles(lambda: cloud.dark, False)
    assert cloud.active.uptime(cloud.clock.now()) < 3000
    assert other.task == "Graceful Recovery Wait"
    await settles(lambda: (other.availability, other.task), ("available", ""))


async def test_a_swact_is_refused_while_data_is_brought_in_sync(region: Region) -> None:
    cloud = region.sites["edge-0002"]
    region.plant(
        parse({"site": "edge-0002", "on": "host.swact", "do": "refuse", "times": 1}, region.sites, "sc-1")
    )
    with pytest.raises(Refusal, match="disk synchronization in progress"):
        act(cloud, cloud.active, "swact")
    act(cloud, cloud.active, "swact")
    assert cloud.active.moving == "swact"
