"""The ways to the guests of every site: Nova says where a VM is, libvirt in a pod there has its agent."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

from activities.ceph.commands import RbdWays
from activities.errors import Refused
from activities.guests import GuestHold
from activities.kubernetes.freezing import GuestFreezing
from activities.openstack.guests import OpenstackGuests
from models.guests import FoundGuests, Guest


@dataclass
class GuestWays:
    volumes: RbdWays
    openstack: OpenstackGuests
    freezing: GuestFreezing

    def are_asked(self, site: str) -> bool:
        policy = self.volumes.volumes(site)
        return policy is not None and policy.quiesce != "never" and self.openstack.stacks.declares(site)

    async def of(self, site: str, volumes: Sequence[str]) -> FoundGuests:
        return await self.openstack.of(site, volumes)

    async def now(self, site: str, vm: str) -> Guest | None:
        return await self.openstack.now(site, vm)

    def frozen(self, site: str, guest: Guest, within: timedelta) -> AbstractAsyncContextManager[GuestHold]:
        policy = self.volumes.volumes(site)
        if policy is None:
            raise Refused(f"{site} declares no volumes any more; nothing was sent")
        place = (policy.libvirt_namespace, policy.libvirt)
        return self.freezing.frozen(site, place, guest.host, guest.id, within)
