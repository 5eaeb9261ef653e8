"""The looks on which a site's acceptance rests: several, apart, because what is broken comes and goes."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from activities.starlingx.errors import translated
from activities.starlingx.fm import client as fm
from activities.starlingx.session import Cloud, listing
from activities.starlingx.sysinv import client, reading
from activities.starlingx.sysinv.configuring import ConfigurationActivities, Declared
from activities.waiting import Heartbeat, pause, seconds
from models.acceptance import AcceptanceFacts, AcceptanceReport, Certificate, VerifyRequest
from models.bringup import PlanSiteRequest
from models.kubernetes import WantedCluster
from models.openstack import APPLICATION, WantedOpenstack


@dataclass
class AcceptanceActivities:
    configuration: ConfigurationActivities

    @activity.defn
    async def examine_site(self, request: VerifyRequest) -> AcceptanceReport:
        """Raises Refused when the inventory has no such site or it has no profile."""
        directory = self.configuration.directory
        declared = self.configuration.declared(request.site)
        began = datetime.now(UTC)
        looks: list[AcceptanceFacts] = []
        async with Heartbeat() as heart:
            while len(looks) < request.samples:
                if looks:
                    await pause(seconds(directory.timing.paced(request.apart)))
                with translated():
                    looks.append(await _look(await directory.cloud_named(request.site)))
                heart.tell(f"look {len(looks)} of {request.samples}")
            plan = await self.configuration.plan(PlanSiteRequest(site=request.site))
            cluster = await self._wanted_cluster(declared, looks[-1])
        found = self.configuration.rules.checks(
            declared.profile, declared.site.hosts, plan.changes, tuple(looks), request.certificate_days
        )
        return AcceptanceReport(
            site=request.site,
            profile=declared.profile.name,
            accepted=all(check.passed for check in found),
            checks=found,
            not_asked=(),
            cluster=cluster,
            openstack=_openstack(declared, looks[-1]),
            samples=len(looks),
            began=began,
            ended=datetime.now(UTC),
            attempt=activity.info().attempt,
        )

    async def _wanted_cluster(self, declared: Declared, look: AcceptanceFacts) -> WantedCluster | None:
        """None where the inventory says nothing of the site's Kubernetes."""
        if declared.site.kubernetes is None:
            return None
        with translated():
            cloud = await self.configuration.directory.cloud_named(declared.site.name)
            present = {host.name for host in look.hosts}
            names = [host.name for host in declared.site.hosts if host.name in present]
            hosts = [await reading.host(cloud, name, ("memory", "cpus")) for name in names]
        applications = look.system.applications or {}
        applied = [name for name, status in applications.items() if status == "applied"]
        rules = self.configuration.rules
        return rules.wanted_cluster(declared.profile, declared.site.hosts, tuple(hosts), applied)


def _openstack(declared: Declared, look: AcceptanceFacts) -> WantedOpenstack | None:
    access = declared.site.openstack
    is_installed = (look.system.applications or {}).get(APPLICATION) == "applied"
    if access is None:
        return WantedOpenstack(installed=True) if is_installed else None
    probe = access.probe
    return WantedOpenstack(
        installed=is_installed,
        auth_url=access.auth_url,
        vm=f"{probe.flavor}, {probe.image}, {probe.network}" if probe else "",
    )


async def _look(cloud: Cloud) -> AcceptanceFacts:
    # sysinv first: it logs in, and the others share its token.
    _, reply = await client.system(cloud)
    hosts, system, alarms, certificates = await asyncio.gather(
        client.hosts(cloud),
        reading.system(cloud, ("storage", "applications")),
        fm.alarms(cloud),
        _certificates(cloud),
    )
    return AcceptanceFacts(
        hosts=hosts,
        system=system,
        alarms=alarms,
        certificates=certificates,
        clock=reply.date or datetime.now(UTC),
    )


async def _certificates(cloud: Cloud) -> tuple[Certificate, ...]:
    """GET /v1/certificate: what was installed through sysinv."""
    rows = listing(await cloud.get("sysinv", "/certificate"), "certificates")
    return tuple(
        Certificate(name=row["certtype"], expires=_utc(row["expiry_date"]))
        for row in rows
        if row.get("expiry_date")
    )


def _utc(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
