"""Which hosts may be installed: each guard beside the same host without what it guards against."""

from typing import Any

import pytest

from models.bmc import AddressAnswer, BmcFacts, BootOverride, Declared, Identity, MediaSlot
from models.install import InstallHostRequest
from models.outcome import Outcome
from models.site import Observation, SiteFacts
from rules.install import PASSED, from_disk, host_gate, plan, site_gate, warnings

REQUEST = InstallHostRequest(
    site="alpha", host="controller-0", image="http://192.0.2.1/boot.iso", wipe="alpha/controller-0"
)
SILENT = AddressAnswer(address="192.0.2.9:22", answers=False)
DRIVE = MediaSlot(path="/cd", types=("CD",), insert="/cd/insert", eject="/cd/eject")
FACTS = BmcFacts(
    identity=Identity(manufacturer="Contoso", serial="S1", uuid="A-1", macs=("52:54:00:00:00:01",)),
    declared=Declared(serial="s1"),
    system="/s",
    power="Off",
    override=BootOverride(),
    boot_path="/s",
    boot_targets=("None", "Cd", "Hdd"),
    reset_types=("On", "ForceOff"),
    reset_path="/s/reset",
    slots=(DRIVE,),
    authentication="session",
)


def seen(**site: Any) -> Observation:
    facts = {
        "region": "r",
        "software_version": "26.03",
        "dialect": "12",
        "clock": "2026-01-01T00:00:00Z",
        **site,
    }
    found = SiteFacts.model_validate(facts) if site else None
    return Observation(topology="AIO-SX", controller=None, site=found)


def host(administrative: str, name: str = "controller-0") -> dict[str, str]:
    return {
        "name": name,
        "personality": "controller",
        "administrative": administrative,
        "operational": "enabled",
        "availability": "available",
    }


def with_drive(**changes: Any) -> BmcFacts:
    return FACTS.model_copy(update={"slots": (DRIVE.model_copy(update=changes),)})


def declared(**identity: str) -> BmcFacts:
    return FACTS.model_copy(update={"declared": Declared(**identity)})


@pytest.mark.parametrize("administrative", ["unlocked", "", "locking"])
def test_a_host_that_sysinv_does_not_call_locked_is_refused(administrative: str) -> None:
    gate = site_gate(REQUEST, seen(hosts=[host(administrative)]))
    assert gate.outcome is Outcome.REFUSED
    assert "lock it first" in gate.why
    assert site_gate(REQUEST, seen(hosts=[host("locked")])) == PASSED
    assert site_gate(REQUEST, seen(hosts=[host("unlocked", "controller-1")])) == PASSED
    assert site_gate(REQUEST, seen()) == PASSED


def test_a_wipe_of_another_host_is_refused() -> None:
    other = REQUEST.model_copy(update={"wipe": "alpha/controller-1"})
    gate = site_gate(other, seen())
    assert (gate.outcome, gate.waits) == (Outcome.REFUSED, False)
    assert "wipe names alpha/controller-1, and this is alpha/controller-0" in gate.why
    assert site_gate(REQUEST.model_copy(update={"wipe": None}), seen()) == PASSED


def test_a_freeze_and_a_vim_at_work_are_waited_for() -> None:
    frozen = seen().model_copy(update={"frozen": "holiday, by ops"})
    assert site_gate(REQUEST, frozen).waits
    strategy = {"uuid": "u1", "name": "sw-upgrade", "state": "applying"}
    gate = site_gate(REQUEST, seen(strategy=strategy))
    assert (gate.waits, gate.outcome) == (True, Outcome.BLOCKED)
    assert site_gate(REQUEST, seen(strategy=strategy | {"state": "applied"})) == PASSED


def test_a_site_that_nobody_declared_is_refused() -> None:
    gate = site_gate(REQUEST, seen().model_copy(update={"in_inventory": False}))
    assert gate.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({"serial": "S2"}, "the inventory says serial number S2, its BMC says S1"),
        ({"uuid": "A-2"}, "the inventory says UUID A-2, its BMC says A-1"),
        ({"mac": "52:54:00:00:00:02"}, "the inventory says MAC 52:54:00:00:00:02, its BMC says"),
        ({"serial": "S1", "uuid": "A-2"}, "the inventory says UUID A-2"),
        ({}, "declares neither serial, uuid nor mac"),
    ],
)
def test_a_machine_that_is_not_provably_the_declared_one_is_refused(
    identity: dict[str, str], words: str
) -> None:
    gate = host_gate(REQUEST, declared(**identity), SILENT)
    assert gate.outcome is Outcome.REFUSED
    assert words in gate.why


@pytest.mark.parametrize("identity", [{"serial": "s1"}, {"uuid": "a-1"}, {"mac": "52:54:00:00:00:01"}])
def test_one_identity_that_agrees_is_enough(identity: dict[str, str]) -> None:
    assert host_gate(REQUEST, declared(**identity), SILENT) == PASSED


def test_a_bmc_that_tells_no_declared_identity_is_refused() -> None:
    mute = FACTS.model_copy(update={"identity": Identity(uuid="A-1")})
    gate = host_gate(REQUEST, mute, SILENT)
    assert gate.outcome is Outcome.REFUSED
    assert "its BMC tells no serial number" in gate.why


def test_a_host_that_answers_at_its_address_is_in_use() -> None:
    answers = AddressAnswer(address="192.0.2.9:22", answers=True, banner="SSH-2.0-x")
    gate = host_gate(REQUEST, FACTS, answers)
    assert gate.outcome is Outcome.REFUSED
    assert "alpha/controller-0 answers at 192.0.2.9:22 (SSH-2.0-x): it is in use" in gate.why
    restored = REQUEST.model_copy(update={"over_what_runs": True})
    assert host_gate(restored, FACTS, answers).outcome is None, "its site is restored"


def test_a_foreign_medium_holds_the_run_unless_it_is_handed_over() -> None:
    foreign = with_drive(inserted=True, image="http://192.0.2.7/other.iso")
    gate = host_gate(REQUEST, foreign, SILENT)
    assert gate.outcome is Outcome.BLOCKED
    assert "http://192.0.2.7/other.iso, which is not ours" in gate.why
    assert host_gate(REQUEST.model_copy(update={"take_medium": True}), foreign, SILENT) == PASSED
    assert host_gate(REQUEST, foreign.model_copy(update={"ours": ("other.iso",)}), SILENT) == PASSED
    assert host_gate(REQUEST, with_drive(inserted=True, image="boot.iso"), SILENT) == PASSED


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (with_drive(insert=""), "none with InsertMedia"),
        (FACTS.model_copy(update={"slots": ()}), "no virtual CD or DVD"),
        (FACTS.model_copy(update={"boot_targets": ("Pxe",)}), "none of which is a virtual CD"),
        (FACTS.model_copy(update={"reset_path": ""}), "no ComputerSystem.Reset"),
        (FACTS.model_copy(update={"reset_types": ("On",)}), "no reset that turns it off"),
    ],
)
def test_a_bmc_that_cannot_is_refused_before_anything_is_sent(facts: BmcFacts, words: str) -> None:
    gate = host_gate(REQUEST, facts, SILENT)
    assert gate.outcome is Outcome.REFUSED
    assert words in gate.why


def test_the_plan_names_what_will_be_done() -> None:
    legacy = FACTS.model_copy(
        update={"override": BootOverride(mode="Legacy"), "boot_modes": ("Legacy", "UEFI")}
    )
    assert plan(REQUEST, legacy).mode == "UEFI"
    made = plan(REQUEST, with_drive(inserted=True))
    assert (made.mode, made.target, made.off, made.on) == (None, "Cd", ("ForceOff",), ("On",))
    assert [slot.path for slot in made.occupied] == ["/cd"]


def test_the_disk_is_said_where_it_can_be() -> None:
    assert from_disk(FACTS).target == "Hdd"
    assert from_disk(FACTS.model_copy(update={"boot_targets": ("Cd",)})).enabled == "Disabled"


def test_an_unverified_bmc_is_said() -> None:
    assert warnings(FACTS) == ()
    assert "not verified" in warnings(FACTS.model_copy(update={"unverified": True}))[0]
