"""What a site is at one moment: the record beside its backup, for a person and for the comparison."""

from datetime import datetime

from models.base import Frozen
from models.configuration import FoundHost, FoundSystem
from models.site import Alarm, HostState, ReleaseState

POOLS_BY = "platform-integ-apps"


class CertificateEnd(Frozen):
    type: str
    signature: str
    ends: str
    """As sysinv says it."""


class RecordedVm(Frozen):
    id: str
    """Nova's."""
    name: str
    project: str
    """Its id."""
    host: str
    """Empty: it is on none."""
    status: str
    """In Nova's words, e.g. ACTIVE."""

    @property
    def says(self) -> str:
        return f"{self.name} ({self.id})"


class RecordedClaim(Frozen):
    """A PersistentVolumeClaim."""

    name: str
    """NAMESPACE/NAME"""
    size: str
    """In Kubernetes' own words, e.g. 10Gi; what is bound, or else what was asked for."""
    storage_class: str
    volume: str
    """The PersistentVolume that it is bound to; empty: none."""


class Tenants(Frozen):
    """What runs on the platform, as far as the inventory says how to ask for it."""

    vms: tuple[RecordedVm, ...] | None = None
    """None: nobody was asked, or nobody answered."""
    claims: tuple[RecordedClaim, ...] | None = None
    not_recorded: tuple[str, ...] = ()
    """Why one of these is None, a line each."""


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
    groups: dict[str, str] | None = None
    """Host to its replication group of bare-metal Ceph (sysinv: peers); None in records of before."""
    certificates: tuple[CertificateEnd, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    tenants: Tenants | None = None
    """None in records of before."""
    declared: str = ""
    """The site's entry in the inventory, YAML; secrets are references in it."""

    @property
    def pools_by(self) -> str:
        """Application that makes the pools of bare-metal Ceph; empty where there is none."""
        is_bare = "ceph" in (self.system.backends or ())
        is_applied = (self.system.applications or {}).get(POOLS_BY) == "applied"
        return POOLS_BY if is_bare and is_applied else ""

    @property
    def copies(self) -> int:
        """How often Ceph keeps data, each copy on another host; 0 without Ceph, or where it does not say."""
        found = self.system.replication or {}
        return max((found[name][1] for name in ("ceph", "ceph-rook") if name in found), default=0)
