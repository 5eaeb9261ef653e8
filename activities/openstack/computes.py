"""One host's nova-compute and what is on it: looked at, disabled with our reason, enabled again.

A service that somebody else has disabled stays as it is, before and after. What nobody declared needs
nothing: the look says so, and nothing else is asked.
"""

from dataclasses import dataclass

from temporalio import activity

from activities.errors import Refused
from activities.openstack import nova
from activities.openstack.acting import SETTLE, looking
from activities.openstack.client import Client, Document
from activities.openstack.errors import failure, translated
from activities.openstack.reading import computes_of, groups_of, moving_of, vm_of, vms_of
from activities.openstack.stacks import Stack, Stacks, must_be
from activities.openstack.watching import until
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.waiting import Heartbeat, seconds
from inventory.openstack import DeclaredOpenstack
from models.compute import (
    MOVED,
    REASON,
    AwaitComputeRequest,
    ComputeFacts,
    ComputeRequest,
    ComputeUp,
    ServiceRequest,
    ServiceStep,
    reason_of,
)


@dataclass
class OpenstackComputes:
    stacks: Stacks

    @activity.defn
    async def examine_compute(self, request: ComputeRequest) -> ComputeFacts:
        """Raises Refused for an OpenStack that is another site's, or is too old."""
        attempt = activity.info().attempt
        if not self.stacks.declares(request.site):
            return ComputeFacts(declared=False, site=request.site, host=request.host, attempt=attempt)
        async with Heartbeat(), self.stacks.opened(request.site) as stack:
            with translated():
                facts = await stack.ask(lambda client: _facts(client, stack.declared, request))
        return facts.model_copy(update={"attempt": attempt})

    @activity.defn
    async def disable_compute(self, request: ServiceRequest) -> ServiceStep:
        """No new servers come, by our reason."""
        return await self._set(request, enabled=False)

    @activity.defn
    async def enable_compute(self, request: ServiceRequest) -> ServiceStep:
        """Only where a run of ours has disabled it."""
        return await self._set(request, enabled=True)

    @activity.defn
    async def await_compute(self, request: AwaitComputeRequest) -> ComputeUp:
        async def look(stack: Stack) -> ComputeUp:
            row = await stack.ask(lambda client: _row(client, stack.declared, request.host))
            if row is None:
                return ComputeUp(how="late", words=f"{request.host} has no nova-compute")
            if row["state"] == "up":
                return ComputeUp(how="so")
            return ComputeUp(how="late", words=f"nova-compute on {request.host} is {row['state']}")

        return await until(self.stacks, request, look, lambda words: ComputeUp(how="silent", words=words))

    async def _set(self, request: ServiceRequest, *, enabled: bool) -> ServiceStep:
        timing, attempt = self.stacks.timing, activity.info().attempt
        window = SendWindow(timing.send_window_s + seconds(looking(timing)))
        reason = reason_of(request.site, request.host, request.run_id)
        wanted = ("enabled", "") if enabled else ("disabled", reason)
        async with self.stacks.opened(request.site) as stack:
            with translated():
                row = await stack.ask(lambda client: _row(client, stack.declared, request.host))
            if row is None:
                raise Refused(f"{request.host} of {request.site} has no nova-compute")
            if _state(row) == wanted or (enabled and row["status"] == "enabled"):
                return ServiceStep(did=attempt > 1, attempt=attempt)
            if row["status"] == "disabled" and not _state(row)[1].startswith(REASON):
                return ServiceStep(did=False, foreign=_state(row)[1] or "no reason given", attempt=attempt)
            service = str(row["id"])
            window.check()

            async def effect() -> bool | None:
                now = await stack.ask(lambda client: _row(client, stack.declared, request.host))
                return (now is not None and _state(now) == wanted) or None

            def send(client: Client) -> bool:
                nova.set_service(client, service, enabled=enabled, reason=reason)
                return True

            await send_once(
                send=lambda: stack.ask(send),
                effect=effect,
                settle=SETTLE,
                pace=timing.pace,
                what=f"{'enable' if enabled else 'disable'} nova-compute on {request.host}",
                refused=failure,
            )
        return ServiceStep(did=True, attempt=attempt)


def _facts(client: Client, declared: DeclaredOpenstack, request: ComputeRequest) -> ComputeFacts:
    newest = client.newest()
    if newest < nova.LEAST:
        spoken, least = (f"{major}.{minor}" for major, minor in (newest, nova.LEAST))
        raise Refused(
            f"Nova of {request.site} speaks microversions up to {spoken}; a host is emptied from {least} "
            "(Pike) on. Empty it by hand, and declare no openstack for the site meanwhile"
        )
    services = nova.services(client)
    must_be(declared, services)
    facts = ComputeFacts(declared=True, site=request.site, host=request.host, microversion=newest)
    computes = computes_of(client, services)
    if not any(one.host == request.host for one in computes):
        return facts
    servers = nova.servers(client)
    here = [one for one in servers if one["OS-EXT-SRV-ATTR:host"] == request.host]
    groups = groups_of(client, servers, here)
    migrations = nova.migrations_at(client, request.host)
    return facts.model_copy(
        update={
            "computes": computes,
            "groups": groups,
            "vms": vms_of(client, request.host, here, groups),
            "arrived": tuple(vm_of(one) for one in servers if MOVED in (one["metadata"] or {})),
            "moving": moving_of(migrations),
            "last_migration": max((int(one["id"]) for one in migrations), default=0),
        }
    )


def _row(client: Client, declared: DeclaredOpenstack, host: str) -> Document | None:
    services = nova.services(client)
    must_be(declared, services)
    own = (row for row in services if (row["binary"], row["host"]) == ("nova-compute", host))
    return next(own, None)


def _state(row: Document) -> tuple[str, str]:
    return str(row["status"]), str(row.get("disabled_reason") or "")
