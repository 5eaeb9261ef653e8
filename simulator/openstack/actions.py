"""Actions on a server, with Nova's checks in its order: the state, the task, then the place to go to.

Administrators pass a server's lock silently, as in Nova; everybody here is one.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.openstack.answers import nova
from simulator.openstack.asking import body_of
from simulator.openstack.migrations import NoValidHost
from simulator.openstack.servers import Server
from simulator.wire.http import Json, Reply, Request

if TYPE_CHECKING:
    from simulator.openstack.stack import Stack

_FORCE_GONE = (2, 68)
_ASYNCHRONOUS = (2, 34)
_STATES = {
    "os-migrateLive": ("active", "paused"),
    "migrate": ("active", "stopped"),
    "confirmResize": ("resized",),
    "revertResize": ("resized",),
    "os-stop": ("active", "error"),
    "os-start": ("stopped",),
    "pause": ("active",),
    "unpause": ("paused",),
    "suspend": ("active",),
    "resume": ("suspended",),
}


def act(stack: "Stack", request: Request, server: Server, microversion: tuple[int, int]) -> Reply:
    body = body_of(request)
    if len(body) != 1:
        return nova(400, "badRequest", "There is no such action: " + ", ".join(body))
    action, asked = next(iter(body.items()))
    if action in ("lock", "unlock"):
        server.locked = action == "lock"
        return _accepted()
    if action == "os-resetState":
        server.state, server.task = str(asked.get("state", "error")), None
        return _accepted()
    if action not in _STATES:
        return nova(400, "badRequest", f"There is no such action: {action}")
    if server.state not in _STATES[action]:
        return _conflict(action, server, f"vm_state {server.state}")
    if server.task:
        return _conflict(action, server, f"task_state {server.task}")
    if action == "os-migrateLive":
        return _live(stack, asked or {}, server, microversion)
    if action == "migrate":
        return _cold(stack, asked or {}, server, microversion)
    plain: dict[str, Callable[[Server], None]] = {
        "os-stop": stack.servers.stop,
        "os-start": stack.servers.start,
        "confirmResize": stack.migrations.confirm,
        "revertResize": stack.migrations.revert,
        "pause": lambda one: _enter(stack, one, "paused"),
        "unpause": lambda one: _enter(stack, one, "active"),
        "suspend": lambda one: _enter(stack, one, "suspended"),
        "resume": lambda one: _enter(stack, one, "active"),
    }
    plain[action](server)
    return Reply(status=204, content_type=None) if action == "confirmResize" else _accepted()


def _live(stack: "Stack", asked: Json, server: Server, microversion: tuple[int, int]) -> Reply:
    if "force" in asked and not (2, 30) <= microversion < _FORCE_GONE:
        words = "Invalid input for field/attribute os-migrateLive. Additional properties are not allowed "
        return nova(400, "badRequest", words + "('force' was unexpected)")
    if "host" not in asked or "block_migration" not in asked:
        return nova(400, "badRequest", "Invalid input for field/attribute os-migrateLive.")
    target = asked["host"]
    refused = _bad_target(stack, target)
    if refused is not None:
        return refused
    try:
        stack.migrations.live(server, target, at_once=microversion < _ASYNCHRONOUS)
    except NoValidHost as error:
        return nova(400, "badRequest", str(error))
    return _accepted()


def _cold(stack: "Stack", asked: Json, server: Server, microversion: tuple[int, int]) -> Reply:
    target = asked.get("host") if microversion >= (2, 56) else None
    refused = _bad_target(stack, target)
    if refused is not None:
        return refused
    stack.migrations.cold(server, target)
    return _accepted()


def _bad_target(stack: "Stack", target: str | None) -> Reply | None:
    if target is not None and target not in stack.computes():
        return nova(400, "badRequest", f"Compute host {target} could not be found.")
    return None


def _enter(stack: "Stack", server: Server, state: str) -> None:
    server.state = state
    stack.servers.set_runs(server, state == "active")


def _accepted() -> Reply:
    return Reply(status=202, content_type=None)


def _conflict(action: str, server: Server, found: str) -> Reply:
    plain = {"os-stop": "stop", "os-start": "start"}.get(action, action)
    words = f"Cannot '{plain}' instance {server.id} while it is in {found}"
    return nova(409, "conflictingRequest", words)
