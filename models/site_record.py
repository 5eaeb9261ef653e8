"""What a site is at one moment: the record beside its backup, for a person and for the comparison."""

from datetime import datetime

from models.base import Frozen
from models.configuration import FoundHost, FoundSystem
from models.site import Alarm, HostState, ReleaseState


class CertificateEnd(Frozen):
    type: str
    signature: str
    ends: str
    """As sysinv says it."""


class SiteRecord(Frozen):
    format: int = 1
    site: str
    at: datetime
    """By the site's clock."""
    system_controller: str
    subcloud: str
    region: str
    topology: str
    software_version: str
    releases: tuple[ReleaseState, ...]
    system: FoundSystem
    hosts: tuple[FoundHost, ...]
    states: tuple[HostState, ...]
    """Of the same hosts."""
    macs: dict[str, str] = {}
    """Host to the MAC of its management interface, by which sysinv knows it; records of before have none."""
    certificates: tuple[CertificateEnd, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    declared: str = ""
    """The site's entry in the inventory, YAML; secrets are references in it."""
