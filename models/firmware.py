"""Request and result of `UpdateFirmware`, and what its activities are asked."""

from datetime import datetime
from typing import Literal

from models.base import Duration, Frozen, Name
from models.bmc import HostRef
from models.operations import FirmwareComponent, FirmwareOperation
from models.outcome import Outcome
from models.patch import CampaignRef


class UpdateFirmwareRequest(Frozen):
    site: Name
    operation: FirmwareOperation
    campaign: CampaignRef | None = None
    override_hold: str = ""
    """Why the site's own hold is disregarded, and by whom; empty: it is not."""


class Compliance(Frozen):
    """One component of a baseline at one host."""

    name: str
    wanted: str
    found: str
    """Version; empty where the host has no such component."""
    state: Literal["as declared", "differs", "absent", "not updateable"]


class HostCompliance(Frozen):
    host: Name
    components: tuple[Compliance, ...]


class FirmwareResult(Frozen):
    site: str
    outcome: Outcome
    reason: str
    baseline: str
    hosts: tuple[HostCompliance, ...] = ()
    """As last seen."""
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None


class UpdateComponentRequest(Frozen):
    on: HostRef
    component: FirmwareComponent
    in_service: str = ""
    """Why the host must not be rebooted by the update; empty when it may be."""


class AwaitFirmwareRequest(Frozen):
    on: HostRef
    component: FirmwareComponent
    task: str = ""
    booted: bool = False
    """The host has just been switched on: what is written comes into force some time after."""
    within: Duration


class DeclaredHosts(Frozen):
    hosts: tuple[str, ...]
    """Of a site: those with a BMC, in the inventory's order."""
