"""Which hosts come back after controller-0 and how, whether OSDs are wiped, and what is refused in words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.outcome import Outcome
from models.restore import BackupFacts, RecordedHost, RestoreSiteRequest
from models.site import HostState
from rules.restore_hosts import (
    further,
    hosts_gate,
    next_step,
    old_mac,
    osds_step,
    pools_step,
    steps,
    wipe_said,
)

BACKUP = "edge-0001/20261122T015112Z-platform-6f1d20c3"


def mac(number: int) -> str:
    return f"00:00:5e:00:53:{number:02x}"


def host(name: str, number: int, **more: Any) -> RecordedHost:
    given = {"personality": name.split("-")[0], "mac": mac(number), "declared_mac": mac(number)}
    return RecordedHost.model_validate({"name": name, "has_bmc": True, **given, **more})


HOSTS = (
    host("worker-10", 10),
    host("worker-9", 9),
    host("storage-1", 4, osds=1),
    host("controller-1", 2),
    host("controller-0", 1, osds=1),
    host("storage-0", 3, osds=1),
)


def kept(*hosts: RecordedHost) -> BackupFacts:
    return BackupFacts(backup=BACKUP, hosts=hosts or HOSTS, taken=datetime(2026, 11, 22, tzinfo=UTC))


def asked(**more: Any) -> RestoreSiteRequest:
    return RestoreSiteRequest.model_validate({"site": "edge-0001", **more})


def test_controllers_come_before_storage_hosts_and_those_before_workers() -> None:
    names = [each.name for each in further(asked(leave_out=["worker-9"]), HOSTS)]
    assert names == ["controller-1", "storage-0", "storage-1", "worker-10"]
    assert [each.name for each in further(asked(), HOSTS)][-2:] == ["worker-9", "worker-10"]
    assert further(asked(), (HOSTS[4],)) == ()


def test_osds_are_wiped_where_controller_0_carried_any_and_was_replaced() -> None:
    new = (host("controller-0", 1, osds=1, declared_mac=mac(33)), *HOSTS[:4], HOSTS[5])
    assert wipe_said(asked(), kept()) is False
    assert wipe_said(asked(replaced={"controller-0": mac(33)}), kept(*new)) is True
    assert wipe_said(asked(replaced={mac(1): mac(33)}), kept(*new)) is True
    bare = (new[0].model_copy(update={"osds": 0}), *HOSTS[:4])
    assert wipe_said(asked(replaced={"controller-0": mac(33)}), kept(*bare)) is False
    assert wipe_said(asked(), kept(HOSTS[4])) is None, "one host, the same one: nothing is said"


def test_the_plan_says_of_each_host_what_it_loses_and_of_ceph_whether_it_stays() -> None:
    stays = steps(asked(leave_out=["worker-9"]), kept())
    assert [(step.what.split(" ")[0], bool(step.destroys)) for step in stays] == [
        ("controller-1", True),
        ("storage-0", False),
        ("storage-1", False),
        ("worker-10", True),
        ("worker-9", False),
    ]
    assert "left out" in stays[-1].what
    (osds,) = osds_step(asked(), kept())
    assert ("are kept" in osds.what, osds.destroys) == (True, "")
    wiped = asked(replaced={"controller-0": mac(33)})
    (osds,) = osds_step(wiped, kept())
    assert "all data of Ceph, on storage-1, controller-0, storage-0" in osds.destroys
    assert all(step.destroys for step in steps(wiped, kept()))
    assert steps(asked(), kept(HOSTS[4])) == ()


def test_another_machine_comes_in_anew_where_a_profile_says_how_and_no_data_is_wiped_for_it() -> None:
    new = (HOSTS[4], host("controller-1", 2, osds=1, declared_mac=mac(34)))
    backup = kept(*new).model_copy(update={"profiled": True})
    request = asked(replaced={"controller-1": mac(34)})
    assert hosts_gate(request, backup).outcome is None
    assert wipe_said(request, backup) is False
    (step,) = steps(request, backup)
    assert "is deleted, added and configured as the profile says" in step.what
    assert old_mac(request, new[1]) == mac(2)
    assert old_mac(asked(), new[1]) == ""


FOUR = (
    host("controller-0", 1),
    *(host(f"storage-{number}", 10 + number, osds=1, group=f"group-{number // 2}") for number in range(4)),
)
"""Storage hosts of two replication groups."""


def burned(*names: str, hosts: tuple[RecordedHost, ...] = FOUR) -> tuple[dict[str, str], BackupFacts]:
    """These have other MACs now; a profile says how they come in."""
    macs = {name: mac(64 + number) for number, name in enumerate(names)}
    now = tuple(
        each.model_copy(update={"declared_mac": macs.get(each.name, each.declared_mac)}) for each in hosts
    )
    return macs, kept(*now).model_copy(update={"profiled": True, "copies": 2})


@pytest.mark.parametrize("names", [("storage-1",), ("storage-0", "storage-2"), ("storage-1", "storage-2")])
def test_replaced_storage_hosts_come_in_anew_where_another_one_of_their_group_has_the_data(
    names: tuple[str, ...],
) -> None:
    macs, backup = burned(*names)
    request = asked(replaced=macs)
    assert hosts_gate(request, backup).outcome is None
    assert wipe_said(request, backup) is False
    (osds,) = osds_step(request, backup)
    left = [each.name for each in FOUR[1:] if each.name not in names]
    assert osds.what == f"Ceph's OSDs of {', '.join(left)} are kept (wipe_ceph_osds false)"
    told = {step.what.split(" ")[0].strip(","): step for step in steps(request, backup)}
    assert [name for name, step in told.items() if step.destroys] == list(names)
    assert "is deleted, added and configured" in told[names[0]].what
    assert "keeps its disks" in told[left[0]].what


def test_where_every_copy_of_some_data_is_gone_and_other_data_is_left_a_person_has_to_say() -> None:
    macs, backup = burned("storage-2", "storage-3")
    gate = hosts_gate(asked(replaced=macs), backup)
    assert gate.outcome is Outcome.REFUSED
    assert gate.why.startswith("storage-2, storage-3 were replaced, and no other host had a copy")
    given_up = asked(replaced=macs, wipe_osds=True)
    assert hosts_gate(given_up, backup).outcome is None
    assert wipe_said(given_up, backup) is True
    (osds,) = osds_step(given_up, backup)
    assert "because that was asked for" in osds.what
    assert osds.destroys == "all data of Ceph, on storage-0, storage-1, storage-2, storage-3"
    assert all(step.destroys for step in steps(given_up, backup)), "kept ones are installed anew, too"


def test_where_all_that_carried_osds_is_gone_they_are_wiped_without_being_asked() -> None:
    macs, backup = burned("storage-0", "storage-1", "storage-2", "storage-3")
    assert hosts_gate(asked(replaced=macs), backup).outcome is None
    (osds,) = osds_step(asked(replaced=macs), backup)
    assert (
        "because all that carried them were replaced: storage-0, storage-1, storage-2, storage-3" in osds.what
    )
    burnt = {"storage-0": macs["storage-0"]}
    assert wipe_said(asked(replaced=burnt), backup) is False


@pytest.mark.parametrize(
    ("copies", "gone", "passes"), [(3, 2, True), (2, 2, False), (2, 1, True), (0, 2, False), (1, 1, False)]
)
def test_without_groups_fewer_may_be_replaced_than_there_are_copies(
    copies: int, gone: int, passes: bool
) -> None:
    carriers = tuple(host(f"worker-{number}", 20 + number, osds=1) for number in range(4))
    macs, backup = burned(*(each.name for each in carriers[:gone]), hosts=(FOUR[0], *carriers))
    gate = hosts_gate(asked(replaced=macs), backup.model_copy(update={"copies": copies}))
    assert (gate.outcome is None) is passes, gate.why


@pytest.mark.parametrize(
    ("more", "hosts", "words"),
    [
        ({"leave_out": ["worker-8"]}, HOSTS, "worker-8 is to be left out, and"),
        ({"leave_out": ["storage-0"]}, HOSTS, "storage-0 is a storage: only workers can be left out"),
        ({"replaced": {"worker-8": mac(8)}}, HOSTS, "replaced names worker-8, and"),
        ({}, (host("controller-0", 1, declared_mac=mac(33)),), f"--replaced controller-0={mac(33)}"),
        ({"replaced": {"controller-0": mac(34)}}, HOSTS, "correct one of them"),
        (
            {"replaced": {"worker-9": mac(34)}},
            (host("worker-9", 9, declared_mac=mac(34)),),
            "no profile for the site",
        ),
        ({"wipe_osds": True}, (host("controller-0", 1),), "no host of"),
        (
            {"replaced": {"worker-9": mac(34)}},
            (host("worker-9", 9, declared_mac=mac(34), rook=True),),
            "leave it out until then",
        ),
    ],
)
def test_what_cannot_be_true_is_refused(
    more: dict[str, Any], hosts: tuple[RecordedHost, ...], words: str
) -> None:
    gate = hosts_gate(asked(**more), kept(*hosts))
    assert (gate.outcome, words in gate.why) == (Outcome.REFUSED, True), gate.why


def test_hosts_as_recorded_pass_and_a_dead_worker_that_is_left_out_is_not_asked_about() -> None:
    assert hosts_gate(asked(), kept()).outcome is None
    dead = (HOSTS[4], host("worker-9", 9, declared_mac=mac(35)))
    assert hosts_gate(asked(), kept(*dead)).outcome is Outcome.REFUSED
    assert hosts_gate(asked(leave_out=["worker-9"]), kept(*dead)).outcome is None
    old = (HOSTS[4], host("worker-9", 9, mac=""))
    assert hosts_gate(asked(), kept(*old)).outcome is None, "a record of before has no MACs"


@pytest.mark.parametrize(
    ("states", "more", "reinstall", "wanted"),
    [
        (("unlocked", "enabled", "available"), {}, True, "nothing"),
        (("unlocked", "disabled", "offline"), {"task": "Unlocking"}, True, "unlock"),
        (("locked", "disabled", "online"), {"inv_state": "inventoried"}, True, "unlock"),
        (("locked", "disabled", "offline"), {"install_state": "installing"}, True, "wait"),
        (("locked", "disabled", "offline"), {"inv_state": "inventoried"}, True, "install"),
        (("locked", "disabled", "offline"), {"install_state": "failed"}, True, "install"),
        (("locked", "disabled", "offline"), {"inv_state": "inventoried"}, False, "switch on"),
    ],
)
def test_a_host_is_gone_on_with_where_it_stands(
    states: tuple[str, str, str], more: dict[str, str], reinstall: bool, wanted: str
) -> None:
    administrative, operational, availability = states
    state = HostState(
        name="worker-9",
        personality="worker",
        administrative=administrative,
        operational=operational,
        availability=availability,
        **more,
    )
    assert next_step(state, reinstall=reinstall) == wanted


def test_pools_are_made_anew_where_bare_metal_ceph_was_wiped_and_nowhere_else() -> None:
    macs, backup = burned("storage-0", "storage-1", "storage-2", "storage-3")
    bare = backup.model_copy(update={"pools_by": "platform-integ-apps"})
    (step,) = pools_step(asked(replaced=macs), bare)
    assert step.what.startswith("platform-integ-apps is removed and applied")
    assert pools_step(asked(replaced=macs), backup) == (), "Rook makes its own"
    macs, backup = burned("storage-1")
    assert pools_step(asked(replaced=macs), backup.model_copy(update={"pools_by": "x"})) == ()


def test_all_hosts_that_are_other_machines_are_told_at_once() -> None:
    macs, backup = burned("storage-0", "storage-1")
    why = hosts_gate(asked(), backup).why
    assert f"--replaced storage-0={macs['storage-0']} --replaced storage-1={macs['storage-1']}" in why
    assert "storage-2" not in why
    why = hosts_gate(asked(replaced={"storage-0": macs["storage-0"]}), backup).why
    assert ("storage-1 had MAC" in why, "storage-0" in why) == (True, False)
