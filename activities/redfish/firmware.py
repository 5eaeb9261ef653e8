"""Firmware through the UpdateService: one component at a time, sent once, followed to its end.

SimpleUpdate answers with a task, and BMCs differ in what becomes of it: some forget it at once, and an update
of the BMC itself ends it with a restart. So the task is heeded when it says that it failed; that it is gone
means nothing, and the inventory decides: the wanted version is in force, or nothing is at work any more and
it is not, which for most components means that it waits for the next boot.

An update that is under way is ours if the records say that this run asked for it; anybody else's is Busy.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from temporalio import activity

from activities.errors import Blocked, Busy, Refused
from activities.http import NoAnswer, Rejected, Reply
from activities.redfish import resources
from activities.redfish.acting import Document, act, step_of
from activities.redfish.client import Client, link
from activities.redfish.sending import Sending
from activities.redfish.visits import Visits
from activities.waiting import Heartbeat, pause, seconds
from models.bmc import BmcEnd, BmcStep, HostRef
from models.firmware import AwaitFirmwareRequest, DeclaredHosts, UpdateComponentRequest
from models.operations import FirmwareComponent
from models.records import Journal, Mark

UPDATE_MARK = "bmc-update"
POLL_S = 20.0
QUIET_LOOKS = 2
"""Looks in a row that find nothing at work before an update without its version counts as written."""
AT_WORK = frozenset({"New", "Starting", "Running", "Pending", "Stopping"})


@dataclass
class RedfishFirmware:
    visits: Visits
    journal: Journal

    @activity.defn
    async def declared_hosts(self, site: str) -> DeclaredHosts:
        """Raises Refused for a site that the inventory does not have."""
        inventory = self.visits.inventory()
        if site not in inventory:
            raise Refused(f"the inventory has no site {site}")
        return DeclaredHosts(
            hosts=tuple(host.name for host in inventory.site(site).hosts if host.bmc is not None)
        )

    @activity.defn
    async def update_component(self, request: UpdateComponentRequest) -> BmcStep:
        """Raises Busy for an update of somebody else's, Refused where there is no way to update, and Blocked
        where the update could reboot a host in service."""
        component, on = request.component, request.on
        is_ours = await self._asked_before(on, component)
        await self._remember(on, component)

        def work(client: Client, sending: Sending, _: str, __: Document) -> BmcStep:
            path, item = component_of(client, component.name)
            if item.get("Version") == component.version:
                return BmcStep(did=False)
            if is_at_work(client, item):
                if not is_ours:
                    raise Busy(f"{on}: somebody else's update is under way there")
                return BmcStep(did=False)
            action = _simple_update(client, on)
            body: Document = {"ImageURI": component.image, "Targets": [path]}
            protocol = urlsplit(component.image).scheme.upper()
            if protocol in (action.get("TransferProtocol@Redfish.AllowableValues") or ()):
                body["TransferProtocol"] = protocol
            if request.in_service and not _is_of_the_bmc(client, item):
                if "OnReset" not in _apply_times(action):
                    raise Blocked(
                        f"{on} is in service ({request.in_service}), and its BMC cannot be told that "
                        f"{component.name} has to wait for a boot: lock the host first"
                    )
                body["@Redfish.OperationApplyTime"] = "OnReset"

            def is_under_way() -> bool:
                _, now = component_of(client, component.name)
                return now.get("Version") == component.version or is_at_work(client, now)

            def send() -> Reply:
                return client.post(action["target"], body)

            return step_of(sending.once(send, is_under_way), component.name)

        return await act(self.visits, on, "update", work)

    @activity.defn
    async def await_update(self, request: AwaitFirmwareRequest) -> BmcEnd:
        """so: the version is in force; off: written, and it waits for a boot; failed; late."""
        visits, component = self.visits, request.component
        declared = visits.declared(request.on)
        words, quiet = "", 0

        def look() -> tuple[str, bool, str]:
            with visits.client(declared) as client:
                failed = resources.task_failure(client, request.task)
                _, item = component_of(client, component.name)
                return str(item.get("Version") or ""), is_at_work(client, item), failed

        async with Heartbeat() as heart:
            deadline = heart.began + seconds(visits.timing.paced(request.within))
            while True:
                try:
                    version, at_work, failed = await visits.run(declared, look)
                    words = f"{component.name} is {version}"
                    if failed:
                        return self._end("failed", failed)
                    if version == component.version:
                        return self._end("so", words)
                    quiet = 0 if at_work or request.booted else quiet + 1
                    if quiet == QUIET_LOOKS:
                        return self._end("off", words)
                except (NoAnswer, Rejected) as error:
                    quiet, words = 0, visits.silence(error)
                if time.time() > deadline:
                    return self._end("late", words)
                heart.tell(words)
                await pause(visits.timing.poll_s(POLL_S))

    def _end(self, how: str, words: str) -> BmcEnd:
        return BmcEnd.model_validate({"how": how, "words": words, "attempt": activity.info().attempt})

    async def _asked_before(self, on: HostRef, component: FirmwareComponent) -> bool:
        run = activity.info().workflow_run_id
        value = _mark(on, component)
        return any(
            (mark.kind, mark.value, mark.run_id) == (UPDATE_MARK, value, run)
            for mark in await self.journal.marks(on.site)
        )

    async def _remember(self, on: HostRef, component: FirmwareComponent) -> None:
        """Before the send: a crash after it must still find the update to be ours."""
        await self.journal.remember(
            Mark(
                site=on.site,
                kind=UPDATE_MARK,
                value=_mark(on, component),
                run_id=activity.info().workflow_run_id or "",
                made=datetime.now(UTC),
            )
        )


def component_of(client: Client, name: str) -> tuple[str, Document]:
    """Path and resource of a component, by its id or its name. Raises Refused."""
    service = resources.optional(client, link(client.root, "UpdateService")) or {}
    inventory = resources.optional(client, link(service, "FirmwareInventory"))
    known: list[str] = []
    for path in resources.members(inventory) if inventory else ():
        item = client.read(path)
        named = [str(item.get(key)) for key in ("Id", "Name", "SoftwareId") if item.get(key)]
        if name.lower() in [each.lower() for each in named]:
            return path, item
        known += named[:1]
    raise Refused(f"its BMC has no firmware component {name}; it has {', '.join(known) or 'none'}")


def is_at_work(client: Client, item: Document) -> bool:
    """The component says so, or a task of the BMC runs."""
    status = item.get("Status")
    if isinstance(status, dict) and status.get("State") == "Updating":
        return True
    service = resources.optional(client, link(client.root, "Tasks")) or {}
    tasks = resources.optional(client, link(service, "Tasks"))
    found = (resources.optional(client, path) for path in (resources.members(tasks) if tasks else ()))
    return any(task is not None and task.get("TaskState") in AT_WORK for task in found)


def _simple_update(client: Client, on: HostRef) -> Document:
    service = resources.optional(client, link(client.root, "UpdateService")) or {}
    found = (service.get("Actions") or {}).get("#UpdateService.SimpleUpdate")
    if not isinstance(found, dict) or not isinstance(found.get("target"), str):
        raise Refused(f"{on}: its BMC has no SimpleUpdate")
    return found


def _apply_times(action: Document) -> tuple[str, ...]:
    """When updates may take effect, where the service lets a client choose (DSP0266, 7.11)."""
    support = action.get("@Redfish.OperationApplyTimeSupport")
    return tuple(support.get("SupportedValues") or ()) if isinstance(support, dict) else ()


def _is_of_the_bmc(client: Client, item: Document) -> bool:
    """It belongs to managers only, so that its update leaves the host alone."""
    managers = resources.optional(client, link(client.root, "Managers"))
    known = set(resources.members(managers)) if managers else set()
    related = [each.get("@odata.id") for each in item.get("RelatedItem") or () if isinstance(each, dict)]
    return bool(related) and all(path in known for path in related)


def _mark(on: HostRef, component: FirmwareComponent) -> str:
    return f"{on.host} {component.name} {component.version}"
