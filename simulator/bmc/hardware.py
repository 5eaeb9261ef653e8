"""What a host is made of, drawn from the seed: identity, processors, memory, NICs, drives, accelerators.

The first MAC is the one that sysinv and the inventory know. Every third host has a GPU, every fourth a
look-aside accelerator, so that a fleet is not uniform. Firmware versions are in `firmware.py`.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nic:
    """One adapter with its ports."""

    id: str
    manufacturer: str
    model: str
    macs: tuple[str, ...]
    speed_mbps: int
    virtual_functions: int
    """0: no SR-IOV."""


@dataclass(frozen=True, slots=True)
class Drive:
    id: str
    manufacturer: str
    model: str
    serial: str
    capacity_bytes: int
    protocol: str = "NVMe"


@dataclass(frozen=True, slots=True)
class Card:
    """A PCIe device that is no NIC: GPU or accelerator."""

    id: str
    manufacturer: str
    model: str
    serial: str
    kind: str
    """Redfish DeviceClass and ProcessorType: GPU or Accelerator."""
    device: str
    vendor: str


@dataclass(frozen=True, slots=True)
class Hardware:
    """One host."""

    serial: str
    uuid: str
    asset: str
    cpu_model: str
    sockets: int
    cores: int
    """Per socket."""
    memory_gib: int
    modules: int
    nics: tuple[Nic, ...]
    drives: tuple[Drive, ...]
    cards: tuple[Card, ...]

    @property
    def devices(self) -> "tuple[Nic | Card, ...]":
        """All PCIe devices."""
        return (*self.nics, *self.cards)

    @property
    def threads(self) -> int:
        return 2 * self.cores


_CPUS = (
    ("Intel(R) Xeon(R) Gold 6338N CPU @ 2.20GHz", 32),
    ("Intel(R) Xeon(R) Gold 6428N", 32),
    ("Intel(R) Xeon(R) Platinum 8360Y CPU @ 2.40GHz", 36),
    ("Intel(R) Xeon(R) D-2796TE CPU @ 2.00GHz", 20),
)


def draw(seed: int, site: str, host: str, number: int, mac: str) -> Hardware:
    """`number` is the host's in the region, `mac` that of its first port."""
    dice = random.Random(f"{seed}/{site}/{host}/hardware")
    cpu, cores = _CPUS[dice.randrange(len(_CPUS))]
    tail = mac.replace(":", "")[-6:]
    serial = serial_of(number)
    nics = (
        Nic(
            "NIC.1",
            "Intel Corporation",
            "E810-XXVDA4",
            (mac, *(_mac("02:aa", port, tail) for port in (1, 2, 3))),
            25_000,
            256,
        ),
        Nic(
            "NIC.2",
            "Intel Corporation",
            "I350-T2",
            tuple(_mac("02:bb", port, tail) for port in (1, 2)),
            1_000,
            0,
        ),
    )
    drives = tuple(
        Drive(f"Disk.{place}", "Samsung", "PM9A3", f"S64{dice.getrandbits(32):08X}{place}", capacity * 10**9)
        for place, capacity in enumerate((480, 960))
    )
    cards: list[Card] = []
    if number % 3 == 2:
        cards.append(
            Card("GPU.1", "NVIDIA Corporation", "L4", f"13{dice.getrandbits(36):011d}", "GPU", "27b8", "10de")
        )
    if number % 4 == 3:
        cards.append(
            Card(
                "ACC.1",
                "Intel Corporation",
                "vRAN Accelerator ACC100",
                f"AC{dice.getrandbits(32):08X}",
                "Accelerator",
                "0d5c",
                "8086",
            )
        )
    return Hardware(
        serial=serial,
        uuid=uuid_of(seed, site, host),
        asset=f"{site}/{host}",
        cpu_model=cpu,
        sockets=1 if cores == 20 else 2,
        cores=cores,
        memory_gib=dice.choice((128, 192, 256)),
        modules=8,
        nics=nics,
        drives=drives,
        cards=tuple(cards),
    )


def serial_of(number: int) -> str:
    return f"SIM{number + 1:05d}"


def uuid_of(seed: int, site: str, host: str) -> str:
    digits = f"{random.Random(f'{seed}/{site}/{host}/uuid').getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _mac(prefix: str, port: int, tail: str) -> str:
    return f"{prefix}:{port:02x}:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"
