"""The vendors that can be simulated. Each is the plain service plus the quirks that are known of it.

Names of resources follow the vendors' own (`System.Embedded.1`, `iDRAC.Embedded.1`, `Self`), because clients
that build paths instead of following links fail on them.
"""

from simulator.bmc.flavours import Flavour
from simulator.bmc.quirks import Quirk

DEFAULT_MIX = ("generic", "idrac9", "ilo5", "supermicro-x12", "lenovo-xcc", "ami")


def _dell(
    name: str, model: str, firmware: str, media: tuple[str, ...], *quirks: Quirk, idrac: str
) -> Flavour:
    return Flavour(
        name=name,
        manufacturer="Dell Inc.",
        model=model,
        bmc_model=idrac,
        bmc_firmware=firmware,
        system="System.Embedded.1",
        manager="iDRAC.Embedded.1",
        chassis="System.Embedded.1",
        media=media,
        quirks=frozenset(quirks),
        oem_registry="IDRAC.2.8",
    )


def _hpe(name: str, model: str, bmc_model: str, firmware: str, *quirks: Quirk) -> Flavour:
    return Flavour(
        name=name,
        manufacturer="HPE",
        model=model,
        bmc_model=bmc_model,
        bmc_firmware=firmware,
        media=("2",),
        quirks=frozenset((Quirk.MEDIA_UNDER_MANAGER, *quirks)),
        oem_registry="iLO.2.23",
    )


def _supermicro(name: str, model: str, firmware: str, *quirks: Quirk) -> Flavour:
    return Flavour(
        name=name,
        manufacturer="Supermicro",
        model=model,
        bmc_model="ASPEED",
        bmc_firmware=firmware,
        media=("VirtualMedia1",),
        quirks=frozenset((Quirk.MEDIA_UNDER_MANAGER, *quirks)),
        oem_registry="SMC.1.0",
    )


def _other(
    name: str,
    manufacturer: str,
    model: str,
    *quirks: Quirk,
    system: str = "1",
    manager: str = "1",
    chassis: str = "1",
    media: tuple[str, ...] = ("CD1",),
    firmware: str = "1.20",
) -> Flavour:
    return Flavour(
        name=name,
        manufacturer=manufacturer,
        model=model,
        bmc_model="BMC",
        bmc_firmware=firmware,
        system=system,
        manager=manager,
        chassis=chassis,
        media=media,
        quirks=frozenset(quirks),
    )


_ROWS = (
    _other("generic", "Contoso", "Edge 3200", system="system", manager="bmc"),
    _dell(
        "idrac9",
        "PowerEdge XR11",
        "7.10.30.00",
        ("1",),
        Quirk.INSERT_AFTER_EJECT_FAILS,
        Quirk.SESSION_LIMIT_503,
        idrac="15G Monolithic",
    ),
    _dell(
        "idrac9-5",
        "PowerEdge XR11",
        "5.10.50.00",
        ("RemovableDisk", "CD"),
        Quirk.MEDIA_UNDER_MANAGER,
        Quirk.STALE_INSERTED,
        Quirk.SESSION_LIMIT_503,
        Quirk.SLOTS_WITHOUT_INSERT,
        idrac="15G Monolithic",
    ),
    _dell(
        "idrac9-4",
        "PowerEdge R740xd",
        "4.40.40.00",
        ("RemovableDisk", "CD"),
        Quirk.MEDIA_UNDER_MANAGER,
        Quirk.SLOTS_WITHOUT_INSERT,
        Quirk.PHYSICAL_CD_FIRST,
        Quirk.INTERNAL_ERROR_AT_INSERT,
        Quirk.EJECT_SPOILS_RAMDISK,
        Quirk.SESSION_LIMIT_503,
        idrac="14G Monolithic",
    ),
    _dell(
        "idrac9-detached",
        "PowerEdge R640",
        "4.22.00.00",
        ("RemovableDisk", "CD"),
        Quirk.MEDIA_UNDER_MANAGER,
        Quirk.SLOTS_WITHOUT_INSERT,
        Quirk.MEDIA_DETACHED,
        Quirk.SESSION_LIMIT_503,
        idrac="14G Monolithic",
    ),
    _dell(
        "idrac9-jobs",
        "PowerEdge R650",
        "6.10.80.00",
        ("1",),
        Quirk.RESET_IS_A_JOB,
        Quirk.DATA_SOURCES_UNAVAILABLE,
        Quirk.SESSION_LIMIT_503,
        idrac="15G Monolithic",
    ),
    _dell(
        "idrac7",
        "PowerEdge R620",
        "2.65.65.65",
        ("CD",),
        Quirk.MEDIA_UNDER_MANAGER,
        Quirk.NO_INSERT_ACTION,
        idrac="12G Monolithic",
    ),
    _dell(
        "idrac8",
        "PowerEdge R630",
        "2.83.83.83",
        ("CD",),
        Quirk.MEDIA_UNDER_MANAGER,
        Quirk.SESSIONS_NOT_ALLOWED,
        idrac="13G Monolithic",
    ),
    _dell(
        "idrac10",
        "PowerEdge XR8720t",
        "1.20.25.00",
        ("1",),
        Quirk.ON_CONFLICT_AFTER_OFF,
        Quirk.BOOT_TARGETS_IN_SETTINGS,
        Quirk.SESSION_LIMIT_503,
        idrac="17G Monolithic",
    ),
    _hpe(
        "ilo5",
        "ProLiant DL110 Gen10 Plus",
        "iLO 5",
        "iLO 5 v2.72",
        Quirk.EJECT_NEEDS_BODY,
        Quirk.NO_OVERRIDE_DURING_POST,
        Quirk.MODE_NOT_WRITABLE,
    ),
    _hpe(
        "ilo6",
        "ProLiant DL110 Gen11",
        "iLO 6",
        "iLO 6 v1.53",
        Quirk.EJECT_NEEDS_BODY,
        Quirk.NOT_READY_AFTER_POWER_CHANGE,
        Quirk.MODE_NOT_WRITABLE,
    ),
    _supermicro(
        "supermicro-x12",
        "SYS-110D-8C-FRAN8TP",
        "01.03.06",
        Quirk.INSERT_DEFAULTS_REFUSED,
        Quirk.CD_IS_USBCD,
        Quirk.ENABLED_FALLS_BACK_TO_ONCE,
        Quirk.IMAGE_STAYS_AFTER_EJECT,
    ),
    _supermicro("supermicro-ars", "ARS-111GL-NHR", "01.05.02", Quirk.INSERT_DEFAULTS_REFUSED),
    _supermicro("supermicro-x11", "SYS-E300-9D", "01.73.13", Quirk.OEM_MOUNT, Quirk.CD_IS_USBCD),
    _supermicro(
        "supermicro-unlicensed", "SYS-110P-WTR", "01.01.15", Quirk.LICENCE_MISSING, Quirk.CD_IS_USBCD
    ),
    _other(
        "lenovo-xcc",
        "Lenovo",
        "ThinkEdge SE450",
        Quirk.ETAG_CHECKED,
        Quirk.MEDIA_UNDER_MANAGER,
        media=("EXT1",),
        firmware="CDI3A2M 3.10",
    ),
    _other(
        "lenovo-sd530",
        "Lenovo",
        "ThinkSystem SD530",
        Quirk.INSERT_BY_PATCH,
        Quirk.MEDIA_UNDER_MANAGER,
        media=("EXT1",),
        firmware="TEI3A4S 8.90",
    ),
    _other(
        "ami",
        "GIGABYTE",
        "E263-Z30",
        Quirk.IF_MATCH_REQUIRED,
        Quirk.MEDIA_UNDER_MANAGER,
        system="Self",
        manager="Self",
        chassis="Self",
        firmware="12.61.21",
    ),
    _other(
        "asrock",
        "ASRockRack",
        "1U4LW-ICX",
        Quirk.FULL_BOOT_PAYLOAD,
        Quirk.BOOT_IN_FUTURE_STATE,
        system="Self",
        manager="Self",
        chassis="Self",
    ),
    _other("nvidia-dgx", "NVIDIA", "DGX A100", Quirk.INSERT_WANTS_TRANSFER, system="DGX", manager="BMC"),
    _other(
        "cisco-ucs",
        "Cisco Systems Inc",
        "UCSC-C220-M6S",
        Quirk.DVD_ONLY,
        system="WZP27020ABC",
        manager="CIMC",
    ),
    _other(
        "cisco-c845a",
        "Cisco Systems Inc",
        "UCSC-845A-M8",
        Quirk.SLOTS_WITHOUT_INSERT,
        system="system",
        manager="bmc",
        media=("USB0", "USB1"),
    ),
    _other("partial", "Fabrikam", "Node 7", Quirk.NO_BOOT_PROGRESS, Quirk.NO_OVERRIDE_MODE),
    _other("huawei", "Huawei", "1288H V5", Quirk.NO_MANAGED_BY, Quirk.MEDIA_UNDER_MANAGER, firmware="6.38"),
    _other("sticky-once", "Fabrikam", "Node 8", Quirk.ONCE_STAYS),
)

FLAVOURS: dict[str, Flavour] = {flavour.name: flavour for flavour in _ROWS}
