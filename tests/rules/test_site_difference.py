"""What the comparison of a site with its record names, and what it passes over."""

from datetime import UTC, datetime
from typing import Any

from models.configuration import FoundCpu, FoundHost, FoundSystem
from models.site import Alarm, HostState, ReleaseState
from models.site_record import RecordedClaim, RecordedVm, SiteRecord, Tenants
from rules.site_difference import differences, remarks

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


VM = RecordedVm(id="v1", name="db", project="p", host="worker-0", status="ACTIVE")
CLAIM = RecordedClaim(name="apps/db", size="10Gi", storage_class="general", volume="pvc-1")


def tenants(*, vm: dict[str, Any] | None = None, claim: dict[str, Any] | None = None) -> SiteRecord:
    return record(
        tenants=Tenants(vms=(VM.model_copy(update=vm or {}),), claims=(CLAIM.model_copy(update=claim or {}),))
    )


def test_a_claim_that_is_gone_or_another_is_a_difference() -> None:
    before = tenants()
    assert differences(before, tenants()) == ((), differences(record(), record())[1] + 2)
    gone = record(tenants=Tenants(vms=(VM,), claims=()))
    assert differences(before, gone)[0] == ("claim apps/db: 10Gi -> none",)
    other = tenants(claim={"volume": "pvc-2", "size": "5Gi"})
    assert differences(before, other)[0] == (
        "claim apps/db size: 10Gi -> 5Gi",
        "claim apps/db volume: pvc-1 -> pvc-2",
    )


def test_a_vm_elsewhere_is_a_remark_and_one_that_is_gone_a_difference() -> None:
    before, moved = tenants(), tenants(vm={"host": "worker-1"})
    assert differences(before, moved)[0] == ()
    assert remarks(before, moved) == ("VM db (v1): on worker-1, was on worker-0",)
    assert remarks(before, tenants(vm={"status": "SHUTOFF"})) == ("VM db (v1): SHUTOFF, was ACTIVE",)
    gone = record(tenants=Tenants(vms=(), claims=(CLAIM,)))
    assert differences(before, gone)[0] == ("VM db (v1): worker-0 -> none",)
    assert remarks(gone, before) == ("VM db (v1): new, ACTIVE on worker-0",)


def test_what_only_one_side_has_is_not_compared_and_said() -> None:
    """Records of before have none; whoever declares nothing is not asked."""
    old, now = record(), tenants()
    assert differences(old, now)[0] == ()
    assert remarks(old, now) == tuple(
        f"{what} were not compared: the record has none (it was made before records had them)"
        for what in ("VMs", "claims")
    )
    unasked = record(
        tenants=Tenants(vms=(VM,), not_recorded=("claims: the inventory declares no kubernetes",))
    )
    assert differences(now, unasked)[0] == ()
    assert remarks(now, unasked) == (
        "claims were not compared: not asked now (the inventory declares no kubernetes)",
    )
    assert remarks(old, record(tenants=Tenants(not_recorded=("VMs: x", "claims: y")))) == ()


def test_a_record_of_before_still_reads() -> None:
    text = record().model_dump_json(exclude={"tenants", "macs"})
    assert SiteRecord.model_validate_json(text).tenants is None
