"""The chassis: its health, and temperatures, fans and power, in the old form (Thermal, Power) and as sensors.

Readings are drawn from the host's serial and from whether it runs; they do not wander, so that two readings
of one state agree.
"""

import random

from simulator.bmc.state import Bmc
from simulator.bmc.tree import ROOT, Call, Resource, collection, link, resource, status
from simulator.wire.http import Json

_TEMPERATURES = {"Inlet": (24, 42), "Exhaust": (38, 70), "CPU0": (52, 95), "DIMM": (41, 85)}
"""Celsius: reading when it runs, upper critical."""


def _celsius(bmc: Bmc, name: str) -> float:
    base = _TEMPERATURES[name][0] if bmc.machine.on else 22
    return base + random.Random(f"{bmc.hardware.serial}/{name}").randrange(0, 40) / 10


def _watts(bmc: Bmc) -> int:
    drawn = random.Random(f"{bmc.hardware.serial}/watts").randrange(180, 320)
    return drawn if bmc.machine.on else 12


def _list(call: Call) -> Json:
    return collection(f"{ROOT}/Chassis", "Chassis", "Chassis Collection", [call.bmc.flavour.chassis])


def _view(call: Call) -> Json:
    home, bmc = call.chassis, call.bmc
    names = ("Thermal", "Power", "Sensors", "ThermalSubsystem", "NetworkAdapters", "PCIeDevices")
    return resource(
        home,
        "Chassis.v1_25_1",
        "Chassis",
        ChassisType="RackMount",
        Manufacturer=bmc.flavour.manufacturer,
        Model=bmc.flavour.model,
        SerialNumber=bmc.hardware.serial,
        PartNumber="0F4K9C",
        AssetTag=bmc.asset_tag,
        PowerState=bmc.machine.power,
        IndicatorLED=bmc.led,
        Status=status(),
        **{name: link(f"{home}/{name}") for name in names},
        Links={"ComputerSystems": [link(call.system)], "ManagedBy": [link(call.manager)]},
    )


def _thermal(call: Call) -> Json:
    path, bmc = f"{call.chassis}/Thermal", call.bmc
    temperatures = [
        {
            "@odata.id": f"{path}#/Temperatures/{place}",
            "MemberId": str(place),
            "Name": f"{name} Temperature",
            "ReadingCelsius": _celsius(bmc, name),
            "UpperThresholdCritical": critical,
            "Status": status(),
        }
        for place, (name, (_, critical)) in enumerate(_TEMPERATURES.items())
    ]
    fans = [
        {
            "@odata.id": f"{path}#/Fans/{place}",
            "MemberId": str(place),
            "Name": f"Fan {place + 1}",
            "Reading": _rpm(bmc, place),
            "ReadingUnits": "RPM",
            "Status": status(),
        }
        for place in range(4)
    ]
    return resource(path, "Thermal.v1_7_3", "Thermal", Temperatures=temperatures, Fans=fans)


def _rpm(bmc: Bmc, place: int) -> int:
    drawn = random.Random(f"{bmc.hardware.serial}/fan{place}").randrange(5_000, 9_000, 60)
    return drawn if bmc.machine.on else 0


def _power(call: Call) -> Json:
    path = f"{call.chassis}/Power"
    control = {
        "@odata.id": f"{path}#/PowerControl/0",
        "MemberId": "0",
        "Name": "System Power Control",
        "PowerConsumedWatts": _watts(call.bmc),
        "PowerCapacityWatts": 1400,
    }
    supplies = [
        {
            "@odata.id": f"{path}#/PowerSupplies/{place}",
            "MemberId": str(place),
            "Name": f"PSU {place + 1}",
            "PowerCapacityWatts": 700,
            "LineInputVoltage": 230,
            "Status": status(),
        }
        for place in range(2)
    ]
    return resource(path, "Power.v1_7_3", "Power", PowerControl=[control], PowerSupplies=supplies)


def _sensors(call: Call) -> Json:
    ids = [*(f"{name}Temp" for name in _TEMPERATURES), "SystemPower"]
    return collection(f"{call.chassis}/Sensors", "Sensor", "Sensor Collection", ids)


def _sensor(call: Call) -> Json:
    name = call.names["sensor"]
    path = f"{call.chassis}/Sensors/{name}"
    if name == "SystemPower":
        return resource(
            path,
            "Sensor.v1_9_1",
            "System Power",
            ReadingType="Power",
            Reading=_watts(call.bmc),
            ReadingUnits="W",
            Status=status(),
        )
    place = name.removesuffix("Temp")
    if place not in _TEMPERATURES or place == name:
        raise call.missing()
    return resource(
        path,
        "Sensor.v1_9_1",
        f"{place} Temperature",
        ReadingType="Temperature",
        Reading=_celsius(call.bmc, place),
        ReadingUnits="Cel",
        Thresholds={"UpperCritical": {"Reading": _TEMPERATURES[place][1]}},
        Status=status(),
    )


def _thermal_subsystem(call: Call) -> Json:
    path = f"{call.chassis}/ThermalSubsystem"
    return resource(
        path,
        "ThermalSubsystem.v1_3_2",
        "Thermal Subsystem",
        ThermalMetrics=link(f"{path}/ThermalMetrics"),
        Status=status(),
    )


def _metrics(call: Call) -> Json:
    readings = [
        {
            "DataSourceUri": f"{call.chassis}/Sensors/{name}Temp",
            "DeviceName": name,
            "Reading": _celsius(call.bmc, name),
        }
        for name in _TEMPERATURES
    ]
    return resource(
        f"{call.chassis}/ThermalSubsystem/ThermalMetrics",
        "ThermalMetrics.v1_3_1",
        "Thermal Metrics",
        TemperatureReadingsCelsius=readings,
    )


_HOME = "Chassis/{chassis}"
RESOURCES = (
    Resource("Chassis", get=_list),
    Resource(_HOME, get=_view),
    Resource(f"{_HOME}/Thermal", get=_thermal),
    Resource(f"{_HOME}/Power", get=_power),
    Resource(f"{_HOME}/Sensors", get=_sensors),
    Resource(f"{_HOME}/Sensors/{{sensor}}", get=_sensor),
    Resource(f"{_HOME}/ThermalSubsystem", get=_thermal_subsystem),
    Resource(f"{_HOME}/ThermalSubsystem/ThermalMetrics", get=_metrics),
)
