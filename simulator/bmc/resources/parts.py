"""What the system is made of: processors, memory, Ethernet interfaces, storage; and its (empty) logs."""

from simulator.bmc.tree import Call, Resource, collection, link, resource, status
from simulator.wire.http import Json


def _processors(call: Call) -> Json:
    ids = [f"CPU.{n}" for n in range(call.bmc.hardware.sockets)]
    ids += [card.id for card in call.bmc.hardware.cards]
    return collection(f"{call.system}/Processors", "Processor", "Processors Collection", ids)


def _processor(call: Call) -> Json:
    hardware, name = call.bmc.hardware, call.names["processor"]
    path = f"{call.system}/Processors/{name}"
    smt = call.bmc.settings.attributes()["LogicalProc"] == "Enabled"
    for n in range(hardware.sockets):
        if name == f"CPU.{n}":
            return resource(
                path,
                "Processor.v1_20_0",
                f"CPU {n}",
                ProcessorType="CPU",
                ProcessorArchitecture="x86",
                InstructionSet="x86-64",
                Manufacturer="Intel",
                Model=hardware.cpu_model,
                Socket=f"CPU{n}",
                TotalCores=hardware.cores,
                TotalEnabledCores=hardware.cores,
                TotalThreads=hardware.threads if smt else hardware.cores,
                MaxSpeedMHz=3500,
                Status=status(),
            )
    card = next((card for card in hardware.cards if card.id == name), None)
    if card is None:
        raise call.missing()
    return resource(
        path,
        "Processor.v1_20_0",
        card.model,
        ProcessorType=card.kind,
        Manufacturer=card.manufacturer,
        Model=card.model,
        SerialNumber=card.serial,
        Status=status(),
        Links={"PCIeDevice": link(f"{call.chassis}/PCIeDevices/{card.id}")},
    )


def _memory(call: Call) -> Json:
    ids = [f"DIMM.A{n + 1}" for n in range(call.bmc.hardware.modules)]
    return collection(f"{call.system}/Memory", "Memory", "Memory Module Collection", ids)


def _module(call: Call) -> Json:
    hardware, name = call.bmc.hardware, call.names["module"]
    if name not in {f"DIMM.A{n + 1}" for n in range(hardware.modules)}:
        raise call.missing()
    return resource(
        f"{call.system}/Memory/{name}",
        "Memory.v1_20_0",
        name,
        MemoryType="DRAM",
        MemoryDeviceType="DDR4",
        CapacityMiB=1024 * hardware.memory_gib // hardware.modules,
        OperatingSpeedMhz=3200,
        Manufacturer="Micron",
        PartNumber="36ASF4G72PZ-3G2R1",
        SerialNumber=f"{hardware.serial}{name[-1]}",
        Status=status(),
    )


def _interfaces(call: Call) -> Json:
    ids = [f"{nic.id}.{port + 1}" for nic in call.bmc.hardware.nics for port in range(len(nic.macs))]
    path = f"{call.system}/EthernetInterfaces"
    return collection(path, "EthernetInterface", "System Ethernet Interface Collection", ids)


def _interface(call: Call) -> Json:
    name = call.names["interface"]
    for nic in call.bmc.hardware.nics:
        for port, mac in enumerate(nic.macs):
            if name == f"{nic.id}.{port + 1}":
                return resource(
                    f"{call.system}/EthernetInterfaces/{name}",
                    "EthernetInterface.v1_12_1",
                    f"{nic.model} port {port + 1}",
                    MACAddress=mac,
                    PermanentMACAddress=mac,
                    SpeedMbps=nic.speed_mbps,
                    FullDuplex=True,
                    InterfaceEnabled=True,
                    LinkStatus="LinkUp" if call.bmc.machine.on and port == 0 else "LinkDown",
                    Status=status(),
                )
    raise call.missing()


def _network_interfaces(call: Call) -> Json:
    ids = [nic.id for nic in call.bmc.hardware.nics]
    path = f"{call.system}/NetworkInterfaces"
    return collection(path, "NetworkInterface", "Network Interface Collection", ids)


def _network_interface(call: Call) -> Json:
    name = call.names["nic"]
    if name not in {nic.id for nic in call.bmc.hardware.nics}:
        raise call.missing()
    return resource(
        f"{call.system}/NetworkInterfaces/{name}",
        "NetworkInterface.v1_2_2",
        name,
        Status=status(),
        Links={"NetworkAdapter": link(f"{call.chassis}/NetworkAdapters/{name}")},
    )


def _storages(call: Call) -> Json:
    return collection(f"{call.system}/Storage", "Storage", "Storage Collection", ["NVMe.1"])


def _storage(call: Call) -> Json:
    _require(call, "storage", "NVMe.1")
    path = f"{call.system}/Storage/NVMe.1"
    drives = [link(f"{path}/Drives/{drive.id}") for drive in call.bmc.hardware.drives]
    return resource(
        path,
        "Storage.v1_17_0",
        "NVMe drives",
        Drives=drives,
        **{"Drives@odata.count": len(drives)},
        Volumes=link(f"{path}/Volumes"),
        Status=status(),
    )


def _volumes(call: Call) -> Json:
    _require(call, "storage", "NVMe.1")
    return collection(f"{call.system}/Storage/NVMe.1/Volumes", "Volume", "Volume Collection", [])


def _drive(call: Call) -> Json:
    _require(call, "storage", "NVMe.1")
    hardware, name = call.bmc.hardware, call.names["drive"]
    drive = next((drive for drive in hardware.drives if drive.id == name), None)
    if drive is None:
        raise call.missing()
    return resource(
        f"{call.system}/Storage/NVMe.1/Drives/{name}",
        "Drive.v1_20_0",
        f"{drive.manufacturer} {drive.model}",
        Manufacturer=drive.manufacturer,
        Model=drive.model,
        SerialNumber=drive.serial,
        Revision=call.bmc.firmware.components[name].version,
        CapacityBytes=drive.capacity_bytes,
        Protocol=drive.protocol,
        MediaType="SSD",
        PredictedMediaLifeLeftPercent=97,
        FailurePredicted=False,
        Status=status(),
        Links={"Chassis": link(call.chassis)},
    )


def _require(call: Call, name: str, value: str) -> None:
    if call.names[name] != value:
        raise call.missing()


def _logs(call: Call) -> Json:
    return collection(f"{call.system}/LogServices", "LogService", "Log Service Collection", ["Sel"])


def _log(call: Call) -> Json:
    _require(call, "log", "Sel")
    path = f"{call.system}/LogServices/Sel"
    return resource(
        path,
        "LogService.v1_7_0",
        "System Event Log",
        ServiceEnabled=True,
        LogEntryType="SEL",
        Entries=link(f"{path}/Entries"),
        Status=status(),
    )


def _entries(call: Call) -> Json:
    _require(call, "log", "Sel")
    return collection(f"{call.system}/LogServices/Sel/Entries", "LogEntry", "Log Entry Collection", [])


_HOME = "Systems/{system}"
RESOURCES = (
    Resource(f"{_HOME}/Processors", get=_processors),
    Resource(f"{_HOME}/Processors/{{processor}}", get=_processor),
    Resource(f"{_HOME}/Memory", get=_memory),
    Resource(f"{_HOME}/Memory/{{module}}", get=_module),
    Resource(f"{_HOME}/EthernetInterfaces", get=_interfaces),
    Resource(f"{_HOME}/EthernetInterfaces/{{interface}}", get=_interface),
    Resource(f"{_HOME}/NetworkInterfaces", get=_network_interfaces),
    Resource(f"{_HOME}/NetworkInterfaces/{{nic}}", get=_network_interface),
    Resource(f"{_HOME}/Storage", get=_storages),
    Resource(f"{_HOME}/Storage/{{storage}}", get=_storage),
    Resource(f"{_HOME}/Storage/{{storage}}/Volumes", get=_volumes),
    Resource(f"{_HOME}/Storage/{{storage}}/Drives/{{drive}}", get=_drive),
    Resource(f"{_HOME}/LogServices", get=_logs),
    Resource(f"{_HOME}/LogServices/{{log}}", get=_log),
    Resource(f"{_HOME}/LogServices/{{log}}/Entries", get=_entries),
)
