"""The computer system: identity, power, boot override and reset, with what vendors make of them.

Where an override may be set depends on the flavour: on the system itself, on its Settings resource (idrac10),
or on its /SD resource (ASRock Rack); what is set on the latter two waits for the next boot.
"""

from simulator.bmc import messages
from simulator.bmc.boot import ENABLED, MODES, TARGETS, Override
from simulator.bmc.quirks import Quirk
from simulator.bmc.resources.tasks import accepted
from simulator.bmc.state import Bmc
from simulator.bmc.tree import ROOT, Call, Resource, collection, link, resource, status
from simulator.wire.http import Json, Refusal, Reply

RESET_TYPES = (
    "On",
    "ForceOn",
    "ForceOff",
    "GracefulShutdown",
    "GracefulRestart",
    "ForceRestart",
    "PowerCycle",
    "PushPowerButton",
)
_PROGRESS = {
    "": "None",
    "post": "MemoryInitializationStarted",
    "nothing": "SystemHardwareInitializationComplete",
    "installer": "OSBootStarted",
    "loading": "OSBootStarted",
    "up": "OSRunning",
}
_BOOT = ("BootSourceOverrideTarget", "BootSourceOverrideEnabled", "BootSourceOverrideMode")
_LEDS = ("Off", "Lit", "Blinking")
_PARTS = (
    "Processors",
    "Memory",
    "EthernetInterfaces",
    "NetworkInterfaces",
    "Storage",
    "Bios",
    "SecureBoot",
    "LogServices",
)


def _list(call: Call) -> Json:
    return collection(
        f"{ROOT}/Systems", "ComputerSystem", "Computer System Collection", [call.bmc.flavour.system]
    )


def _view(call: Call) -> Json:
    bmc, home = call.bmc, call.system
    flavour, hardware, machine = bmc.flavour, bmc.hardware, bmc.machine
    body = resource(
        home,
        "ComputerSystem.v1_22_0",
        "System",
        SystemType="Physical",
        AssetTag=bmc.asset_tag,
        Manufacturer=flavour.manufacturer,
        Model=flavour.model,
        SerialNumber=hardware.serial,
        UUID=hardware.uuid,
        HostName=bmc.place.host if machine.up else "",
        BiosVersion=bmc.firmware.components["BIOS"].version,
        PowerState=machine.power,
        IndicatorLED=bmc.led,
        Status=status("Enabled" if machine.on else "StandbyOffline"),
        ProcessorSummary={
            "Count": hardware.sockets,
            "CoreCount": hardware.sockets * hardware.cores,
            "LogicalProcessorCount": hardware.sockets * hardware.threads,
            "Model": hardware.cpu_model,
            "Status": status(),
        },
        MemorySummary={"TotalSystemMemoryGiB": hardware.memory_gib, "Status": status()},
        Boot=_boot(bmc, machine.override, not flavour.has(Quirk.BOOT_TARGETS_IN_SETTINGS)),
        **{name: link(f"{home}/{name}") for name in _PARTS},
        PCIeDevices=[link(f"{call.chassis}/PCIeDevices/{one.id}") for one in hardware.devices],
        Links={"Chassis": [link(call.chassis)]},
        Actions={
            "#ComputerSystem.Reset": {
                "target": f"{home}/Actions/ComputerSystem.Reset",
                "ResetType@Redfish.AllowableValues": list(RESET_TYPES),
            }
        },
    )
    managed = "Managers" if flavour.has(Quirk.NO_MANAGED_BY) else "ManagedBy"
    body["Links"][managed] = [link(call.manager)]
    if not flavour.has(Quirk.NO_BOOT_PROGRESS):
        body["BootProgress"] = {"LastState": _PROGRESS[machine.stage]}
    if not flavour.has(Quirk.MEDIA_UNDER_MANAGER):
        body["VirtualMedia"] = link(f"{home}/VirtualMedia")
    settings = _settings_path(call)
    if settings:
        body["@Redfish.Settings"] = {
            "@odata.type": "#Settings.v1_3_5.Settings",
            "SettingsObject": link(settings),
        }
    return body


def _boot(bmc: Bmc, override: Override, targets: bool) -> Json:
    flavour = bmc.flavour
    body: Json = {
        "BootSourceOverrideTarget": override.target,
        "BootSourceOverrideEnabled": override.enabled,
        "BootSourceOverrideMode": override.mode,
    }
    if targets:
        body["BootSourceOverrideTarget@Redfish.AllowableValues"] = [
            target for target in TARGETS if target != "UsbCd" or flavour.cd_target == target
        ]
        body["BootSourceOverrideEnabled@Redfish.AllowableValues"] = list(ENABLED)
        body["BootSourceOverrideMode@Redfish.AllowableValues"] = list(MODES)
    if flavour.has(Quirk.NO_OVERRIDE_MODE):
        body = {name: value for name, value in body.items() if "Mode" not in name}
    return body


def _settings_path(call: Call) -> str:
    if call.bmc.flavour.has(Quirk.BOOT_TARGETS_IN_SETTINGS):
        return f"{call.system}/Settings"
    return f"{call.system}/SD" if call.bmc.flavour.has(Quirk.BOOT_IN_FUTURE_STATE) else ""


def _future(call: Call) -> Json:
    bmc = call.bmc
    override = bmc.machine.override if bmc.staged_override is None else bmc.staged_override
    return resource(
        _settings_path(call), "ComputerSystem.v1_22_0", "System Settings", Boot=_boot(bmc, override, True)
    )


def _set(call: Call, wanted: Json) -> None:
    bmc = call.bmc
    if "Boot" in wanted:
        if bmc.flavour.has(Quirk.BOOT_TARGETS_IN_SETTINGS):
            raise Refusal(messages.error_reply(400, messages.read_only("Boot")))
        if bmc.flavour.has(Quirk.BOOT_IN_FUTURE_STATE):
            text = f"The operation is supported in the future state URI {_settings_path(call)}."
            raise messages.refuse(
                400, "OperationSupportedInFutureStateURI", text, _settings_path(call), registry="Ami.1.0"
            )
        bmc.machine.override = _override(bmc, wanted["Boot"], bmc.machine.override)
        if bmc.idrac is not None:
            bmc.idrac.overridden(bmc.machine.override.target)
    if "AssetTag" in wanted:
        if not isinstance(wanted["AssetTag"], str):
            raise messages.bad_type("AssetTag", wanted["AssetTag"])
        bmc.asset_tag = wanted["AssetTag"]
    if "IndicatorLED" in wanted:
        if wanted["IndicatorLED"] not in _LEDS:
            raise messages.bad_value("IndicatorLED", wanted["IndicatorLED"])
        bmc.led = wanted["IndicatorLED"]


def _set_future(call: Call, wanted: Json) -> None:
    bmc = call.bmc
    bmc.staged_override = _override(bmc, wanted["Boot"], bmc.staged_override or bmc.machine.override)


def _override(bmc: Bmc, asked: object, now: Override) -> Override:
    """The override that a Boot object means.

    Raises: Refusal.
    """
    flavour = bmc.flavour
    if not isinstance(asked, dict):
        raise messages.bad_type("Boot", asked)
    for name in asked:
        if name not in _BOOT or (name.endswith("Mode") and flavour.has(Quirk.NO_OVERRIDE_MODE)):
            raise Refusal(messages.error_reply(400, messages.unknown(name)))
    if flavour.has(Quirk.MODE_NOT_WRITABLE) and "BootSourceOverrideMode" in asked:
        raise Refusal(messages.error_reply(400, messages.read_only("BootSourceOverrideMode")))
    if flavour.has(Quirk.NO_OVERRIDE_DURING_POST) and bmc.machine.stage == "post":
        text = "The operation cannot be performed while the system is in POST."
        raise messages.refuse(400, "UnableToModifyDuringSystemPOST", text, registry=flavour.oem_registry)
    for name in _BOOT:
        if name not in asked and flavour.has(Quirk.FULL_BOOT_PAYLOAD):
            raise messages.lacking(name)
    for name, allowed in zip(_BOOT, (TARGETS, ENABLED, MODES), strict=True):
        unlisted = asked.get(name) == "UsbCd" and flavour.cd_target != "UsbCd"
        if asked.get(name, allowed[0]) not in allowed or unlisted:
            raise messages.bad_value(name, asked[name])
    enabled = asked.get("BootSourceOverrideEnabled")
    if enabled is None:
        falls_back = flavour.has(Quirk.ENABLED_FALLS_BACK_TO_ONCE)
        enabled = "Once" if falls_back else now.enabled
    target = asked.get("BootSourceOverrideTarget", now.target)
    mode = asked.get("BootSourceOverrideMode", now.mode)
    return Override("None" if enabled == "Disabled" else target, enabled, mode)


def _reset(call: Call, body: Json) -> Reply:
    bmc = call.bmc
    kind = body.get("ResetType", "On")
    if kind not in RESET_TYPES:
        text = f"The value '{kind}' for the parameter ResetType in the action Reset is not acceptable."
        raise messages.refuse(400, "ActionParameterNotSupported", text, str(kind), "ResetType")
    _ready(bmc, kind)
    lie = "lie" in call.spoils
    if not lie:
        _move(bmc, kind)
    if bmc.flavour.has(Quirk.RESET_IS_A_JOB) or "vanish" in call.spoils:
        task = bmc.tasks.begin(f"Reset {kind}", call.path, hidden_s=3.0, vanishes=True)
        bmc.clock.later(bmc.pace.power_on + 5, lambda: bmc.tasks.end(task, "Completed", messages.success()))
        reply = accepted(task)
    else:
        reply = Reply(status=204, content_type=None)
    reply.applied = False if lie else None
    return reply


def _ready(bmc: Bmc, kind: str) -> None:
    """Raises: Refusal."""
    if not bmc.settling():
        return
    if bmc.flavour.has(Quirk.NOT_READY_AFTER_POWER_CHANGE):
        text = "The operation was not successful due to the current power state."
        raise messages.refuse(400, "InvalidOperationForSystemState", text, registry=bmc.flavour.oem_registry)
    if bmc.flavour.has(Quirk.ON_CONFLICT_AFTER_OFF) and kind in ("On", "ForceOn") and not bmc.machine.on:
        text = "The parameter ResetType with the requested value On conflicts with the state of the system."
        raise messages.refuse(409, "ActionParameterValueConflict", text, "ResetType", kind)


def _move(bmc: Bmc, kind: str) -> None:
    machine = bmc.machine
    if kind in ("On", "ForceOn"):
        machine.switch_on()
    elif kind == "ForceOff":
        machine.switch_off()
    elif kind == "GracefulShutdown":
        machine.shut_down()
    elif kind == "PushPowerButton":
        if machine.on:
            machine.shut_down()
        else:
            machine.switch_on()
    elif kind == "PowerCycle" and machine.on:
        machine.cycle()
    else:
        machine.restart()


def _has_settings(bmc: Bmc) -> bool:
    return bmc.flavour.has(Quirk.BOOT_TARGETS_IN_SETTINGS)


def _has_sd(bmc: Bmc) -> bool:
    return bmc.flavour.has(Quirk.BOOT_IN_FUTURE_STATE)


RESOURCES = (
    Resource("Systems", get=_list),
    Resource("Systems/{system}", get=_view, patch=_set, writable=("Boot", "AssetTag", "IndicatorLED")),
    Resource(
        "Systems/{system}/Settings", get=_future, patch=_set_future, writable=("Boot",), there=_has_settings
    ),
    Resource("Systems/{system}/SD", get=_future, patch=_set_future, writable=("Boot",), there=_has_sd),
    Resource("Systems/{system}/Actions/ComputerSystem.Reset", post=_reset),
)
