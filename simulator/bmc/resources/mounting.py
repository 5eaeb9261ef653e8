"""Virtual media of older Supermicro boards: an image is named in a configuration, then mounted.

The drive is a resource only while something is mounted; its `ConnectedVia` is misspelt, as theirs is. Shape
and words are those of "Redfish Reference Guide" (Supermicro) and of the answers that quadsproject/badfish has
among its tests.
"""

from simulator.bmc import messages
from simulator.bmc.media import Slot
from simulator.bmc.quirks import Quirk
from simulator.bmc.resources.media import insert_into, take_out
from simulator.bmc.state import Bmc
from simulator.bmc.tree import Call, Resource, collection, link, resource
from simulator.wire.http import Json, Reply

_WRITABLE = ("Host", "Path", "Username", "Password")


def _home(call: Call) -> str:
    return f"{call.manager}/VM1"


def _drive(bmc: Bmc) -> Slot:
    return next(iter(bmc.slots.values()))


def _list(call: Call) -> Json:
    drive = _drive(call.bmc)
    body = collection(
        _home(call), "VirtualMedia", "Virtual Media Collection", [drive.id] if drive.inserted else []
    )
    body["Oem"] = {"Supermicro": {"VirtualMediaConfig": link(f"{_home(call)}/CfgCD")}}
    return body


def _view(call: Call) -> Json:
    drive = _drive(call.bmc)
    if call.names["slot"] != drive.id or not drive.inserted or drive.image is None:
        raise call.missing()
    return resource(
        f"{_home(call)}/{drive.id}",
        "VirtualMedia.v1_1_0",
        "Virtual Removable Media",
        MediaTypes=["CD", "DVD"],
        Image=drive.image,
        ImageName=drive.image.rsplit("/", 1)[-1].split("?")[0],
        ConnecteVia="URI",
        Inserted=True,
        WriteProtected=True,
    )


def _config(call: Call) -> Json:
    home, mount = f"{_home(call)}/CfgCD", call.bmc.mount
    return resource(
        home,
        "IsoConfig.v1_0_0",
        "VM1",
        Host=mount.host,
        Path=mount.path,
        Username=mount.user,
        Actions={
            "#IsoConfig.Mount": {"target": f"{home}/Actions/IsoConfig.Mount"},
            "#IsoConfig.UnMount": {"target": f"{home}/Actions/IsoConfig.UnMount"},
        },
    ) | {"Password": "*" * 8}


def _set(call: Call, wanted: Json) -> None:
    for name, value in wanted.items():
        if not isinstance(value, str):
            raise messages.bad_type(name, value)
    mount = call.bmc.mount
    mount.host, mount.path = wanted.get("Host", mount.host), wanted.get("Path", mount.path)
    mount.user = wanted.get("Username", mount.user)


async def _mount(call: Call, body: Json) -> Reply:
    for name in body:
        text = f"The action IsoConfig.Mount was submitted with the invalid parameter {name}."
        raise messages.refuse(400, "ActionParameterUnknown", text, "IsoConfig.Mount", name)
    if not call.bmc.mount.image:
        text = "The action IsoConfig.Mount has no image: Host and Path are not set."
        raise messages.refuse(400, "GeneralError", text)
    await insert_into(call.bmc, _drive(call.bmc), {"Image": call.bmc.mount.image})
    return Reply(status=200, body=b"{}")


def _unmount(call: Call, body: Json) -> Reply:
    return take_out(call, _drive(call.bmc))


def _mounts(bmc: Bmc) -> bool:
    return bmc.flavour.has(Quirk.OEM_MOUNT)


_HOME = "Managers/{manager}/VM1"
RESOURCES = (
    Resource(f"{_HOME}/CfgCD", get=_config, patch=_set, writable=_WRITABLE, there=_mounts),
    Resource(f"{_HOME}/CfgCD/Actions/IsoConfig.Mount", post=_mount, there=_mounts),
    Resource(f"{_HOME}/CfgCD/Actions/IsoConfig.UnMount", post=_unmount, there=_mounts),
    Resource(_HOME, get=_list, there=_mounts),
    Resource(f"{_HOME}/{{slot}}", get=_view, there=_mounts),
)
