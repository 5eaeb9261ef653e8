"""The quirk table as data and what the rules make of it; each row beside a machine it does not hold for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bmc import BmcFacts, BootOverride, Declared, Identity, MediaSlot
from models.bmc_wire import Complaint, InsertBody, OverrideBody
from rules import quirks
from rules.quirk_table import QUIRKS, Behaviour

ANY = Identity(manufacturer="Contoso", model="C1", firmware="1.0")
DELL = Identity(manufacturer="Dell Inc.", model="PowerEdge R740", firmware="3.21.21.21")
HPE = Identity(manufacturer="HPE", model="ProLiant DL380 Gen10", firmware="iLO 5 v2.72")
SUPERMICRO = Identity(manufacturer="Supermicro", model="SYS-110P")
SUPERMICRO_ARS = Identity(manufacturer="Supermicro", model="ARS-111GL-NHR")
LENOVO = Identity(manufacturer="Lenovo", model="ThinkSystem SD530")
ASROCK = Identity(manufacturer="ASRockRack", model="1U2E")
IMAGE = "http://192.0.2.1/boot.iso"
DRIVE = MediaSlot(path="/cd", types=("CD", "DVD"), insert="/cd/insert", eject="/cd/eject")
BARE = MediaSlot(path="/cd", types=("CD",))


def facts(who: Identity, *slots: MediaSlot, targets: tuple[str, ...] = ()) -> BmcFacts:
    return BmcFacts(
        identity=who,
        declared=Declared(),
        system="/s",
        power="Off",
        override=BootOverride(),
        boot_path="/s",
        boot_targets=targets,
        slots=slots,
        authentication="session",
    )


def test_all_rows_stand_there_with_a_source() -> None:
    assert sorted({row.row for row in QUIRKS}) == list(range(1, 32))
    for row in QUIRKS:
        assert row.source, row
        assert row.what, row
        for pattern in (row.manufacturer, row.model, row.firmware, row.message):
            re.compile(pattern)
        assert (row.kind is None) == (row.does is not Behaviour.FAILURE) or row.row == 8, row


@pytest.mark.parametrize(
    ("who", "holds", "holds_not"),
    [
        (DELL, Behaviour.VENDOR_BOOT_ONCE, Behaviour.USB_CD),
        (SUPERMICRO, Behaviour.USB_CD, Behaviour.PLAIN_CD),
        (SUPERMICRO_ARS, Behaviour.PLAIN_CD, Behaviour.FULL_BOOT),
        (LENOVO, Behaviour.PATCH_TO_INSERT, Behaviour.NOT_CONNECTED_IS_EMPTY),
        (ASROCK, Behaviour.FULL_BOOT, Behaviour.USB_CD),
        (HPE, Behaviour.MODE_ONLY_IF_CHANGED, Behaviour.PATCH_TO_INSERT),
        (ANY, Behaviour.OMIT_DEFAULTS, Behaviour.VENDOR_BOOT_ONCE),
    ],
)
def test_a_row_holds_for_its_machines_only(who: Identity, holds: Behaviour, holds_not: Behaviour) -> None:
    assert holds in quirks.behaviours(who)
    assert holds_not not in quirks.behaviours(who)


# -- drives


def test_cd_and_dvd_drives_come_in_their_order_and_others_not_at_all() -> None:
    floppy = MediaSlot(path="/fd", types=("Floppy", "USBStick"), insert="/fd/insert")
    dvd = MediaSlot(path="/dvd", types=("DVD",), insert="/dvd/insert")
    assert quirks.drives(facts(ANY, floppy, BARE, dvd, DRIVE)) == (dvd, DRIVE)
    assert (
        quirks.no_drive(facts(ANY, floppy)) == "Contoso C1, BMC firmware 1.0 has no virtual CD or DVD drive"
    )


def test_a_drive_without_insert_is_told_by_who_has_it() -> None:
    oem = MediaSlot(path="/cd", types=("CD",), oem_mount="/cd/oem")
    assert quirks.way_to_insert(LENOVO, BARE) == "patch"
    assert quirks.way_to_insert(ANY, BARE) is None
    assert quirks.way_to_insert(SUPERMICRO, oem) == "oem"
    assert quirks.way_to_insert(ANY, oem) == "oem"
    assert "the firmware is too old: Dell Inc. PowerEdge R740" in quirks.no_drive(facts(DELL, BARE))
    assert "none with InsertMedia" in quirks.no_drive(facts(HPE, BARE))
    assert quirks.drives(facts(SUPERMICRO, oem)) == (oem,)
    assert quirks.no_drive(facts(SUPERMICRO, oem)) == ""
    assert quirks.no_drive(facts(LENOVO, BARE)) == ""


@pytest.mark.parametrize(
    ("who", "mode", "is_refused"),
    [
        (DELL, "Detached", True),
        (DELL, "Attached", True),
        (DELL, "AutoAttach", False),
        (ANY, "Detached", False),
    ],
)
def test_only_an_idrac_in_mode_auto_attach_takes_an_image(who: Identity, mode: str, is_refused: bool) -> None:
    found = facts(who, DRIVE).model_copy(update={"attach_mode": mode})
    assert ("VirtualMedia.1.Attached to AutoAttach" in quirks.no_drive(found)) is is_refused


def test_not_connected_is_empty_at_supermicro_only() -> None:
    stale = DRIVE.model_copy(update={"inserted": True, "image": IMAGE, "connected_via": "NotConnected"})
    assert quirks.is_empty(SUPERMICRO, stale)
    assert not quirks.is_empty(ANY, stale)
    assert not quirks.is_empty(SUPERMICRO, stale.model_copy(update={"connected_via": "URI"}))


@pytest.mark.parametrize(
    ("said", "is_in"),
    [
        (IMAGE, True),
        ("boot.iso", True),
        ("", True),
        ("HTTP://192.0.2.1/BOOT.ISO?x=1", True),
        ("http://192.0.2.1/other.iso", False),
    ],
)
def test_an_image_is_known_by_its_file(said: str, is_in: bool) -> None:
    slot = DRIVE.model_copy(update={"inserted": True, "image": said})
    assert slot.holds(IMAGE) is is_in
    assert not slot.model_copy(update={"inserted": False}).holds(IMAGE)


# -- bodies


def test_an_insert_says_no_defaults_and_a_patched_drive_needs_inserted() -> None:
    assert quirks.insert_body(SUPERMICRO, DRIVE, IMAGE) == InsertBody(Image=IMAGE)
    assert quirks.insert_body(LENOVO, BARE, IMAGE) == InsertBody(Image=IMAGE, Inserted=True)


NAMES = ["TransferProtocolType", "TransferMethod", "Inserted", "WriteProtected", "UserName", "Password"]


@given(st.lists(st.sampled_from(NAMES), max_size=8), st.sampled_from([400, 403, 409, 415, 422, 500]))
def test_amending_ends_and_never_takes_anything_away(named: list[str], status: int) -> None:
    body: InsertBody | None = InsertBody(Image=IMAGE)
    rounds = 0
    for name in named:
        assert body is not None
        better = quirks.amended(body, Complaint(status=status, args=(name,)))
        if better is None:
            continue
        rounds += 1
        assert status in (400, 415, 422)
        before, after = body.model_dump(exclude_none=True), better.model_dump(exclude_none=True)
        assert before.items() < after.items()
        assert name in after
        body = better
    assert rounds <= len(NAMES)


def test_a_complaint_about_something_else_amends_nothing() -> None:
    body = InsertBody(Image=IMAGE)
    assert quirks.amended(body, Complaint(status=400, words="the Image is not valid")) is None
    assert quirks.amended(body, Complaint(status=500, args=("Inserted",))) is None


def test_enabled_is_always_sent_and_the_mode_only_when_it_changes() -> None:
    now = BootOverride(mode="UEFI")
    once = BootOverride(enabled="Once", target="Cd")
    plain = quirks.override_body(HPE, now, once)
    assert plain == OverrideBody(BootSourceOverrideEnabled="Once", BootSourceOverrideTarget="Cd")
    same = quirks.override_body(HPE, now, once.model_copy(update={"mode": "UEFI"}))
    assert same == plain
    changed = quirks.override_body(HPE, now, once.model_copy(update={"mode": "Legacy"}))
    assert changed.BootSourceOverrideMode == "Legacy"
    assert quirks.override_body(ASROCK, now, once).BootSourceOverrideMode == "UEFI"
    assert quirks.override_body(ASROCK, BootOverride(), once).BootSourceOverrideMode is None


def test_a_refused_mode_is_left_out_and_a_missing_one_added() -> None:
    now = BootOverride(mode="UEFI")
    refusal = Complaint(status=400, words="BootSourceOverrideMode cannot be written")
    bare = OverrideBody(BootSourceOverrideEnabled="Once", BootSourceOverrideTarget="Cd")
    whole = bare.model_copy(update={"BootSourceOverrideMode": "UEFI"})
    assert quirks.fuller(whole, now, refusal) == bare
    assert quirks.fuller(bare, now, refusal) == whole
    assert quirks.fuller(bare, BootOverride(), refusal) is None
    assert quirks.fuller(whole, now, Complaint(status=400, words="Target")) is None


@pytest.mark.parametrize(
    ("who", "allowed", "target"),
    [
        (ANY, ("Pxe", "Cd", "UsbCd"), "Cd"),
        (SUPERMICRO, ("Pxe", "Cd", "UsbCd"), "UsbCd"),
        (SUPERMICRO_ARS, ("Pxe", "Cd", "UsbCd"), "Cd"),
        (SUPERMICRO, ("Pxe", "Cd"), "Cd"),
        (ANY, ("Pxe", "Hdd"), ""),
        (ANY, (), "Cd"),
        (SUPERMICRO, (), "UsbCd"),
    ],
)
def test_the_boot_target_is_one_that_is_allowed(who: Identity, allowed: tuple[str, ...], target: str) -> None:
    assert quirks.boot_target(facts(who, targets=allowed)) == target


# -- power and wire


def test_resets_are_those_that_are_advertised_by_preference() -> None:
    assert quirks.reset_kinds("Off", ("On", "GracefulShutdown", "ForceOff")) == (
        "ForceOff",
        "GracefulShutdown",
    )
    assert quirks.reset_kinds("On", ("ForceOn", "On")) == ("On", "ForceOn")
    assert quirks.reset_kinds("On", ("PushPowerButton",)) == ("PushPowerButton",)
    assert quirks.reset_kinds("On", ("ForceOff",)) == ()
    assert quirks.reset_kinds("On", ()) == ("On", "ForceOn")


@given(st.text(max_size=12))
def test_the_tag_ladder_begins_as_given_and_ends_without(tag: str) -> None:
    ladder = quirks.etags(tag)
    assert ladder[0] == tag
    assert ladder[-1] == ""
    assert len(set(ladder)) == len(ladder) <= 3
    assert not any(each.startswith("W/") for each in ladder[1:])


def test_a_weak_tag_has_a_strong_form() -> None:
    assert quirks.etags('W/"1"') == ('W/"1"', '"1"', "")
    assert quirks.etags('"1"') == ('"1"', "")


@pytest.mark.parametrize(
    ("code", "doing", "kind"),
    [
        ("IDRAC.2.8.SYS518", "read", "Transient"),
        ("IDRAC.2.8.RAC0904", "insert", "Blocked"),
        ("IDRAC.2.8.RAC0904", "eject", None),
        ("IDRAC.2.8.RAC0218", "session", "Transient"),
        ("Base.1.12.ActionParameterValueConflict", "on", "Transient"),
        ("Base.1.12.ActionParameterValueConflict", "insert", None),
        ("iLO.2.14.UnableToModifyDuringSystemPOST", "override", "Transient"),
        ("iLO.2.14.InvalidOperationForSystemState", "off", "Transient"),
        ("SMC.1.0.OemLicenseNotPassed", "insert", "Refused"),
        ("IDRAC.2.8.SYS5180", "read", None),
        ("Base.1.8.GeneralError", "insert", None),
    ],
)
def test_a_message_means_a_class_where_a_row_says_so(code: str, doing: str, kind: str | None) -> None:
    judged = quirks.judgement(Complaint(status=400, codes=(code,), doing=doing))
    assert (judged.kind if judged else None) == kind


def test_full_sessions_are_told_from_wrong_credentials() -> None:
    assert quirks.sessions_are_full(Complaint(status=503, codes=("IDRAC.2.8.RAC0218",)))
    assert not quirks.sessions_are_full(Complaint(status=401, codes=("Base.1.8.NoValidSession",)))
