"""The ways in which vendors' BMCs differ from the specification and from each other, each with its source.

A quirk is a switch that the code below `simulator/bmc/` reads; which vendor has which is data in
`flavours_table.py`. The row numbers order the table by vendor; a row may have two halves.
"""

from dataclasses import dataclass
from enum import StrEnum


class Quirk(StrEnum):
    """One behaviour; the name is what a flavour lists."""

    MEDIA_UNDER_MANAGER = "media-under-manager"
    NO_INSERT_ACTION = "no-insert-action"
    INSERT_AFTER_EJECT_FAILS = "insert-after-eject-fails"
    STALE_INSERTED = "stale-inserted"
    ON_CONFLICT_AFTER_OFF = "on-conflict-after-off"
    BOOT_TARGETS_IN_SETTINGS = "boot-targets-in-settings"
    DATA_SOURCES_UNAVAILABLE = "data-sources-unavailable"
    SESSION_LIMIT_503 = "session-limit-503"
    SESSIONS_NOT_ALLOWED = "sessions-not-allowed"
    RESET_IS_A_JOB = "reset-is-a-job"
    PHYSICAL_CD_FIRST = "physical-cd-first"
    MEDIA_DETACHED = "media-detached"
    INTERNAL_ERROR_AT_INSERT = "internal-error-at-insert"
    EJECT_SPOILS_RAMDISK = "eject-spoils-ramdisk"
    EJECT_NEEDS_BODY = "eject-needs-body"
    NO_OVERRIDE_DURING_POST = "no-override-during-post"
    NOT_READY_AFTER_POWER_CHANGE = "not-ready-after-power-change"
    MODE_NOT_WRITABLE = "mode-not-writable"
    INSERT_DEFAULTS_REFUSED = "insert-defaults-refused"
    CD_IS_USBCD = "cd-is-usbcd"
    ENABLED_FALLS_BACK_TO_ONCE = "enabled-falls-back-to-once"
    IMAGE_STAYS_AFTER_EJECT = "image-stays-after-eject"
    OEM_MOUNT = "oem-mount"
    LICENCE_MISSING = "licence-missing"
    INSERT_BY_PATCH = "insert-by-patch"
    ETAG_CHECKED = "etag-checked"
    IF_MATCH_REQUIRED = "if-match-required"
    FULL_BOOT_PAYLOAD = "full-boot-payload"
    BOOT_IN_FUTURE_STATE = "boot-in-future-state"
    INSERT_WANTS_TRANSFER = "insert-wants-transfer"
    DVD_ONLY = "dvd-only"
    SLOTS_WITHOUT_INSERT = "slots-without-insert"
    NO_BOOT_PROGRESS = "no-boot-progress"
    NO_OVERRIDE_MODE = "no-override-mode"
    NO_MANAGED_BY = "no-managed-by"
    ONCE_STAYS = "once-stays"


@dataclass(frozen=True, slots=True)
class Row:
    """What a quirk does, and where it is written of."""

    number: int
    """Place in the table of quirks; 0 for what is no vendor's."""
    words: str
    source: str


ROWS: dict[Quirk, Row] = {
    Quirk.MEDIA_UNDER_MANAGER: Row(
        1,
        "virtual media under Managers with names for ids (iDRAC9 before 6.00.02), not under Systems",
        "dell/iDRAC-Redfish-Scripting#265; ironic: add-vmedia-system-support",
    ),
    Quirk.NO_INSERT_ACTION: Row(
        2, "virtual media can be read only: no InsertMedia", "dell/iDRAC-Redfish-Scripting#24"
    ),
    Quirk.INSERT_AFTER_EJECT_FAILS: Row(
        3,
        "an insert right after an eject gets 503, the eject being in progress",
        "ironic: fix-redfish-vmedia-insert-retry",
    ),
    Quirk.STALE_INSERTED: Row(
        4, "after an eject Inserted stays true for a while", "ironic: fix-redfish-vmedia-stale-insert-skip"
    ),
    Quirk.ON_CONFLICT_AFTER_OFF: Row(
        5, "On is refused with 409 shortly after a power-off", "ironic: redfish-power-on-conflict-retry"
    ),
    Quirk.BOOT_TARGETS_IN_SETTINGS: Row(
        6,
        "boot targets and overrides stand in the system's Settings resource",
        "sushy: idrac10-settings-resource",
    ),
    Quirk.DATA_SOURCES_UNAVAILABLE: Row(
        7,
        "500 with SYS518 for any method while the BMC gathers data after a power change",
        "sushy: fix-retry_volume_operation-on_sys518",
    ),
    Quirk.SESSION_LIMIT_503: Row(
        8, "one session too many is 503 with RAC0218", "quadsproject/badfish#447; stmcginnis/gofish#75"
    ),
    Quirk.SESSIONS_NOT_ALLOWED: Row(
        9, "POST to Sessions is 405: basic authentication only", "mrlhansen/idrac_exporter#132"
    ),
    Quirk.RESET_IS_A_JOB: Row(
        10,
        "a reset answers 202 with a job whose URL is 404 at first, and gone when it has ended",
        "dell/iDRAC-Redfish-Scripting#116; sushy: fix-dell-bmc-404-race-condition; "
        "ironic: fix-dell-silent-failure",
    ),
    Quirk.PHYSICAL_CD_FIRST: Row(
        11,
        "Cd boots the physical drive; the virtual one is the manager's attribute FirstBootDevice VCD-DVD, "
        "which an override rewrites",
        "dell/iDRAC-Redfish-Scripting#90; ironic: redfish-vmedia-vendor",
    ),
    Quirk.MEDIA_DETACHED: Row(
        12, "virtual media is in mode Detached: an insert is SYS446", "openshift/openshift-docs#29321"
    ),
    Quirk.INTERNAL_ERROR_AT_INSERT: Row(
        12,
        "the first insert fails with SYS446, an internal error",
        "openshift/openshift-docs#32022; dell/iDRAC-Redfish-Scripting#265",
    ),
    Quirk.EJECT_SPOILS_RAMDISK: Row(
        13,
        "an eject below a running installer corrupts its view of the file system: `spoilt` counts them",
        "ironic: poweroff-before-redfish-vmedia-eject",
    ),
    Quirk.EJECT_NEEDS_BODY: Row(
        14, "an eject without a JSON body is 415", "sushy: fix-eject-media-empty-dict"
    ),
    Quirk.NO_OVERRIDE_DURING_POST: Row(
        15,
        "UnableToModifyDuringSystemPOST on a boot override during POST",
        "ironcore-dev/metal-operator#997; ironic: redfish-post-boot-retry",
    ),
    Quirk.NOT_READY_AFTER_POWER_CHANGE: Row(
        16,
        "InvalidOperationForSystemState right after a power change",
        "sushy: retry-ilo-not-ready-error",
    ),
    Quirk.MODE_NOT_WRITABLE: Row(
        17,
        "BootSourceOverrideMode is not writable, not even unchanged",
        "ansible-collections/community.general#3509",
    ),
    Quirk.INSERT_DEFAULTS_REFUSED: Row(
        18, "Inserted or WriteProtected in an insert is refused", "sushy: fix-insert-media-payload"
    ),
    Quirk.CD_IS_USBCD: Row(
        19,
        "a virtual CD is UsbCd; Cd is listed too, and does not boot it",
        "sushy: change-bootdev-smc; StarlingX distcloud rvmc.py",
    ),
    Quirk.ENABLED_FALLS_BACK_TO_ONCE: Row(
        20,
        "an override without BootSourceOverrideEnabled becomes Once",
        "ironic: supermicro-redfish-override-enabled",
    ),
    Quirk.IMAGE_STAYS_AFTER_EJECT: Row(
        21,
        "after an eject Image keeps the old name while ConnectedVia is NotConnected",
        "ansible-collections/community.general#6969",
    ),
    Quirk.OEM_MOUNT: Row(
        22,
        "no InsertMedia: Host and Path are named at VM1/CfgCD, then IsoConfig.Mount",
        "quadsproject/badfish#394",
    ),
    Quirk.LICENCE_MISSING: Row(
        22, "virtual media needs a licence that is not there", "bb-Ricardo/check_redfish#74"
    ),
    Quirk.INSERT_BY_PATCH: Row(
        23,
        "no InsertMedia: the resource is patched, Inserted being mandatory",
        "sushy: fix-virtual-media-fallback",
    ),
    Quirk.ETAG_CHECKED: Row(
        24,
        "a PATCH with a stale or absent entity tag is 412",
        "ansible-collections/community.general#11261",
    ),
    Quirk.IF_MATCH_REQUIRED: Row(
        25,
        "a PATCH without If-Match is 428; tags are given weak and taken strong only",
        "stmcginnis/gofish#171; sushy: fix-return-full-weak-etag",
    ),
    Quirk.FULL_BOOT_PAYLOAD: Row(
        26,
        "a boot override wants Enabled, Target and Mode together",
        "ironic: redfish-full-boot-payload-asrockrack",
    ),
    Quirk.BOOT_IN_FUTURE_STATE: Row(
        26,
        "overrides are refused on the system and wanted on its /SD resource",
        "DMTF/Redfish-Tacklebox#144",
    ),
    Quirk.INSERT_WANTS_TRANSFER: Row(
        27,
        "an insert wants TransferProtocolType, TransferMethod, UserName and Password",
        "sushy: virtual_media.py, handle_transfer_method",
    ),
    Quirk.DVD_ONLY: Row(28, "the slot says DVD, not CD", "ironic: handle-dvd-only-vmedia"),
    Quirk.SLOTS_WITHOUT_INSERT: Row(
        28, "slots before the usable one answer 405 to an insert", "ironic: cisco-c845a-vmedia-fix"
    ),
    Quirk.NO_BOOT_PROGRESS: Row(29, "no BootProgress", "ironic: no-boot-progress"),
    Quirk.NO_OVERRIDE_MODE: Row(
        29, "no BootSourceOverrideMode", "ironic: redfish-boot-mode-override-not-present"
    ),
    Quirk.NO_MANAGED_BY: Row(30, "no ManagedBy link at the system", "sushy: retry-on-missing-managedby"),
    Quirk.ONCE_STAYS: Row(
        0,
        "a one-time override is not consumed by the boot; it reads Continuous",
        "openstack/sushy-tools emulator",
    ),
}
