"""What is read from a host's BMC, and what the activities on it are asked.

Paths are those that the service itself gave (links, never built ids). Facts are small: what a rule decides
on. Names are Redfish's where there is one (DMTF DSP0268), so that an operator finds them in the BMC's own
pages.
"""

from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name
from models.operations import Proof, file_name
from models.timing import Timing

PowerState = Literal["On", "Off", "PoweringOn", "PoweringOff", "Paused", "unknown"]


class HostRef(Frozen):
    site: Name
    host: Name

    def __str__(self) -> str:
        return f"{self.site}/{self.host}"


class Identity(Frozen):
    """Who answers: enough to tell a quirk and to tell the machine."""

    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    """Of the manager."""
    bios: str = ""
    product: str = ""
    """The service's own name (`Product` of the root, or `Vendor`)."""
    serial: str = ""
    uuid: str = ""
    macs: tuple[str, ...] = ()
    """Of the system's interfaces, in lower case; read only where the inventory declares a MAC."""

    def __str__(self) -> str:
        named = " ".join(part for part in (self.manufacturer, self.model) if part) or "an unnamed system"
        return f"{named}, BMC firmware {self.firmware}" if self.firmware else named


class Declared(Frozen):
    """What the inventory says of the host, for the identity check."""

    serial: str | None = None
    uuid: str | None = None
    mac: str | None = None
    oam: str | None = None


class BootOverride(Frozen):
    enabled: str = "Disabled"
    """Disabled, Once or Continuous."""
    target: str = "None"
    mode: str | None = None
    """UEFI or Legacy; None where the BMC does not have it."""


class MediaSlot(Frozen):
    """One virtual drive."""

    path: str
    types: tuple[str, ...] = ()
    inserted: bool = False
    image: str = ""
    connected_via: str = ""
    insert: str = ""
    """Target of InsertMedia; empty where the drive has no such action."""
    eject: str = ""
    oem_mount: str = ""
    """Target of an OEM mount action, where that is all there is; `path` is its configuration then."""
    oem_unmount: str = ""

    def holds(self, image: str) -> bool:
        """Whether it says that this image is in; BMCs shorten URLs to file names, or say nothing."""
        return self.inserted and file_of(self.image) in ("", file_of(image))


def file_of(url: str) -> str:
    return file_name(url).lower()


class BmcFacts(Frozen):
    """One look at a host's BMC."""

    identity: Identity
    declared: Declared
    system: str
    power: PowerState
    override: BootOverride
    boot_path: str
    """Where the override is written: the system, or its settings resource."""
    boot_targets: tuple[str, ...] = ()
    boot_modes: tuple[str, ...] = ()
    reset_types: tuple[str, ...] = ()
    reset_path: str = ""
    slots: tuple[MediaSlot, ...] = ()
    """In the order in which they are to be tried: the system's, then its managers'."""
    attach_mode: str = ""
    """Of an iDRAC's virtual media: AutoAttach, Attached or Detached; empty where nothing is said of it."""
    boot_progress: str = ""
    secure_boot: bool | None = None
    ours: tuple[str, ...] = ()
    """Images that our records say we have put into this host's drives."""
    authentication: Literal["session", "basic"]
    unverified: bool = False
    """Whoever answered was believed; it is said in the report."""
    timing: Timing = Timing()
    attempt: int = 1


class PowerRequest(Frozen):
    on: HostRef
    want: Literal["On", "Off"]
    kinds: tuple[str, ...] = Field(min_length=1)
    """ResetTypes by preference; an attempt that found no effect of one goes on to the next."""


class EjectRequest(Frozen):
    on: HostRef
    slot: str


class InsertRequest(Frozen):
    on: HostRef
    slot: str
    image: str


class OverrideRequest(Frozen):
    on: HostRef
    wanted: BootOverride


class SettingsRequest(Frozen):
    """BIOS attributes and secure boot, pending until the next reset."""

    on: HostRef
    attributes: dict[str, str | int | bool] = {}
    secure_boot: bool | None = None


class BmcStep(Frozen):
    """What a mutation came to."""

    did: bool
    """False: it was so already and nothing was sent."""
    task: str = ""
    """Path of the task that goes on with it."""
    words: str = ""
    attempt: int = 1


class AwaitBmcRequest(Frozen):
    on: HostRef
    until: Literal["on", "off", "empty", "inserted"]
    slot: str = ""
    image: str = ""
    task: str = ""
    within: Duration


class AwaitHostRequest(Frozen):
    on: HostRef
    until: Literal["installer", "host"]
    """installer: the medium has been booted from; host: it is proved that the system is installed."""
    proof: Proof = "ssh"
    token: str = ""
    """Of the call home, if that is the proof."""
    sysinv_may_be_silent: bool = True
    """The sysinv that is asked is this host's own, or did not answer before it was switched on either."""
    within: Duration


class BmcEnd(Frozen):
    """How a wait ended."""

    how: Literal["so", "off", "late", "failed"]
    """so: as wanted; off: the machine is off and stays so; late: not within the time; failed: the BMC's task
    says so."""
    words: str = ""
    attempt: int = 1


class AddressAnswer(Frozen):
    """What is found at a host's OAM address."""

    address: str
    answers: bool
    banner: str = ""
