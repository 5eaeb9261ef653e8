"""The virtual drives of a host: where they are, what they hold, and how Supermicro's older boards mount.

The drives of the system come before those of its managers, since newer firmware keeps the old place as a
shadow (iDRAC9 6.00.02).

Older Supermicro boards (X10, X11) have no InsertMedia. Their collection links a configuration (`Oem.
Supermicro.VirtualMediaConfig`), which takes Host, Path, Username and Password of an image by PATCH and has
the actions IsoConfig.Mount and IsoConfig.UnMount; a drive is a member of the collection only while something
is mounted, and its resource answers 404 or nothing otherwise. Such a configuration stands here for the one
drive that it makes. Sources: Supermicro "Redfish Reference Guide"; quadsproject/badfish `mount_virtual_media`
(#394); karmab/aicli and kcli `insert_iso`; openshift fakefish's Supermicro scripts. What the configuration
names is read by a mount only, so it is left behind after an eject.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from activities.http import Rejected, Reply
from activities.redfish.client import Client, link
from activities.redfish.resources import ABSENT, action, members, optional, target
from activities.redfish.sending import Sending
from models.bmc import MediaSlot

INSERT, EJECT = "#VirtualMedia.InsertMedia", "#VirtualMedia.EjectMedia"
MOUNT, UNMOUNT = "#IsoConfig.Mount", "#IsoConfig.UnMount"
Document = dict[str, Any]


def drives_of(client: Client, system: Document, managers: list[Document]) -> Iterator[MediaSlot]:
    """In the order in which they are to be tried."""
    seen: set[str] = set()
    for holder in (system, *managers):
        path = link(holder, "VirtualMedia")
        collection = optional(client, path)
        if collection is None or path in seen:
            continue
        seen.add(path)
        found = []
        for member in members(collection):
            document = None if member in seen else _read(client, member)
            seen.add(member)
            if document is not None:
                found.append(slot_of(member, document))
        config = _config_of(collection)
        if config and not any(slot.insert for slot in found):
            mounting = optional(client, config)
            found = found if mounting is None else [_mounting(config, mounting, found)]
        yield from found


def read_drive(client: Client, path: str) -> MediaSlot:
    document = client.read(path)
    if not target(action(document, MOUNT)):
        return slot_of(path, document)
    # The configuration is a subordinate of the collection that links it.
    collection = client.read(path.rstrip("/").rpartition("/")[0])
    found = ((member, _read(client, member)) for member in members(collection))
    return _mounting(path, document, [slot_of(member, each) for member, each in found if each is not None])


def slot_of(path: str, document: Document) -> MediaSlot:
    """As it says itself; whether it is empty is for the quirks to tell."""
    image = document.get("Image") or document.get("ImageName") or ""
    inserted = document.get("Inserted")
    return MediaSlot(
        path=path,
        types=tuple(str(kind) for kind in document.get("MediaTypes") or ()),
        inserted=bool(image) if inserted is None else bool(inserted),
        image=str(image),
        connected_via=str(document.get("ConnectedVia") or ""),
        insert=target(action(document, INSERT)),
        eject=target(action(document, EJECT)),
    )


def mount(
    client: Client, sending: Sending, slot: MediaSlot, image: str, is_in: Callable[[], bool]
) -> Reply | None:
    """Names the image in the configuration, unless it is named there already, and mounts it. Raises as
    `Sending.once`."""
    parts = urlsplit(image)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    wanted = {"Host": f"{parts.scheme}://{parts.netloc}", "Path": path}

    def is_named() -> bool:
        config = client.read(slot.path)
        return all(config.get(name) == value for name, value in wanted.items())

    if not is_named():
        body: dict[str, object] = {**wanted, "Username": "", "Password": ""}
        sending.once(lambda: sending.patch(client, slot.path, body), is_named)
    return sending.once(lambda: client.post(slot.oem_mount, {}), is_in)


def _config_of(collection: Document) -> str:
    oem = collection.get("Oem")
    vendor = oem.get("Supermicro") if isinstance(oem, dict) else None
    return link(vendor, "VirtualMediaConfig")


def _mounting(path: str, config: Document, drives: list[MediaSlot]) -> MediaSlot:
    """The drive that a configuration makes; `drives` are there only while something is in them."""
    held = next((drive for drive in drives if drive.inserted), None)
    return MediaSlot(
        path=path,
        types=("CD",),
        inserted=held is not None,
        image=held.image if held else "",
        connected_via=held.connected_via if held else "",
        oem_mount=target(action(config, MOUNT)),
        oem_unmount=target(action(config, UNMOUNT)),
    )


def _read(client: Client, path: str) -> Document | None:
    """None where there is no such drive, or its answer is empty."""
    try:
        found = client.get(path).json()
    except Rejected as error:
        if error.status in ABSENT:
            return None
        raise
    return found if isinstance(found, dict) else None
