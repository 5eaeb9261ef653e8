"""A site's subcloud as activities find it: dcmanager's view, whether it is ours, what was declared for it.

It is ours when its region was recorded from dcmanager's own answer, or when none was there before our send
and what is there now has our content and was created after that look, by the system controller's clock. The
region is the mark: dcmanager makes it at random when it adds a subcloud, so a subcloud that somebody has
deleted and added again under the same name is another one. An enrolment puts the site's own region in its
place, so the number of its row is a mark, too.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.errors import Busy, Refused, Transient
from activities.http import Rejected
from activities.sending import WATCH_S, send_once
from activities.starlingx.dcmanager import client as dcmanager
from activities.starlingx.dcmanager.errors import refused_to
from activities.starlingx.directory import Directory
from activities.starlingx.errors import translated
from activities.starlingx.session import Cloud
from activities.unresolved import unresolved
from activities.waiting import seconds
from inventory.bmc import declared_bmc
from inventory.deploy_values import DeployValues, load_deploy, sendable
from inventory.load import NotDeclared
from inventory.problems import FileErrors
from inventory.secrets import SecretError, resolve
from models.deploy import FIRST_HOST, SubcloudFacts, SubcloudStep
from models.inventory import Site
from models.records import Journal, Mark

MARK, ROW_MARK = "subcloud", "subcloud-row"
SETTLE = timedelta(seconds=60)
"""dcmanager's RPC has given up by then."""
CLOCK_GRAIN = timedelta(seconds=1)
"""HTTP dates are cut to the second."""


@dataclass(frozen=True)
class Load:
    """What a request carries: fields, files with their secrets in, and what must be kept from view."""

    fields: dict[str, str]
    files: dict[str, str]
    secrets: tuple[str, ...]


@dataclass
class Subclouds:
    directory: Directory
    journal: Journal

    def site(self, name: str) -> Site:
        site = self.directory.site(name)
        if site is None:
            raise Refused(f"the inventory has no site {name} any more")
        return site

    def cloud(self, site: Site) -> Cloud:
        return self.directory.controller_cloud(site.system_controller)

    async def found(self, site: Site) -> tuple[dcmanager.Subcloud | None, datetime | None]:
        """None where there is no such subcloud. Raises NoAnswer or Rejected."""
        try:
            return await dcmanager.reading(self.cloud(site), site.subcloud_name)
        except Rejected as error:
            if error.status == 404:
                return None, error.reply.date
            raise

    async def facts(self, site: Site) -> SubcloudFacts:
        """Raises ActivityFailure."""
        with translated():
            there, clock = await self.found(site)
        return await self.as_facts(site, there, clock)

    async def as_facts(
        self, site: Site, there: dcmanager.Subcloud | None, clock: datetime | None
    ) -> SubcloudFacts:
        attempt = activity.info().attempt
        facts = SubcloudFacts(
            name=site.subcloud_name,
            clock=clock or datetime.now(UTC),
            timing=self.directory.timing,
            attempt=attempt,
        )
        if there is None:
            return facts
        return facts.model_copy(
            update={
                "found": True,
                "id": there.id,
                "region": there.region,
                "deploy_status": there.deploy_status,
                "error": there.error,
                "management_state": there.management_state,
                "availability": there.availability,
                "software_version": there.software_version,
                "description": there.description,
                "location": there.location,
                "group_id": there.group_id,
                "updated": there.updated,
                "backup_status": there.backup_status,
                "backup_time": there.backup_time,
                "ours": await self.is_ours(site, there),
            }
        )

    async def same(self, site: Site, region: str, *, may_be_gone: bool = False) -> SubcloudFacts:
        """The facts, if it is still the subcloud with this region. Raises ActivityFailure."""
        facts = await self.facts(site)
        if not facts.found and not may_be_gone:
            raise Busy(f"{site.system_controller} has no subcloud {facts.name} any more")
        if facts.found and facts.region != region:
            raise Busy(f"{facts.name} is another subcloud now: its region is {facts.region}, it was {region}")
        return facts

    async def sent(
        self,
        site: Site,
        what: str,
        send: Callable[[], Awaitable[SubcloudFacts | None]],
        shows: Callable[[SubcloudFacts], bool],
        secrets: tuple[str, ...] = (),
    ) -> SubcloudStep:
        """Send, and look until the effect shows: an answer alone says that it was understood."""
        pace = self.directory.timing.pace

        async def effect() -> SubcloudFacts | None:
            there, clock = await self.found(site)
            seen = await self.as_facts(site, there, clock)
            return seen if seen.found and shows(seen) else None

        sent = await send_once(
            send=send,
            effect=effect,
            settle=SETTLE,
            pace=pace,
            what=what,
            refused=refused_to(what, secrets),
        )
        seen = sent.value
        deadline = time.monotonic() + seconds(SETTLE) / pace
        while seen is None:
            is_last = time.monotonic() >= deadline
            with translated():
                seen = await effect()
            if seen is None and is_last:
                raise Transient(f"dcmanager accepted to {what}, and nothing comes of it")
            if seen is None:
                await asyncio.sleep(min(WATCH_S / pace, 1.0))
        return SubcloudStep(facts=seen, attempt=activity.info().attempt)

    async def is_ours(self, site: Site, there: dcmanager.Subcloud) -> bool:
        known = await self.journal.marks(site.name)
        return any((mark.kind, mark.value) in _marks(site, there) for mark in known)

    async def remember(self, site: Site, there: dcmanager.Subcloud) -> None:
        info = activity.info()
        for kind, value in _marks(site, there):
            await self.journal.remember(
                Mark(
                    site=site.name,
                    kind=kind,
                    value=value,
                    run_id=info.workflow_run_id or "",
                    made=datetime.now(UTC),
                )
            )

    # -- what is declared

    async def declared(self, site: str) -> DeployValues:
        """Raises Refused, with every problem of every file."""
        try:
            return await asyncio.to_thread(load_deploy, self.directory.inventory(), site)
        except (FileErrors, NotDeclared) as error:
            raise Refused(str(error)) from error

    async def load(self, values: DeployValues, *, bmc: bool) -> Load:
        """Everything that a request to deploy may carry. Raises Refused."""
        site, base = values.site, self.directory.inventory().path.parent
        try:
            files, secrets = await asyncio.to_thread(sendable, values, base)
            sysadmin = self.directory.sysadmin_password(site)
            if sysadmin is None:
                raise Refused(
                    f"{site.system_controller} has no sysadmin_password in the inventory, with which "
                    f"dcmanager logs in to {site.name}"
                )
            fields = {
                "bootstrap-address": values.bootstrap_address,
                "sysadmin_password": dcmanager.encoded(sysadmin),
            }
            secrets.append(sysadmin)
            if bmc and values.install is not None:
                declared = declared_bmc(self.directory.inventory(), site.name, FIRST_HOST)
                password = resolve(declared.credential.password, base)
                fields["bmc_password"] = dcmanager.encoded(password)
                secrets.append(password)
        except SecretError as error:
            raise unresolved(error) from error
        except NotDeclared as error:
            raise Refused(str(error)) from error
        if values.files.release is not None:
            fields["release"] = values.files.release
        return Load(fields, files, (*secrets, *(dcmanager.encoded(each) for each in secrets)))


def _marks(site: Site, there: dcmanager.Subcloud) -> tuple[tuple[str, str], ...]:
    """Kind and value. Rows are numbered by each system controller for itself."""
    return (MARK, there.region), (ROW_MARK, f"{site.system_controller}/{there.id}")
