"""The manager, which is the BMC itself: its firmware, network, clock, and its own reset."""

from datetime import UTC, datetime

from simulator.bmc import messages
from simulator.bmc.places import BMC_PORT
from simulator.bmc.quirks import Quirk
from simulator.bmc.tree import ROOT, Call, Resource, collection, link, resource, status
from simulator.wire.http import Json, Reply

_RESETS = ("GracefulRestart", "ForceRestart")


def _list(call: Call) -> Json:
    return collection(f"{ROOT}/Managers", "Manager", "Manager Collection", [call.bmc.flavour.manager])


def _view(call: Call) -> Json:
    bmc, home = call.bmc, call.manager
    body = resource(
        home,
        "Manager.v1_19_1",
        "Manager",
        ManagerType="BMC",
        Manufacturer=bmc.flavour.manufacturer,
        Model=bmc.flavour.bmc_model,
        FirmwareVersion=bmc.firmware.components["BMC"].version,
        UUID=bmc.hardware.uuid,
        ServiceEntryPointUUID=bmc.hardware.uuid,
        DateTime=datetime.now(UTC).isoformat(timespec="seconds"),
        DateTimeLocalOffset="+00:00",
        PowerState="On",
        Status=status(),
        EthernetInterfaces=link(f"{home}/EthernetInterfaces"),
        NetworkProtocol=link(f"{home}/NetworkProtocol"),
        Links={
            "ManagerForServers": [link(call.system)],
            "ManagerForChassis": [link(call.chassis)],
        },
        Actions={
            "#Manager.Reset": {
                "target": f"{home}/Actions/Manager.Reset",
                "ResetType@Redfish.AllowableValues": list(_RESETS),
            }
        },
    )
    if bmc.flavour.has(Quirk.OEM_MOUNT):
        body["VirtualMedia"] = link(f"{home}/VM1")
    elif bmc.flavour.has(Quirk.MEDIA_UNDER_MANAGER):
        body["VirtualMedia"] = link(f"{home}/VirtualMedia")
    if bmc.idrac is not None:
        attributes = link(f"{home}/Oem/Dell/DellAttributes/{bmc.flavour.manager}")
        body["Links"]["Oem"] = {"Dell": {"DellAttributes": [attributes]}}
    return body


def _interfaces(call: Call) -> Json:
    path = f"{call.manager}/EthernetInterfaces"
    return collection(path, "EthernetInterface", "Manager Ethernet Interface Collection", ["eth0"])


def _interface(call: Call) -> Json:
    if call.names["interface"] != "eth0":
        raise call.missing()
    bmc = call.bmc
    mac = "06" + bmc.place.mac[2:]
    address = {"Address": bmc.place.address, "SubnetMask": "255.0.0.0", "Gateway": "127.0.0.1"}
    return resource(
        f"{call.manager}/EthernetInterfaces/eth0",
        "EthernetInterface.v1_12_1",
        "Manager Ethernet Interface",
        MACAddress=mac,
        PermanentMACAddress=mac,
        InterfaceEnabled=True,
        LinkStatus="LinkUp",
        SpeedMbps=1000,
        FullDuplex=True,
        HostName=f"bmc-{bmc.hardware.serial.lower()}",
        NameServers=["127.0.0.53"],
        StaticNameServers=["127.0.0.53"],
        IPv4Addresses=[address | {"AddressOrigin": "Static"}],
        IPv4StaticAddresses=[dict(address)],
        IPv6Addresses=[],
        VLAN={"VLANEnable": False, "VLANId": 1, "VLANPriority": 0, "Tagged": False},
        Status=status(),
    )


def _protocol(call: Call) -> Json:
    servers: list[str | None] = list(call.bmc.ntp)
    return resource(
        f"{call.manager}/NetworkProtocol",
        "ManagerNetworkProtocol.v1_10_1",
        "Manager Network Protocol",
        HostName=f"bmc-{call.bmc.hardware.serial.lower()}",
        HTTPS={"ProtocolEnabled": True, "Port": BMC_PORT},
        HTTP={"ProtocolEnabled": False, "Port": 80},
        SSDP={"ProtocolEnabled": False},
        NTP={"ProtocolEnabled": True, "NTPServers": servers},
        Status=status(),
    )


def _set_protocol(call: Call, wanted: Json) -> None:
    ntp = wanted["NTP"]
    if not isinstance(ntp, dict) or set(ntp) - {"NTPServers", "ProtocolEnabled"}:
        raise messages.bad_type("NTP", ntp)
    asked = ntp.get("NTPServers", [])
    if not isinstance(asked, list):
        raise messages.bad_type("NTPServers", asked)
    if "NTPServers" in ntp:
        call.bmc.ntp = list(_merged(call.bmc.ntp, asked))


def _merged(now: list[str], asked: list[object]) -> list[str]:
    """An array in a PATCH: null removes its element, {} leaves it, a shorter array cuts.

    Raises: Refusal.
    """
    after = []
    for place, one in enumerate(asked):
        if one is None:
            continue
        if one == {}:
            after += now[place : place + 1]
        elif isinstance(one, str):
            after.append(one)
        else:
            raise messages.bad_type("NTPServers", one)
    return after


def _reset(call: Call, body: Json) -> Reply:
    kind = body.get("ResetType", _RESETS[0])
    if kind not in _RESETS:
        text = f"The value '{kind}' for the parameter ResetType in the action Reset is not acceptable."
        raise messages.refuse(400, "ActionParameterNotSupported", text, str(kind), "ResetType")
    call.bmc.restart_soon()
    return Reply(status=204, content_type=None)


_HOME = "Managers/{manager}"
RESOURCES = (
    Resource("Managers", get=_list),
    Resource(_HOME, get=_view),
    Resource(f"{_HOME}/EthernetInterfaces", get=_interfaces),
    Resource(f"{_HOME}/EthernetInterfaces/{{interface}}", get=_interface),
    Resource(
        f"{_HOME}/NetworkProtocol",
        get=_protocol,
        patch=_set_protocol,
        writable=("NTP",),
        privilege="ConfigureManager",
    ),
    Resource(f"{_HOME}/Actions/Manager.Reset", post=_reset, privilege="ConfigureManager"),
)
