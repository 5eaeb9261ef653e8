"""The inside of a VM as far as its QEMU guest agent shows it, and libvirt's `virsh` on its host.

A guest whose file systems are frozen writes nothing: that counts as an outage of `io/NAME`, in simulated
seconds as the probes of workloads. How its agent is:

    answers     as it should
    none        libvirt has no channel for it
    silent      there is a channel, and nobody at its end
    hung        somebody is there, who says nothing for libvirt's five seconds
    stuck       it answers, but a freeze says nothing any more, and takes place

Words are libvirt's own (9.0), with which the same program runs in the tests.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from simulator.openstack.servers import Server
    from simulator.openstack.stack import Stack

Agent = Literal["answers", "none", "silent", "hung", "stuck"]
FILE_SYSTEMS = 2
NOT_CONFIGURED = "error: argument unsupported: QEMU guest agent is not configured\n"
NOT_CONNECTED = "error: Guest agent is not responding: QEMU guest agent is not connected\n"
NOT_AVAILABLE = "error: Guest agent is not responding: Guest agent not available for now\n"
NOT_RUNNING = "error: Requested operation is not valid: domain is not running\n"
NO_FREEZE, NO_THAW = "error: Unable to freeze filesystems\n", "error: Unable to thaw filesystems\n"


@dataclass(slots=True)
class Guest:
    agent: Agent = "answers"
    frozen: bool = False
    freezes: int = 0
    refused: int = 0
    """Asked for by libvirt while it was frozen, and not reached."""


@dataclass(frozen=True, slots=True)
class Said:
    """What virsh says; None where it says nothing and does not end."""

    code: int
    out: str = ""
    errors: str = ""


def virsh(stack: "Stack", host: str, words: list[str]) -> Said | None:
    """On a host, of a domain named by its UUID."""
    plain = [word for place, word in enumerate(words) if not _is_option(words, place)]
    verb, domain = [*plain, "", ""][:2]
    server = stack.servers.known.get(domain)
    if server is None or server.host != host:
        return Said(1, errors=f"error: failed to get domain '{domain}'\n")
    if verb == "qemu-agent-command":
        return _asked(server, plain[2:])
    if verb == "domfsfreeze":
        return _freeze(stack, server)
    if verb == "domfsthaw":
        return _thaw(stack, server)
    return Said(1, errors=f"error: unknown command: '{verb}'\n")


def describe(stack: "Stack") -> list[dict[str, Any]]:
    """By the names of the VMs."""
    servers = sorted(stack.servers.known.values(), key=lambda one: one.name)
    return [
        {
            "vm": one.name,
            "id": one.id,
            "host": one.host,
            "agent": one.guest.agent,
            "frozen": one.guest.frozen,
            "freezes": one.guest.freezes,
            "refused": one.guest.refused,
            "disks": one.disks,
        }
        for one in servers
    ]


def _asked(server: "Server", words: list[str]) -> Said:
    if (no := _unreached(server)) is not None:
        return no
    if words != ['{"execute":"guest-fsfreeze-status"}']:
        return Said(1, errors="error: internal error: unable to execute QEMU agent command\n")
    state = "frozen" if server.guest.frozen else "thawed"
    return Said(0, out=f'{{"return":"{state}"}}\n\n')


def _freeze(stack: "Stack", server: "Server") -> Said | None:
    if (no := _unreached(server)) is not None:
        return Said(no.code, errors=NO_FREEZE + no.errors)
    guest, probe = server.guest, f"io/{server.name}"
    if guest.frozen:
        words = (
            "error: internal error: unable to execute QEMU agent command 'guest-fsfreeze-freeze': "
            "The command guest-fsfreeze-freeze has been disabled for this instance\n"
        )
        return Said(1, errors=NO_FREEZE + words)
    guest.frozen, guest.freezes = True, guest.freezes + 1
    stack.cloud.workloads.seen(probe, True, "vm-movable")
    stack.cloud.workloads.seen(probe, False, "vm-movable")
    return None if guest.agent == "stuck" else Said(0, out=f"Freezed {FILE_SYSTEMS} filesystem(s)\n\n")


def _thaw(stack: "Stack", server: "Server") -> Said:
    if (no := _unreached(server)) is not None:
        return Said(no.code, errors=NO_THAW + no.errors)
    number = FILE_SYSTEMS if server.guest.frozen else 0
    if server.guest.frozen:
        server.guest.frozen = False
        stack.cloud.workloads.seen(f"io/{server.name}", True, "vm-movable")
    return Said(0, out=f"Thawed {number} filesystem(s)\n\n")


def _unreached(server: "Server") -> Said | None:
    if not server.runs:
        return Said(1, errors=NOT_RUNNING)
    words = {"none": NOT_CONFIGURED, "silent": NOT_CONNECTED, "hung": NOT_AVAILABLE}
    agent = server.guest.agent
    server.guest.refused += agent in words and server.guest.frozen
    return Said(1, errors=words[agent]) if agent in words else None


def _is_option(words: list[str], place: int) -> bool:
    return words[place] == "--timeout" or (place > 0 and words[place - 1] == "--timeout")
