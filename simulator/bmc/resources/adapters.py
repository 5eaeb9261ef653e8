"""Adapters in the chassis: NICs with their SR-IOV capability, and PCIe devices (NICs, GPUs, accelerators)."""

from simulator.bmc.hardware import Nic
from simulator.bmc.tree import Call, Resource, collection, link, resource, status
from simulator.wire.http import Json


def _adapters(call: Call) -> Json:
    ids = [nic.id for nic in call.bmc.hardware.nics]
    return collection(f"{call.chassis}/NetworkAdapters", "NetworkAdapter", "Network Adapter Collection", ids)


def _nic(call: Call) -> Nic:
    nic = next((nic for nic in call.bmc.hardware.nics if nic.id == call.names["nic"]), None)
    if nic is None:
        raise call.missing()
    return nic


def _adapter(call: Call) -> Json:
    nic = _nic(call)
    path = f"{call.chassis}/NetworkAdapters/{nic.id}"
    capable = nic.virtual_functions > 0
    enabled = capable and call.bmc.settings.attributes()["SriovGlobalEnable"] == "Enabled"
    controller = {
        "FirmwarePackageVersion": call.bmc.firmware.components[nic.id].version,
        "ControllerCapabilities": {
            "NetworkPortCount": len(nic.macs),
            "VirtualizationOffload": {
                "SRIOV": {"SRIOVVEPACapable": capable, "SRIOVEnabled": enabled},
                "VirtualFunction": {
                    "DeviceMaxCount": nic.virtual_functions * len(nic.macs),
                    "NetworkPortMaxCount": nic.virtual_functions,
                    "MinAssignmentGroupSize": 1,
                },
            },
        },
        "Links": {"PCIeDevices": [link(f"{call.chassis}/PCIeDevices/{nic.id}")]},
    }
    return resource(
        path,
        "NetworkAdapter.v1_11_0",
        nic.model,
        Manufacturer=nic.manufacturer,
        Model=nic.model,
        SerialNumber=nic.macs[0].replace(":", "").upper(),
        Controllers=[controller],
        Ports=link(f"{path}/Ports"),
        Status=status(),
    )


def _ports(call: Call) -> Json:
    nic = _nic(call)
    ids = [str(n + 1) for n in range(len(nic.macs))]
    return collection(f"{call.chassis}/NetworkAdapters/{nic.id}/Ports", "Port", "Port Collection", ids)


def _port(call: Call) -> Json:
    nic, name = _nic(call), call.names["port"]
    if name not in {str(n + 1) for n in range(len(nic.macs))}:
        raise call.missing()
    mac = nic.macs[int(name) - 1]
    return resource(
        f"{call.chassis}/NetworkAdapters/{nic.id}/Ports/{name}",
        "Port.v1_14_0",
        f"{nic.model} port {name}",
        PortId=name,
        CurrentSpeedGbps=nic.speed_mbps / 1000,
        LinkStatus="LinkUp" if call.bmc.machine.on and name == "1" else "LinkDown",
        Ethernet={"AssociatedMACAddresses": [mac]},
        Status=status(),
    )


def _devices(call: Call) -> Json:
    hardware = call.bmc.hardware
    ids = [one.id for one in hardware.devices]
    return collection(f"{call.chassis}/PCIeDevices", "PCIeDevice", "PCIe Device Collection", ids)


def _device(call: Call) -> Json:
    hardware, name = call.bmc.hardware, call.names["device"]
    one = next((one for one in hardware.devices if one.id == name), None)
    if one is None:
        raise call.missing()
    path = f"{call.chassis}/PCIeDevices/{name}"
    version = call.bmc.firmware.components[name].version if name in call.bmc.firmware.components else "1.0"
    return resource(
        path,
        "PCIeDevice.v1_15_0",
        one.model,
        Manufacturer=one.manufacturer,
        Model=one.model,
        SerialNumber=one.macs[0].replace(":", "").upper() if isinstance(one, Nic) else one.serial,
        DeviceType="MultiFunction" if isinstance(one, Nic) else "SingleFunction",
        FirmwareVersion=version,
        PCIeFunctions=link(f"{path}/PCIeFunctions"),
        Status=status(),
    )


def _functions(call: Call) -> Json:
    _device(call)
    path = f"{call.chassis}/PCIeDevices/{call.names['device']}/PCIeFunctions"
    return collection(path, "PCIeFunction", "PCIe Function Collection", ["0"])


def _function(call: Call) -> Json:
    _device(call)
    name = call.names["device"]
    if call.names["function"] != "0":
        raise call.missing()
    card = next((card for card in call.bmc.hardware.cards if card.id == name), None)
    kinds = {"GPU": "DisplayController", "Accelerator": "ProcessingAccelerators"}
    return resource(
        f"{call.chassis}/PCIeDevices/{name}/PCIeFunctions/0",
        "PCIeFunction.v1_6_0",
        f"{name} function 0",
        FunctionId=0,
        FunctionType="Physical",
        DeviceClass=kinds[card.kind] if card else "NetworkController",
        VendorId=f"0x{card.vendor if card else '8086'}",
        DeviceId=f"0x{card.device if card else '1593'}",
        Status=status(),
        Links={"PCIeDevice": link(f"{call.chassis}/PCIeDevices/{name}")},
    )


_HOME = "Chassis/{chassis}"
RESOURCES = (
    Resource(f"{_HOME}/NetworkAdapters", get=_adapters),
    Resource(f"{_HOME}/NetworkAdapters/{{nic}}", get=_adapter),
    Resource(f"{_HOME}/NetworkAdapters/{{nic}}/Ports", get=_ports),
    Resource(f"{_HOME}/NetworkAdapters/{{nic}}/Ports/{{port}}", get=_port),
    Resource(f"{_HOME}/PCIeDevices", get=_devices),
    Resource(f"{_HOME}/PCIeDevices/{{device}}", get=_device),
    Resource(f"{_HOME}/PCIeDevices/{{device}}/PCIeFunctions", get=_functions),
    Resource(f"{_HOME}/PCIeDevices/{{device}}/PCIeFunctions/{{function}}", get=_function),
)
