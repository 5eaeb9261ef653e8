"""How a host is installed: console, disks and the way into the network, by dcmanager's names.

dcmanager calls these install values (distributedcloud, `dccommon/consts.py`) and gives them to its boot image
as kernel arguments (utilities, `gen-bootloader-iso.sh`); a person who knows the one knows the other. Each
value is a word of a kernel command line in a boot loader's file, where blanks, quotes and the loader's own
signs would begin something else: the patterns here leave no room for any of them. What must hold between two
values is not judged here but where they are put together, in `inventory/install_checks.py`.
"""

import ipaddress
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from models.base import Frozen


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("expected an IPv4 or IPv6 address such as 10.20.17.2") from None


IpAddress = Annotated[str, AfterValidator(_address)]
Interface = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,14}$")]
"""As the kernel names it, e.g. enp1s0; a VLAN is declared beside it."""
Device = Annotated[str, StringConstraints(pattern=r"^(/dev/)?[A-Za-z0-9][A-Za-z0-9_+@.:/-]*$")]
"""/dev/disk/by-path/... for preference; or a bare name such as nvme0n1."""
Console = Annotated[str, StringConstraints(pattern=r"^tty[A-Za-z0-9]{1,12}(,[0-9]{3,7}[neo]?[78]?r?)?$")]
KernelParameter = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(=[A-Za-z0-9_.,:/@%+=~-]*)?$")
]
"""One word of a kernel command line: no blanks, no quotes, none of a boot loader's signs."""


class InstallValues(Frozen):
    """What is not said is as the site, then the system controller says, and then as it is in the image."""

    install_type: Annotated[int, Field(ge=0, le=5)] | None = None
    """0, 1: Standard controller; 2, 3: AIO; 4, 5: AIO low-latency. Even: serial console, odd: graphical."""
    bootstrap_interface: Interface | None = None
    """The interface that has the bootstrap address, without VLAN, e.g. enp1s0."""
    bootstrap_vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    """VLAN on that interface."""
    bootstrap_address: IpAddress | None = None
    """What the installing and then the installed system has there."""
    bootstrap_address_prefix: Annotated[int, Field(ge=1, le=128)] | None = None
    """Length of the network's prefix, e.g. 24."""
    nexthop_gateway: IpAddress | None = None
    rootfs_device: Device | None = None
    """The disk with the root file system."""
    boot_device: Device | None = None
    """The disk that is booted from; it is the one that the installer writes."""
    console_type: Console | None = None
    """The kernel's console, e.g. ttyS0,115200 or tty0; otherwise that of the install type."""
    extra_boot_params: tuple[KernelParameter, ...] | None = None
    """More words for the kernel command line, e.g. [nosmt, intel_iommu=on]."""
    ipv6dad_timeout: Annotated[int, Field(ge=1, le=600)] | None = Field(
        default=None, alias="rd.net.timeout.ipv6dad"
    )
    """Seconds that the installer waits for IPv6 duplicate address detection."""
    persistent_size: Annotated[int, Field(ge=30_000)] | None = None
    """Size of the partition that outlives installations, in MB."""

    model_config = {**Frozen.model_config, "populate_by_name": True, "serialize_by_alias": True}

    def over(self, further: "InstallValues") -> "InstallValues":
        """These, and what `further` says beside them."""
        said: dict[str, Any] = further._said() | self._said()
        return InstallValues.model_validate(said)

    def _said(self) -> dict[str, Any]:
        return {name: value for name, value in self if value is not None}
