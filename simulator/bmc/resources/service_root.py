"""The service root and the two documents beside it that OData asks for; all can be read by anybody."""

from simulator.bmc.query import MOST_LEVELS
from simulator.bmc.tree import ROOT, Call, Resource, link, resource
from simulator.wire.http import Json

_SERVICES = (
    "Systems",
    "Managers",
    "Chassis",
    "SessionService",
    "AccountService",
    "UpdateService",
)
_SCHEMAS = (
    "ServiceRoot",
    "ComputerSystemCollection",
    "ComputerSystem",
    "ManagerCollection",
    "Manager",
    "ChassisCollection",
    "Chassis",
    "SessionService",
    "SessionCollection",
    "Session",
    "AccountService",
    "ManagerAccount",
    "Role",
    "UpdateService",
    "SoftwareInventory",
    "TaskService",
    "Task",
    "VirtualMedia",
    "Bios",
)
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">'
)
_SERVICE = (
    '<edmx:DataServices><Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Service">'
    '<EntityContainer Name="Service" Extends="ServiceRoot.v1_16_0.ServiceContainer"/>'
    "</Schema></edmx:DataServices></edmx:Edmx>"
)


def _root(call: Call) -> Json:
    flavour = call.bmc.flavour
    return resource(
        f"{ROOT}/",
        "ServiceRoot.v1_16_0",
        "Root Service",
        Id="RootService",
        RedfishVersion="1.18.0",
        UUID=call.bmc.hardware.uuid,
        Product=flavour.bmc_model,
        Vendor=flavour.manufacturer,
        ProtocolFeaturesSupported={
            "ExpandQuery": {
                "ExpandAll": True,
                "Levels": True,
                "MaxLevels": MOST_LEVELS,
                "Links": True,
                "NoLinks": True,
            },
            "FilterQuery": True,
            "OnlyMemberQuery": True,
            "SelectQuery": True,
            "ExcerptQuery": False,
        },
        Tasks=link(f"{ROOT}/TaskService"),
        Links={"Sessions": link(f"{ROOT}/SessionService/Sessions")},
        **{name: link(f"{ROOT}/{name}") for name in _SERVICES},
    )


def _odata(_: Call) -> Json:
    rows = [{"name": "Service", "kind": "Singleton", "url": f"{ROOT}/"}]
    rows += [{"name": name, "kind": "Singleton", "url": f"{ROOT}/{name}"} for name in _SERVICES]
    return {"@odata.context": f"{ROOT}/$metadata", "value": rows}


def _metadata(_: Call) -> Json:
    references = "".join(
        f'<edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/{name}_v1.xml">'
        f'<edmx:Include Namespace="{name}"/></edmx:Reference>'
        for name in _SCHEMAS
    )
    versioned = (
        '<edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/ServiceRoot_v1.xml">'
        '<edmx:Include Namespace="ServiceRoot.v1_16_0"/></edmx:Reference>'
    )
    return {"xml": _HEAD + references + versioned + _SERVICE}


_READ = ("GET", "HEAD")
RESOURCES = (
    Resource("", get=_root, public=_READ),
    Resource("odata", get=_odata, public=_READ),
    Resource("$metadata", get=_metadata, public=_READ),
)
