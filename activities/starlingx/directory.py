"""From a name in the inventory to the clouds behind it.

The inventory says which system controller a site belongs to; dcmanager says where the site's admin
endpoints are and which region it is. What the controller says of the fleet as a whole (the subcloud
list, its own USM, its strategy's steps) is read once a tick and shared by all sites in work, so that a
campaign costs the controller the same whether ten or a thousand sites are in flight.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from activities.errors import Refused
from activities.http import NoAnswer, Rejected, Trust, Wire
from activities.shared import SharedRead
from activities.starlingx.dcmanager import client as dcmanager
from activities.starlingx.keystone.client import Login, Tokens
from activities.starlingx.session import ADMIN_PORTS, Cloud, admin_url
from activities.starlingx.sysinv import client as sysinv
from activities.starlingx.usm import client as usm
from activities.unresolved import unresolved
from inventory.load import Inventory, NotDeclared
from inventory.secrets import SecretAway, resolve
from models.inventory import Credential, Host, InventoryFile, Site, SystemController
from models.site import Deployment, ReleaseState
from models.timing import Timing

IMPORTS_AT_ONCE = 20
SHORTEST_TICK_S = 1.0
"""Under pace: the whole fleet is not read more often than this, whatever the simulation's speed."""
TICK_S = 10.0
"""dcmanager's own audit runs every 30 s; reading more often shows nothing new."""


@dataclass(frozen=True)
class ControllerView:
    """One tick's reading of a system controller."""

    subclouds: dict[str, dcmanager.Subcloud]
    steps: dict[str, str]
    releases: tuple[ReleaseState, ...]
    deployment: Deployment | None


@dataclass
class Directory:
    inventory: Callable[[], Inventory]
    timing: Timing
    wire: Wire
    tokens: Tokens
    _views: dict[str, SharedRead[ControllerView]] = field(default_factory=dict)

    def site(self, name: str) -> Site | None:
        """A system controller is a site of its own, too, by its name; nothing is declared of its hosts."""
        inventory = self.inventory()
        if name in inventory:
            return inventory.site(name)
        known = {each.name for each in inventory.file.system_controllers}
        return Site(name=name, system_controller=name, topology="AIO-DX") if name in known else None

    def region_of(self, site: Site, view: ControllerView) -> str:
        """As dcmanager says it, empty where it has no such subcloud; a system controller's is declared."""
        if site.is_controller:
            return self.controller(site.name).region
        subcloud = view.subclouds.get(site.subcloud_name)
        return subcloud.region if subcloud else ""

    def controller(self, name: str) -> SystemController:
        try:
            return self.inventory().controller(name)
        except NotDeclared as error:
            raise Refused(str(error)) from error

    async def view(self, controller: str) -> ControllerView:
        """Raises NoAnswer or Rejected; the same reading for everybody within a tick."""
        if controller not in self._views:
            self._views[controller] = SharedRead(
                lambda: self._read_view(controller), max(TICK_S / self.timing.pace, SHORTEST_TICK_S)
            )
        return await self._views[controller].get()

    async def _read_view(self, name: str) -> ControllerView:
        cloud = self.controller_cloud(name)
        subclouds, steps, releases, deployment = await asyncio.gather(
            dcmanager.subclouds(cloud),
            dcmanager.strategy_steps(cloud),
            usm.releases(cloud),
            usm.deployment(cloud),
        )
        return ControllerView(
            subclouds={subcloud.name: subcloud for subcloud in subclouds},
            steps={step.cloud: step.state for step in steps},
            releases=releases,
            deployment=deployment,
        )

    async def group_members(self, group: str) -> set[tuple[str, str]]:
        """(controller, subcloud) of a dcmanager group, over all controllers that know it.

        Raises NoAnswer or Rejected; Rejected (404) when no controller knows the group.
        """
        members: set[tuple[str, str]] = set()
        unknown: list[Rejected] = []
        controllers = self.inventory().file.system_controllers
        for controller in controllers:
            try:
                names = await dcmanager.group_members(self.controller_cloud(controller.name), group)
            except Rejected as error:
                if error.status != 404:
                    raise
                unknown.append(error)
            else:
                members |= {(controller.name, name) for name in names}
        if len(unknown) == len(controllers):
            raise unknown[0]
        return members

    async def read_controller(self, controller: SystemController) -> InventoryFile:
        """An inventory of all managed subclouds; topology and hosts are read from each site that answers."""
        cloud = self._cloud_of(controller)
        found = [each for each in await dcmanager.subclouds(cloud) if each.management_state == "managed"]
        limit = asyncio.Semaphore(IMPORTS_AT_ONCE)

        async def one(subcloud: dcmanager.Subcloud) -> Site:
            async with limit:
                return await self._read_site(controller, subcloud)

        sites = await asyncio.gather(*(one(subcloud) for subcloud in found))
        return InventoryFile(system_controllers=(controller,), sites=tuple(sites))

    async def _read_site(self, controller: SystemController, subcloud: dcmanager.Subcloud) -> Site:
        site = Site(name=subcloud.name, system_controller=controller.name)
        scheme = urlsplit(controller.auth_url).scheme
        endpoints = {name: admin_url(scheme, subcloud.management_address, name) for name in ADMIN_PORTS}
        cloud = Cloud(self.wire, self.tokens, self._login(controller, endpoints["keystone"]), endpoints)
        try:
            system, _ = await sysinv.system(cloud)
            hosts = await sysinv.hosts(cloud)
        except (NoAnswer, Rejected):
            # An offline site is still a site; what it is made of is declared by hand or by a later import.
            return site
        return site.model_copy(
            update={
                "topology": sysinv.topology(system),
                "hosts": tuple(
                    Host(name=host.name, personality=host.personality)
                    for host in hosts
                    if host.personality in ("controller", "worker", "storage")
                ),
            }
        )

    def controller_cloud(self, name: str) -> Cloud:
        return self._cloud_of(self.controller(name))

    def _cloud_of(self, controller: SystemController) -> Cloud:
        login = self._login(controller, controller.auth_url)
        return Cloud(self.wire, self.tokens, login, {}, (controller.region, "RegionOne", "SystemController"))

    async def site_cloud(self, site: Site) -> Cloud:
        """The site's own services; an override in the inventory beats dcmanager's address."""
        controller = self.controller(site.system_controller)
        if site.is_controller:
            return self._cloud_of(controller)
        overrides = {key: url for key, url in site.endpoints.model_dump().items() if url}
        endpoints = overrides
        if set(overrides) != set(ADMIN_PORTS):
            subcloud = (await self.view(controller.name)).subclouds.get(site.subcloud_name)
            if subcloud is None:
                raise Refused(f"{controller.name} has no subcloud {site.subcloud_name}")
            scheme = urlsplit(controller.auth_url).scheme
            endpoints = {
                service: admin_url(scheme, subcloud.management_address, service) for service in ADMIN_PORTS
            } | overrides
        return Cloud(self.wire, self.tokens, self._login(controller, endpoints["keystone"]), endpoints)

    async def cloud_named(self, name: str) -> Cloud:
        """Raises NoAnswer, Rejected, or Refused when the inventory has no such site any more."""
        site = self.site(name)
        if site is None:
            raise Refused(f"the inventory has no site {name} any more")
        return await self.site_cloud(site)

    def sysadmin_password(self, site: Site) -> str | None:
        reference = self.controller(site.system_controller).credential.sysadmin_password
        return None if reference is None else self.secret(reference)

    def _login(self, controller: SystemController, auth_url: str) -> Login:
        credential: Credential = controller.credential
        bundle = controller.ca_bundle and str(self.inventory().resolve_path(controller.ca_bundle))
        return Login(
            auth_url=auth_url,
            username=credential.username,
            password=self.secret(credential.password),
            project=credential.project,
            domain=credential.domain,
            trust=Trust(bundle, controller.fingerprint),
        )

    def secret(self, reference: str) -> str:
        """What stands behind it; raises SecretError, and Transient where it is kept in a store that is
        away."""
        try:
            return resolve(reference, self.inventory().path.parent)
        except SecretAway as error:
            raise unresolved(error) from error


async def must_be_region(cloud: Cloud, site: str, region: str) -> None:
    """Raises Refused when another cloud answers than the one that dcmanager means."""
    system, _ = await sysinv.system(cloud)
    if system.region != region:
        raise Refused(
            f"{site}: dcmanager says region {region}, the cloud that answers is {system.region}; "
            "nothing was sent"
        )
