"""One mutation of a host's BMC: one visit, one login, one machine that is provably the declared one.

Before anything is sent the system must have the serial number and UUID that the inventory declares: addresses
are reused, cables are moved. See `sending` for what happens when an answer is lost.
"""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities.errors import Refused
from activities.http import NoAnswer, Rejected, Reply
from activities.redfish import resources
from activities.redfish.client import Client
from activities.redfish.sending import Sending
from activities.redfish.visits import Visits
from inventory.bmc import DeclaredBmc
from models.bmc import BmcStep, HostRef

Document = dict[str, Any]
Work = Callable[[Client, Sending, str, Document], BmcStep]
"""Gets the system's path and document. Raises NoAnswer, Rejected, ActivityFailure."""


async def act(visits: Visits, on: HostRef, doing: str, work: Work) -> BmcStep:
    """Raises ActivityFailure."""
    sending = Sending(doing, visits.timing, visits.quirks)
    declared = visits.declared(on)

    def visit() -> BmcStep:
        try:
            with visits.client(declared) as client:
                path, system = resources.find_system(client, declared)
                same_machine(declared, system)
                return work(client, sending, path, system)
        except (NoAnswer, Rejected) as error:
            raise visits.failure(error) from error

    step = await visits.run(declared, visit)
    return step.model_copy(update={"attempt": activity.info().attempt})


def same_machine(declared: DeclaredBmc, system: Document) -> None:
    """Raises Refused when the system has another serial number or UUID than the inventory says."""
    host = declared.host
    pairs = (("serial number", host.serial, "SerialNumber"), ("UUID", host.uuid, "UUID"))
    for words, wanted, key in pairs:
        found = str(system.get(key) or "").strip()
        if wanted and found and found.lower() != wanted.lower():
            raise Refused(
                f"{declared.site}/{host.name}: the inventory says {words} {wanted}, the system at "
                f"{declared.url} has {found}; nothing was sent"
            )


def step_of(reply: Reply | None, words: str) -> BmcStep:
    """202 names a task to follow; other acceptances name nothing."""
    task = reply.headers.get("location", "") if reply is not None and reply.status == 202 else ""
    return BmcStep(did=True, task=task, words=words)
