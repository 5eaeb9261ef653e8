"""What the comparison of a site with its record names, and what it passes over."""

from datetime import UTC, datetime
from typing import Any

from models.configuration import FoundCpu, FoundHost, FoundSystem
from models.site import Alarm, HostState, ReleaseState
from models.site_record import SiteRecord
from rules.site_difference import differences

STATE = HostState(
    name="controller-0",
    personality="controller",
    administrative="unlocked",
    operational="enabled",
    availability="available",
)
CPUS = tuple(FoundCpu(number=n, core=n, thread=0, node=0, function="application") for n in range(2))
HOST = FoundHost(
    uuid="h0", name="controller-0", personality="controller", locked=False, labels={"a": "1"}, cpus=CPUS
)


def record(**more: Any) -> SiteRecord:
    given = {
        "site": "edge-0001",
        "at": datetime(2026, 11, 22, tzinfo=UTC),
        "system_controller": "sc-1",
        "subcloud": "subcloud-0001",
        "region": "r1",
        "topology": "AIO-SX",
        "software_version": "26.03",
        "releases": (ReleaseState(release="starlingx-26.03.0", state="deployed"),),
        "system": FoundSystem(uuid="s0", region="r1", location="here"),
        "hosts": (HOST,),
        "states": (STATE,),
    }
    return SiteRecord.model_validate(given | more)


def told(**more: Any) -> tuple[str, ...]:
    return differences(record(), record(**more))[0]


def test_what_is_another_each_time_is_no_difference() -> None:
    passing = {"task": "Booting", "active_controller": True, "booted_lately": True}
    later = datetime(2026, 11, 23, tzinfo=UTC)
    found, compared = differences(
        record(), record(at=later, states=(STATE.model_copy(update=passing),), declared="other: words")
    )
    assert found == ()
    assert compared > 20


def test_each_fact_is_named_by_its_path() -> None:
    assert told(system=FoundSystem(uuid="s0", region="r1", location="there")) == (
        "system.location: here -> there",
    )
    assert told(hosts=(HOST.model_copy(update={"labels": {}}),)) == (
        "hosts[controller-0].labels.a: 1 -> none",
    )
    shared = (CPUS[0], CPUS[1].model_copy(update={"function": "platform"}))
    assert told(hosts=(HOST.model_copy(update={"cpus": shared}),)) == (
        "hosts[controller-0].cpus[1].function: application -> platform",
    )


def test_a_host_that_is_gone_differs_in_all_of_it() -> None:
    assert len(told(hosts=(), states=())) > 10


def test_a_new_alarm_counts_where_it_affects_management() -> None:
    alarm = Alarm(alarm_id="800.001", entity="cluster", severity="major", mgmt_affecting=True)
    assert told(alarms=(alarm,)) == ("alarm 800.001 cluster: none -> major",)
    assert told(alarms=(alarm.model_copy(update={"mgmt_affecting": False}),)) == ()
