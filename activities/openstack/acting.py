"""Servers marked, stopped, started and confirmed, each by one send between two looks.

Several may be asked for together: each gets its own send while the window is open, and the next attempt goes
on with those that are left. One that Nova refuses keeps nobody from the others. A mark comes before what it
stands for and goes after it: what a run that was killed has stopped is found by it and started again. Nothing
that lacks our mark is started or confirmed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.errors import ActivityFailure, Refused
from activities.http import Rejected
from activities.openstack import nova
from activities.openstack.client import Client, Document
from activities.openstack.errors import failure, translated
from activities.openstack.stacks import Stack, Stacks
from activities.openstack.watching import until
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.waiting import seconds
from models.compute import (
    MOVED,
    STOPPED,
    AwaitVmStateRequest,
    VmAct,
    VmActed,
    VmActRequest,
    VmLeft,
    VmRef,
    VmState,
    VmStates,
)
from models.timing import Timing

SETTLE = timedelta(seconds=180)
"""nova-api waits for the conductor, and the conductor for a compute, each for a minute
(`rpc_response_timeout`): 121 s were seen until an answer (nova 34)."""
SHOWN = 300
_KEYS: dict[VmAct, str] = {
    "mark-stopped": STOPPED,
    "unmark-stopped": STOPPED,
    "mark-moved": MOVED,
    "unmark-moved": MOVED,
    "stop": STOPPED,
    "start": STOPPED,
    "confirm": MOVED,
}
"""Of the mark that each is about."""
_ACTIONS: dict[VmAct, str] = {"stop": "os-stop", "start": "os-start", "confirm": "confirmResize"}
_WORDS: dict[VmAct, str] = {"stop": "stopped", "start": "started", "confirm": "confirmed"}


@dataclass
class OpenstackVms:
    stacks: Stacks

    @activity.defn
    async def act_on_vms(self, request: VmActRequest) -> VmActed:
        """Accepted; `await_vms` says when it is so. Raises Refused for a single one that has not our mark."""
        did, left, attempt = 0, list[VmLeft](), activity.info().attempt
        window = _window(self.stacks.timing)
        async with self.stacks.opened(request.site) as stack:
            for vm in request.vms:
                try:
                    did += await self._act(stack, window, request, vm)
                except ActivityFailure as failed:
                    if failed.retryable or len(request.vms) == 1:
                        raise
                    left.append(VmLeft(id=vm.id, kind=type(failed).__name__, words=failed.message))
        return VmActed(did=did, left=tuple(left), attempt=attempt)

    async def _act(self, stack: Stack, window: SendWindow, request: VmActRequest, vm: VmRef) -> bool:
        return await _once_on(
            stack,
            window,
            self.stacks.timing,
            lambda client: _is_done(nova.server(client, vm.id), request, vm),
            lambda client: _send(client, request, vm),
            f"{request.act} {vm.name}",
        )

    @activity.defn
    async def await_vms(self, request: AwaitVmStateRequest) -> VmStates:
        async def look(stack: Stack) -> VmStates:
            now = await stack.ask(lambda client: [nova.server(client, vm.id) for vm in request.vms])
            pairs = [(vm, _state_of(row, vm, request)) for row, vm in zip(now, request.vms, strict=True)]
            late = [f"{vm.name}: {state.words}" for vm, state in pairs if state.how == "late"]
            states = tuple(state for _, state in pairs)
            return VmStates(how="late" if late else "so", vms=states, words="; ".join(late))

        return await until(self.stacks, request, look, lambda words: VmStates(how="silent", words=words))


async def once(
    stacks: Stacks,
    site: str,
    is_done: Callable[[Client], bool],
    act: Callable[[Client], None],
    what: str,
) -> VmActed:
    """One send between two looks; nothing is sent for what is done already."""
    window = _window(stacks.timing)
    async with stacks.opened(site) as stack:
        did = await _once_on(stack, window, stacks.timing, is_done, act, what)
    return VmActed(did=did, attempt=activity.info().attempt)


async def _once_on(
    stack: Stack,
    window: SendWindow,
    timing: Timing,
    is_done: Callable[[Client], bool],
    act: Callable[[Client], None],
    what: str,
) -> bool:
    """Whether it was sent, by this attempt or one before."""
    with translated():
        if await stack.ask(is_done):
            return activity.info().attempt > 1
    window.check()

    def send(client: Client) -> bool:
        act(client)
        return True

    async def effect() -> bool | None:
        return await stack.ask(is_done) or None

    await send_once(
        send=lambda: stack.ask(send),
        effect=effect,
        settle=SETTLE,
        pace=timing.pace,
        what=what,
        refused=_refused(what),
    )
    return True


def _window(timing: Timing) -> SendWindow:
    return SendWindow(timing.send_window_s + seconds(looking(timing)))


def looking(timing: Timing) -> timedelta:
    """A login and the looks before a send."""
    return timedelta(seconds=4 * timing.send_window_s)


def fault_of(server: Document) -> str:
    told = " ".join(str((server.get("fault") or {}).get("message", "")).split())[:SHOWN]
    return told or "Nova gives no reason"


def _is_done(now: Document | None, request: VmActRequest, vm: VmRef) -> bool:
    """Raises Refused where it must not be done."""
    act, key = request.act, _KEYS[request.act]
    if now is None:
        if act.startswith("unmark"):
            return True
        raise Refused(f"VM {vm.name} ({vm.id}) is gone")
    metadata, status = now["metadata"] or {}, now["status"]
    if act.startswith("mark"):
        return bool(metadata.get(key) == request.run_id)
    if act.startswith("unmark"):
        return key not in metadata
    if act == "confirm" and status != "VERIFY_RESIZE":
        return True
    if key not in metadata:
        raise Refused(f"VM {vm.name} ({vm.id}) has no mark of ours; it is not {_WORDS[act]}")
    task = now["OS-EXT-STS:task_state"]
    if act == "stop":
        return bool(status == "SHUTOFF" or task == "powering-off")
    if act == "start":
        return bool(status == "ACTIVE" or task == "powering-on")
    return False


def _send(client: Client, request: VmActRequest, vm: VmRef) -> None:
    key = _KEYS[request.act]
    if request.act.startswith("mark"):
        nova.mark(client, vm.id, key, request.run_id)
    elif request.act.startswith("unmark"):
        nova.unmark(client, vm.id, key)
    else:
        nova.act(client, vm.id, _ACTIONS[request.act])


def _state_of(now: Document | None, vm: VmRef, request: AwaitVmStateRequest) -> VmState:
    if now is None:
        return VmState(id=vm.id, how="gone")
    status, task = str(now["status"]), now["OS-EXT-STS:task_state"]
    seen = VmState(
        id=vm.id,
        how="late",
        status=status,
        host=now["OS-EXT-SRV-ATTR:host"] or "",
        words=f"it is {', '.join(part for part in (status, task) if part)}",
    )
    if status == "ERROR":
        return seen.model_copy(update={"how": "error", "words": fault_of(now)})
    is_so = not task and (not request.statuses or status in request.statuses)
    return seen.model_copy(update={"how": "so"}) if is_so else seen


def _refused(what: str) -> Callable[[Rejected], Exception]:
    """With what was meant; the class is that of the answer."""

    def meant(error: Rejected) -> Exception:
        found = failure(error)
        return type(found)(f"{what}: {found.message}")

    return meant
