"""Which VM runs on which host, of all projects, as Nova says it to an administrator."""

from dataclasses import dataclass

from activities.openstack import nova
from activities.openstack.client import Client, Document
from activities.openstack.errors import translated
from activities.openstack.stacks import Stacks, must_be
from inventory.openstack import DeclaredOpenstack
from models.site_record import RecordedVm


@dataclass
class OpenstackPlacement:
    stacks: Stacks

    async def vms(self, site: str) -> tuple[RecordedVm, ...]:
        """By their ids. Raises ActivityFailure: Refused where none is declared, or another site's answers."""
        async with self.stacks.opened(site) as stack:
            with translated():
                return await stack.ask(lambda client: _vms(client, stack.declared))


def _vms(client: Client, declared: DeclaredOpenstack) -> tuple[RecordedVm, ...]:
    must_be(declared, client.compute_services())
    return tuple(sorted((_vm(each) for each in nova.servers(client)), key=lambda vm: vm.id))


def _vm(server: Document) -> RecordedVm:
    return RecordedVm(
        id=server["id"],
        name=server["name"],
        project=server["tenant_id"],
        host=server.get("OS-EXT-SRV-ATTR:host") or "",
        status=server["status"],
    )
