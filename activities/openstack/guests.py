"""Which VM has an RBD image, as Nova and Cinder say it to an administrator.

Cinder names the image of a volume `volume-UUID` (cinder.conf, volume_name_template); Nova names the disks of
a server that it keeps in RBD itself `UUID_disk`, `UUID_disk.eph0`, `UUID_disk.swap` and so on
(nova/virt/libvirt/storage/rbd_utils.py). Cinder's are looked for among the attachments of all servers. The
image of a volume that was migrated or retyped has another UUID than the volume, its `name_id`; so Cinder is
asked of those that no server has. Where it does not answer, that is said of these volumes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from activities.http import NoAnswer, Rejected
from activities.openstack import nova
from activities.openstack.client import NO_ENDPOINT, Client, Document
from activities.openstack.errors import failure, translated
from activities.openstack.stacks import Stacks, must_be
from inventory.openstack import DeclaredOpenstack
from models.guests import FoundGuests, Guest, GuestVolumes

UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
OF_CINDER = re.compile(rf"^volume-({UUID})$")
OF_NOVA = re.compile(rf"^({UUID})_disk(?:\.|$)")
NAME_ID = "os-vol-mig-status-attr:name_id"
PAGE = "500"


@dataclass
class OpenstackGuests:
    stacks: Stacks

    async def of(self, site: str, volumes: Sequence[str]) -> FoundGuests:
        """Raises ActivityFailure: Refused where none is declared, or another site's answers."""
        if not any(_is_known(spec) for spec in volumes):
            return FoundGuests()
        async with self.stacks.opened(site) as stack:
            with translated():
                servers = await stack.ask(lambda client: _servers(client, stack.declared))
            missing = [
                spec for spec in volumes if OF_CINDER.match(_image(spec)) and not _vms_of(spec, servers)
            ]
            if not missing:
                return guests_of(volumes, servers)
            try:
                ids = await stack.ask(_ids)
            except (NoAnswer, Rejected) as error:
                unclear = f"Cinder does not say whose it is: {failure(error)}"
                found = guests_of(volumes, servers)
                return found.model_copy(update={"unclear": found.unclear | dict.fromkeys(missing, unclear)})
        return guests_of(volumes, servers, ids)

    async def now(self, site: str, vm: str) -> Guest | None:
        """Raises ActivityFailure."""
        async with self.stacks.opened(site) as stack:
            with translated():
                found = await stack.ask(lambda client: nova.server(client, vm))
        return None if found is None else guest_of(found)


def guests_of(
    volumes: Sequence[str], servers: Sequence[Document], ids: Mapping[str, str] | None = None
) -> FoundGuests:
    """`ids`: of volumes whose image has another name, by its UUID."""
    names = {str(each["id"]): str(each["name"]) for each in servers}
    of_vm: dict[str, list[str]] = {}
    unclear: dict[str, str] = {}
    for spec in volumes:
        vms = _vms_of(spec, servers, ids or {})
        if len(vms) > 1:
            unclear[spec] = f"several VMs have it: {', '.join(sorted(names[vm] for vm in vms))}"
        elif vms:
            of_vm.setdefault(vms[0], []).append(spec)
    guests = (GuestVolumes(id=vm, name=names[vm], volumes=tuple(specs)) for vm, specs in of_vm.items())
    return FoundGuests(guests=tuple(sorted(guests, key=lambda each: (each.name, each.id))), unclear=unclear)


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


def _ids(client: Client) -> dict[str, str]:
    """Of migrated volumes of all projects, by the UUIDs in their images' names; none without a Cinder."""
    found: dict[str, str] = {}
    query = {"all_tenants": "1", "limit": PAGE}
    while True:
        try:
            rows: list[Document] = client.cinder("/volumes/detail", **query)["volumes"]
        except Rejected as error:
            if error.words == NO_ENDPOINT:
                return {}
            raise
        found |= {str(each[NAME_ID]): str(each["id"]) for each in rows if each.get(NAME_ID)}
        if len(rows) < int(PAGE):
            return found
        query["marker"] = rows[-1]["id"]


def _vms_of(spec: str, servers: Sequence[Document], ids: Mapping[str, str] | None = None) -> list[str]:
    image = _image(spec)
    if own := OF_NOVA.match(image):
        return [each["id"] for each in servers if each["id"] == own[1]]
    if volume := OF_CINDER.match(image):
        wanted = {volume[1], (ids or {}).get(volume[1])}
        return [each["id"] for each in servers if wanted & _attached(each)]
    return []


def _attached(server: Document) -> set[str]:
    rows = server.get("os-extended-volumes:volumes_attached") or ()
    return {str(each["id"]) for each in rows}


def _is_known(spec: str) -> bool:
    return bool(OF_NOVA.match(_image(spec)) or OF_CINDER.match(_image(spec)))


def _image(spec: str) -> str:
    return spec.partition("/")[2]
