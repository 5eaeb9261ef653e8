"""BIOS attributes with their Settings resource, and secure boot. Changes wait for the next boot."""

from simulator.bmc import messages
from simulator.bmc.settings import ATTRIBUTES
from simulator.bmc.tree import Call, Resource, link, resource
from simulator.wire.http import Json, Refusal, Reply


def _bios(call: Call) -> Json:
    path = f"{call.system}/Bios"
    return resource(
        path,
        "Bios.v1_2_3",
        "BIOS Configuration",
        AttributeRegistry="BiosAttributeRegistry.v1_0_0",
        Attributes=call.bmc.settings.attributes(),
        **{
            "@Redfish.Settings": {
                "@odata.type": "#Settings.v1_3_5.Settings",
                "SettingsObject": link(f"{path}/Settings"),
                "SupportedApplyTimes": ["OnReset"],
            }
        },
        Actions={"#Bios.ResetBios": {"target": f"{path}/Actions/Bios.ResetBios"}},
    )


def _pending(call: Call) -> Json:
    return resource(
        f"{call.system}/Bios/Settings",
        "Bios.v1_2_3",
        "BIOS Pending Settings",
        AttributeRegistry="BiosAttributeRegistry.v1_0_0",
        Attributes=dict(call.bmc.settings.pending),
    )


def _set(call: Call, wanted: Json) -> None:
    asked = wanted["Attributes"]
    if not isinstance(asked, dict):
        raise messages.bad_type("Attributes", asked)
    for name, value in asked.items():
        if name not in ATTRIBUTES:
            raise Refusal(messages.error_reply(400, messages.unknown(name)))
        if value not in ATTRIBUTES[name]:
            raise messages.bad_value(name, value)
    now = call.bmc.settings.attributes()
    merged = call.bmc.settings.pending | asked
    call.bmc.settings.pending = {name: value for name, value in merged.items() if value != now[name]}


def _defaults(call: Call, body: Json) -> Reply:
    settings = call.bmc.settings
    settings.pending = {name: ATTRIBUTES[name][0] for name in settings.changed}
    return Reply(status=204, content_type=None)


def _secure_boot(call: Call) -> Json:
    settings = call.bmc.settings
    return resource(
        f"{call.system}/SecureBoot",
        "SecureBoot.v1_1_2",
        "UEFI Secure Boot",
        SecureBootEnable=settings.secure_boot
        if settings.secure_boot_pending is None
        else settings.secure_boot_pending,
        SecureBootCurrentBoot="Enabled" if settings.secure_boot_current else "Disabled",
        SecureBootMode="UserMode",
    )


def _set_secure_boot(call: Call, wanted: Json) -> None:
    value = wanted["SecureBootEnable"]
    if not isinstance(value, bool):
        raise messages.bad_type("SecureBootEnable", value)
    call.bmc.settings.secure_boot_pending = value


_HOME = "Systems/{system}/Bios"
RESOURCES = (
    Resource(_HOME, get=_bios),
    Resource(f"{_HOME}/Settings", get=_pending, patch=_set, writable=("Attributes",)),
    Resource(f"{_HOME}/Actions/Bios.ResetBios", post=_defaults),
    Resource(
        "Systems/{system}/SecureBoot",
        get=_secure_boot,
        patch=_set_secure_boot,
        writable=("SecureBootEnable",),
    ),
)
