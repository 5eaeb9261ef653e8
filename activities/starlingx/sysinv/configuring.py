"""What workflows ask of a site's configuration: the plan, and one change at a time.

A plan and a change come from the same comparison of the declared profile with fresh facts. A change that
crosses back from a workflow is only named; the activity finds the difference again, and when it is gone there
is nothing to send. So a lost answer, a worker's death or a hand that was quicker cost a look and no second
request. What was declared is pinned by a digest: a profile that is edited while a run is at work stops the
run at its next change instead of mixing two declarations.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from temporalio import activity

from activities.errors import Blocked, Refused
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.starlingx.directory import Directory, must_be_region
from activities.starlingx.errors import translated
from activities.starlingx.session import Cloud
from activities.starlingx.sysinv import hosting, material, packages, reading, writing
from activities.starlingx.sysinv.errors import refused
from activities.starlingx.sysinv.files import Files
from activities.waiting import Heartbeat
from models.bringup import (
    ApplyParametersRequest,
    ChangeRequest,
    ChangeStep,
    ConfigurationPlan,
    PlannedHost,
    PlanSiteRequest,
)
from models.comparison import Comparison
from models.configuration import OF_HOST, OF_SITE, Change, FoundSystem, Section
from models.edits import Edit
from models.inventory import Host, Site
from models.material import Material
from models.profile import SiteProfile

APPLICATIONS: Section = "applications"
INVENTORIED = "inventoried"
SETTLE = timedelta(minutes=2)
"""sysinv's own RPC to its conductor times out after 60 to 120 s; what was saved shows by then."""
REFERS_TO: dict[Section, tuple[Section, ...]] = {
    "networks": ("networks",),
    "ptp": ("ptp",),
    "monitors": ("monitors",),
    "osds": ("storage",),
}
"""Sections of the site that a section of a host refers to."""


@dataclass(frozen=True)
class Declared:
    site: Site
    profile: SiteProfile
    material: Material

    @property
    def sections(self) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
        """Of the site, and of its hosts: what only few profiles speak of is read for those only."""
        profile, roles = self.profile, tuple(self.profile.roles.values())
        spoken = {
            "certificates": bool(profile.certificates),
            "license": profile.license is not None,
            "ptp": bool(profile.ptp) or any(role.clock for role in roles),
            "routes": any(role.routes for role in roles),
            "monitors": profile.storage is not None,
        }
        of_site = tuple(each for each in (*OF_SITE, "monitors", "routes") if spoken.get(each, True))
        return of_site, tuple(each for each in OF_HOST if spoken.get(each, True))

    @property
    def digest(self) -> str:
        """Of what decides about changes: the profile, its files, and which hosts there are."""
        hosts = "".join(host.model_dump_json() for host in self.site.hosts)
        whole = self.profile.model_dump_json() + self.material.model_dump_json() + hosts
        return hashlib.sha256(whole.encode()).hexdigest()[:16]


@dataclass
class ConfigurationActivities:
    directory: Directory
    rules: Comparison

    @activity.defn
    async def plan_site(self, request: PlanSiteRequest) -> ConfigurationPlan:
        """Raises Refused when the inventory has no such site or it has no profile.

        A dozen requests a host, each of which may take its time-out: a dead worker is told by its heartbeat.
        """
        async with Heartbeat():
            return await self.plan(request)

    async def plan(self, request: PlanSiteRequest) -> ConfigurationPlan:
        declared = self.declared(request.site)
        cloud = await self._cloud(request.site)
        with translated():
            site_sections, host_sections = declared.sections
            found = await reading.system(cloud, (*site_sections, "networks", "applications"))
            found = await self._with_applications(cloud, declared, found)
            present = {row.name: row for row in await hosting.rows(cloud) if row.name}
            order = self.rules.in_order(declared.site.hosts, declared.profile)
            asked = request.hosts or tuple(each.name for each in order)
            hosts = tuple(
                [await reading.host(cloud, name, host_sections) for name in asked if name in present]
            )
        edits = [
            edit
            for section in (*OF_SITE, APPLICATIONS)
            for edit in self.rules.site_edits(section, declared.profile, declared.material, found)
        ]
        for facts in hosts:
            for section in OF_HOST:
                edits += self.rules.host_edits(section, declared.profile, facts, found)
        applied = found.applications or {}
        return ConfigurationPlan(
            site=request.site,
            region=found.region,
            profile=declared.profile.name,
            digest=declared.digest,
            changes=tuple(edit.change for edit in edits),
            complaints=(
                *self.rules.host_complaints(
                    tuple(host for host in declared.site.hosts if host.name in asked),
                    {row.mac: row.name for row in present.values() if row.mac},
                    next((row.name for row in present.values() if row.active), ""),
                ),
                *self.rules.complaints(declared.profile, declared.material, found, hosts),
            ),
            applications=declared.profile.applied,
            unapplied=tuple(name for name in declared.profile.applied if applied.get(name) != "applied"),
            hosts=tuple(_planned(each, present.get(each.name), declared.profile) for each in order),
            attempt=activity.info().attempt,
        )

    @activity.defn
    async def make_change(self, request: ChangeRequest) -> ChangeStep:
        """Raises NotYet for what sysinv takes later, Refused with its words, Blocked for an edited file."""
        window = SendWindow(self.directory.timing.send_window_s)
        declared = self.declared(request.site)
        if declared.digest != request.digest:
            raise Blocked(f"{request.site}: its declaration was edited during the run; start it again")
        cloud = await self._cloud(request.site)
        with translated():
            edit = await self._edit(cloud, declared, request)
        attempt = activity.info().attempt
        if edit is None:
            return ChangeStep(did=attempt > 1, attempt=attempt)
        window.check()

        async def effect() -> bool | None:
            return True if await self._edit(cloud, declared, request) is None else None

        async def send() -> bool:
            await writing.send(cloud, edit, self._files)
            return True

        await send_once(
            send=send,
            effect=effect,
            settle=SETTLE,
            pace=self.directory.timing.pace,
            what=request.change.words,
            refused=refused(f"change {request.change.words}"),
        )
        return ChangeStep(did=True, attempt=attempt)

    @activity.defn
    async def apply_parameters(self, request: ApplyParametersRequest) -> None:
        """Puts a service's parameters, or PTP, in force. Nothing shows it; a second one is harmless."""
        window = SendWindow(self.directory.timing.send_window_s)
        cloud = await self._cloud(request.site)
        with translated():
            await must_be_region(cloud, request.site, request.region)
        window.check()
        with translated():
            if request.service:
                await writing.apply_parameters(cloud, request.service)
            else:
                await writing.apply_ptp(cloud)

    async def _edit(self, cloud: Cloud, declared: Declared, request: ChangeRequest) -> Edit | None:
        """The difference that the change names, as it is now; None when there is none any more."""
        change = request.change
        needs = REFERS_TO.get(change.section, ()) if change.host else (change.section,)
        found = await reading.system(cloud, needs)
        if change.section == APPLICATIONS:
            found = await self._with_applications(cloud, declared, found)
        if found.region != request.region:
            raise Refused(
                f"{request.site}: dcmanager says region {request.region}, the cloud that answers is "
                f"{found.region}; nothing was sent"
            )
        if not change.host:
            edits = self.rules.site_edits(change.section, declared.profile, declared.material, found)
            return _same(change, edits)
        facts = await reading.host(cloud, change.host, (change.section,))
        return _same(change, self.rules.host_edits(change.section, declared.profile, facts, found))

    async def _with_applications(self, cloud: Cloud, declared: Declared, found: FoundSystem) -> FoundSystem:
        apps = await packages.applications(cloud, declared.profile.applications)
        return found.model_copy(update={"apps": apps})

    async def _cloud(self, site: str) -> Cloud:
        with translated():
            return await self.directory.cloud_named(site)

    def declared(self, name: str) -> Declared:
        """Reads the files that the profile names, too."""
        site = self.directory.site(name)
        if site is None:
            raise Refused(f"the inventory has no site {name}")
        profiles = self.directory.inventory().file.site_profiles
        profile = next((each for each in profiles if each.name == site.profile), None)
        if profile is None:
            raise Refused(f"the inventory declares no profile for {name}: give one, as profile: NAME")
        return Declared(site, profile, material.read(profile, self._files, datetime.now(UTC)))

    @property
    def _files(self) -> Files:
        return Files(self.directory.secret, self.directory.inventory().resolve_path)


def _planned(host: Host, row: hosting.HostRow | None, profile: SiteProfile) -> PlannedHost:
    state: Literal["missing", "locked", "unlocked"] = "missing"
    if row is not None:
        state = "locked" if row.locked else "unlocked"
    return PlannedHost(
        name=host.name,
        personality=host.personality,
        state=state,
        active=row is not None and row.active,
        installed=row is not None and row.inventory == INVENTORIED,
        has_bmc=host.bmc is not None,
        third_monitor=profile.storage is not None and profile.storage.monitor == host.name,
    )


def _same(change: Change, found: list[Edit]) -> Edit | None:
    """By what it is about: what was found may have moved meanwhile, and then it is still to be done."""
    wanted = (change.subject, change.wanted)
    return next((each for each in found if (each.change.subject, each.change.wanted) == wanted), None)
