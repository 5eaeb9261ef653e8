"""What a server is made of and how it does, as its BMC tells it."""

from models.base import Frozen
from models.bmc import BmcFacts, HostRef
from models.firmware import Compliance
from models.inventory import HardwareProfile
from models.operations import FirmwareComponent


class Processor(Frozen):
    socket: str
    model: str = ""
    kind: str = "CPU"
    """CPU, GPU, FPGA, DSP or Accelerator (Redfish's ProcessorType)."""
    cores: int = 0
    threads: int = 0

    @property
    def has_smt(self) -> bool:
        return self.threads > self.cores > 0


class Nic(Frozen):
    name: str
    mac: str = ""
    speed_mbps: int = 0
    link: str = ""


class Adapter(Frozen):
    """A network adapter with its controllers."""

    name: str
    model: str = ""
    sriov: bool | None = None
    """None: it does not say."""
    firmware: str = ""


class Drive(Frozen):
    name: str
    model: str = ""
    serial: str = ""
    kind: str = ""
    """HDD or SSD, with the protocol: SSD NVMe."""
    size_gib: int = 0
    health: str = ""


class Device(Frozen):
    """A PCIe device: GPU, crypto or FEC accelerator and the like."""

    name: str
    manufacturer: str = ""
    model: str = ""
    kind: str = ""
    firmware: str = ""


class Firmware(Frozen):
    name: str
    version: str
    updateable: bool | None = None


class Sensor(Frozen):
    name: str
    reading: float | None = None
    unit: str = ""
    health: str = ""


class Hardware(Frozen):
    processors: tuple[Processor, ...] = ()
    memory_gib: int = 0
    nics: tuple[Nic, ...] = ()
    adapters: tuple[Adapter, ...] = ()
    drives: tuple[Drive, ...] = ()
    devices: tuple[Device, ...] = ()
    firmware: tuple[Firmware, ...] = ()


class InspectRequest(Frozen):
    on: HostRef
    hardware: bool = False
    """Reads dozens of resources: some BMCs take a minute for it."""
    sensors: bool = False
    baseline: tuple[FirmwareComponent, ...] = ()
    """Versions that the firmware is compared with; asks for `hardware`."""


class HostReport(Frozen):
    facts: BmcFacts
    complaint: str = ""
    """Why the machine is not provably the declared one; empty when it is."""
    health: str = ""
    """OK, Warning or Critical, over all parts."""
    hardware: Hardware | None = None
    sensors: tuple[Sensor, ...] = ()
    profile: HardwareProfile | None = None
    """As the inventory declares it for this host."""
    differences: tuple[str, ...] = ()
    """From the profile, in words."""
    compliance: tuple[Compliance, ...] = ()
    """With the baseline that was asked for."""
