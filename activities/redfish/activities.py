"""What workflows ask of a host's BMC to change: power, virtual media, boot override, BIOS settings.

Each observes, decides, sends at most once and observes again, in one visit with one login; see `sending` for
what happens when an answer is lost. Before anything is sent the system must have the serial number and UUID
that the inventory declares: addresses are reused, cables are moved.

None of them has a heartbeat, and none waits for a state: a power-off that was accepted is not yet off.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from activities.errors import Busy, Refused
from activities.http import Reply
from activities.redfish import idrac, resources
from activities.redfish.acting import Document, act, step_of
from activities.redfish.client import Client, link
from activities.redfish.drives import mount, read_drive
from activities.redfish.sending import Sending
from activities.redfish.visits import Visits
from models.bmc import (
    BmcStep,
    BootOverride,
    EjectRequest,
    Identity,
    InsertRequest,
    OverrideRequest,
    PowerRequest,
    SettingsRequest,
    file_of,
)
from models.bmc_wire import Complaint
from models.records import Journal, Mark

MEDIUM_MARK = "bmc-medium"
LATER_URI = "OperationSupportedInFutureStateURI"


@dataclass
class RedfishActivities:
    visits: Visits
    journal: Journal

    @activity.defn
    async def set_power(self, request: PowerRequest) -> BmcStep:
        """Accepted, not yet done. Raises Refused when the BMC knows none of the kinds of reset."""

        def work(client: Client, sending: Sending, path: str, system: Document) -> BmcStep:
            if resources.power(system) == request.want:
                return BmcStep(did=False)
            target = (system.get("Actions") or {}).get("#ComputerSystem.Reset", {}).get("target")
            if not target:
                raise Refused(f"{request.on}: its BMC has no ComputerSystem.Reset")
            kinds = list(request.kinds)

            def send() -> Reply:
                return client.post(target, {"ResetType": kinds[0]})

            def another(complaint: Complaint) -> Callable[[], Reply] | None:
                said = f"{' '.join(complaint.codes)} {complaint.words}"
                if complaint.status != 400 or "ResetType" not in said or len(kinds) == 1:
                    return None
                kinds.pop(0)
                return send

            def is_on_its_way() -> bool:
                return resources.power(client.read(path)) in (request.want, f"Powering{request.want}")

            return step_of(sending.once(send, is_on_its_way, another), kinds[0])

        return await act(self.visits, request.on, request.want.lower(), work)

    @activity.defn
    async def eject_medium(self, request: EjectRequest) -> BmcStep:
        def work(client: Client, sending: Sending, _: str, system: Document) -> BmcStep:
            who = resources.identity(client, system, [], with_macs=False)

            def is_empty() -> bool:
                slot = read_drive(client, request.slot)
                return self.visits.quirks.is_empty(who, slot)

            slot = read_drive(client, request.slot)
            if self.visits.quirks.is_empty(who, slot):
                return BmcStep(did=False)

            def send() -> Reply:
                if slot.eject or slot.oem_unmount:
                    return client.post(slot.eject or slot.oem_unmount, {})
                return sending.patch(client, request.slot, {"Image": None, "Inserted": False})

            return step_of(sending.once(send, is_empty), slot.image)

        return await act(self.visits, request.on, "eject", work)

    @activity.defn
    async def insert_medium(self, request: InsertRequest) -> BmcStep:
        """Raises Busy when another medium is in, Blocked when the BMC cannot reach the image."""
        quirks = self.visits.quirks
        # Before the send: a crash after it must still find the medium to be ours.
        await self._remember(request)

        def work(client: Client, sending: Sending, _: str, system: Document) -> BmcStep:
            who = resources.identity(client, system, [], with_macs=False)
            slot = read_drive(client, request.slot)
            if not quirks.is_empty(who, slot):
                if slot.holds(request.image):
                    return BmcStep(did=False)
                raise Busy(f"{request.on}: {request.slot} holds {slot.image}, put in by someone else")
            way = quirks.way_to_insert(who, slot)
            if way is None:
                raise Refused(f"{request.on}: {request.slot} has no InsertMedia; the firmware is too old")

            def is_in() -> bool:
                now = read_drive(client, request.slot)
                return not quirks.is_empty(who, now) and now.holds(request.image)

            if way == "oem":
                return step_of(mount(client, sending, slot, request.image, is_in), file_of(request.image))
            bodies = [quirks.insert_body(who, slot, request.image)]

            def send() -> Reply:
                body = bodies[-1].model_dump(exclude_none=True)
                return (
                    client.post(slot.insert, body)
                    if way == "action"
                    else sending.patch(client, request.slot, body)
                )

            def amended(complaint: Complaint) -> Callable[[], Reply] | None:
                better = quirks.amended(bodies[-1], complaint)
                if better is None:
                    return None
                bodies.append(better)
                return send

            return step_of(sending.once(send, is_in, amended), file_of(request.image))

        return await act(self.visits, request.on, "insert", work)

    @activity.defn
    async def override_boot(self, request: OverrideRequest) -> BmcStep:
        """`words` of the step is what the BMC made of it: some keep Once as Continuous."""
        quirks, wanted = self.visits.quirks, request.wanted

        def work(client: Client, sending: Sending, path: str, system: Document) -> BmcStep:
            where, now = resources.boot_of(client, path, system)
            who = resources.identity(client, system, [], with_macs=False)
            is_set = _is_as_wanted(now, wanted)
            if is_set and not self._left_to_idrac(client, system, who, wanted)[1]:
                return BmcStep(did=False, words=now.enabled)
            places = [where]
            bodies = [quirks.override_body(who, now, wanted)]

            def send() -> Reply:
                boot = bodies[-1].model_dump(exclude_none=True)
                return sending.patch(client, places[-1], {"Boot": boot})

            def amended(complaint: Complaint) -> Callable[[], Reply] | None:
                later = resources.settings_of(system) or f"{path.rstrip('/')}/SD"
                if any(LATER_URI in code for code in complaint.codes) and later not in places:
                    places.append(later)
                    return send
                better = quirks.fuller(bodies[-1], now, complaint)
                if better is None or better in bodies:
                    return None
                bodies.append(better)
                return send

            def found() -> BootOverride:
                return resources.boot_of(client, path, client.read(path))[1]

            reply = None
            if not is_set:
                reply = sending.once(send, lambda: _is_as_wanted(found(), wanted), amended)
            attributes, changes = self._left_to_idrac(client, system, who, wanted)
            if changes:
                idrac.set_attributes(client, sending, attributes, changes)
            return step_of(reply, found().enabled)

        return await act(self.visits, request.on, "override", work)

    @activity.defn
    async def set_pending(self, request: SettingsRequest) -> BmcStep:
        """BIOS attributes and secure boot, for the next reset. Raises Refused for one that it lacks."""

        def work(client: Client, sending: Sending, _: str, system: Document) -> BmcStep:
            done = []
            if request.attributes:
                done += _set_attributes(client, sending, system, request)
            if request.secure_boot is not None:
                done += _set_secure_boot(client, sending, system, request.secure_boot)
            return BmcStep(did=bool(done), words=", ".join(done))

        return await act(self.visits, request.on, "settings", work)

    def _left_to_idrac(
        self, client: Client, system: Document, who: Identity, wanted: BootOverride
    ) -> tuple[str, dict[str, str]]:
        """Where, and which attributes an iDRAC needs beside the override."""
        if not self.visits.quirks.names_first_boot_device(who):
            return "", {}
        path, now = idrac.boot_attributes(client, system)
        return path, self.visits.quirks.boot_attributes(now, wanted)

    async def _remember(self, request: InsertRequest) -> None:
        info = activity.info()
        await self.journal.remember(
            Mark(
                site=request.on.site,
                kind=MEDIUM_MARK,
                value=f"{request.on.host} {file_of(request.image)}",
                run_id=info.workflow_run_id or "",
                made=datetime.now(UTC),
            )
        )


def _is_as_wanted(now: BootOverride, wanted: BootOverride) -> bool:
    """Once may be kept as Continuous, and Disabled may keep its last target."""
    if wanted.enabled == "Disabled":
        return now.enabled == "Disabled" or now.target == "None"
    if wanted.mode is not None and now.mode is not None and now.mode != wanted.mode:
        return False
    return now.enabled != "Disabled" and now.target == wanted.target


def _set_attributes(
    client: Client, sending: Sending, system: Document, request: SettingsRequest
) -> list[str]:
    bios = resources.optional(client, link(system, "Bios"))
    if bios is None:
        raise Refused(f"{request.on}: its BMC has no BIOS attributes")
    current = bios.get("Attributes") or {}
    unknown = sorted(set(request.attributes) - set(current))
    if unknown:
        raise Refused(f"{request.on}: its BIOS has no attribute {', '.join(unknown)}")
    path = resources.settings_of(bios) or link(system, "Bios")
    pending = current | ((resources.optional(client, path) or {}).get("Attributes") or {})
    changes = {name: value for name, value in request.attributes.items() if pending.get(name) != value}
    if not changes:
        return []

    def is_pending() -> bool:
        found = client.read(path).get("Attributes") or {}
        return all(found.get(name) == value for name, value in changes.items())

    sending.once(lambda: sending.patch(client, path, {"Attributes": changes}), is_pending)
    return [f"{name}={value}" for name, value in changes.items()]


def _set_secure_boot(client: Client, sending: Sending, system: Document, wanted: bool) -> list[str]:
    path = link(system, "SecureBoot")
    found = resources.optional(client, path)
    if found is None:
        raise Refused("its BMC has no secure boot")
    if found.get("SecureBootEnable") is wanted:
        return []

    def is_set() -> bool:
        return client.read(path).get("SecureBootEnable") is wanted

    sending.once(lambda: sending.patch(client, path, {"SecureBootEnable": wanted}), is_set)
    return [f"secure boot {'on' if wanted else 'off'}"]
