"""What the maintenance of a host looks at, and the mark that says whose work a host out of service is.

sysinv has no room for a mark of ours on a locked host, so the records keep one: written before anything is
taken from the host, removed once it is given back as it was found. A run that was terminated in between
leaves it there, and the next run on that site begins with the host that it names. A host that somebody else
has locked has no mark and is left locked.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from activities.errors import Refused
from activities.starlingx.directory import Directory, must_be_region
from activities.starlingx.errors import translated
from activities.starlingx.fm import client as fm
from activities.starlingx.sysinv import client as sysinv
from activities.starlingx.sysinv import hosting
from activities.waiting import Heartbeat
from models.bmc import HostRef
from models.holds import read_hold
from models.host_maintenance import HostLook
from models.inventory import Site
from models.maintenance import HoldName
from models.records import Journal, Mark

MARK = "maintenance"


@dataclass
class MaintenanceActivities:
    directory: Directory
    journal: Journal

    @activity.defn
    async def look_at_host(self, on: HostRef) -> HostLook:
        """Raises Refused when the inventory has no such site, sysinv no such host, or it is another cloud."""
        async with Heartbeat():
            return await self._look(on)

    async def _look(self, on: HostRef) -> HostLook:
        site = self.directory.site(on.site)
        if site is None:
            raise Refused(f"the inventory has no site {on.site}")
        with translated():
            view = await self.directory.view(site.system_controller)
            region = self.directory.region_of(site, view)
            cloud = await self.directory.site_cloud(site)
            await must_be_region(cloud, on.site, region)
            system, reply = await sysinv.system(cloud)
            hosts, rows, alarms = await asyncio.gather(
                sysinv.hosts(cloud), hosting.rows(cloud), fm.alarms(cloud)
            )
        row = next((each for each in rows if each.name == on.host), None)
        if row is None:
            raise Refused(f"sysinv of {on.site} has no host {on.host}")
        return HostLook(
            region=region,
            simplex=sysinv.topology(system) == "AIO-SX",
            hosts=hosts,
            uptime_s=row.uptime_s,
            booted=hosting.booted(row, self.directory.timing),
            alarms=tuple(alarm.key for alarm in alarms),
            marked=tuple(mark.value for mark in await self.journal.marks(on.site) if mark.kind == MARK),
            holds=declared_holds(site),
            hold=read_hold(system.texts, reply.date or datetime.now(UTC)),
            timing=self.directory.timing,
            attempt=activity.info().attempt,
        )

    @activity.defn
    async def mark_host(self, on: HostRef) -> None:
        """From here on the host is known as taken out by us."""
        run_id = activity.info().workflow_run_id or ""
        await self.journal.remember(
            Mark(site=on.site, kind=MARK, value=on.host, run_id=run_id, made=datetime.now(UTC))
        )

    @activity.defn
    async def unmark_host(self, on: HostRef) -> None:
        """It is as it was found, or an operator wants it as it is."""
        await self.journal.forget(on.site, MARK, on.host)


def declared_holds(site: Site) -> tuple[HoldName, ...]:
    declared: dict[HoldName, object] = {"VMs": site.openstack, "pods": site.kubernetes, "Ceph": site.ceph}
    return tuple(name for name, access in declared.items() if access is not None)
