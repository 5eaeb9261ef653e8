"""Where vendors' BMCs depart from Redfish: one row a quirk, as data.

A row says how it is recognised, what is done about it, and who found it. Rows without a detection hold
everywhere, because what they ask for does no harm elsewhere. Sources: "sushy" and "ironic" are release notes
of the OpenStack projects, "rvmc" is StarlingX distcloud's dccommon/rvmc.py, the others are issues of the
named repositories.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from models.bmc_wire import FailureKind


class Behaviour(StrEnum):
    """What is done about a quirk."""

    FOLLOW_LINKS = "drives are found by links, the system's first, then its managers'"
    NO_ACTION_IS_OLD = "a drive without InsertMedia is refused: the firmware is too old"
    INSERT_AGAIN = "an insert that fails with 5xx is tried again"
    EJECT_AND_VERIFY = "eject first, wait for empty, insert, then verify the image"
    SETTINGS_BOOT = "the boot override is read and written at the settings resource"
    BASIC_WHEN_FULL = "no free session: basic authentication"
    BASIC_WITHOUT_SESSIONS = "no session service: basic authentication"
    ANY_ACCEPTANCE = "200, 202 and 204 are all acceptance; a vanished task means nothing, the state decides"
    VENDOR_BOOT_ONCE = (
        "for drives of the manager, FirstBootDevice VCD-DVD with BootOnce is set after the override"
    )
    AUTO_ATTACH = "another attach mode than AutoAttach is refused before anything is sent"
    POWER_OFF_BEFORE_EJECT = "no eject below a running installer: power off first"
    EMPTY_BODY = "an action without parameters is sent an empty object"
    MODE_ONLY_IF_CHANGED = "the override's mode is sent only when it changes"
    OMIT_DEFAULTS = "Inserted and WriteProtected are left out: true is their default"
    USB_CD = "the virtual drive is UsbCd among the boot targets"
    PLAIN_CD = "the virtual drive is Cd among the boot targets"
    ALWAYS_ENABLED = "BootSourceOverrideEnabled is always sent"
    NOT_CONNECTED_IS_EMPTY = "ConnectedVia NotConnected is empty, whatever Image says"
    OEM_MOUNT = "without InsertMedia, the OEM configuration is told Host and Path and then mounted"
    PATCH_TO_INSERT = "without InsertMedia the drive itself is patched, Inserted included"
    FRESH_ETAG = "If-Match of a fresh read; 412 reads again"
    ETAG_LADDER = "the tag as given, then its strong form, then none"
    FULL_BOOT = "Enabled, Target and Mode together"
    ADD_WHAT_IT_NAMES = "an insert that names a missing parameter is amended by it"
    ANY_OPTICAL = "CD or DVD, and the next drive where one cannot insert"
    PROGRESS_IS_A_HINT = "BootProgress may be missing and decides nothing"
    ANY_MANAGER = "Managers stands in for a missing ManagedBy"
    NO_SESSION_KEPT = "no session outlives the activity that opened it"
    FAILURE = "a message means a class of failure"


@dataclass(frozen=True)
class Quirk:
    row: int
    vendor: str
    what: str
    does: Behaviour
    source: str
    manufacturer: str = ""
    """Regular expressions, searched without regard to case; an empty one asks nothing."""
    model: str = ""
    firmware: str = ""
    message: str = ""
    """In a MessageId or in the words of an error."""
    doing: str = ""
    """At which requests the message counts; empty: all."""
    kind: FailureKind | None = None
    words: str = ""
    after_s: float = 0

    @property
    def is_everywhere(self) -> bool:
        return not (self.manufacturer or self.model or self.firmware or self.message)

    def is_of(self, manufacturer: str, model: str, firmware: str) -> bool:
        asked = ((self.manufacturer, manufacturer), (self.model, model), (self.firmware, firmware))
        return not self.message and all(re.search(pattern, found, re.I) for pattern, found in asked)


DELL = r"dell"
SUPERMICRO = r"super ?micro"
LENOVO = r"lenovo"
HPE = r"hpe?\b|hewlett"
B = Behaviour

QUIRKS: tuple[Quirk, ...] = (
    Quirk(
        1,
        "Dell iDRAC9",
        "virtual media moved from the manager to the system with firmware 6.00.02",
        B.FOLLOW_LINKS,
        "dell/iDRAC-Redfish-Scripting#265; ironic add-vmedia-system-support (bug 2039458)",
    ),
    Quirk(
        2,
        "Dell iDRAC 7, 8, early 9",
        "virtual media can only be read before firmware 3.30",
        B.NO_ACTION_IS_OLD,
        "dell/iDRAC-Redfish-Scripting#24",
        manufacturer=DELL,
    ),
    Quirk(
        3,
        "Dell",
        "an insert right after an eject fails with 5xx",
        B.INSERT_AGAIN,
        "ironic fix-redfish-vmedia-insert-retry (story 2008504)",
    ),
    Quirk(
        4,
        "Dell and others",
        "Inserted stays true for a while after an eject",
        B.EJECT_AND_VERIFY,
        "ironic fix-redfish-vmedia-stale-insert-skip",
    ),
    Quirk(
        5,
        "Dell iDRAC10",
        "On is refused with 409 shortly after a power-off",
        B.FAILURE,
        "ironic redfish-power-on-conflict-retry (bug 2162995)",
        message=r"ActionParameterValueConflict",
        doing="on",
        kind="Transient",
        words="the power-off is not over yet",
        after_s=10,
    ),
    Quirk(
        6,
        "Dell iDRAC10",
        "the allowed boot targets are at the settings resource",
        B.SETTINGS_BOOT,
        "sushy idrac10-settings-resource; ironic fix-redfish-idrac-vmedia-version-range",
    ),
    Quirk(
        7,
        "Dell",
        "data sources are unavailable for some seconds",
        B.FAILURE,
        "sushy fix-retry_volume_operation-on_sys518, increase-server-retries",
        message=r"SYS518\b",
        kind="Transient",
        words="the BMC's data sources are not ready",
        after_s=20,
    ),
    Quirk(
        8,
        "Dell",
        "the maximum number of sessions is reached, leaked ones live until their idle time-out",
        B.BASIC_WHEN_FULL,
        "bb-Ricardo/check_redfish#198; quadsproject/badfish#447; stmcginnis/gofish#75",
        message=r"RAC0218\b|SessionLimitExceeded|maximum number of user sessions",
        kind="Transient",
        words="all sessions of the BMC are taken",
        after_s=30,
    ),
    Quirk(
        9,
        "Dell iDRAC8",
        "creating a session answers 405",
        B.BASIC_WITHOUT_SESSIONS,
        "mrlhansen/idrac_exporter#132",
    ),
    Quirk(
        10,
        "Dell",
        "a reset answers 200, 202 or 204; its job may be 404 at first and gone when it is done",
        B.ANY_ACCEPTANCE,
        "dell/iDRAC-Redfish-Scripting#116; sushy fix-dell-bmc-404-race-condition; ironic "
        "fix-dell-silent-failure",
    ),
    Quirk(
        11,
        "Dell",
        "boot target Cd can mean the physical drive first",
        B.VENDOR_BOOT_ONCE,
        "dell/iDRAC-Redfish-Scripting#90, #116; ironic redfish-vmedia-vendor",
        manufacturer=DELL,
    ),
    Quirk(
        12,
        "Dell",
        "virtual media that is not in mode AutoAttach takes no image",
        B.AUTO_ATTACH,
        "openshift/openshift-docs#29321",
        manufacturer=DELL,
    ),
    Quirk(
        12,
        "Dell",
        "the image cannot be reached from the BMC",
        B.FAILURE,
        "dell/iDRAC-Redfish-Scripting#60, #265",
        message=r"RAC0904\b",
        doing="insert",
        kind="Blocked",
        words="the image cannot be reached from the BMC",
    ),
    Quirk(
        12,
        "Dell",
        "internal error at an insert (attach mode, console plug-in of 04.40)",
        B.FAILURE,
        "openshift/openshift-docs#32022; dell/iDRAC-Redfish-Scripting#265",
        message=r"SYS446\b",
        doing="insert",
        kind="Transient",
        words="internal error of the BMC; its virtual media must be in mode AutoAttach",
        after_s=10,
    ),
    Quirk(
        13,
        "Dell consoles",
        "an eject below a running ramdisk corrupts its file system",
        B.POWER_OFF_BEFORE_EJECT,
        "ironic poweroff-before-redfish-vmedia-eject (bug 2160374)",
    ),
    Quirk(
        14,
        "HPE iLO",
        "an eject without a body is an unsupported media type",
        B.EMPTY_BODY,
        "sushy fix-eject-media-empty-dict",
    ),
    Quirk(
        15,
        "HPE iLO",
        "the boot override cannot be changed during POST",
        B.FAILURE,
        "ironcore-dev/metal-operator#997; ironic redfish-post-boot-retry (bug 2136275)",
        message=r"UnableToModifyDuringSystemPOST",
        kind="Transient",
        words="the machine is in POST",
        after_s=5,
    ),
    Quirk(
        16,
        "HPE iLO",
        "not ready right after a power change",
        B.FAILURE,
        "sushy retry-ilo-not-ready-error",
        message=r"InvalidOperationForSystemState",
        kind="Transient",
        words="the machine is between two power states",
        after_s=5,
    ),
    Quirk(
        17,
        "HPE",
        "the override's mode is not writable, not even unchanged",
        B.MODE_ONLY_IF_CHANGED,
        "ansible-collections/community.general#3509; rvmc",
    ),
    Quirk(
        18,
        "Supermicro X11, X12",
        "Inserted or WriteProtected makes an insert fail",
        B.OMIT_DEFAULTS,
        "sushy fix-insert-media-payload",
    ),
    Quirk(
        19,
        "Supermicro",
        "the virtual drive is the boot target UsbCd",
        B.USB_CD,
        "sushy change-bootdev-smc; rvmc USBCD_SUPPORTED_MANUFACTURERS",
        manufacturer=SUPERMICRO,
    ),
    Quirk(
        19,
        "Supermicro ars-111gl-nhr",
        "the one model where it is Cd",
        B.PLAIN_CD,
        "sushy supermicro-vmedia-dev-workaround",
        manufacturer=SUPERMICRO,
        model=r"ars-111gl-nhr",
    ),
    Quirk(
        20,
        "Supermicro",
        "an override without Enabled falls back to Once",
        B.ALWAYS_ENABLED,
        "ironic supermicro-redfish-override-enabled (story 2008547)",
    ),
    Quirk(
        21,
        "Supermicro",
        "Image keeps the old name after an eject",
        B.NOT_CONNECTED_IS_EMPTY,
        "ansible-collections/community.general#6969, #7470",
        manufacturer=SUPERMICRO,
    ),
    Quirk(
        22,
        "Supermicro",
        "older boards have an OEM mount action only",
        B.OEM_MOUNT,
        "Supermicro Redfish Reference Guide; quadsproject/badfish#394",
    ),
    Quirk(
        22,
        "Supermicro",
        "a function needs a licence of the BMC",
        B.FAILURE,
        "bb-Ricardo/check_redfish#74",
        message=r"licen[sc]e",
        kind="Refused",
        words="the BMC lacks the licence for this",
    ),
    Quirk(
        23,
        "Lenovo SD530",
        "no InsertMedia: the drive is patched, and Inserted is mandatory then",
        B.PATCH_TO_INSERT,
        "sushy fix-virtual-media-fallback, fix-insert-media-payload",
        manufacturer=LENOVO,
    ),
    Quirk(
        24,
        "Lenovo XCC",
        "a PATCH with a stale tag is refused with 412",
        B.FRESH_ETAG,
        "ansible-collections/community.general#11261, #11270; rvmc",
    ),
    Quirk(
        25,
        "AMI-based (Lenovo SR655, Gigabyte, ASRock)",
        "If-Match is required and a weak tag breaks it",
        B.ETAG_LADDER,
        "stmcginnis/gofish#171; community.general#6434, #3268; sushy fix-return-full-weak-etag",
    ),
    Quirk(
        26,
        "ASRock Rack, AMI",
        "the whole Boot is wanted, or it is refused at the system",
        B.FULL_BOOT,
        "ironic redfish-full-boot-payload-asrockrack; DMTF/Redfish-Tacklebox#144",
        manufacturer=r"asrock|\bami\b|american megatrends",
    ),
    Quirk(
        27,
        "Several",
        "an insert demands TransferProtocolType, TransferMethod or a dummy user",
        B.ADD_WHAT_IT_NAMES,
        "sushy virtual_media.py, handle_transfer_method (bug 2071945)",
    ),
    Quirk(
        28,
        "Cisco UCS, OpenBMC",
        "DVD only; drives that cannot insert",
        B.ANY_OPTICAL,
        "ironic handle-dvd-only-vmedia, cisco-c845a-vmedia-fix",
    ),
    Quirk(
        29,
        "Partial implementations",
        "no BootProgress, no override mode",
        B.PROGRESS_IS_A_HINT,
        "ironic no-boot-progress, redfish-boot-mode-override-not-present",
    ),
    Quirk(
        30,
        "Huawei 1288H",
        "ManagedBy is missing, Managers is there",
        B.ANY_MANAGER,
        "sushy retry-on-missing-managedby",
    ),
    Quirk(
        31,
        "All",
        "a session goes on after its password was changed",
        B.NO_SESSION_KEPT,
        "ironic redfish_consider_password_in_session_cache, persist-redfish-sessions",
    ),
)
