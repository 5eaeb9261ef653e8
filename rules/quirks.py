"""What is done about the rows of `rules.quirk_table`, as small pure functions over who answers.

The module is the port `models.bmc_wire.Quirks`: a worker hands it to the activities, which speak Redfish
and ask here where vendors differ. Workflows ask the rest: which drive, which boot target, which reset.
"""

import re

from models.bmc import BmcFacts, BootOverride, Identity, MediaSlot
from models.bmc_wire import Complaint, InsertBody, Judgement, OverrideBody, Way
from rules.quirk_table import QUIRKS, Behaviour

OPTICAL = ("CD", "DVD")
OFF_KINDS = ("ForceOff", "GracefulShutdown", "PushPowerButton")
ON_KINDS = ("On", "ForceOn", "PushPowerButton")
"""By preference; the power button only where there is nothing else."""
CD_TARGETS = ("Cd", "UsbCd", "RemoteDrive")
FIRST_BOOT_DEVICE, BOOT_ONCE = "ServerBoot.1.FirstBootDevice", "ServerBoot.1.BootOnce"
VIRTUAL_CD = "VCD-DVD"
AUTO_ATTACH = "AutoAttach"
"""An iDRAC's own words."""


def behaviours(who: Identity) -> frozenset[Behaviour]:
    """Of every row that holds for this machine."""
    return frozenset(
        row.does
        for row in QUIRKS
        if row.does is not Behaviour.FAILURE
        and (row.is_everywhere or row.is_of(who.manufacturer, who.model, who.firmware))
    )


# -- virtual media


def is_empty(who: Identity, slot: MediaSlot) -> bool:
    if Behaviour.NOT_CONNECTED_IS_EMPTY in behaviours(who) and slot.connected_via == "NotConnected":
        return True
    return not slot.inserted


def way_to_insert(who: Identity, slot: MediaSlot) -> Way | None:
    """None: this drive cannot."""
    known = behaviours(who)
    if slot.insert:
        return "action"
    if slot.oem_mount and Behaviour.OEM_MOUNT in known:
        return "oem"
    return "patch" if Behaviour.PATCH_TO_INSERT in known else None


def drives(facts: BmcFacts) -> tuple[MediaSlot, ...]:
    """The optical drives that can insert, in the order in which they are tried."""
    return tuple(
        slot
        for slot in facts.slots
        if (not slot.types or set(OPTICAL) & {kind.upper() for kind in slot.types})
        and way_to_insert(facts.identity, slot) is not None
    )


def no_drive(facts: BmcFacts) -> str:
    """Why there is no drive to insert into; empty when there is one."""
    who, known = facts.identity, behaviours(facts.identity)
    if drives(facts):
        return _not_attached(facts)
    optical = [slot for slot in facts.slots if set(OPTICAL) & {kind.upper() for kind in slot.types}]
    if optical and Behaviour.NO_ACTION_IS_OLD in known:
        return f"the firmware is too old: {who} has virtual drives, but no InsertMedia"
    if optical:
        return f"{who} has virtual drives, but none with InsertMedia"
    return f"{who} has no virtual CD or DVD drive"


def _not_attached(facts: BmcFacts) -> str:
    if Behaviour.AUTO_ATTACH not in behaviours(facts.identity) or facts.attach_mode in ("", AUTO_ATTACH):
        return ""
    return (
        f"virtual media of {facts.identity} is in mode {facts.attach_mode}, so that no image can be "
        f"inserted: set the iDRAC attribute VirtualMedia.1.Attached to {AUTO_ATTACH}"
    )


def insert_body(who: Identity, slot: MediaSlot, image: str) -> InsertBody:
    known = behaviours(who)
    if way_to_insert(who, slot) == "patch":
        return InsertBody(Image=image, Inserted=True)
    if Behaviour.OMIT_DEFAULTS in known:
        return InsertBody(Image=image)
    return InsertBody(Image=image, Inserted=True, WriteProtected=True)


def amended(body: InsertBody, complaint: Complaint) -> InsertBody | None:
    """The body with what a refusal names and it lacks; None when the refusal is about something else."""
    if complaint.status not in (400, 415, 422):
        return None
    scheme = body.Image.partition("://")[0].upper()
    can_add = {
        "TransferProtocolType": scheme,
        "TransferMethod": "Stream",
        "Inserted": True,
        "WriteProtected": True,
        "UserName": "none",
        "Password": "none",
    }
    said = " ".join((*complaint.args, complaint.words))
    for name, value in can_add.items():
        if getattr(body, name) is None and re.search(rf"\b{name}\b", said):
            added = {"UserName": "none", "Password": "none"} if name == "UserName" else {name: value}
            return body.model_copy(update=added)
    return None


# -- boot


def boot_target(facts: BmcFacts) -> str:
    """Which of the allowed targets is the virtual drive; empty when none is."""
    known = behaviours(facts.identity)
    preferred = list(CD_TARGETS)
    if Behaviour.USB_CD in known and Behaviour.PLAIN_CD not in known:
        preferred.insert(0, "UsbCd")
    if not facts.boot_targets:
        return preferred[0]
    return next((target for target in preferred if target in facts.boot_targets), "")


def override_body(who: Identity, now: BootOverride, wanted: BootOverride) -> OverrideBody:
    known = behaviours(who)
    is_new = wanted.mode is not None and wanted.mode != now.mode
    whole = Behaviour.FULL_BOOT in known and now.mode is not None
    mode = wanted.mode or now.mode
    return OverrideBody(
        BootSourceOverrideEnabled=wanted.enabled,
        BootSourceOverrideTarget=wanted.target,
        BootSourceOverrideMode=mode if is_new or whole else None,
    )


def names_first_boot_device(who: Identity) -> bool:
    """Whether the override alone does not say which drive is booted."""
    return Behaviour.VENDOR_BOOT_ONCE in behaviours(who)


def boot_attributes(now: dict[str, str], wanted: BootOverride) -> dict[str, str]:
    """What has to change of an iDRAC's attributes; nothing where it has none."""
    if FIRST_BOOT_DEVICE not in now:
        return {}
    if wanted.enabled != "Disabled" and wanted.target in CD_TARGETS:
        asked = {BOOT_ONCE: "Enabled", FIRST_BOOT_DEVICE: VIRTUAL_CD}
    elif now[FIRST_BOOT_DEVICE] == VIRTUAL_CD:
        asked = {FIRST_BOOT_DEVICE: "Normal"}
    else:
        return {}
    return {name: value for name, value in asked.items() if now.get(name) != value}


def fuller(body: OverrideBody, now: BootOverride, complaint: Complaint) -> OverrideBody | None:
    """With the mode where a refusal names it, without it where the refusal is about it."""
    said = " ".join((*complaint.args, complaint.words))
    if complaint.status != 400 or "BootSourceOverrideMode" not in said:
        return None
    if body.BootSourceOverrideMode is None and now.mode is not None:
        return body.model_copy(update={"BootSourceOverrideMode": now.mode})
    if body.BootSourceOverrideMode is not None:
        return body.model_copy(update={"BootSourceOverrideMode": None})
    return None


# -- power


def reset_kinds(want: str, advertised: tuple[str, ...]) -> tuple[str, ...]:
    """By preference; all of them where the BMC does not say which it knows."""
    kinds = OFF_KINDS if want == "Off" else ON_KINDS
    if not advertised:
        return kinds[:2]
    return tuple(kind for kind in kinds if kind in advertised)


# -- the wire


def etags(given: str) -> tuple[str, ...]:
    """What to send as If-Match, one after the other; an empty one is no header."""
    if not given:
        return ("",)
    strong = given.removeprefix("W/")
    if not strong.startswith('"'):
        strong = f'"{strong}"'
    return tuple(dict.fromkeys((given, strong, "")))


def judgement(complaint: Complaint) -> Judgement | None:
    """By the rows that know a message; None when no row does."""
    said = " ".join((*complaint.codes, complaint.words))
    for row in QUIRKS:
        if row.kind and re.search(row.message, said, re.I) and row.doing in ("", complaint.doing):
            return Judgement(kind=row.kind, words=row.words, after_s=row.after_s)
    return None


def sessions_are_full(complaint: Complaint) -> bool:
    rows = [row for row in QUIRKS if row.does is Behaviour.BASIC_WHEN_FULL]
    said = " ".join((*complaint.codes, complaint.words))
    return any(re.search(row.message, said, re.I) for row in rows)
