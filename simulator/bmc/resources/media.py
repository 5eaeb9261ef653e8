"""Virtual media: insert and eject, by action or by PATCH; see `mounting` for a vendor's own way.

An insert reads the image before it says yes. Which slots there are, under which parent, and what an insert
has to carry, depends on the flavour.
"""

from typing import Any

from simulator.bmc import messages
from simulator.bmc.media import Slot, UnreachableError
from simulator.bmc.quirks import Quirk
from simulator.bmc.state import Bmc
from simulator.bmc.tree import Call, Resource, collection, resource
from simulator.wire.http import Json, Refusal, Reply

_TRANSFER = ("TransferProtocolType", "TransferMethod", "UserName", "Password")
_KNOWN = ("Image", "Inserted", "WriteProtected", *_TRANSFER)
_DONE = 204


def _home(call: Call) -> str:
    parent = call.manager if call.bmc.flavour.has(Quirk.MEDIA_UNDER_MANAGER) else call.system
    return f"{parent}/VirtualMedia"


def _list(call: Call) -> Json:
    return collection(_home(call), "VirtualMedia", "Virtual Media Collection", call.bmc.slots)


def _slot(call: Call) -> Slot:
    slot = call.bmc.slots.get(call.names.get("slot", ""))
    if slot is None:
        raise call.missing()
    return slot


def _view(call: Call) -> Json:
    bmc, slot = call.bmc, _slot(call)
    flavour, inserted = bmc.flavour, bmc.seen_inserted(slot)
    kept = inserted or flavour.has(Quirk.IMAGE_STAYS_AFTER_EJECT)
    image = slot.image if kept else None
    home = f"{_home(call)}/{slot.id}"
    body = resource(
        home,
        "VirtualMedia.v1_6_3",
        "Virtual Removable Media",
        MediaTypes=["DVD"] if flavour.has(Quirk.DVD_ONLY) else ["CD", "DVD"],
        Image=image,
        ImageName=image.rsplit("/", 1)[-1].split("?")[0] if image else None,
        Inserted=inserted,
        ConnectedVia="URI" if inserted else "NotConnected",
        WriteProtected=slot.write_protected,
        VerifyCertificate=slot.verify,
        UserName=slot.user,
        Password=None,
    )
    if _has_actions(bmc, slot):
        body["Actions"] = {
            "#VirtualMedia.InsertMedia": {"target": f"{home}/Actions/VirtualMedia.InsertMedia"},
            "#VirtualMedia.EjectMedia": {"target": f"{home}/Actions/VirtualMedia.EjectMedia"},
        }
    return body


def _has_actions(bmc: Bmc, slot: Slot) -> bool:
    if bmc.flavour.has(Quirk.SLOTS_WITHOUT_INSERT) and not slot.usable:
        return False
    return not any(bmc.flavour.has(quirk) for quirk in (Quirk.NO_INSERT_ACTION, Quirk.INSERT_BY_PATCH))


# -- by action ----------------------------------------------------------------------------------------


async def _insert(call: Call, body: Json) -> Reply:
    bmc, slot = call.bmc, _slot(call)
    _require_actions(call, slot)
    flavour = bmc.flavour
    if flavour.has(Quirk.INSERT_DEFAULTS_REFUSED):
        for name in ("Inserted", "WriteProtected"):
            if name in body:
                text = f"The action InsertMedia was submitted with the invalid parameter {name}."
                raise messages.refuse(400, "ActionParameterUnknown", text, "InsertMedia", name)
    if flavour.has(Quirk.INSERT_WANTS_TRANSFER):
        for name in _TRANSFER:
            if name not in body:
                text = f"The action InsertMedia requires the parameter {name} to be present."
                key = "GeneralError" if name == "TransferMethod" else "ActionParameterMissing"
                raise messages.refuse(400, key, text, "InsertMedia", name)
    await insert_into(bmc, slot, body)
    return Reply(status=_DONE, content_type=None)


async def insert_into(bmc: Bmc, slot: Slot, body: Json) -> None:
    """Read the image and insert it.

    Raises: Refusal.
    """
    if bmc.flavour.has(Quirk.LICENCE_MISSING):
        text = "Not licensed to perform this request. The following licenses SFT-OOB-LIC were needed."
        raise messages.refuse(403, "OemLicenseNotPassed", text, registry=bmc.flavour.oem_registry)
    image = _checked(body)
    _require_attached(bmc, slot)
    ejecting = bmc.clock.now() - slot.ejected_at < bmc.pace.settle
    if bmc.flavour.has(Quirk.INSERT_AFTER_EJECT_FAILS) and ejecting:
        text = "The server is unable to serve the request: the eject is still in progress."
        raise messages.refuse(503, "VRM0021", text, registry=bmc.flavour.oem_registry)
    if slot.inserted:
        text = "The change to the requested resource failed because the resource is in use or in transition."
        raise messages.refuse(409, "ResourceInUse", text)
    slot.verify = bool(body.get("VerifyCertificate", slot.verify))
    try:
        await bmc.fetcher.probe(image, slot.verify)
    except UnreachableError as unreachable:
        raise _unreachable(bmc, image, str(unreachable)) from None
    slot.insert(image)
    slot.user = body.get("UserName")
    slot.write_protected = body.get("WriteProtected", True)


def _require_attached(bmc: Bmc, slot: Slot) -> None:
    """Raises: Refusal."""
    registry = bmc.flavour.oem_registry
    if bmc.idrac is not None and bmc.idrac.attached == "Detached":
        text = "Unable to complete the operation because virtual media is in the Detached mode."
        raise messages.refuse(500, "SYS446", text, registry=registry)
    if bmc.flavour.has(Quirk.INTERNAL_ERROR_AT_INSERT) and not slot.was_tried:
        slot.was_tried = True
        text = "Unable to complete the operation because of an internal error."
        raise messages.refuse(500, "SYS446", text, registry=registry)


def _checked(body: Json) -> str:
    """The image, of a body that is well-formed.

    Raises: Refusal.
    """
    for name in body:
        if name not in (*_KNOWN, "VerifyCertificate"):
            text = f"The action InsertMedia was submitted with the invalid parameter {name}."
            raise messages.refuse(400, "ActionParameterUnknown", text, "InsertMedia", name)
    image: Any = body.get("Image")
    if not isinstance(image, str) or not image:
        text = "The action InsertMedia requires the parameter Image to be present in the request body."
        raise messages.refuse(400, "ActionParameterMissing", text, "InsertMedia", "Image")
    for name in ("Inserted", "WriteProtected", "VerifyCertificate"):
        if not isinstance(body.get(name, True), bool):
            raise messages.bad_type(name, body[name])
    return image


def _unreachable(bmc: Bmc, image: str, why: str) -> Refusal:
    if bmc.flavour.manufacturer.startswith("Dell"):
        text = f"The remote file {image} cannot be accessed: {why}."
        return messages.refuse(400, "RAC0904", text, image, registry=bmc.flavour.oem_registry)
    text = f"The service failed to establish a connection with the URI '{image}': {why}."
    return messages.refuse(400, "CouldNotEstablishConnection", text, image)


def _eject(call: Call, body: Json) -> Reply:
    bmc, slot = call.bmc, _slot(call)
    _require_actions(call, slot)
    if bmc.flavour.has(Quirk.EJECT_NEEDS_BODY) and not call.request.body.strip():
        raise messages.refuse(415, "UnsupportedMediaType", "The request body is empty; send a JSON object.")
    return take_out(call, slot)


def take_out(call: Call, slot: Slot) -> Reply:
    if "stick" in call.spoils:
        return Reply(status=_DONE, content_type=None, applied=False)
    if slot.inserted:
        slot.eject(call.bmc.clock.now())
        call.bmc.machine.lose_medium(spoils=call.bmc.flavour.has(Quirk.EJECT_SPOILS_RAMDISK))
    return Reply(status=_DONE, content_type=None)


def _require_actions(call: Call, slot: Slot) -> None:
    if not _has_actions(call.bmc, slot):
        text = "The HTTP method is not allowed on this resource."
        refusal = messages.refuse(405, "OperationNotAllowed", text)
        refusal.reply.headers["Allow"] = "GET, HEAD"
        raise refusal


# -- by PATCH -----------------------------------------------------------------------------------------


async def _patch(call: Call, wanted: Json) -> None:
    bmc, slot = call.bmc, _slot(call)
    if "Image" in wanted and wanted["Image"] is None:
        take_out(call, slot)
        return
    if "Inserted" not in wanted:
        raise messages.lacking("Inserted")
    if wanted["Inserted"] is False:
        take_out(call, slot)
        return
    await insert_into(bmc, slot, wanted)


# -- where -------------------------------------------------------------------------------------------


def _under_system(bmc: Bmc) -> bool:
    return not (bmc.flavour.has(Quirk.MEDIA_UNDER_MANAGER) or bmc.flavour.has(Quirk.OEM_MOUNT))


def _under_manager(bmc: Bmc) -> bool:
    return bmc.flavour.has(Quirk.MEDIA_UNDER_MANAGER)


def _patched_system(bmc: Bmc) -> bool:
    return _under_system(bmc) and bmc.flavour.has(Quirk.INSERT_BY_PATCH)


def _patched_manager(bmc: Bmc) -> bool:
    return _under_manager(bmc) and bmc.flavour.has(Quirk.INSERT_BY_PATCH)


def _resources() -> tuple[Resource, ...]:
    rows = []
    for parent, there, patched in (
        ("Systems/{system}", _under_system, _patched_system),
        ("Managers/{manager}", _under_manager, _patched_manager),
    ):
        home = f"{parent}/VirtualMedia"
        slot = f"{home}/{{slot}}"
        rows += [
            Resource(home, get=_list, there=there),
            Resource(slot, get=_view, patch=_patch, writable=_KNOWN, there=patched),
            Resource(slot, get=_view, there=there),
            Resource(f"{slot}/Actions/VirtualMedia.InsertMedia", post=_insert, there=there),
            Resource(f"{slot}/Actions/VirtualMedia.EjectMedia", post=_eject, there=there),
        ]
    return tuple(rows)


RESOURCES = _resources()
