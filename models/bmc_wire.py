"""What is said to a BMC and what it says back, where vendors differ; and the port by which rules decide it.

The activities speak Redfish as DSP0266 has it. Where a vendor departs from it, they ask `Quirks`: the data is
in `rules/`, and a worker puts the two together.
"""

from typing import Literal, Protocol

from models.base import Frozen
from models.bmc import BootOverride, Identity, MediaSlot

FailureKind = Literal["Transient", "Busy", "Blocked", "Refused"]
Way = Literal["action", "patch", "oem"]


class Complaint(Frozen):
    """An answer outside 2xx."""

    status: int
    codes: tuple[str, ...] = ()
    """MessageIds of the extended info, e.g. Base.1.8.ActionParameterMissing or IDRAC.2.8.RAC0904."""
    args: tuple[str, ...] = ()
    words: str = ""
    doing: str = ""
    """insert, eject, on, off, override, settings, session or read."""


class Judgement(Frozen):
    """What a complaint means."""

    kind: FailureKind
    words: str = ""
    """For a person; the BMC's own words stand beside them."""
    after_s: float = 0
    """Not before so many seconds."""


class InsertBody(Frozen):
    """Parameters of InsertMedia, by Redfish's names; what is None is left out."""

    Image: str
    Inserted: bool | None = None
    WriteProtected: bool | None = None
    TransferMethod: str | None = None
    TransferProtocolType: str | None = None
    UserName: str | None = None
    Password: str | None = None


class OverrideBody(Frozen):
    """Properties of Boot, by Redfish's names; what is None is left out."""

    BootSourceOverrideEnabled: str | None = None
    BootSourceOverrideTarget: str | None = None
    BootSourceOverrideMode: str | None = None


class Quirks(Protocol):
    """Port of `rules.quirks` towards activities."""

    def is_empty(self, who: Identity, slot: MediaSlot) -> bool: ...
    def way_to_insert(self, who: Identity, slot: MediaSlot) -> Way | None: ...
    def insert_body(self, who: Identity, slot: MediaSlot, image: str) -> InsertBody: ...
    def amended(self, body: InsertBody, complaint: Complaint) -> InsertBody | None: ...
    def override_body(self, who: Identity, now: BootOverride, wanted: BootOverride) -> OverrideBody: ...
    def fuller(self, body: OverrideBody, now: BootOverride, complaint: Complaint) -> OverrideBody | None: ...
    def names_first_boot_device(self, who: Identity) -> bool: ...
    def boot_attributes(self, now: dict[str, str], wanted: BootOverride) -> dict[str, str]: ...
    def etags(self, given: str) -> tuple[str, ...]: ...
    def judgement(self, complaint: Complaint) -> Judgement | None: ...
    def sessions_are_full(self, complaint: Complaint) -> bool: ...
