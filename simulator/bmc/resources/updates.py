"""UpdateService: the firmware inventory, and simple updates that fetch an image and take their time."""

from simulator.bmc import messages
from simulator.bmc.firmware import WrongImageError, meant
from simulator.bmc.media import UnreachableError
from simulator.bmc.resources.tasks import accepted
from simulator.bmc.state import Bmc
from simulator.bmc.tasks import Task
from simulator.bmc.tree import ROOT, Call, Resource, collection, link, resource, status
from simulator.wire.http import Json, Reply

_HOME = f"{ROOT}/UpdateService"
_INVENTORY = f"{_HOME}/FirmwareInventory"
_ACTION = "UpdateService/Actions/UpdateService.SimpleUpdate"


_ON_RESET = {
    "@Redfish.OperationApplyTimeSupport": {
        "@odata.type": "#Settings.v1_3_5.OperationApplyTimeSupport",
        "SupportedValues": ["Immediate", "OnReset"],
    }
}


def _service(call: Call) -> Json:
    """A BMC whose images are described lets its client choose when they take effect (DSP0266, 7.11)."""
    return resource(
        _HOME,
        "UpdateService.v1_14_1",
        "Update Service",
        ServiceEnabled=True,
        Status=status(),
        FirmwareInventory=link(_INVENTORY),
        Actions={
            "#UpdateService.SimpleUpdate": {
                "target": f"{ROOT}/{_ACTION}",
                "TransferProtocol@Redfish.AllowableValues": ["HTTP", "HTTPS"],
                **(_ON_RESET if call.bmc.firmware_files else {}),
            }
        },
    )


def _list(call: Call) -> Json:
    ids = list(call.bmc.firmware.components)
    return collection(_INVENTORY, "SoftwareInventory", "Firmware Inventory Collection", ids)


def _one(call: Call) -> Json:
    found = call.bmc.firmware.components.get(call.names["component"])
    if found is None:
        raise call.missing()
    body = resource(
        f"{_INVENTORY}/{found.id}",
        "SoftwareInventory.v1_10_2",
        found.name or found.id,
        SoftwareId=found.id,
        Version=found.version,
        Updateable=True,
        Status=status("Updating" if call.bmc.firmware.busy == found.id else "Enabled"),
        RelatedItem=[link(call.manager if found.is_bmc else call.system)],
    )
    if found.staged is not None:
        body["Oem"] = {"StagedVersion": found.staged}
    return body


async def _update(call: Call, body: Json) -> Reply:
    bmc, image = call.bmc, body.get("ImageURI")
    if not isinstance(image, str) or not image:
        text = "The action SimpleUpdate requires the parameter ImageURI to be present in the request body."
        raise messages.refuse(400, "ActionParameterMissing", text, "SimpleUpdate", "ImageURI")
    targets = body.get("Targets", [])
    if not isinstance(targets, list) or len(targets) > 1:
        raise messages.bad_type("Targets", targets)
    try:
        target = str(targets[0]).rsplit("/", 1)[-1] if targets else ""
        component, version = meant(image, target, bmc.firmware_files)
    except WrongImageError as wrong:
        raise messages.refuse(400, "ActionParameterValueFormatError", str(wrong), image) from None
    if bmc.firmware.busy:
        text = "The change to the requested resource failed because the resource is in use or in transition."
        raise messages.refuse(503, "ResourceInUse", text)
    try:
        await bmc.fetcher.probe(image, verify=False)
    except UnreachableError as unreachable:
        text = f"The service failed to establish a connection with the URI '{image}': {unreachable}."
        raise messages.refuse(400, "CouldNotEstablishConnection", text, image) from None
    bmc.firmware.busy = component
    task = bmc.tasks.begin(f"Update {component}", call.path, vanishes="vanish" in call.spoils)
    new = None if "lie" in call.spoils else version
    waits = body.get("@Redfish.OperationApplyTime") == "OnReset"
    bmc.clock.later(bmc.pace.update / 2, lambda: _half(task))
    bmc.clock.later(bmc.pace.update, lambda: _written(bmc, component, new, task, waits=waits))
    return accepted(task)


def _half(task: Task) -> None:
    task.percent = 50


def _written(bmc: Bmc, component: str, version: str | None, task: Task, *, waits: bool) -> None:
    bmc.firmware.busy = ""
    if version is not None:
        bmc.firmware.write(component, version, waits=waits)
    bmc.tasks.end(task, "Completed", messages.success())
    if bmc.firmware.components[component].is_bmc:
        bmc.restart_soon()


RESOURCES = (
    Resource("UpdateService", get=_service),
    Resource("UpdateService/FirmwareInventory", get=_list),
    Resource("UpdateService/FirmwareInventory/{component}", get=_one),
    Resource(_ACTION, post=_update),
)
