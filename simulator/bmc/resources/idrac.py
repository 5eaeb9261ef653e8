"""An iDRAC's attributes: how its virtual media are attached, and what the machine boots first.

They take effect at once. A machine that boots the manager's drives goes by FirstBootDevice; setting a boot
override writes it, with the physical drive for Cd.
"""

from simulator.bmc import messages
from simulator.bmc.idrac import ALLOWED
from simulator.bmc.state import Bmc
from simulator.bmc.tree import Call, Resource, resource
from simulator.wire.http import Json, Refusal


def _view(call: Call) -> Json:
    attributes = call.bmc.idrac
    assert attributes is not None
    return resource(
        f"{call.manager}/Oem/Dell/DellAttributes/{call.bmc.flavour.manager}",
        "DellAttributes.v1_0_0",
        "OEMAttributeRegistry",
        AttributeRegistry="ManagerAttributeRegistry.v1_0_0",
        Attributes=attributes.view(),
    )


def _set(call: Call, wanted: Json) -> None:
    asked = wanted["Attributes"]
    if not isinstance(asked, dict):
        raise messages.bad_type("Attributes", asked)
    for name, value in asked.items():
        if name not in ALLOWED:
            raise Refusal(messages.error_reply(400, messages.unknown(name)))
        if value not in ALLOWED[name]:
            raise messages.bad_value(name, value)
    assert call.bmc.idrac is not None
    call.bmc.idrac.set(asked)


def _is_dell(bmc: Bmc) -> bool:
    return bmc.idrac is not None


RESOURCES = (
    Resource(
        "Managers/{manager}/Oem/Dell/DellAttributes/{manager}",
        get=_view,
        patch=_set,
        writable=("Attributes",),
        privilege="ConfigureManager",
        there=_is_dell,
    ),
)
