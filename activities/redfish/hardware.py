"""What a server is made of: processors, memory, NICs, drives, devices, firmware, sensors. Reads only.

Each part is a collection behind a link, and each member one request; what an implementation lacks is left
out. Where old and new forms exist (Storage and SimpleStorage; ThermalSubsystem, Sensors and Thermal) the new
one is read first and the old one only in its absence.
"""

from collections.abc import Iterator
from typing import Any

from activities.redfish.client import Client, link
from activities.redfish.resources import members, optional
from models.hardware import Adapter, Device, Drive, Firmware, Hardware, Nic, Processor, Sensor

Document = dict[str, Any]
GIB = 1024**3


def hardware(client: Client, system: Document, chassis: list[Document]) -> Hardware:
    return Hardware(
        processors=tuple(_processor(each) for each in _all(client, link(system, "Processors"))),
        memory_gib=round(_number((system.get("MemorySummary") or {}).get("TotalSystemMemoryGiB"))),
        nics=tuple(_nic(each) for each in _all(client, link(system, "EthernetInterfaces"))),
        adapters=tuple(
            _adapter(each) for holder in chassis for each in _all(client, link(holder, "NetworkAdapters"))
        ),
        drives=tuple(_drives(client, system)),
        devices=tuple(
            _device(each) for holder in chassis for each in _all(client, link(holder, "PCIeDevices"))
        ),
        firmware=tuple(_firmware(client)),
    )


def chassis_of(client: Client, system: Document) -> list[Document]:
    paths = [
        path for each in (system.get("Links") or {}).get("Chassis") or () if (path := each.get("@odata.id"))
    ]
    found = (optional(client, path) for path in paths)
    return [each for each in found if each is not None]


def sensors(client: Client, chassis: list[Document]) -> tuple[Sensor, ...]:
    return tuple(sensor for holder in chassis for sensor in _sensors(client, holder))


def health_of(system: Document) -> str:
    status = system.get("Status") or {}
    return str(status.get("HealthRollup") or status.get("Health") or "")


def _all(client: Client, path: str) -> Iterator[Document]:
    collection = optional(client, path)
    for member in members(collection) if collection else ():
        document = optional(client, member)
        if document is not None:
            yield document


def _processor(found: Document) -> Processor:
    return Processor(
        socket=_text(found, "Socket") or _text(found, "Id"),
        model=_text(found, "Model"),
        kind=_text(found, "ProcessorType") or "CPU",
        cores=round(_number(found.get("TotalCores"))),
        threads=round(_number(found.get("TotalThreads"))),
    )


def _nic(found: Document) -> Nic:
    return Nic(
        name=_text(found, "Id") or _text(found, "Name"),
        mac=(_text(found, "MACAddress") or _text(found, "PermanentMACAddress")).lower(),
        speed_mbps=round(_number(found.get("SpeedMbps"))),
        link=_text(found, "LinkStatus"),
    )


def _adapter(found: Document) -> Adapter:
    controllers = [each for each in found.get("Controllers") or () if isinstance(each, dict)]
    offers = [
        sriov.get("SRIOVVEPACapable")
        for each in controllers
        if isinstance(
            sriov := ((each.get("ControllerCapabilities") or {}).get("VirtualizationOffload") or {}).get(
                "SRIOV"
            ),
            dict,
        )
    ]
    firmware = next((_text(each, "FirmwarePackageVersion") for each in controllers), "")
    return Adapter(
        name=_text(found, "Id") or _text(found, "Name"),
        model=_text(found, "Model"),
        sriov=any(offers) if offers else None,
        firmware=firmware,
    )


def _drives(client: Client, system: Document) -> Iterator[Drive]:
    seen = False
    for storage in _all(client, link(system, "Storage")):
        for each in storage.get("Drives") or ():
            drive = optional(client, each.get("@odata.id") or "")
            if drive is not None:
                seen = True
                yield _drive(drive)
    if seen:
        return
    for storage in _all(client, link(system, "SimpleStorage")):
        for each in storage.get("Devices") or ():
            yield _drive(each)


def _drive(found: Document) -> Drive:
    return Drive(
        name=_text(found, "Name") or _text(found, "Id"),
        model=_text(found, "Model"),
        serial=_text(found, "SerialNumber"),
        kind=" ".join(filter(None, (_text(found, "MediaType"), _text(found, "Protocol")))),
        size_gib=round(_number(found.get("CapacityBytes")) / GIB),
        health=str((found.get("Status") or {}).get("Health") or ""),
    )


def _device(found: Document) -> Device:
    return Device(
        name=_text(found, "Name") or _text(found, "Id"),
        manufacturer=_text(found, "Manufacturer"),
        model=_text(found, "Model"),
        kind=_text(found, "DeviceType"),
        firmware=_text(found, "FirmwareVersion"),
    )


def _firmware(client: Client) -> Iterator[Firmware]:
    service = optional(client, link(client.root, "UpdateService")) or {}
    for each in _all(client, link(service, "FirmwareInventory")):
        updateable = each.get("Updateable")
        yield Firmware(
            name=_text(each, "Name") or _text(each, "Id"),
            version=_text(each, "Version"),
            updateable=updateable if isinstance(updateable, bool) else None,
        )


def _sensors(client: Client, chassis: Document) -> Iterator[Sensor]:
    found = list(_all(client, link(chassis, "Sensors")))
    for each in found:
        yield _sensor(each, each.get("Reading"), _text(each, "ReadingUnits"))
    if found:
        return
    thermal = optional(client, link(chassis, "Thermal")) or {}
    for each in thermal.get("Temperatures") or ():
        yield _sensor(each, each.get("ReadingCelsius"), "Cel")
    for each in thermal.get("Fans") or ():
        yield _sensor(each, each.get("Reading"), _text(each, "ReadingUnits"))
    power = optional(client, link(chassis, "Power")) or {}
    for each in power.get("PowerControl") or ():
        yield _sensor(each, each.get("PowerConsumedWatts"), "W")
    for each in power.get("Voltages") or ():
        yield _sensor(each, each.get("ReadingVolts"), "V")


def _sensor(found: Document, reading: Any, unit: str) -> Sensor:
    return Sensor(
        name=_text(found, "Name") or _text(found, "MemberId"),
        reading=reading if isinstance(reading, int | float) and not isinstance(reading, bool) else None,
        unit=unit,
        health=str((found.get("Status") or {}).get("Health") or ""),
    )


def _text(document: Document, key: str) -> str:
    found = document.get(key)
    return found.strip() if isinstance(found, str) else ""


def _number(found: Any) -> float:
    return float(found) if isinstance(found, int | float) else 0.0
