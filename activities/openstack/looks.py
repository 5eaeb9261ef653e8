"""What an acceptance reads of an OpenStack: Nova's services, Neutron's agents, Cinder's services.

Several looks, apart. Of each service a name and how it does, in the API's own words, cross to the workflow.
"""

from collections.abc import Callable
from dataclasses import dataclass

from temporalio import activity

from activities.openstack.client import Client, Document
from activities.openstack.errors import translated
from activities.openstack.stacks import Stacks, must_be
from activities.waiting import Heartbeat, pause, seconds
from inventory.openstack import DeclaredOpenstack
from models.openstack import FoundService, OpenstackFacts, OpenstackLook, OpenstackRequest, Service


@dataclass
class OpenstackLooks:
    stacks: Stacks

    @activity.defn
    async def examine_openstack(self, request: OpenstackRequest) -> OpenstackFacts:
        """Raises Refused where none is declared, it does not accept us, or it is another site's."""
        looks: list[OpenstackLook] = []
        taken = 0
        async with Heartbeat() as heart, self.stacks.opened(request.site) as stack:
            while taken < request.samples:
                if taken:
                    await pause(seconds(self.stacks.timing.paced(request.apart)))
                with translated():
                    look = await stack.ask(lambda client: _look(client, stack.declared))
                if not looks or looks[-1] != look:
                    looks.append(look)
                taken += 1
                heart.tell(f"look {taken} of {request.samples}")
        return OpenstackFacts(looks=tuple(looks), samples=taken, attempt=activity.info().attempt)


def _look(client: Client, declared: DeclaredOpenstack) -> OpenstackLook:
    compute = client.compute_services()
    must_be(declared, compute)
    found: dict[Service, list[FoundService] | None] = {
        "compute": _each(compute, _of_compute),
        "network": _each(client.agents(), _agent),
        "volume": _each(client.volume_services(), _of_volume),
    }
    return OpenstackLook(
        services=tuple(each for rows in found.values() for each in rows or ()),
        missing=tuple(of for of, rows in found.items() if rows is None),
    )


def _each(rows: list[Document] | None, read: Callable[[Document], FoundService]) -> list[FoundService] | None:
    return None if rows is None else [read(row) for row in rows]


def _of_compute(row: Document) -> FoundService:
    return FoundService(of="compute", name=_name(row["binary"], row), says=_says(row))


def _of_volume(row: Document) -> FoundService:
    return FoundService(of="volume", name=_name(row["binary"], row), says=_says(row))


def _agent(row: Document) -> FoundService:
    says = f"{'alive' if row['is_alive'] else 'dead'}, {'up' if row['is_admin_state_up'] else 'down'}"
    return FoundService(of="network", name=_name(row["agent_type"], row), says=says)


def _name(what: str, row: Document) -> str:
    return f"{what} on {row['host']}"


def _says(row: Document) -> str:
    reason = row.get("disabled_reason")
    return f"{row['state']}, {row['status']}" + (f": {reason}" if reason else "")
