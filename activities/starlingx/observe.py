"""One look at a site, from the system controller and from the site itself.

Every verdict (gates before, verification after) rests on such a look. Silence is part of it and no
error: a site that reboots answers nothing, and the workflow's rules know whether that was due. With
`unlike` the look becomes a wait: it repeats until the site looks different from the given digest.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from temporalio import activity

from activities.errors import Refused
from activities.http import NoAnswer, Rejected
from activities.starlingx.directory import ControllerView, Directory
from activities.starlingx.fm import client as fm
from activities.starlingx.session import Cloud
from activities.starlingx.sysinv import client as sysinv
from activities.starlingx.usm import client as usm
from activities.starlingx.vim import client as vim
from activities.waiting import Heartbeat, pause, seconds
from inventory.queues import queue_of, queues
from models.holds import read_hold
from models.inventory import Site
from models.patch import ObserveRequest
from models.records import Journal
from models.site import Alarm, ControllerFacts, Observation, ReleaseState, SiteFacts

POLL_S = 20.0
MAX_ALARMS = 40
"""Kept in an observation, management-affecting ones first; the total is counted."""
LAST_RELEASE_OF_DIALECT_12 = (26, 3)
OWN_MARKS = ("vim-strategy", "adopted")
MAINTENANCE_MARK = "maintenance"
"""Of `sysinv/maintaining.py`."""
DEPLOYED_BY = ("vim-apply", "usm-deploy")
"""By a strategy of ours, or by us."""


@dataclass
class ObserveActivities:
    directory: Directory
    journal: Journal
    frozen: Callable[[], Awaitable[str]]
    """Reason and owner of a fleet-wide freeze, or empty."""

    @activity.defn
    async def observe_site(self, request: ObserveRequest) -> Observation:
        timing = self.directory.timing
        async with Heartbeat() as heart:
            deadline = heart.began + seconds(timing.paced(request.within))
            while True:
                seen = await self.look(request.site, request.release)
                seen = seen.model_copy(update={"elsewhere": self._elsewhere(request.site)})
                if seen.digest != request.unlike or time.time() >= deadline:
                    return seen
                heart.tell(seen.silence or "unchanged")
                await pause(timing.poll_s(POLL_S))

    def _elsewhere(self, site: str) -> str:
        """Empty where this run is on the queue of the site's region."""
        inventory, here = self.directory.inventory(), activity.info().task_queue
        queue = queue_of(inventory, site) if site in inventory else here
        if here == queue or not queues(inventory):
            return ""
        return (
            f"{site} is worked on by workers of queue {queue}, and this run was started on {here}: start it "
            f"there (starflock does where it has the inventory; temporal workflow start --task-queue {queue})"
        )

    async def look(self, name: str, release: str) -> Observation:
        """One observation of a site, for the wanted release."""
        timing = self.directory.timing
        site = self.directory.site(name)
        if site is None:
            return Observation(
                topology="AIO-SX", controller=None, site=None, in_inventory=False, timing=timing
            )
        marks = await self.journal.marks(name)
        seen = Observation(
            topology=site.topology,
            controller=None,
            site=None,
            frozen=await self.frozen(),
            ours=tuple(mark.value for mark in marks if mark.kind in OWN_MARKS),
            applied_by_us=tuple(
                sorted({mark.release for mark in marks if mark.kind in DEPLOYED_BY and mark.release})
            ),
            taken_out=tuple(mark.value for mark in marks if mark.kind == MAINTENANCE_MARK),
            vault_by_ssh=self.directory.controller(site.system_controller).ssh is not None,
            own_by_ssh=site.ssh is not None,
            label_region=site.labels.get("region", ""),
            attempt=activity.info().attempt,
            timing=timing,
        )
        try:
            view = await self.directory.view(site.system_controller)
        except NoAnswer as error:
            return seen.model_copy(update={"silence": f"system controller: {error}"})
        except Rejected as error:
            return seen.model_copy(update=_answer(error, "system controller: "))
        region = self.directory.region_of(site, view)
        seen = seen.model_copy(update={"controller": controller_facts(site, view, release, region)})
        try:
            cloud = await self.directory.site_cloud(site)
            return seen.model_copy(update={"site": await _read(cloud, release)})
        except NoAnswer as error:
            return seen.model_copy(update={"silence": str(error)})
        except Rejected as error:
            return seen.model_copy(update=_answer(error))
        except Refused as error:
            return seen.model_copy(update={"refusal": error.message})


def controller_facts(site: Site, view: ControllerView, release: str, region: str) -> ControllerFacts:
    subcloud = view.subclouds.get(site.subcloud_name)
    known = {state.release: state.state for state in view.releases}
    facts = ControllerFacts(
        name=site.system_controller,
        release_state=known.get(release, ""),
        deployment=view.deployment,
        strategy_step=view.steps.get(site.subcloud_name, ""),
    )
    if site.is_controller:
        # dcmanager runs on it: that it answers is all that it can say of it.
        given = {"region": region, "availability": "online", "management_state": "managed"}
        return facts.model_copy(update=given | {"deploy_status": "complete", "software_sync": "in-sync"})
    if subcloud is None:
        return facts
    return facts.model_copy(
        update={
            "region": region,
            "availability": subcloud.availability,
            "management_state": subcloud.management_state,
            "deploy_status": subcloud.deploy_status,
            "software_sync": subcloud.software_sync,
            "prestage_status": subcloud.prestage_status,
            "backup_time": subcloud.backup_time,
        }
    )


async def _read(cloud: Cloud, release: str) -> SiteFacts:
    # sysinv first: it logs in, and the others share its token.
    system, reply = await sysinv.system(cloud)
    hosts, apps, alarms, releases, deployment, strategy = await asyncio.gather(
        sysinv.hosts(cloud),
        sysinv.apps_moving(cloud),
        fm.alarms(cloud),
        usm.releases(cloud),
        usm.deployment(cloud),
        vim.current(cloud),
    )
    clock = reply.date or datetime.now(UTC)
    return SiteFacts(
        region=system.region,
        software_version=system.software_version,
        dialect=dialect_of(system.software_version),
        clock=clock,
        hold=read_hold(system.texts, clock),
        releases=_of_interest(releases, release),
        deployment=deployment,
        strategy=strategy,
        alarms=_most_important(alarms),
        alarms_total=len(alarms),
        hosts=hosts,
        apps_moving=apps,
    )


def dialect_of(software_version: str) -> Literal["12", "next"]:
    """STX 12 is 26.03; what comes after it speaks lists of releases."""
    numbers = tuple(int(part) for part in software_version.split(".")[:2] if part.isdigit())
    return "next" if numbers > LAST_RELEASE_OF_DIALECT_12 else "12"


def _of_interest(releases: tuple[ReleaseState, ...], wanted: str) -> tuple[ReleaseState, ...]:
    return tuple(found for found in releases if found.release == wanted or found.state != "available")


def _most_important(alarms: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
    ranked = sorted(alarms, key=lambda alarm: (not alarm.mgmt_affecting, alarm.key))
    return tuple(sorted(ranked[:MAX_ALARMS], key=lambda alarm: alarm.key))


def _answer(error: Rejected, where: str = "") -> dict[str, str]:
    kind = "silence" if error.status >= 500 or error.status == 408 else "refusal"
    return {kind: f"{where}{error}"}
