"""The test VM of an acceptance: made, waited for, taken away again.

Nova takes the same name any number of times, so nothing of its own keeps a second send from making a second
VM. Ours has a name made of the run and our mark in its metadata; every send follows a look for them, and a
send whose answer was lost is followed by looks for as long as it may still take effect. Only what has the
mark is deleted, by its id.

An OpenStack on a platform's two cores answers within seconds, not milliseconds: a login and the looks before
a send get `looking` more than other systems' first seconds, and so does the attempt's own deadline.
"""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.errors import Refused
from activities.openstack.client import Client, Document, NotOne
from activities.openstack.errors import failure, translated
from activities.openstack.stacks import Stack, Stacks, must_be
from activities.openstack.watching import until
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.waiting import seconds
from inventory.openstack import DeclaredOpenstack
from models.openstack import (
    MANAGED,
    OURS,
    PREFIX,
    PROBE_OF,
    AwaitVmRequest,
    RemoveVmRequest,
    VmEnd,
    VmLeftover,
    VmLeftovers,
    VmLeftoversRequest,
    VmRequest,
    VmStep,
)
from models.timing import Timing

SETTLE = timedelta(seconds=120)
"""nova-api asks Neutron and Glance before it writes a server down, and waits a minute for each answer over
its message bus (`rpc_response_timeout`): 120 s were seen for two in a row (nova 34)."""
DELETED = ("DELETED", "SOFT_DELETED")
SHOWN = 400
"""Characters of Nova's words that a report repeats."""


@dataclass
class OpenstackProbes:
    stacks: Stacks

    @activity.defn
    async def find_test_vms(self, request: VmLeftoversRequest) -> VmLeftovers:
        """All that have our mark, of whichever run."""
        async with self.stacks.opened(request.site) as stack:
            with translated():
                found = await stack.ask(lambda client: _marked(client, stack.declared))
        return VmLeftovers(
            found=tuple(VmLeftover(name=each["name"], id=each["id"]) for each in found),
            attempt=activity.info().attempt,
        )

    @activity.defn
    async def create_test_vm(self, request: VmRequest) -> VmStep:
        """Accepted; it runs later. Raises Refused for a flavor, image or network that is not there."""
        window, attempt = self._window(), activity.info().attempt
        async with self.stacks.opened(request.site) as stack:
            with translated():
                there = await stack.ask(lambda client: _of_run(client, stack.declared, request))
                if there is not None:
                    return VmStep(did=attempt > 1, vm=there, attempt=attempt)
                fields = await stack.ask(lambda client: _fields(client, stack.declared, request))
            window.check()
            sent = await send_once(
                send=lambda: stack.ask(lambda client: client.create(**fields)),
                effect=lambda: stack.ask(lambda client: _of_run(client, stack.declared, request)),
                settle=SETTLE,
                pace=self.stacks.timing.pace,
                what=f"create {request.name}",
                refused=failure,
            )
        return VmStep(did=True, vm=sent.value, attempt=attempt)

    @activity.defn
    async def remove_test_vm(self, request: RemoveVmRequest) -> VmStep:
        """Accepted; it is gone later. Raises Refused for what has not our mark."""
        window, attempt, vm = self._window(), activity.info().attempt, request.vm
        async with self.stacks.opened(request.site) as stack:
            with translated():
                await stack.ask(lambda client: must_be(stack.declared, client.compute_services()))
                there = await stack.ask(lambda client: client.server(vm.id))
            if there is None or _is_leaving(there):
                return VmStep(did=attempt > 1, vm=vm.id, attempt=attempt)
            if _mark(there) is None:
                raise Refused(f"VM {vm.name} ({vm.id}) has no mark of ours; left alone")
            window.check()

            def has_effect(client: Client) -> bool | None:
                now = client.server(vm.id)
                return now is None or _is_leaving(now) or None

            def send(client: Client) -> bool:
                client.delete(vm.id)
                return True

            await send_once(
                send=lambda: stack.ask(send),
                effect=lambda: stack.ask(has_effect),
                settle=SETTLE,
                pace=self.stacks.timing.pace,
                what=f"delete {vm.name}",
                refused=failure,
            )
        return VmStep(did=True, vm=vm.id, attempt=attempt)

    @activity.defn
    async def await_test_vm(self, request: AwaitVmRequest) -> VmEnd:
        """Until it is active, cannot be any more, or the time is over: then with what it is at."""

        async def look(stack: Stack) -> VmEnd:
            return _end_of(await stack.ask(lambda client: client.server(request.vm)))

        return await until(self.stacks, request, look, _silent)

    @activity.defn
    async def await_test_vm_gone(self, request: AwaitVmRequest) -> VmEnd:
        async def look(stack: Stack) -> VmEnd:
            found = await stack.ask(lambda client: client.server(request.vm))
            if found is None or found["status"] == "DELETED":
                return VmEnd(how="so")
            return VmEnd(how="late", words=f"it is still there, {_state(found)}")

        return await until(self.stacks, request, look, _silent)

    def _window(self) -> SendWindow:
        timing = self.stacks.timing
        return SendWindow(timing.send_window_s + seconds(looking(timing)))


def looking(timing: Timing) -> timedelta:
    """Nine requests, at most, come before a send."""
    return timedelta(seconds=4 * timing.send_window_s)


def _marked(client: Client, declared: DeclaredOpenstack) -> list[Document]:
    must_be(declared, client.compute_services())
    return [
        each for each in client.servers(PREFIX) if _mark(each) is not None and each["status"] not in DELETED
    ]


def _of_run(client: Client, declared: DeclaredOpenstack, request: VmRequest) -> str | None:
    """The id of the run's own."""
    ours = [each["id"] for each in _marked(client, declared) if _mark(each) == request.run_id]
    return ours[0] if ours else None


def _fields(client: Client, declared: DeclaredOpenstack, request: VmRequest) -> Document:
    probe = declared.access.probe
    if probe is None:
        raise Refused(f"the inventory declares no probe in openstack of {declared.site}")
    try:
        return {
            "name": request.name,
            "flavor_id": client.flavor(probe.flavor),
            "image_id": client.image(probe.image),
            "networks": [{"uuid": client.network(probe.network)}],
            "metadata": {MANAGED: OURS, PROBE_OF: request.run_id},
        }
    except NotOne as error:
        raise Refused(f"openstack.probe of {declared.site}: {error}") from error


def _mark(server: Document) -> str | None:
    """The run that made it; None where it is not ours."""
    metadata = server["metadata"] or {}
    return str(metadata[PROBE_OF]) if metadata.get(MANAGED) == OURS and PROBE_OF in metadata else None


def _is_leaving(server: Document) -> bool:
    return server["task_state"] == "deleting" or server["status"] in DELETED


def _silent(words: str) -> VmEnd:
    return VmEnd(how="silent", words=words)


def _end_of(server: Document | None) -> VmEnd:
    if server is None or _is_leaving(server):
        return VmEnd(how="gone")
    if server["status"] == "ERROR":
        return VmEnd(how="failed", words=_fault(server) or "Nova gives no reason")
    if server["status"] == "ACTIVE" and not server["task_state"]:
        return VmEnd(how="so", host=server["compute_host"] or "")
    return VmEnd(how="late", words=f"it is {_state(server)}")


def _state(server: Document) -> str:
    parts = [server["status"], server["task_state"] or ""]
    told = ", ".join(part for part in parts if part)
    fault = _fault(server)
    return f"{told}: {fault}" if fault else told


def _fault(server: Document) -> str:
    return " ".join(str((server["fault"] or {}).get("message", "")).split())[:SHOWN]
