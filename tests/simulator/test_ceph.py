"""What becomes of a simulated site's Ceph while its hosts come and go, to the simulated second."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from simulator.ceph import stock
from simulator.ceph.program import MARK, Clusters
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.storage_rows import Stor
from simulator.options import Options
from simulator.region import build

WRITE_OFF = 600


@dataclass
class Watch:
    """A clock that is moved by hand."""

    at: float = 1_000.0
    due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        self.due.append((self.at + seconds, callback))

    def passes(self, seconds: float) -> None:
        end = self.at + seconds
        while ready := sorted((one for one in self.due if one[0] <= end), key=lambda one: one[0]):
            self.due.remove(ready[0])
            self.at, callback = ready[0]
            callback()
        self.at = end


@dataclass
class Site:
    cloud: Cloud
    watch: Watch
    clusters: Clusters
    planted: set[str]

    def ceph(self, *words: str) -> Any:
        """What it says as JSON, or else in words."""
        ended = self.clusters.run(self.cloud, ["timeout", "-k", "2", "20", "ceph", "-f", "json", *words])
        return json.loads(ended.out) if ended.out else ended.errors

    def codes(self) -> set[str]:
        return set(self.ceph("status")["health"]["checks"])

    def states(self) -> set[str]:
        return {each["state_name"] for each in self.ceph("status")["pgmap"]["pgs_by_state"]}

    def truth(self) -> dict[str, Any]:
        return self.clusters.describe(self.cloud)

    def host(self, name: str) -> Host:
        return next(host for host in self.cloud.hosts if host.name == name)

    def down(self, name: str) -> None:
        self.host(name).enter("locked", "disabled", "online", "")

    def back(self, name: str) -> None:
        self.host(name).enter("unlocked", "enabled", "available", "")


def made(kind: str, topology: str = "aio-dx") -> Site:
    options = Options(sites=1, inventory=Path("unwritten"), topology=topology, bmcs=False)
    cloud = build(options).sites["edge-0001"]
    watch, planted = Watch(), set[str]()
    cloud.clock = watch  # type: ignore[assignment]
    stock.give(cloud, kind)
    clusters = Clusters(lambda _, state: state in planted)
    clusters.of(cloud)
    return Site(cloud, watch, clusters, planted)


@pytest.fixture
def site() -> Site:
    return made("rook")


def test_a_host_that_goes_down_is_seen_at_once_and_its_groups_seconds_later(site: Site) -> None:
    site.down("controller-1")
    assert site.codes() == {"OSD_DOWN", "OSD_HOST_DOWN", "MON_DOWN"}
    assert site.states() == {"active+clean"}, "as a real manager still says"
    site.watch.passes(5)
    assert site.codes() >= {"OSD_DOWN", "PG_DEGRADED"}
    assert site.states() == {"active+undersized+degraded"}


def test_what_was_written_meanwhile_is_copied_after_it_came_back(site: Site) -> None:
    site.ceph("osd", "set", "noout")
    site.down("controller-1")
    site.watch.passes(1_000)
    site.back("controller-1")
    assert site.codes() == {"OSDMAP_FLAGS", "PG_AVAILABILITY"}
    site.watch.passes(4)
    assert site.codes() == {"OSDMAP_FLAGS", "PG_DEGRADED"}
    # 32 placement groups, 0.5 objects a second each, copied at 400 a second.
    site.watch.passes(39)
    assert site.states() == {"active+recovering+degraded"}
    site.watch.passes(1.1)
    assert (site.codes(), site.states()) == ({"OSDMAP_FLAGS"}, {"active+clean"})
    assert (site.truth()["outs"], site.truth()["moved_objects"]) == (0, 0)


def test_without_noout_it_is_written_off_and_everything_is_copied_back(site: Site) -> None:
    site.down("controller-1")
    site.watch.passes(WRITE_OFF - 1)
    assert site.truth()["outs"] == 0
    site.watch.passes(1)
    assert site.truth()["outs"] == 1
    site.back("controller-1")
    assert site.truth()["moved_objects"] == 64_000
    assert site.truth()["osds"][1] == {"osd": 1, "host": "controller-1", "up": True, "in": True}


def test_an_osd_that_comes_back_in_time_is_not_written_off(site: Site) -> None:
    site.down("controller-1")
    site.watch.passes(WRITE_OFF - 1)
    site.back("controller-1")
    site.watch.passes(WRITE_OFF)
    assert site.truth()["outs"] == 0


def test_unsetting_noout_writes_off_what_has_been_down_for_too_long(site: Site) -> None:
    site.ceph("osd", "set", "noout")
    site.down("controller-1")
    site.watch.passes(WRITE_OFF + 1)
    assert site.truth()["outs"] == 0
    site.ceph("osd", "unset", "noout")
    assert site.truth()["outs"] == 1


def test_ok_to_stop_knows_what_is_down_only_some_seconds_later(site: Site) -> None:
    assert site.ceph("osd", "ok-to-stop", "0")["ok_to_stop"]
    site.down("controller-1")
    assert site.ceph("osd", "ok-to-stop", "0")["ok_to_stop"], "as a real manager says"
    site.watch.passes(5)
    assert site.ceph("osd", "ok-to-stop", "0")["num_not_ok_pgs"] == 32


def test_a_single_monitor_is_silent_with_its_host() -> None:
    site = made("bare-metal", "aio-sx")
    assert site.codes() == {"POOL_NO_REDUNDANCY"}
    site.down("controller-0")
    assert "RADOS timed out" in site.ceph("status")


def test_only_what_starflock_asks_is_answered(site: Site) -> None:
    for words in (
        ("osd", "set", "norebalance"),
        ("auth", "export"),
        ("config-key", "dump"),
        ("osd", "out", "0"),
    ):
        assert "Error EINVAL: invalid command" in site.ceph(*words)
    assert site.clusters.run(site.cloud, ["cat", "/etc/ceph/ceph.conf"]).code == 127
    site.ceph("config-key", "set", MARK, "a-run")
    assert site.ceph("config-key", "dump", MARK) == {MARK: "a-run"}


def test_planted_troubles_are_checks(site: Site) -> None:
    site.planted |= {"ceph.nearfull", "ceph.warning"}
    assert site.codes() == {"OSD_NEARFULL", "POOL_NEARFULL", "RECENT_CRASH"}
    site.planted |= {"ceph.osd"}
    site.down("controller-1")
    site.back("controller-1")
    assert "OSD_DOWN" in site.codes()


def test_what_changes_something_is_an_intent_of_its_own(site: Site) -> None:
    def intent(*words: str) -> tuple[str, str] | None:
        found = site.clusters.intent(["ceph", *words])
        return (found.name, found.mark) if found else None

    assert intent("osd", "set", "noout") == ("ceph.noout.set", "ceph.noout.set")
    assert intent("config-key", "set", MARK, "a") != intent("config-key", "set", MARK, "b")
    assert intent("osd", "dump") is None
    assert intent("osd", "set", "norebalance") is None


def test_three_hosts_take_over_what_a_fourth_had() -> None:
    """Where there is room for another copy, data moves as soon as an OSD is written off."""
    site = made("rook")
    for number in (0, 1):
        worker = Host(
            id=9 + number,
            uuid=f"00000000-0000-4000-8000-00000000000{number}",
            name=f"worker-{number}",
            personality="worker",
            bmc=None,
            mac="",
            mgmt_ip="",
        )
        site.cloud.hosts.append(worker)
        stock.add_osd(site.cloud, worker, "a-disk", 2 + number)
    site.clusters.of(site.cloud)
    site.down("controller-1")
    site.watch.passes(WRITE_OFF)
    held = 16 * 2_000
    assert site.truth()["moved_objects"] == held
    site.watch.passes(held / 400)
    assert (site.states(), "PG_DEGRADED" in site.codes()) == ({"active+clean"}, False)


def anew(site: Site, name: str) -> None:
    """The host is deleted and comes in again as another server."""
    host = site.host(name)
    (was,) = site.cloud.tables.below(Stor, host.uuid)
    site.down(name)
    site.cloud.tables.forget(host.uuid)
    host.mac = f"02:00:5e:{host.mac[9:]}"
    site.truth()
    site.back(name)
    stock.add_osd(site.cloud, host, was.idisk_uuid, was.osdid or 0)
    site.truth()


def test_an_osd_that_came_in_anew_is_given_what_the_other_host_has() -> None:
    site = made("bare-metal", "standard-storage")
    anew(site, "storage-1")
    site.watch.passes(5)
    assert site.states() == {"active+recovering+degraded"}
    assert (site.truth()["copied_objects"], site.truth()["lost"]) == (32 * 2_000, False)
    site.watch.passes(200)
    assert site.states() == {"active+clean"}
    anew(site, "storage-0")
    site.watch.passes(205)
    assert (site.states(), site.truth()["lost"]) == ({"active+clean"}, False), "one after the other"


def test_data_that_no_host_has_any_more_is_missed_for_good_unless_all_was_wiped() -> None:
    for wiped in (0, 1):
        site = made("bare-metal", "standard-storage")
        site.cloud.osds_wiped = wiped
        site.cloud.apps.made_anew.add("platform-integ-apps")
        anew(site, "storage-1")
        anew(site, "storage-0")
        site.watch.passes(1_000)
        assert (site.states(), site.truth()["lost"]) == (
            ({"active+clean"}, False) if wiped else ({"incomplete"}, True)
        )


def test_the_osd_of_a_server_that_was_replaced_never_comes_up() -> None:
    site = made("bare-metal", "standard-storage")
    for name, up in (("storage-0", True), ("storage-1", False)):
        site.down(name)
        site.host(name).mac = site.host(name).mac if up else "02:00:5e:00:00:01"
        site.back(name)
        found = {each["host"]: each["up"] for each in site.truth()["osds"]}
        assert found[name] is up
