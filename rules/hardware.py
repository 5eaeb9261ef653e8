"""What a server is made of against what its role asks for: every difference in words.

A profile names the least; more is no difference. What a BMC does not tell counts as not there, and the words
say what was found.
"""

from collections.abc import Iterator

from models.hardware import Hardware
from models.inventory import HardwareProfile

_GRAPHICS = ("gpu", "display", "graphics")


def differences(profile: HardwareProfile, found: Hardware) -> tuple[str, ...]:
    """In the order of the profile; none when the server fits it."""
    return tuple(_differences(profile, found))


def _differences(profile: HardwareProfile, found: Hardware) -> Iterator[str]:
    cpus = [each for each in found.processors if each.kind.upper() == "CPU"]
    counted = (
        ("sockets", profile.sockets, len(cpus)),
        ("cores", profile.cores, sum(each.cores for each in cpus)),
        ("GiB of memory", profile.memory_gib, found.memory_gib),
        ("NICs", profile.nics, sum(bool(each.mac) for each in found.nics)),
        ("adapters with SR-IOV", profile.sriov_adapters, sum(each.sriov is True for each in found.adapters)),
        ("GPUs", profile.gpus, gpus(found)),
        ("accelerators", profile.accelerators, accelerators(found)),
        ("drives", profile.drives, len(found.drives)),
    )
    for words, wanted, there in counted:
        if wanted is not None and there < wanted:
            yield f"{there} {words}, {wanted} are declared"
    if profile.smt is not None and cpus:
        odd = [each.socket for each in cpus if each.has_smt is not profile.smt]
        if odd:
            yield f"SMT is {'off' if profile.smt else 'on'} at {', '.join(odd)}"
    if profile.smallest_drive_gib is not None:
        for drive in found.drives:
            if drive.size_gib < profile.smallest_drive_gib:
                wanted = profile.smallest_drive_gib
                yield f"drive {drive.name} has {drive.size_gib} GiB, {wanted} are declared"


def gpus(found: Hardware) -> int:
    """A GPU shows as a processor, as a PCIe device, or as both: the larger number counts."""
    processors = sum(each.kind.upper() == "GPU" for each in found.processors)
    devices = sum(_is_graphics(each.kind) or _is_graphics(each.name) for each in found.devices)
    return max(processors, devices)


def accelerators(found: Hardware) -> int:
    """Processors that compute for others, and PCIe devices that call themselves so."""
    processors = sum(each.kind.upper() not in ("CPU", "GPU", "CORE", "THREAD") for each in found.processors)
    devices = sum(
        "accelerat" in f"{each.kind} {each.name} {each.model}".lower()
        or "crypto" in f"{each.kind} {each.name} {each.model}".lower()
        for each in found.devices
    )
    return max(processors, devices)


def _is_graphics(text: str) -> bool:
    return any(word in text.lower() for word in _GRAPHICS)
