"""Which VM has an RBD image, as Nova says it to an administrator.

Cinder names the image of a volume `volume-UUID` (cinder.conf, volume_name_template); Nova names the disks of
a server that it keeps in RBD itself `UUID_disk`, `UUID_disk.eph0`, `UUID_disk.swap` and so on
(nova/virt/libvirt/storage/rbd_utils.py). Cinder's are looked for among the attachments of all servers. A
volume that was migrated between back ends of Cinder may have an image of another id: it is taken for one that
no VM has.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from activities.openstack import nova
from activities.openstack.client import Client, Document
from activities.openstack.errors import translated
from activities.openstack.stacks import Stacks, must_be
from inventory.openstack import DeclaredOpenstack
from models.guests import FoundGuests, Guest, GuestVolumes

UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
OF_CINDER = re.compile(rf"^volume-({UUID})$")
OF_NOVA = re.compile(rf"^({UUID})_disk(?:\.|$)")


@dataclass
class OpenstackGuests:
    stacks: Stacks

    async def of(self, site: str, volumes: Sequence[str]) -> FoundGuests:
        """Raises ActivityFailure: Refused where none is declared, or another site's answers."""
        if not any(_uuid_of(spec) for spec in volumes):
            return FoundGuests()
        async with self.stacks.opened(site) as stack:
            with translated():
                servers = await stack.ask(lambda client: _servers(client, stack.declared))
        return guests_of(volumes, servers)

    async def now(self, site: str, vm: str) -> Guest | None:
        """Raises ActivityFailure."""
        async with self.stacks.opened(site) as stack:
            with translated():
                found = await stack.ask(lambda client: nova.server(client, vm))
        return None if found is None else guest_of(found)


def guests_of(volumes: Sequence[str], servers: Sequence[Document]) -> FoundGuests:
    names = {str(each["id"]): str(each["name"]) for each in servers}
    of_vm: dict[str, list[str]] = {}
    shared: dict[str, str] = {}
    for spec in volumes:
        vms = _vms_of(spec, servers)
        if len(vms) > 1:
            shared[spec] = f"several VMs have it: {', '.join(sorted(names[vm] for vm in vms))}"
        elif vms:
            of_vm.setdefault(vms[0], []).append(spec)
    guests = (GuestVolumes(id=vm, name=names[vm], volumes=tuple(specs)) for vm, specs in of_vm.items())
    return FoundGuests(guests=tuple(sorted(guests, key=lambda each: (each.name, each.id))), shared=shared)


def guest_of(server: Document) -> Guest:
    return Guest(
        id=server["id"],
        name=server["name"],
        host=server.get("OS-EXT-SRV-ATTR:host") or "",
        status=server["status"],
        task=server.get("OS-EXT-STS:task_state") or "",
    )


def _servers(client: Client, declared: DeclaredOpenstack) -> list[Document]:
    must_be(declared, nova.services(client))
    return nova.servers(client)


def _vms_of(spec: str, servers: Sequence[Document]) -> list[str]:
    image = spec.partition("/")[2]
    if own := OF_NOVA.match(image):
        return [each["id"] for each in servers if each["id"] == own[1]]
    if volume := OF_CINDER.match(image):
        return [each["id"] for each in servers if volume[1] in _attached(each)]
    return []


def _attached(server: Document) -> set[str]:
    rows = server.get("os-extended-volumes:volumes_attached") or ()
    return {str(each["id"]) for each in rows}


def _uuid_of(spec: str) -> bool:
    image = spec.partition("/")[2]
    return bool(OF_NOVA.match(image) or OF_CINDER.match(image))
