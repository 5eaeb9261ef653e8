"""What runs on a site's platform, for its record: VMs by Nova, claims by Kubernetes, where they are declared.

What is not declared is said, and so is what does not answer: a platform is backed up all the same. Each is
asked for several times before that, by Temporal's own retries of the activity that records.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from temporalio import activity

from activities.errors import ActivityFailure
from activities.kubernetes.claims import KubernetesClaims
from activities.openstack.placement import OpenstackPlacement
from models.site_record import RecordedClaim, RecordedVm, Tenants

Found = TypeVar("Found")
TRIES = 3
"""With the pauses between them half a minute: longer than a pod of an API restarts."""
VMS = "VMs: the inventory declares no openstack"
CLAIMS = "claims: the inventory declares no kubernetes"


@dataclass
class DeclaredTenants:
    placement: OpenstackPlacement
    claims: KubernetesClaims

    async def of(self, site: str) -> Tenants:
        """Raises ActivityFailure that is worth a try more."""
        said: list[str] = []
        vms: tuple[RecordedVm, ...] | None = None
        claims: tuple[RecordedClaim, ...] | None = None
        if self.placement.stacks.declares(site):
            vms = await _asked("VMs", lambda: self.placement.vms(site), said)
        else:
            said.append(VMS)
        if self.claims.clusters.has(site):
            claims = await _asked("claims", lambda: self.claims.all(site), said)
        else:
            said.append(CLAIMS)
        return Tenants(vms=vms, claims=claims, not_recorded=tuple(said))


async def _asked(what: str, ask: Callable[[], Awaitable[Found]], said: list[str]) -> Found | None:
    try:
        return await ask()
    except ActivityFailure as error:
        if error.retryable and activity.info().attempt < TRIES:
            raise
        said.append(f"{what}: {error}")
        return None
